"""Tests of a user's own network in one file: nested, renamed, with another head or size."""

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from pipeline.config.weights import Weights
from pipeline.errors import UnitError
from pipeline.model.graph import flat, parents
from pipeline.model.model_file import read
from pipeline.network.describe import describe
from pipeline.network.network import CLASSES, load
from pipeline.plan.kinds import expand

pytestmark = pytest.mark.usefixtures("cpu")

SIZE, CLASS_COUNT = 24, 7


@keras.saving.register_keras_serializable("user_models")
class Subclassed(keras.Model):
    """A model that is no graph."""

    def __init__(self, **more: object) -> None:
        super().__init__(**more)
        self.statistics = layers.Normalization()
        self.conv = layers.Conv2D(4, 3)

    def call(self, images: tf.Tensor) -> tf.Tensor:
        return self.conv(self.statistics(images))


@keras.saving.register_keras_serializable("user_models")
class Doubled(keras.Sequential):
    """A model that does more than its graph."""

    def call(self, images: tf.Tensor, training: object = None) -> tf.Tensor:
        return 2.0 * super().call(images, training=training)


def _images(size: int = SIZE, count: int = 2) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (count, size, size, 3)).astype(np.float32)


def _shaken(model: keras.Model) -> keras.Model:
    """The model with batch norms that have seen something."""
    random = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([random.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    return model


def _base(size: int = SIZE, name: str = "base") -> keras.Model:
    """A frozen network with what ResNet, its second version, MobileNet and EfficientNet have."""
    image = keras.Input((size, size, 3))
    x = layers.Conv2D(8, 3, use_bias=False, name="stem")(image)
    x = layers.BatchNormalization(name="stem_norm")(x)
    x = stem = layers.ReLU(name="stem_relu")(x)
    x = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="deep")(x)
    x = layers.BatchNormalization(name="deep_norm")(x)
    x = layers.ReLU(6.0, name="deep_relu")(x)
    x = layers.Add(name="sum")([x, stem])
    x = layers.BatchNormalization(name="before")(x)
    x = layers.Conv2D(6, 3, activation="swish", name="top")(x)
    base = _shaken(keras.Model(image, x, name=name))
    base.trainable = False
    return base


def _head(x: keras.KerasTensor) -> keras.KerasTensor:
    x = layers.Dropout(0.5)(layers.GlobalAveragePooling2D()(x))
    return layers.Dense(CLASS_COUNT, activation="softmax", name="mine")(x)


def _augmentation() -> keras.Sequential:
    return keras.Sequential([layers.RandomFlip(), layers.RandomRotation(0.2)], name="augmentation")


def _functional(base: keras.Model) -> keras.Model:
    image = keras.Input(base.input_shape[1:])
    x = layers.Rescaling(0.5, offset=0.1)(_augmentation()(image))
    return keras.Model(image, _head(base(x, training=False)))


def _sequential(base: keras.Model) -> keras.Model:
    dense = layers.Dense(CLASS_COUNT, activation="softmax", name="mine")
    return keras.Sequential([base, layers.GlobalAveragePooling2D(), dense])


def _deep(base: keras.Model) -> keras.Model:
    body = keras.Sequential([keras.Input(base.input_shape[1:]), _augmentation(), base], name="body")
    image = keras.Input(base.input_shape[1:])
    return keras.Model(image, _head(keras.Sequential([body, layers.ReLU()], name="wrap")(image)))


def _saved(model: keras.Model, folder: Path, ending: str = "keras") -> Weights:
    path = folder / f"mine.{ending}"
    model.save(path)
    return Weights("file", path, "0" * 64)


def _values(model: keras.Model, size: int = SIZE) -> tf.Tensor:
    """What a model makes of images when it is not trained: its augmentation rests."""
    return model(_images(size), training=False)


def _whole(model: keras.Model) -> list[str]:
    return [layer.name for layer in model.layers if isinstance(layer, keras.Model)]


def _assert_identical(one: keras.Model, other: keras.Model, size: int = SIZE) -> None:
    expected = _values(other, size)
    np.testing.assert_array_equal(_values(one, size), expected)
    assert np.ptp(expected) > 1e-3


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("build", [_functional, _sequential, _deep])
def test_nested_layers_stand_in_one_model(
    build: Callable[[keras.Model], keras.Model], ending: str, tmp_path: Path
) -> None:
    base = _base()
    model = build(base)
    opened = read(_saved(model, tmp_path, ending)).model
    names = {layer.name for layer in base.layers[1:]}
    assert names | {"mine"} <= {layer.name for layer in opened.layers}
    assert _whole(opened) == []
    _assert_identical(opened, model)


def test_a_model_without_models_inside_is_left_as_it_is() -> None:
    model = _base()
    assert flat(model) is model


@pytest.mark.parametrize("policy", ["mixed_float16", "float16"])
def test_half_precision_stays_to_the_bit_and_is_folded_in_full(policy: str, tmp_path: Path) -> None:
    keras.config.set_dtype_policy(policy)
    try:
        model = _functional(_base())
    finally:
        keras.config.set_dtype_policy("float32")
    weights = _saved(model, tmp_path)
    _assert_identical(read(weights).model, model)
    logits = load(weights, (CLASSES,))(_images())[CLASSES]
    assert logits.dtype == tf.float32
    np.testing.assert_allclose(tf.nn.softmax(logits), _values(model), atol=0.02)


def test_an_activation_deep_inside_is_that_of_the_base(tmp_path: Path) -> None:
    base = _base()
    model = _functional(base)
    weights = _saved(model, tmp_path)
    images = _images()
    for name in ("deep_relu", "sum", "top"):
        original = keras.Model(base.input, base.get_layer(name).output)
        values = load(weights, (name,))(images)[name]
        np.testing.assert_allclose(values, original(images * 0.5 + 0.1), rtol=1e-4, atol=1e-5)


def test_logits_and_an_inner_layer_come_together(tmp_path: Path) -> None:
    base = _base()
    model = _functional(base)
    network = load(_saved(model, tmp_path), ("top", CLASSES))
    values = network(_images())
    probabilities = tf.nn.softmax(values[CLASSES])
    np.testing.assert_allclose(probabilities, _values(model), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(values["top"], base(_images() * 0.5 + 0.1), rtol=1e-4, atol=1e-5)
    norms = [n.name for n in network.model.layers if isinstance(n, layers.BatchNormalization)]
    assert norms == ["before"]


def test_the_gradient_passes_what_stands_before_the_base(tmp_path: Path) -> None:
    network = load(_saved(_functional(_base()), tmp_path), ("top",))
    images = tf.constant(_images())
    with tf.GradientTape() as tape:
        tape.watch(images)
        value = tf.reduce_mean(network(images)["top"])
    gradient = tape.gradient(value, images)
    assert np.count_nonzero(gradient) > 0.9 * images.shape.num_elements()


def test_describe_lists_inner_layers_and_classes(tmp_path: Path) -> None:
    weights = _saved(_functional(_base()), tmp_path)
    architecture = describe(weights, SIZE)
    assert architecture.classes == CLASS_COUNT
    found = architecture.layers
    assert (found["top"].channels, found["top"].height, found["top"].width) == (6, 20, 20)
    stem = 2 * 22 * 22 * 3 * 3 * 3 * 8
    assert found["stem_relu"].operations == stem
    assert found["deep"].operations == stem + 2 * 22 * 22 * 3 * 3 * 8
    assert found["stem"].depth < found["deep"].depth < found["top"].depth
    assert [unit.id for unit in expand(["top:0-1"], architecture)] == ["top:0", "top:1"]


def test_an_inner_layer_takes_other_sizes(tmp_path: Path) -> None:
    base = _base()
    weights = _saved(_functional(base), tmp_path)
    larger = _base(40)
    larger.set_weights(base.get_weights())
    network = load(weights, ("top",))
    assert network.fixed_size is None
    assert describe(weights, 40).layers["top"].height == network.map_size(40)[0] == 36
    expected = larger(_images(40) * 0.5 + 0.1)
    np.testing.assert_allclose(network(_images(40))["top"], expected, rtol=1e-4, atol=1e-5)


def test_renamed_layers_are_found_by_their_new_names(tmp_path: Path) -> None:
    def rename(layer: keras.Layer) -> keras.Layer:
        return type(layer).from_config({**layer.get_config(), "name": f"my_{layer.name}"})

    base = _base()
    renamed = keras.models.clone_model(base, clone_function=rename)
    renamed.set_weights(base.get_weights())
    weights = _saved(_sequential(renamed), tmp_path)
    values = load(weights, ("my_top",))(_images())["my_top"]
    np.testing.assert_allclose(values, base(_images()), rtol=1e-4, atol=1e-5)
    with pytest.raises(UnitError, match="the network has no layer 'top'"):
        load(weights, ("top",))


def test_of_two_layers_with_one_name_the_later_gets_the_name_of_its_model(tmp_path: Path) -> None:
    image = keras.Input((SIZE, SIZE, 3))
    inner = keras.Sequential([keras.Input((SIZE, SIZE, 3)), _base()], name="wrap")
    joined = layers.Add()([inner(image), _base(name="other")(image)])
    model = keras.Model(image, _head(layers.Conv2D(3, 1, name="top")(joined)))
    weights = _saved(model, tmp_path)
    _assert_identical(read(weights).model, model)
    architecture = describe(weights, SIZE)
    assert {"top", "other.top", "base.top", "stem", "base.stem"} <= set(architecture.layers)
    assert architecture.layers["top"].channels == 3
    (unit,) = expand(["other.top:5"], architecture)
    assert unit.section == "other.top"
    assert load(weights, unit.layers)(_images())["other.top"].shape == (2, 20, 20, 6)


def test_names_stay_unique_whatever_the_layers_are_called() -> None:
    def conv(*path: str) -> keras.Layer:
        *around, name = path
        layer = layers.Conv2D(3, 1, name=name)
        for outer in reversed(around):
            layer = keras.Sequential([keras.Input((8, 8, 3)), layer], name=outer)
        return layer

    image = x = keras.Input((8, 8, 3), name="image")
    for path in (["c"], ["b.c"], ["b", "c"], ["a", "b", "c"], ["d", "b", "c"], ["e", "image"]):
        x = conv(*path)(x)
    names = [layer.name for layer in flat(keras.Model(image, x)).layers]
    assert names == ["image", "c", "b.c", "b.c_1", "a.b.c", "d.b.c", "e.image"]


def test_a_base_that_is_used_twice_stays_shared(tmp_path: Path) -> None:
    base = _base()
    image = keras.Input((SIZE, SIZE, 3))
    turned = layers.Permute((2, 1, 3))(image)
    model = keras.Model(image, _head(layers.Maximum()([base(image), base(turned)])))
    weights = _saved(model, tmp_path)
    opened = read(weights).model
    _assert_identical(opened, model)
    assert parents(opened)["stem"] == ["permute", opened.layers[0].name]
    assert opened.count_params() == model.count_params()
    top = load(weights, ("top",))(_images())["top"]
    np.testing.assert_allclose(top, base(_images()), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("inner", "given"), [(list, list), (list, dict), (dict, dict)])
def test_a_block_of_two_inputs_gets_each_in_its_place(inner: type, given: type) -> None:
    def pack(kind: type, left: keras.KerasTensor, right: keras.KerasTensor) -> object:
        return {"right": right, "left": left} if kind is dict else [left, right]

    left, right = keras.Input((8, 8, 3), name="left"), keras.Input((8, 8, 3), name="right")
    block = keras.Model(pack(inner, left, right), layers.Conv2D(2, 3, name="conv")(left - right))
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, block(pack(given, image, layers.AveragePooling2D(1)(image * 2.0))))
    opened = flat(model)
    assert "conv" in [layer.name for layer in opened.layers]
    _assert_identical(opened, model, 8)


def test_models_that_are_more_than_a_graph_stay_one_layer(tmp_path: Path) -> None:
    subclassed = Subclassed(name="subclassed")
    image = keras.Input((SIZE, SIZE, 3))
    x = subclassed(image)
    subclassed.statistics.adapt(_images() * 2.0 + 3.0)
    x = Doubled([layers.Conv2D(3, 1, name="hidden")], name="doubled")(x)
    body = keras.Sequential([keras.Input((22, 22, 3)), layers.Conv2D(3, 1, name="seen")])
    model = keras.Model(image, _head(body(x)))
    weights = _saved(model, tmp_path)
    opened = read(weights).model
    assert _whole(opened) == ["subclassed", "doubled"]
    _assert_identical(opened, model)
    assert set(describe(weights, SIZE).layers) >= {"doubled", "seen"}
    logits = load(weights, (CLASSES,))(_images())[CLASSES]
    np.testing.assert_allclose(tf.nn.softmax(logits), _values(model), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("application", "last", "folded"),
    [("MobileNetV2", "block_2_add", 9), ("ResNet50V2", "conv2_block2_out", 4)],
)
def test_networks_of_keras_fold_to_the_same_values(
    application: str, last: str, folded: int, tmp_path: Path
) -> None:
    build = getattr(keras.applications, application)
    more = {"alpha": 0.35} if application == "MobileNetV2" else {}
    whole = build(include_top=False, weights=None, input_shape=(64, 64, 3), **more)
    base = _shaken(keras.Model(whole.input, whole.get_layer(last).output))
    model = _functional(base)
    network = load(_saved(model, tmp_path), (CLASSES,))
    probabilities = tf.nn.softmax(network(_images(64))[CLASSES])
    np.testing.assert_allclose(probabilities, _values(model, 64), rtol=1e-4, atol=1e-6)
    left = [n for n in network.model.layers if isinstance(n, layers.BatchNormalization)]
    norms = [n for n in base.layers if isinstance(n, layers.BatchNormalization)]
    assert len(norms) - len(left) == folded

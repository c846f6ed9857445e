"""Tests of folding batch norms: the network that is left computes the same."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from pipeline.config.weights import resolve
from pipeline.model import keras_private, model_file
from pipeline.network.folding import fold
from pipeline.network.living import Living, Relu, Revival

pytestmark = pytest.mark.usefixtures("cpu")


def _images(size: int, count: int = 2) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (count, size, size, 3)).astype(np.float32)


def _norms(model: keras.Model) -> list[str]:
    norm = layers.BatchNormalization
    return [layer.name for layer in model.layers if isinstance(layer, norm)]


def _shake(model: keras.Model) -> keras.Model:
    """The model with weights that a wrong folding would show."""
    random = np.random.default_rng(1)
    for layer in model.layers:
        layer.set_weights([random.uniform(0.5, 2.0, w.shape) for w in layer.get_weights()])
    return model


def _assert_same(folded: keras.Model, model: keras.Model, size: int = 8) -> None:
    images = _images(size)
    np.testing.assert_allclose(folded(images), model(images), rtol=1e-4, atol=1e-4)


def test_the_real_network_folds_to_the_same_values() -> None:
    model = model_file.read(resolve("bundled")).model
    both = keras.Model(model.input, [model.get_layer(n).output for n in ("mixed2", "mixed4")])
    folded = fold(both)
    assert len(_norms(both)) > 30
    assert _norms(folded) == []
    images = _images(96)
    for expected, values in zip(both(images), folded(images), strict=True):
        error = np.abs(values - expected).max() / np.abs(expected).max()
        assert error < 1e-4


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("center", "scale"), [(True, True), (False, True), (True, False)])
def test_every_form_of_norm_folds(bias: bool, center: bool, scale: bool) -> None:
    norm = layers.BatchNormalization(center=center, scale=scale, epsilon=0.01)
    conv = layers.Conv2D(4, 3, use_bias=bias)
    model = _shake(keras.Sequential([keras.Input((8, 8, 3)), conv, norm, layers.ReLU()]))
    folded = fold(keras.Model(model.inputs[0], model.outputs[0]))
    assert _norms(folded) == []
    _assert_same(folded, model)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    "conv",
    [
        lambda bias: layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=bias),
        lambda bias: layers.SeparableConv2D(5, 3, depth_multiplier=2, use_bias=bias),
        lambda bias: layers.Conv2D(6, 3, groups=3, use_bias=bias),
    ],
    ids=["depthwise", "separable", "grouped"],
)
def test_every_form_of_convolution_folds(conv: object, bias: bool) -> None:
    body = [conv(bias), layers.BatchNormalization()]  # type: ignore[operator]
    model = _shake(keras.Sequential([keras.Input((8, 8, 3)), *body, layers.Activation("swish")]))
    folded = fold(keras.Model(model.inputs[0], model.outputs[0]))
    assert _norms(folded) == []
    _assert_same(folded, model)


def test_a_norm_before_its_convolution_stays() -> None:
    body = [layers.Conv2D(4, 3), layers.ReLU(), layers.BatchNormalization(name="norm")]
    model = _shake(keras.Sequential([keras.Input((8, 8, 3)), *body, layers.Conv2D(4, 1)]))
    folded = fold(keras.Model(model.inputs[0], model.outputs[0]))
    assert _norms(folded) == ["norm"]
    _assert_same(folded, model)


def test_a_convolution_with_an_adapter_keeps_its_norm() -> None:
    conv, norm = layers.Conv2D(4, 3), layers.BatchNormalization(name="norm")
    model = keras.Sequential([keras.Input((8, 8, 3)), conv, norm])
    conv.enable_lora(2)
    folded = fold(keras.Model(_shake(model).inputs[0], model.outputs[0]))
    assert _norms(folded) == ["norm"]
    _assert_same(folded, model)


def test_a_quantised_layer_stays_quantised() -> None:
    dense = layers.Dense(4, name="dense")
    body = [layers.Conv2D(4, 3), layers.GlobalAveragePooling2D(), dense]
    model = keras.Sequential([keras.Input((8, 8, 3)), *body])
    dense.quantize("int8")
    _assert_same(fold(keras.Model(model.inputs[0], model.outputs[0])), model)


def test_a_normalization_keeps_what_it_learnt() -> None:
    statistics = layers.Normalization()
    statistics.adapt(_images(8) * 3.0 + 5.0)
    model = keras.Sequential([keras.Input((8, 8, 3)), statistics, layers.Conv2D(4, 3)])
    _assert_same(fold(keras.Model(model.inputs[0], model.outputs[0])), model)


def _read_by_a_layer(conv: keras.KerasTensor, norm: keras.KerasTensor) -> list[keras.KerasTensor]:
    return [layers.Add()([conv, norm])]


def _read_by_an_operation(
    conv: keras.KerasTensor, norm: keras.KerasTensor
) -> list[keras.KerasTensor]:
    return [norm * conv]


def _read_from_outside(conv: keras.KerasTensor, norm: keras.KerasTensor) -> list[keras.KerasTensor]:
    return [layers.Concatenate()([norm, norm]), conv]


@pytest.mark.parametrize("ends", [_read_by_a_layer, _read_by_an_operation, _read_from_outside])
def test_a_norm_whose_convolution_is_read_elsewhere_stays(ends: object) -> None:
    image = keras.Input((8, 8, 3))
    conv = layers.Conv2D(4, 3)(image)
    norm = layers.BatchNormalization(name="norm")(conv)
    model = _shake(keras.Model(image, ends(conv, norm)))  # type: ignore[operator]
    folded = fold(model)
    assert _norms(folded) == ["norm"]
    for values, expected in zip(folded(_images(8)), model(_images(8)), strict=True):
        np.testing.assert_allclose(values, expected, rtol=1e-4)


def test_layers_that_are_called_twice_stay() -> None:
    norm, conv = layers.BatchNormalization(name="norm"), layers.Conv2D(3, 3, padding="same")
    image = keras.Input((8, 8, 3))
    twice = norm(layers.Conv2D(3, 3, padding="same")(norm(conv(image))))
    model = _shake(keras.Model(image, twice))
    folded = fold(model)
    assert _norms(folded) == ["norm"]
    _assert_same(folded, model)


def test_a_norm_behind_an_activation_stays() -> None:
    conv, norm = layers.Conv2D(4, 3, activation="relu"), layers.BatchNormalization(name="norm")
    model = _shake(keras.Sequential([keras.Input((8, 8, 3)), conv, norm]))
    folded = fold(keras.Model(model.inputs[0], model.outputs[0]))
    assert _norms(folded) == ["norm"]
    _assert_same(folded, model)


def test_the_name_of_a_folded_norm_can_still_be_asked_for() -> None:
    image = keras.Input((8, 8, 3))
    norm = layers.BatchNormalization(name="norm")(layers.Conv2D(4, 3)(image))
    model = _shake(keras.Model(image, norm))
    folded = fold(model)
    _assert_same(keras.Model(folded.input, folded.get_layer("norm").output), model)


def _given_to(model: keras.Model, *, is_living: bool = False) -> list[str]:
    """Names of the layers to which folding gives another gradient."""
    folded = fold(model, Revival(), is_living=is_living)
    _assert_same(folded, model)
    return _revived(folded)


def _revived(folded: keras.Model) -> list[str]:
    alive = [
        x.name for x in folded.layers if isinstance(getattr(x, "activation", 0), Relu | Living)
    ]
    return sorted(alive + [x.name for x in folded.layers if type(x).__name__ == "_Alive"])


@pytest.mark.parametrize(
    "layer",
    [
        layers.Conv2D(2, 1, activation="relu", name="end"),
        layers.ReLU(name="end"),
        layers.Activation("relu", name="end"),
    ],
    ids=["convolution", "layer", "activation"],
)
def test_only_the_last_relu_becomes_the_one_given(layer: keras.Layer) -> None:
    head = [keras.Input((8, 8, 3)), layers.Conv2D(2, 1, activation="relu"), layers.Conv2D(2, 1)]
    model = keras.Sequential([*head, layer, layers.MaxPooling2D()])
    assert _given_to(keras.Model(model.inputs[0], model.outputs[0])) == ["end"]


@pytest.mark.parametrize("operation", [keras.ops.relu, keras.activations.relu])
def test_a_relu_that_is_no_layer_becomes_the_one_given_too(operation: object) -> None:
    image = keras.Input((8, 8, 3))
    values = operation(layers.Conv2D(2, 1)(image))  # type: ignore[operator]
    assert _given_to(keras.Model(image, values)) == [keras_private.source(values).name]


@pytest.mark.parametrize(
    "layer",
    [
        layers.ReLU(6.0, name="end"),
        layers.ReLU(negative_slope=0.1, name="end"),
        layers.PReLU(alpha_initializer="uniform", name="end"),
        layers.Activation("relu6", name="end"),
        layers.Conv2D(2, 1, activation="swish", name="end"),
    ],
)
def test_other_activations_live_where_they_are_to(layer: keras.Layer) -> None:
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 1), layer])
    plain = keras.Model(model.inputs[0], model.outputs[0])
    assert _given_to(plain) == []
    assert _given_to(plain, is_living=True) == ["end"]


def test_each_branch_and_each_output_has_its_last_relu() -> None:
    image = keras.Input((8, 8, 3))
    first = layers.Conv2D(3, 1, activation="relu", name="first")(image)
    inner = layers.Conv2D(3, 1, activation="relu", name="inner")(first)
    one = layers.Conv2D(3, 1, activation="relu", name="one")(inner)
    two = layers.Conv2D(3, 1, activation="relu", name="two")(inner)
    joined = layers.Concatenate()([one, layers.MaxPooling2D(1)(two)])
    assert _given_to(keras.Model(image, joined)) == ["one", "two"]
    skipped = layers.Add()([one, inner])
    assert _given_to(keras.Model(image, skipped)) == ["inner", "one"]
    both = fold(keras.Model(image, [first, joined]), Revival())
    assert _revived(both) == ["first", "one", "two"]


def test_the_image_size_is_freed_where_it_can_be() -> None:
    image = keras.Input((8, 8, 3))
    conv = layers.Conv2D(4, 3)(image)
    free = fold(keras.Model(image, layers.GlobalAveragePooling2D()(conv)))
    assert free.input_shape == (None, None, None, 3)


@pytest.mark.parametrize(
    "flatten",
    [layers.Flatten(), layers.Reshape((144,)), lambda x: keras.ops.reshape(x, (-1, 144))],
    ids=["flatten", "reshape", "operation"],
)
def test_the_image_size_stays_where_it_must(flatten: object) -> None:
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, layers.Dense(2)(flatten(layers.Conv2D(4, 3)(image))))  # type: ignore[operator]
    folded = fold(model)
    assert folded.input_shape == (None, 8, 8, 3)
    _assert_same(folded, model)


@pytest.mark.parametrize("activation", [None, "softmax"])
def test_a_dense_layer_gives_an_image_the_same_in_any_batch(activation: str | None) -> None:
    body = [keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(1000, activation=activation)]
    model = keras.Sequential(body)
    folded = fold(keras.Model(model.inputs[0], model.outputs[0]))
    _assert_same(folded, model)

    def seen(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        given = tf.constant(images)
        with tf.GradientTape() as tape:
            tape.watch(given)
            values = folded(given)
            total = tf.reduce_sum(values * values)
        return values.numpy(), tape.gradient(total, given).numpy()

    images = _images(8, 16)
    together = seen(images)
    for rows in (slice(5, 6), slice(3, 7), slice(0, 8)):
        for few, many in zip(seen(images[rows]), together, strict=True):
            np.testing.assert_array_equal(few, many[rows])


def test_mixed_precision_becomes_float32() -> None:
    image = keras.Input((8, 8, 3))
    model = keras.Model(image, layers.Conv2D(4, 3, dtype="mixed_float16")(image))
    assert fold(model)(_images(8)).dtype == tf.float32

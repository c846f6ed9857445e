"""Tests of the network whose units are visualised."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from pipeline.config.weights import Weights, resolve
from pipeline.errors import ConfigError, UnitError, WeightsError
from pipeline.network.describe import describe
from pipeline.network.model_file import read
from pipeline.network.network import CLASSES, FEATURES, Network, load
from pipeline.network.relu import Relu

pytestmark = pytest.mark.usefixtures("cpu")


@pytest.fixture(scope="module")
def bundled() -> Weights:
    return resolve("bundled")


@pytest.fixture(scope="module")
def both(bundled: Weights) -> Network:
    return load(bundled, ("mixed2", "mixed4"))


def _images(size: int, count: int = 2) -> tf.Tensor:
    random = np.random.default_rng(0)
    return tf.constant(random.uniform(-1, 1, (count, size, size, 3)).astype(np.float32))


def _saved(model: keras.Model, folder: Path) -> Weights:
    path = folder / "mine.keras"
    model.save(path)
    return Weights("file", path, "0" * 64)


def _flat(size: int) -> keras.Model:
    """A classifier that takes images of one size only."""
    body = [keras.Input((size, size, 3)), layers.Conv2D(4, 3, activation="relu", name="conv")]
    return keras.Sequential([*body, layers.Flatten(), layers.Dense(3, activation="softmax")])


def test_activations_are_those_of_the_keras_model(bundled: Weights, both: Network) -> None:
    model = read(bundled)
    wanted = keras.Model(model.input, [model.get_layer(name).output for name in both.outputs])
    images = _images(96)
    activations = both(images)
    assert list(activations) == ["mixed2", "mixed4"]
    for values, expected in zip(activations.values(), wanted(images), strict=True):
        assert np.abs(values - expected).max() < 1e-4 * np.abs(expected).max()


def test_nothing_is_trainable(both: Network) -> None:
    assert both.model.weights
    assert both.model.trainable_weights == []
    assert not any(layer.trainable_weights for layer in both.model.layers)


def test_only_layers_that_lead_to_the_outputs_are_built(bundled: Weights) -> None:
    network = load(bundled, ("mixed0",))
    names = [layer.name for layer in network.model.layers]
    assert names[-1] == "mixed0"
    assert not {"mixed1", "mixed2", "mixed4"} & set(names)


def test_values_are_the_same_while_reviving(both: Network) -> None:
    images = _images(80)
    plain, revived = both(images), both(images, revive=True)
    for name in both.outputs:
        np.testing.assert_array_equal(plain[name], revived[name])


def test_map_size_is_that_of_the_map(bundled: Weights) -> None:
    network = load(bundled, ("mixed4",))
    assert network.fixed_size is None
    for size in (75, 96, 128):
        assert network.map_size(size) == tuple(network(_images(size, 1))["mixed4"].shape[1:3])


def test_images_are_resized_for_a_network_of_one_size(tmp_path: Path) -> None:
    model = _flat(16)
    network = load(_saved(model, tmp_path), (CLASSES,))
    assert network.fixed_size == 16
    assert network.map_size(24) == (1, 1)
    images = _images(24)
    expected = model(tf.image.resize(images, (16, 16)))
    logits = network(images)[CLASSES]
    np.testing.assert_allclose(tf.nn.softmax(logits), expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_less(1e-3, np.abs(logits - expected).max())


def test_a_layer_before_the_flatten_takes_any_size(tmp_path: Path) -> None:
    network = load(_saved(_flat(16), tmp_path), ("conv",))
    assert network.fixed_size is None
    assert network(_images(24))["conv"].shape == (2, 22, 22, 4)


def _in_range(black: float, white: float) -> tuple[Network, Network]:
    """A network for pixels of -1 to 1, and one that makes them of pixels of its own range."""
    conv = layers.Conv2D(4, 3, activation="relu", name="conv")
    plain, scaled = keras.Input((None, None, 3)), keras.Input((None, None, 3))
    scale = 2.0 / (white - black)
    rescaled = layers.Rescaling(scale, offset=-1.0 - black * scale)(scaled)
    models = keras.Model(plain, conv(plain)), keras.Model(scaled, conv(rescaled))
    return (
        Network(models[0], ("conv",), Relu()),
        Network(models[1], ("conv",), Relu(), (black, white)),
    )


@pytest.mark.parametrize(("black", "white"), [(0, 255), (0, 1), (-1, 1), (255, 0), (-2.5, 3.5)])
def test_a_network_sees_its_own_range_of_pixels(black: float, white: float) -> None:
    plain, ranged = _in_range(black, white)
    images = _images(16)
    np.testing.assert_allclose(ranged(images)["conv"], plain(images)["conv"], atol=1e-5)


def test_a_range_is_for_a_file_too(tmp_path: Path) -> None:
    _, ranged = _in_range(0, 255)
    weights = _saved(ranged.model, tmp_path)
    assert describe(weights, 16).span == (0.0, 255.0)
    loaded = load(weights, ("conv",), span=(0.0, 255.0))
    np.testing.assert_allclose(loaded(_images(16))["conv"], ranged(_images(16))["conv"], rtol=1e-5)


def test_features_are_the_deepest_map_before_the_classes(tmp_path: Path) -> None:
    network = load(_saved(_flat(16), tmp_path), (CLASSES, FEATURES))
    found = network(_images(16))
    assert found[CLASSES].shape == (2, 3)
    conv = load(Weights("file", tmp_path / "mine.keras", "0" * 64), ("conv",))
    np.testing.assert_array_equal(found[FEATURES], conv(_images(16))["conv"])
    assert network.map_size(16) == (1, 1)


def test_features_are_no_map_of_one_place(tmp_path: Path) -> None:
    body = [keras.Input((16, 16, 3)), layers.Conv2D(4, 3, activation="relu", name="conv")]
    squeezed = [layers.GlobalAveragePooling2D(keepdims=True), layers.Conv2D(5, 1, name="squeezed")]
    weights = _saved(keras.Sequential([*body, *squeezed, layers.Flatten()]), tmp_path)
    network = load(weights, ("squeezed", FEATURES, "conv"))
    found = network(_images(16))
    assert found["squeezed"].shape == (2, 1, 1, 5)
    assert found[FEATURES].shape == (2, 14, 14, 4)
    np.testing.assert_array_equal(found[FEATURES], found["conv"])


def test_an_unknown_layer_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnitError, match="the network has no layer 'mixed9'"):
        load(_saved(_flat(16), tmp_path), ("mixed9",))


def test_classes_need_a_classifier(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3)])
    with pytest.raises(WeightsError, match=r"no classifier.*use `model\.weights: imagenet`"):
        load(_saved(model, tmp_path), (CLASSES,))


def test_describe_knows_channels_maps_and_depth(bundled: Weights, both: Network) -> None:
    architecture = describe(bundled, 96)
    assert architecture.image_size == 96
    assert architecture.classes is None
    assert architecture.deepest == "mixed4"
    for name, channels in (("mixed2", 288), ("mixed4", 768)):
        layer = architecture.layers[name]
        assert layer.channels == channels
        assert (layer.height, layer.width, channels) == both(_images(96, 1))[name].shape[1:]
    assert architecture.layers["mixed2"].depth < architecture.layers["mixed4"].depth


def test_describe_counts_what_leads_to_a_layer(bundled: Weights) -> None:
    architecture = describe(bundled, 128)
    first = architecture.layers["conv2d"]
    assert first.operations == 2 * 63 * 63 * 3 * 3 * 3 * 32
    second = architecture.layers["conv2d_1"]
    assert second.operations == first.operations + 2 * 61 * 61 * 3 * 3 * 32 * 32
    assert architecture.layers["mixed4"].operations == architecture.class_operations
    assert 0.5e9 < architecture.layers["mixed4"].operations < 1.8e9


def test_describe_counts_classes_and_refuses_another_size_than_the_only_one(
    tmp_path: Path,
) -> None:
    weights = _saved(_flat(16), tmp_path)
    architecture = describe(weights, 16)
    assert architecture.classes == 3
    assert list(architecture.layers) == ["conv"]
    dense = 2 * 14 * 14 * 4 * 3
    assert architecture.class_operations == architecture.layers["conv"].operations + dense
    with pytest.raises(ConfigError, match=r"takes only images of 16 px, not 24; set"):
        describe(weights, 24)


@pytest.mark.parametrize("size", [16, 40])
def test_an_image_that_is_too_small_is_refused(bundled: Weights, size: int) -> None:
    with pytest.raises(ConfigError, match=rf"image\.size: {size} px is too small .*75 px or more"):
        describe(bundled, size)


def test_the_smallest_image_is_taken(bundled: Weights) -> None:
    assert describe(bundled, 75).layers["mixed4"].height == 3


def test_operations_between_layers_are_followed(tmp_path: Path) -> None:
    image = keras.Input((16, 16, 3))
    conv = layers.Conv2D(4, 3, name="conv")(image * 2.0 - 1.0)
    model = keras.Model(image, layers.Conv2D(2, 1, name="top")(keras.ops.relu(conv)))
    weights = _saved(model, tmp_path)
    architecture = describe(weights, 16)
    assert list(architecture.layers) == ["conv", "top"]
    assert architecture.layers["top"].operations == 2 * 14 * 14 * (27 * 4 + 4 * 2)
    images = _images(16)
    np.testing.assert_allclose(load(weights, ("top",))(images)["top"], model(images), rtol=1e-4)

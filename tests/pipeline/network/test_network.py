"""Tests of the network whose units are visualised."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from networks import noise, of_one_size, saved

from pipeline.config.weights import Weights, resolve
from pipeline.errors import UnitError, WeightsError
from pipeline.model.model_file import read
from pipeline.network.describe import describe
from pipeline.network.living import Revival
from pipeline.network.network import CLASSES, FEATURES, Network, load
from pipeline.plan.architecture import Reading
from pipeline.plan.pixels import Range

pytestmark = pytest.mark.usefixtures("cpu")


@pytest.fixture(scope="module")
def bundled() -> Weights:
    return resolve("bundled")


@pytest.fixture(scope="module")
def both(bundled: Weights) -> Network:
    return load(bundled, ("mixed2", "mixed4"))


def test_activations_are_those_of_the_keras_model(bundled: Weights, both: Network) -> None:
    model = read(bundled).model
    wanted = keras.Model(model.input, [model.get_layer(name).output for name in both.outputs])
    images = noise(96)
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
    images = noise(80)
    plain, revived = both(images), both(images, revive=True)
    for name in both.outputs:
        np.testing.assert_array_equal(plain[name], revived[name])


def test_map_size_is_that_of_the_map(bundled: Weights) -> None:
    network = load(bundled, ("mixed4",))
    assert network.fixed_size is None
    for size in (75, 96, 128):
        assert network.map_size(size) == tuple(network(noise(size, 1))["mixed4"].shape[1:3])


def test_images_are_resized_for_a_network_of_one_size(tmp_path: Path) -> None:
    model = of_one_size(16)
    network = load(saved(model, tmp_path), (CLASSES,))
    assert network.fixed_size == 16
    assert network.map_size(24) == (1, 1)
    images = noise(24)
    expected = model(tf.image.resize(images, (16, 16)))
    logits = network(images)[CLASSES]
    np.testing.assert_allclose(tf.nn.softmax(logits), expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_less(1e-3, np.abs(logits - expected).max())


def test_a_layer_before_the_flatten_takes_any_size(tmp_path: Path) -> None:
    network = load(saved(of_one_size(16), tmp_path), ("conv",))
    assert network.fixed_size is None
    assert network(noise(24))["conv"].shape == (2, 22, 22, 4)


def _in_range(black: float, white: float) -> tuple[Network, Network]:
    """A network for pixels of -1 to 1, and one that makes them of pixels of its own range."""
    conv = layers.Conv2D(4, 3, activation="relu", name="conv")
    plain, scaled = keras.Input((None, None, 3)), keras.Input((None, None, 3))
    scale = 2.0 / (white - black)
    rescaled = layers.Rescaling(scale, offset=-1.0 - black * scale)(scaled)
    models = keras.Model(plain, conv(plain)), keras.Model(scaled, conv(rescaled))
    return (
        Network(models[0], ("conv",), Revival()),
        Network(models[1], ("conv",), Revival(), Reading((black, white))),
    )


@pytest.mark.parametrize(("black", "white"), [(0, 255), (0, 1), (-1, 1), (255, 0), (-2.5, 3.5)])
def test_a_network_sees_its_own_range_of_pixels(black: float, white: float) -> None:
    plain, ranged = _in_range(black, white)
    images = noise(16)
    np.testing.assert_allclose(ranged(images)["conv"], plain(images)["conv"], atol=1e-5)


def test_a_range_is_for_a_file_too(tmp_path: Path) -> None:
    _, ranged = _in_range(0, 255)
    weights = saved(ranged.model, tmp_path)
    assert describe(weights, 16).range == (0.0, 255.0)
    loaded = load(weights, ("conv",), Reading((0.0, 255.0)))
    np.testing.assert_allclose(loaded(noise(16))["conv"], ranged(noise(16))["conv"], rtol=1e-5)


def test_features_are_the_deepest_map_before_the_classes(tmp_path: Path) -> None:
    network = load(saved(of_one_size(16), tmp_path), (CLASSES, FEATURES))
    found = network(noise(16))
    assert found[CLASSES].shape == (2, 3)
    conv = load(Weights("file", tmp_path / "mine.keras", "0" * 64), ("conv",))
    np.testing.assert_array_equal(found[FEATURES], conv(noise(16))["conv"])
    assert network.map_size(16) == (1, 1)


def test_features_are_no_map_of_one_place(tmp_path: Path) -> None:
    body = [keras.Input((16, 16, 3)), layers.Conv2D(4, 3, activation="relu", name="conv")]
    squeezed = [layers.GlobalAveragePooling2D(keepdims=True), layers.Conv2D(5, 1, name="squeezed")]
    weights = saved(keras.Sequential([*body, *squeezed, layers.Flatten()]), tmp_path)
    network = load(weights, ("squeezed", FEATURES, "conv"))
    found = network(noise(16))
    assert found["squeezed"].shape == (2, 1, 1, 5)
    assert found[FEATURES].shape == (2, 14, 14, 4)
    np.testing.assert_array_equal(found[FEATURES], found["conv"])


def test_an_unknown_layer_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnitError, match="the network has no layer 'mixed9'"):
        load(saved(of_one_size(16), tmp_path), ("mixed9",))


def test_classes_need_a_classifier(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3)])
    with pytest.raises(WeightsError, match=r"no classifier.*use `model\.weights: lite0`"):
        load(saved(model, tmp_path), (CLASSES,))


@pytest.mark.parametrize("name", ["a+b", "my layer", "x:y", "café", "-conv", "_a", "a>1"])
def test_layers_of_any_name_run_in_a_graph(tmp_path: Path, name: str) -> None:
    image = keras.Input((None, None, 3))
    model = keras.Model(image, layers.Conv2D(2, 3, activation="relu", name=name)(image))
    network = load(saved(model, tmp_path), (name,))
    assert tf.function(network)(noise(16))[name].shape == (2, 14, 14, 2)


@pytest.mark.parametrize(("mode", "range_"), [
    ("caffe", "caffe"), ("torch", "torch"), ("tf", (-1.0, 1.0)),
])  # fmt: skip
def test_preprocessing_is_that_of_keras_applications(
    mode: str, range_: Range, tmp_path: Path
) -> None:
    model = _plain_conv(3)
    network = load(saved(model, tmp_path), ("conv",), Reading(range_))
    images = noise(16)
    pixels = (images.numpy() + 1.0) * 127.5
    taken = keras.applications.imagenet_utils.preprocess_input(pixels, mode=mode)
    np.testing.assert_allclose(network(images)["conv"], model(taken), rtol=1e-3, atol=1e-3)


def test_a_network_of_grey_images_sees_their_luminance(tmp_path: Path) -> None:
    model = _plain_conv(1)
    network = load(saved(model, tmp_path), ("conv",), Reading((0.0, 1.0)))
    assert network.colours == 1
    assert network.map_size(16) == (14, 14)
    images = noise(16)
    grey = tf.image.rgb_to_grayscale((images + 1.0) / 2)
    np.testing.assert_allclose(network(images)["conv"], model(grey), atol=1e-3)


def _plain_conv(channels: int) -> keras.Model:
    return keras.Sequential([keras.Input((16, 16, channels)), layers.Conv2D(4, 3, name="conv")])

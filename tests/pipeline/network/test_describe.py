"""Tests of what a network tells of itself."""

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from networks import noise, of_one_size, saved

from pipeline.config.weights import Weights, resolve
from pipeline.errors import ConfigError
from pipeline.network.describe import describe
from pipeline.network.network import load

pytestmark = pytest.mark.usefixtures("cpu")


@pytest.fixture(scope="module")
def bundled() -> Weights:
    return resolve("bundled")


def test_describe_knows_channels_maps_and_depth(bundled: Weights) -> None:
    both = load(bundled, ("mixed2", "mixed4"))
    architecture = describe(bundled, 96)
    assert architecture.image_size == 96
    assert architecture.classes is None
    assert architecture.deepest == "mixed4"
    for name, channels in (("mixed2", 288), ("mixed4", 768)):
        layer = architecture.layers[name]
        assert layer.channels == channels
        assert (layer.height, layer.width, channels) == both(noise(96, 1))[name].shape[1:]
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
    weights = saved(of_one_size(16), tmp_path)
    architecture = describe(weights, 16)
    assert architecture.classes == 3
    assert list(architecture.layers) == ["conv"]
    dense = 2 * 14 * 14 * 4 * 3
    assert architecture.class_operations == architecture.layers["conv"].operations + dense
    with pytest.raises(ConfigError, match=r"takes only images of 16 px, not 24; set"):
        describe(weights, 24)


@pytest.mark.parametrize("size", [16, 40])
def test_an_image_that_is_too_small_is_refused(bundled: Weights, size: int) -> None:
    with pytest.raises(ConfigError, match=rf"image\.size: {size} px is too small .*43 px or more"):
        describe(bundled, size)


def test_the_smallest_image_is_taken(bundled: Weights) -> None:
    assert describe(bundled, 75).layers["mixed4"].height == 3


def test_operations_between_layers_are_followed(tmp_path: Path) -> None:
    image = keras.Input((16, 16, 3))
    conv = layers.Conv2D(4, 3, name="conv")(image * 2.0 - 1.0)
    model = keras.Model(image, layers.Conv2D(2, 1, name="top")(keras.ops.relu(conv)))
    weights = saved(model, tmp_path)
    architecture = describe(weights, 16)
    assert list(architecture.layers) == ["conv", "top"]
    assert architecture.layers["top"].operations == 2 * 14 * 14 * (27 * 4 + 4 * 2)
    images = noise(16)
    np.testing.assert_allclose(load(weights, ("top",))(images)["top"], model(images), rtol=1e-4)


def _unet(depth: int, size: int | None = None) -> keras.Model:
    """Down and up again, with what was seen on the way beside it."""
    image = keras.Input((size, size, 3))
    seen, x = [], image
    for _ in range(depth):
        x = layers.Conv2D(4, 3, padding="same")(x)
        seen.append(x)
        x = layers.MaxPooling2D()(x)
    for each in reversed(seen):
        x = layers.Concatenate()([layers.UpSampling2D()(x), each])
    return keras.Model(image, layers.Conv2D(2, 1, name="top")(x))


@pytest.mark.parametrize(("depth", "size", "said"), [
    (2, 102, "multiples of 4: set 100 or 104"), (3, 100, "multiples of 8: set 96 or 104"),
    (1, 33, "multiples of 2: set 32 or 34"),
])  # fmt: skip
def test_a_multiple_that_is_due_is_told(depth: int, size: int, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"image.size: {size} px does not fit .* takes {said}"):
        describe(saved(_unet(depth), tmp_path), size)


def test_a_network_of_a_size_that_takes_others_says_which(tmp_path: Path) -> None:
    image = keras.Input((96, 96, 3))
    x = image
    for _ in range(3):
        x = layers.Conv2D(4, 3, strides=3, name=None)(x)
    x = layers.Conv2D(4, 3)(x)
    model = keras.Model(image, layers.GlobalAveragePooling2D()(x))
    weights = saved(model, tmp_path)
    assert describe(weights, 120).image_size == 120
    with pytest.raises(ConfigError, match=r"64 px is too small for .*; it needs 81 px or more"):
        describe(weights, 64)

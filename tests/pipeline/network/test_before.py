"""Tests of the layer before a layer, on real networks and on small ones."""

from pathlib import Path

import keras
import pytest
from networks import saved

from pipeline.config.weights import resolve
from pipeline.errors import WeightsError
from pipeline.network.before import before
from pipeline.plan.architecture import CLASSES, PLAINLY

pytestmark = pytest.mark.usefixtures("cpu")


def test_of_inception_it_is_the_block_before() -> None:
    found = before(resolve("bundled"), PLAINLY, ("mixed0", "mixed2", "mixed3", "mixed4"))
    assert found == {
        "mixed0": "max_pooling2d_1", "mixed2": "mixed1", "mixed3": "mixed2", "mixed4": "mixed3",
    }  # fmt: skip


def test_of_residual_blocks_it_is_what_they_read() -> None:
    layers = ("block9_add", "block9_depth", "block12_expand", CLASSES)
    found = before(resolve("lite0"), PLAINLY, layers)
    # A depthwise convolution mixes no channels: what it reads is as good as itself.
    assert found == {
        "block9_add": "block8_out", "block9_depth": "block8_out", "block12_expand": "block11_out",
        CLASSES: "head",
    }  # fmt: skip


def test_between_a_layer_and_its_norm_and_activation_nothing_is(tmp_path: Path) -> None:
    layers = keras.layers
    image = keras.Input((16, 16, 3))
    x = layers.Conv2D(4, 3, name="first")(image)
    x = layers.ReLU(name="lively")(x)
    x = layers.MaxPooling2D(name="pool")(x)
    y = layers.Conv2D(4, 1, name="conv")(x)
    z = layers.BatchNormalization(name="norm")(y)
    z = layers.ReLU(name="relu")(z)
    weights = saved(keras.Model(image, z), tmp_path)
    found = before(weights, PLAINLY, ("first", "lively", "pool", "conv", "norm", "relu"))
    assert found == {
        "first": None, "lively": None, "pool": None, "conv": "pool", "norm": "pool", "relu": "pool",
    }  # fmt: skip
    with pytest.raises(WeightsError, match="has no classifier"):
        before(weights, PLAINLY, (CLASSES,))

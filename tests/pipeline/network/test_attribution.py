"""Tests of attribution to classes: forwards it is gradient times activation, place by place."""

from pathlib import Path

import keras
import networks
import numpy as np
import pytest
import tensorflow as tf

from pipeline.errors import UnitError
from pipeline.network import network
from pipeline.network.attribution import Attributor
from pipeline.network.cut import Cut
from pipeline.plan.architecture import CLASSES, PLAINLY

pytestmark = pytest.mark.usefixtures("cpu")

PICTURES = np.random.default_rng(0).integers(0, 256, (3, 20, 20, 3), np.uint8)


def classifier() -> keras.Model:
    """Two paths from the layer to five classes, one of them round it."""
    layers = keras.layers
    image = keras.Input((20, 20, 3))
    early = layers.Conv2D(6, 3, activation="relu", name="early")(image)
    deep = layers.Conv2D(6, 3, activation="relu", padding="same", name="deep")(early)
    both = layers.MaxPooling2D()(layers.Add()([early, deep]))
    pooled = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu")(both))
    return keras.Model(image, layers.Dense(5, activation="softmax")(pooled))


def test_it_is_gradient_times_activation_of_each_place(tmp_path: Path) -> None:
    weights = networks.saved(classifier(), tmp_path)
    found = Attributor(weights, "deep", PLAINLY)
    places = np.array([[0, 150, 323], [7, 8, 9], [100, 200, 300]])
    values = found.attributed(PICTURES, places, 4)
    assert values.shape == (3, 3, 5)
    whole = network.load(weights, (CLASSES, "deep"))
    cut = Cut(whole, "deep", (CLASSES,))
    seen = whole.returning(cut.around)(PICTURES.astype(np.float32) / 127.5 - 1.0)
    for number in range(5):
        with tf.GradientTape() as tape:
            tape.watch(seen["deep"])
            logit = cut(seen["deep"], [seen[name] for name in cut.around])[CLASSES][:, number]
        product = (seen["deep"] * tape.gradient(logit, seen["deep"])).numpy().sum(axis=3)
        expected = np.take_along_axis(product.reshape(3, -1), places, axis=1)
        np.testing.assert_allclose(values[..., number], expected, rtol=1e-3, atol=1e-6)


def test_a_picture_says_the_same_in_any_batch(tmp_path: Path) -> None:
    found = Attributor(networks.saved(classifier(), tmp_path), "early", PLAINLY)
    places = np.array([[5], [6], [7]])
    whole = found.attributed(PICTURES, places, 4)
    np.testing.assert_allclose(found.attributed(PICTURES[2:], places[2:], 4)[0], whole[2], 1e-4)


def test_a_layer_that_leads_to_no_class_is_refused(tmp_path: Path) -> None:
    layers = keras.layers
    image = keras.Input((20, 20, 3))
    aside = layers.Conv2D(6, 3, name="aside")(image)
    classes = layers.Dense(5, activation="softmax", name="classes")(
        layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, name="conv")(image))
    )
    other = layers.Conv2D(2, 3, name="other")(aside)
    weights = networks.saved(keras.Model(image, [classes, other]), tmp_path)
    with pytest.raises(UnitError, match="aside does not lead to the network's classes"):
        Attributor(weights, "aside", PLAINLY)

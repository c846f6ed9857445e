"""Tests of what is learnt from graphs."""

import keras
import pytest
from keras import layers

from pipeline.model import graph

pytestmark = pytest.mark.usefixtures("cpu")


def test_parents_follow_operations_and_repeated_calls() -> None:
    keras.utils.clear_session()  # operations are counted from zero again
    shared = layers.Conv2D(3, 1, name="shared")
    image = keras.Input((8, 8, 3), name="image")
    once = shared(image * 2)
    model = keras.Model(image, layers.Add(name="sum")([shared(once), once]))
    reads = graph.parents(model)
    assert reads["image"] == []
    assert sorted(reads["shared"]) == ["multiply", "shared"]
    assert reads["multiply"] == ["image"]
    assert reads["sum"] == ["shared", "shared"]


def test_operations_count_multiplications_and_additions() -> None:
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(5, 3),
            layers.DepthwiseConv2D(3),
            layers.SeparableConv2D(7, 3, padding="same"),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    separable = 2 * 4 * 4 * (3 * 3 * 5 + 5 * 7)
    expected = [2 * 6 * 6 * 3 * 3 * 3 * 5, 2 * 4 * 4 * 3 * 3 * 5, separable, 0, 2 * 112 * 2]
    assert [graph.operations(layer) for layer in model.layers] == expected

"""Tests of which activations are the last ones."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from networks import saved

from pipeline.network import last
from pipeline.network.describe import describe
from pipeline.network.last import Last, activations
from pipeline.network.network import load
from pipeline.plan.architecture import Reading

pytestmark = pytest.mark.usefixtures("cpu")


def _model(*body: keras.Layer) -> keras.Model:
    model = keras.Sequential([keras.Input((8, 8, 3)), *body])
    return keras.Model(model.inputs[0], model.outputs[0])


def _names(model: keras.Model, *, is_living: bool = True) -> dict[str, bool]:
    """Of each last activation whether it is read."""
    return {name: of.is_read for name, of in activations(model, is_living=is_living).items()}


@pytest.mark.parametrize(
    "layer",
    [
        layers.ReLU(6.0, name="end"),
        layers.ReLU(threshold=1.0, name="end"),
        layers.PReLU(name="end"),
        layers.ELU(name="end"),
        layers.Activation("hard_sigmoid", name="end"),
        layers.Conv2D(2, 1, activation="swish", name="end"),
        layers.Dense(2, activation="tanh", name="end"),
    ],
)
def test_every_activation_counts_once_others_than_relus_do(layer: keras.Layer) -> None:
    first = layers.Conv2D(2, 1, activation="relu", name="first")
    model = _model(first, layers.Conv2D(2, 1), layer, layers.Dropout(0.1))
    assert _names(model) == {"end": True}
    assert _names(model, is_living=False) == {"first": False}
    assert last.has_flat_ends(model)


def test_what_is_made_of_an_activation_does_not_read_it() -> None:
    model = _model(layers.ReLU(6.0, name="relu"), layers.Conv2D(2, 1))
    assert _names(model) == {"relu": False}
    both = keras.Model(model.input, [model.get_layer("relu").output, model.output])
    assert _names(both) == {"relu": True}


def test_a_channel_may_hang_on_one_of_an_activation_before() -> None:
    body = [
        layers.Conv2D(4, 1, activation="gelu", name="far"),
        layers.Conv2D(4, 1, name="mix"),
        layers.ReLU(6.0, name="expand"),
        layers.DepthwiseConv2D(3, name="depth"),
        layers.BatchNormalization(),
        layers.ReLU(6.0, name="end"),
    ]
    assert _names(_model(*body)) == {"end": True, "expand": False}
    assert _names(_model(*body, layers.Conv2D(2, 1))) == {"end": False}
    assert _names(_model(*body, layers.AveragePooling2D(2))) == {"end": False, "expand": False}


def test_what_feeds_a_layer_channel_by_channel_is_found() -> None:
    body = [
        layers.Conv2D(4, 1, name="mix"),
        layers.ReLU(6.0, name="expand"),
        layers.DepthwiseConv2D(3, name="depth"),
        layers.BatchNormalization(),
        layers.ReLU(6.0, name="end"),
    ]
    assert last.feeder(_model(*body)) == "expand"
    assert last.feeder(_model(*body[:4])) == "expand"
    assert last.feeder(_model(*body[:2])) is None  # a convolution that mixes them
    assert last.feeder(_model(*body, layers.Conv2D(4, 1))) is None
    two = layers.DepthwiseConv2D(3, depth_multiplier=2, name="depth")
    assert last.feeder(_model(*body[:2], two)) is None  # two channels read one


def test_operations_count_as_layers_do() -> None:
    image = keras.Input((8, 8, 3))
    values = keras.ops.hard_silu(layers.Conv2D(2, 1)(image))
    [found] = activations(keras.Model(image, values), is_living=True).values()
    assert found.is_read
    assert found.curve is not None
    assert found.curve.steepest == pytest.approx(1.5, abs=0.01)


def test_relus_alone_have_no_flat_ends_that_count() -> None:
    model = _model(layers.Conv2D(2, 1, activation="relu", name="a"), layers.LeakyReLU(name="b"))
    assert not last.has_flat_ends(model)
    assert activations(model, is_living=False) == {"a": Last(None, is_read=False)}


def test_activations_are_counted_by_their_names() -> None:
    image = keras.Input((8, 8, 3))
    x = layers.ReLU(6.0)(layers.Conv2D(2, 1, activation="swish")(image))
    x = keras.ops.relu(layers.Activation("gelu")(layers.ReLU(6.0)(x)))
    model = keras.Model(image, layers.Dense(3)(x))
    assert last.counted(model) == {"relu up to 6": 2, "silu": 1, "gelu": 1, "relu": 1}


def _behind_a_silent_layer(bias: float) -> keras.Model:
    """A layer that is shut for grey, whose channels noise opens, and two behind it."""
    image = keras.Input((None, None, 3))
    shut = layers.Conv2D(8, 3, activation="relu", name="shut", bias_initializer=_all(bias))(image)
    x = layers.Conv2D(8, 3, activation="relu", name="next", bias_initializer=_all(0.1))(shut)
    return keras.Model(image, layers.Conv2D(4, 3, activation="relu", name="end")(x))


def _all(value: float) -> keras.initializers.Initializer:
    return keras.initializers.Constant(value)


def test_a_layer_that_is_silent_for_grey_counts_too(tmp_path: Path) -> None:
    model = _behind_a_silent_layer(-0.5)
    assert last.silent_at_grey(model, (-1.0, 1.0)) == ["shut"]
    assert "shut" in activations(model, is_living=True, silent=["shut"])
    assert last.silent_at_grey(_behind_a_silent_layer(0.5), (-1.0, 1.0)) == []
    assert describe(saved(model, tmp_path), 32).is_living
    assert not describe(saved(model, tmp_path), 32, given=(1.0, 3.0)).is_living  # another grey
    assert not describe(saved(_behind_a_silent_layer(0.5), tmp_path), 32).is_living


def test_the_way_up_leads_through_a_layer_that_is_silent_for_grey(tmp_path: Path) -> None:
    weights = saved(_behind_a_silent_layer(-0.5), tmp_path)
    images = tf.zeros((1, 32, 32, 3))
    for is_living in (False, True):
        network = load(weights, ("next",), Reading(is_living=is_living))
        with tf.GradientTape() as tape:
            tape.watch(images)
            value = tf.reduce_mean(network(images, revive=True)["next"])
        assert bool(np.any(tape.gradient(value, images))) == is_living

"""Tests of which activations are the last ones."""

import keras
import pytest
from keras import layers

from pipeline.network import last
from pipeline.network.last import Last, activations

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

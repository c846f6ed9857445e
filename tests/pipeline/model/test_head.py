"""Tests of heads: what goes into the probabilities that `model.predict` gives, and what does it."""

# ruff: noqa: PLW0108 (layers are made by tests, and not as this is read: Keras is set up before)

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers, ops
from networks import noise, saved

from pipeline.ascent import objectives
from pipeline.errors import ConfigError
from pipeline.model import model_file
from pipeline.model.head import chosen, heads
from pipeline.network.describe import describe
from pipeline.network.network import load
from pipeline.plan.architecture import CLASSES, Reading
from pipeline.plan.kinds import LOGITS, SOFTMAX
from pipeline.plan.units import Unit

pytestmark = pytest.mark.usefixtures("cpu")

Tensor = keras.KerasTensor
End = Callable[[Tensor], Tensor]


def _features() -> tuple[Tensor, Tensor]:
    keras.utils.set_random_seed(0)  # so that no draw is flat by chance
    image = keras.Input((16, 16, 3))
    return image, layers.GlobalAveragePooling2D()(layers.Conv2D(6, 3)(image))


def _dense(count: int = 5, activation: str | None = None, name: str | None = None) -> layers.Dense:
    spread = keras.initializers.RandomNormal(stddev=2.0, seed=1)
    return layers.Dense(count, activation, kernel_initializer=spread, name=name)


def _convolution(activation: str | None = None) -> layers.Conv2D:
    spread = keras.initializers.RandomNormal(stddev=2.0, seed=1)
    return layers.Conv2D(5, 1, activation=activation, kernel_initializer=spread)


SOFTMAXES: dict[str, End] = {
    "dense": lambda x: _dense(activation="softmax")(x),
    "layer": lambda x: layers.Softmax()(_dense()(x)),
    "activation": lambda x: layers.Activation("softmax")(_dense()(x)),
    "operation": lambda x: ops.softmax(_dense()(x)),
    "cast": lambda x: ops.cast(_dense(activation="softmax")(x), "float32"),
    "reshape": lambda x: layers.Reshape((5,))(_dense(activation="softmax")(x)),
    "identity": lambda x: layers.Identity()(_dense(activation="softmax")(x)),
    "linear": lambda x: layers.Activation("linear")(_dense(activation="softmax")(x)),
    "mixed": lambda x: layers.Activation("linear", dtype="float32")(layers.Softmax()(_dense()(x))),
    "dropout": lambda x: layers.Dropout(0.5)(_dense(activation="softmax")(x)),
    "map": lambda x: layers.Flatten()(
        _convolution(activation="softmax")(layers.Reshape((1, 1, 6))(x))
    ),
    "map then squeezed": lambda x: ops.squeeze(
        layers.Softmax()(_convolution()(layers.Reshape((1, 1, 6))(x))), (1, 2)
    ),
}
SIGMOIDS: dict[str, End] = {
    "one": lambda x: _dense(1, "sigmoid")(x),
    "several": lambda x: _dense(5, "sigmoid")(x),
    "activation": lambda x: layers.Activation("sigmoid")(_dense()(x)),
    "operation": lambda x: ops.sigmoid(_dense(1)(x)),
    "cast": lambda x: ops.cast(_dense(3, "sigmoid")(x), "float32"),
}


@pytest.mark.parametrize(("end", "squash"), [
    *[pytest.param(end, "softmax", id=f"softmax, {name}") for name, end in SOFTMAXES.items()],
    *[pytest.param(end, "sigmoid", id=f"sigmoid, {name}") for name, end in SIGMOIDS.items()],
])  # fmt: skip
def test_a_unit_is_what_predict_gives(end: End, squash: str, tmp_path: Path) -> None:
    image, features = _features()
    model = keras.Model(image, end(features))
    weights, images = saved(model, tmp_path), noise(16, 4)
    network = load(weights, (CLASSES,))
    assert network.squash == squash == describe(weights, 16).squash
    expected = model.predict(images, verbose=0)
    seen = network(images)
    for number in range(expected.shape[1]):
        for kind, wanted in ((SOFTMAX, expected), (LOGITS, seen[CLASSES].numpy())):
            units = [Unit(kind, (), number)] * 4
            name = objectives.name(units[0], network.squash)
            value = objectives.activation(name, seen, objectives.aim(units, (1, 1)))
            np.testing.assert_allclose(value, wanted[:, number], atol=1e-5)
    logits = seen[CLASSES].numpy()
    made = ops.softmax(logits) if squash == "softmax" else ops.sigmoid(logits)
    np.testing.assert_allclose(made, expected, atol=1e-5)
    assert np.ptp(logits) > 0.1


@pytest.mark.parametrize("end", [
    lambda x: x,
    lambda x: layers.UnitNormalization()(x),
    lambda x: _dense(7, "relu")(x),
    lambda x: layers.LayerNormalization()(_dense(7)(x)),
], ids=["pooled", "unit length", "relu", "normalised"])  # fmt: skip
def test_features_are_no_classes(end: End, tmp_path: Path) -> None:
    image, features = _features()
    assert describe(saved(keras.Model(image, end(features)), tmp_path), 16).classes is None


def test_a_map_is_no_vector_of_classes() -> None:
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3, activation="softmax")])
    assert heads(model_file.Read(model, ("conv",), ())) == {}


def test_logits_of_a_plain_end_are_its_values(tmp_path: Path) -> None:
    image, features = _features()
    model = keras.Model(image, _dense(5)(features))
    logits = load(saved(model, tmp_path), (CLASSES,))(noise(16))[CLASSES]
    np.testing.assert_allclose(logits, model(noise(16)), rtol=1e-4, atol=1e-5)


def _two_heads(*, by_key: bool) -> keras.Model:
    image, features = _features()
    breed, colour = _dense(5, "softmax", "breed")(features), _dense(3, "sigmoid", "hue")(features)
    return keras.Model(image, {"b": breed, "a": colour} if by_key else [breed, colour])


@pytest.mark.parametrize(("by_key", "names"), [(False, ("breed", "hue")), (True, ("a", "b"))])
def test_a_head_is_named(by_key: bool, names: tuple[str, str], tmp_path: Path) -> None:
    model = _two_heads(by_key=by_key)
    weights = saved(model, tmp_path)
    known = describe(weights, 16)
    assert (known.classes, set(known.heads)) == (None, set(names))
    for name, count, squash in zip(
        names, (3, 5) if by_key else (5, 3), ("sigmoid", "softmax")[:: 1 if by_key else -1],
        strict=True,
    ):  # fmt: skip
        told = describe(weights, 16, name)
        assert (told.classes, told.squash) == (count, squash)
        network = load(weights, (CLASSES,), Reading(output=name))
        made = getattr(ops, squash)(network(noise(16))[CLASSES])
        found = model(noise(16))
        expected = found[name] if by_key else found[names.index(name)]
        np.testing.assert_allclose(made, expected, atol=1e-5)


def test_one_head_beside_a_map_needs_no_name(tmp_path: Path) -> None:
    image = keras.Input((16, 16, 3))
    seen = layers.Conv2D(6, 3, name="seen")(image)
    classes = _dense(5, "softmax")(layers.GlobalAveragePooling2D()(seen))
    weights = saved(keras.Model(image, [seen, classes]), tmp_path)
    assert describe(weights, 16).classes == 5
    assert describe(weights, 16).heads == ()
    with pytest.raises(ConfigError, match=r"^model.output: the output 'seen' of .* is no vector"):
        describe(weights, 16, "seen")
    with pytest.raises(ConfigError, match=r"^model.output: .* has no output 'x': .* one of seen"):
        describe(weights, 16, "x")


def test_of_several_heads_none_is_chosen_unsaid(tmp_path: Path) -> None:
    found = model_file.read(saved(_two_heads(by_key=False), tmp_path))
    assert chosen(found, heads(found), "") is None
    assert found.outputs == ("breed", "hue")

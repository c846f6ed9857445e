"""Networks that are cut at a layer, with what goes round it."""

import keras
import numpy as np
import pytest
from keras import layers
from networks import saved

from pipeline.config.weights import resolve
from pipeline.network import network
from pipeline.network.cut import Cut
from pipeline.plan.architecture import Reading

pytestmark = pytest.mark.usefixtures("cpu")


def _seen(loaded: network.Network, cut: Cut, images: np.ndarray) -> dict[str, np.ndarray]:
    whole = loaded.returning(cut.around)(images)
    found = cut(whole[cut.layer], [whole[name] for name in cut.around])
    return {"whole": whole["end"].numpy(), "behind": found["end"].numpy()}


def _residual() -> keras.Model:
    """A layer `a`, what goes round it, and an end that reads both."""
    image = keras.Input((None, None, 3))
    first = layers.Conv2D(4, 3, padding="same", activation="relu", name="first")(image)
    a = layers.Conv2D(4, 3, padding="same", activation="relu", name="a")(first)
    b = layers.Conv2D(4, 3, padding="same", name="b")(a)
    beside = layers.Conv2D(4, 1, activation="relu", name="beside")(first)
    return keras.Model(image, [layers.Add(name="end")([b, first, beside]), beside])


def test_what_goes_round_a_layer_meets_it_behind(tmp_path) -> None:
    loaded = network.load(saved(_residual(), tmp_path), ("end", "a", "beside"))
    cut = Cut(loaded, "a", ("end",))
    images = np.random.default_rng(0).uniform(-1, 1, (2, 8, 8, 3)).astype(np.float32)
    assert cut.leads
    assert len(cut.around) == 2
    found = _seen(loaded, cut, images)
    np.testing.assert_array_equal(found["whole"], found["behind"])


def test_only_what_lies_behind_is_run(tmp_path) -> None:
    loaded = network.load(saved(_residual(), tmp_path), ("end", "a"))
    names = {layer.name for layer in Cut(loaded, "a", ("end",)).model.layers}
    assert {"b", "end"} <= names
    assert not {"first", "beside", "a"} & names


def test_a_layer_may_lead_nowhere(tmp_path) -> None:
    loaded = network.load(saved(_residual(), tmp_path), ("beside", "a"))
    assert not Cut(loaded, "a", ("beside",)).leads


def test_without_activations_what_is_left_is_linear(tmp_path) -> None:
    loaded = network.load(saved(_residual(), tmp_path), ("end", "first"))
    straight = Cut(loaded, "first", ("end",)).straight()
    assert straight is not None
    values = np.random.default_rng(0).uniform(-1, 1, (1, 8, 8, 4)).astype(np.float32)
    none, once, twice = (straight(by * values, [])["end"].numpy() for by in (0.0, 1.0, -2.0))
    np.testing.assert_allclose(twice - none, -2.0 * (once - none), atol=1e-5)
    bent = Cut(loaded, "first", ("end",))(values, [])["end"].numpy()
    assert np.abs(bent - once).max() > 0.01


def test_a_gate_is_not_straightened(tmp_path) -> None:
    image = keras.Input((None, None, 3))
    first = layers.Conv2D(4, 3, activation="relu", name="first")(image)
    gate = layers.Conv2D(4, 1, activation="sigmoid", name="gate")(first)
    model = keras.Model(image, layers.Multiply(name="end")([first, gate]))
    loaded = network.load(saved(model, tmp_path), ("end", "first"))
    assert Cut(loaded, "first", ("end",)).straight() is None


@pytest.mark.parametrize("layer", ["block6_add", "block9_depth"])
def test_a_real_network_with_residuals_is_the_same_in_two_parts(layer: str) -> None:
    weights = resolve("lite0")
    reading = Reading((-0.992188, 1.0))
    loaded = network.load(weights, ("block12_expand", layer), reading)
    cut = Cut(loaded, layer, ("block12_expand",))
    images = np.random.default_rng(0).uniform(-1, 1, (2, 64, 64, 3)).astype(np.float32)
    whole = loaded.returning(cut.around)(images)
    found = cut(whole[layer], [whole[name] for name in cut.around])["block12_expand"]
    np.testing.assert_array_equal(found, whole["block12_expand"])

"""Circuits: known ones are found, what is measured is so, and shuffled weights point elsewhere."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from networks import saved
from scipy.stats import spearmanr

from pipeline.ascent import objectives
from pipeline.ascent.circuits import Tracer
from pipeline.ascent.engine import Engine
from pipeline.ascent.objectives import Aim
from pipeline.ascent.results import DRAWS, STRONGEST, Traced
from pipeline.config import yaml_file
from pipeline.config.weights import Weights, resolve
from pipeline.network import network
from pipeline.network.cut import Cut
from pipeline.network.describe import describe
from pipeline.plan.architecture import PLAINLY
from pipeline.plan.kinds import one
from pipeline.plan.pixels import floats
from pipeline.plan.resolve import resolve_provenance

pytestmark = pytest.mark.usefixtures("cpu")

CHANNELS = 24
EXCITING, INHIBITING = {3: 2.0, 7: 1.0, 11: 0.5}, {5: -0.75, 20: -0.25}


def _by_hand(**more: object) -> keras.Model:
    """A network of which channel 1 of `unit` is a known sum of channels of `parts`."""
    image = keras.Input((None, None, 3))
    parts = layers.Conv2D(CHANNELS, 1, activation="relu", name="parts")(image)
    unit = layers.Conv2D(2, 1, activation="relu", name="unit", **more)(parts)
    model = keras.Model(image, unit)
    model.get_layer("parts").set_weights(
        [np.full((1, 1, 3, CHANNELS), 0.1), np.linspace(1.0, 2.0, CHANNELS)]
    )
    kernel = np.zeros((1, 1, CHANNELS, 2))
    for channel, value in {**EXCITING, **INHIBITING}.items():
        kernel[0, 0, channel, 1] = value
    model.get_layer("unit").set_weights([kernel, np.zeros(2)])
    return model


def _traced(weights: Weights, text: str, source: str, mean: float = 1.0, size: int = 8) -> Traced:
    unit = one(text, describe(weights, size))
    images = np.random.default_rng(1).integers(0, 256, (1, size, size, 3), np.uint8)
    tracer = Tracer(weights, (source,), unit, PLAINLY, seed=0)
    channels = describe(weights, size).layers[source].channels
    means = {source: np.full(channels, mean, np.float32)}
    return tracer.trace(images, [unit], means, 4)[source]


def test_a_known_circuit_is_found_exactly(tmp_path) -> None:
    weights = saved(_by_hand(), tmp_path)
    found = _traced(weights, "unit:1", "parts")
    expected = [*EXCITING, *[-1] * 7, *INHIBITING, *[-1] * 8]
    assert sorted(found.strongest[0, :3]) == sorted(EXCITING)
    assert found.strongest[0].tolist() == expected
    others = np.setdiff1d(np.arange(CHANNELS), [*EXCITING, *INHIBITING])
    assert not found.attribution[0, others].any()
    # Where all is linear, and the unit stays on, the guess is the truth.
    by_channel = found.attribution[0, found.strongest[0]]
    there = found.strongest[0] >= 0
    np.testing.assert_allclose(-found.zero[0, there], by_channel[there], rtol=1e-5)
    np.testing.assert_allclose(found.weight[0, found.strongest[0, :3]], list(EXCITING.values()))


def test_together_and_at_their_means(tmp_path) -> None:
    weights = saved(_by_hand(), tmp_path)
    found = _traced(weights, "unit:1", "parts", mean=1.25)
    assert found.together[0] == 0.0  # what is left inhibits, and a ReLU ends it
    gone = found.attribution[0, found.strongest[0, :3]]
    to_mean = np.array(list(EXCITING.values())) * 1.25 - gone
    np.testing.assert_allclose(found.mean[0, :3], to_mean, rtol=1e-4)
    assert found.random.shape == (1, DRAWS)
    assert (found.random[0] > found.together[0]).any()


def test_a_negative_unit_is_raised_by_what_lowers_the_channel(tmp_path) -> None:
    weights = saved(_by_hand(), tmp_path)
    up, down = _traced(weights, "unit:1", "parts"), _traced(weights, "-unit:1", "parts")
    np.testing.assert_array_equal(down.attribution, -up.attribution)
    assert down.strongest[0, :2].tolist() == list(INHIBITING)


def test_where_a_source_acts_is_where_it_is(tmp_path) -> None:
    weights = saved(_by_hand(), tmp_path)
    found = _traced(weights, "unit:1@2,3", "parts")
    heat = found.heat[0, 0]
    assert heat[2, 3] == 127
    assert np.count_nonzero(heat) == 1
    assert not found.heat[0, -1].any()


def test_a_layer_that_does_not_lead_there_has_no_part(tmp_path) -> None:
    image = keras.Input((None, None, 3))
    model = keras.Model(
        image,
        [layers.Conv2D(2, 1, name="beside")(image), layers.Conv2D(2, 1, name="unit")(image)],
    )
    found = _traced(saved(model, tmp_path), "unit:1", "beside")
    assert (found.strongest == -1).all()
    assert not found.attribution.any()


class Real:
    """Eight channels of the real network's mixed4, rendered in short, and what they are."""

    def __init__(self) -> None:
        config = {
            "units": ["mixed4:0-767"], "model": {"weights": "bundled"}, "image": {"size": 80},
            "recipe": {"name": "draft", "steps": 12}, "batch_size": 8,
        }  # fmt: skip
        known = resolve_provenance(yaml_file.parse(json.dumps(config)), describe)
        self.units = list(known.units())[::96]
        self.images = Engine.of(known).compute(self.units).images
        self.tracer = Tracer(known.locate_weights(), ("mixed2",), self.units[0], PLAINLY, 0)
        self.found = self.trace(slice(None))

    def trace(self, some: slice) -> Traced:
        """What some of them are built from."""
        means = {"mixed2": np.full(288, 0.1, np.float32)}
        return self.tracer.trace(self.images[some], self.units[some], means, 8)["mixed2"]

    def lost(self, attribution: np.ndarray) -> np.ndarray:
        """The share of each unit that goes with the ten channels of the largest attribution."""
        behind = self.tracer.behind["mixed2"]
        seen = self.maps()
        aim = Aim(*map(tf.constant, objectives.aim(self.units, seen["mixed4"].shape[1:3])))
        sets = np.argsort(-attribution, axis=1)[:, :STRONGEST]
        left = behind.without(seen["mixed2"], [], aim, list(sets), np.zeros(288, np.float32))
        return 1.0 - left / self.found.score

    def maps(self) -> dict[str, tf.Tensor]:
        """What the network makes of the images."""
        return dict(self.tracer.see(tf.constant(floats(self.images))))


@pytest.fixture(scope="module")
def real(cpu: None) -> Real:
    return Real()


def test_what_is_traced_does_not_hang_on_company(real: Real) -> None:
    for name, rows in real.trace(slice(5, 8)).arrays().items():
        np.testing.assert_array_equal(rows, real.found.arrays()[name][5:], err_msg=name)


def test_the_guess_ranks_as_the_measurement_does(real: Real) -> None:
    found = real.found
    guess = [found.attribution[row, found.strongest[row]] for row in range(8)]
    ranks = [spearmanr(of, -zero)[0] for of, zero in zip(guess, found.zero, strict=True)]
    assert np.median(ranks) > 0.95


def test_the_strongest_matter_and_as_many_at_random_do_not(real: Real) -> None:
    found = real.found
    lost = 1.0 - found.together / found.score
    np.testing.assert_allclose(real.lost(found.attribution), lost, atol=1e-6)
    assert np.median(lost) > 0.5
    assert np.median(1.0 - found.random.mean(axis=1) / found.score) < 0.1


def test_what_a_network_of_shuffled_weights_points_at_does_not_matter(real: Real) -> None:
    """The check of Adebayo et al. (2018): an attribution must hang on the weights."""
    loaded = network.load(resolve("bundled"), ("mixed4", "mixed2"), PLAINLY)
    cut, random = Cut(loaded, "mixed2", ("mixed4",)), np.random.default_rng(0)
    for layer in cut.model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            kernel, *rest = layer.get_weights()
            layer.set_weights([random.permutation(kernel.ravel()).reshape(kernel.shape), *rest])
    seen = real.maps()
    values = seen["mixed2"]
    aim = Aim(*map(tf.constant, objectives.aim(real.units, seen["mixed4"].shape[1:3])))
    with tf.GradientTape() as tape:
        tape.watch(values)
        score = objectives.score("channel", cut(values, []), aim)
    product = values * tape.gradient(score, values)
    assert np.median(real.lost(np.sum(product, axis=(1, 2)))) < 0.25

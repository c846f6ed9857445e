"""Tests of the engine: units in, finished batches out."""

import numpy as np
import pytest

from pipeline import device
from pipeline.engine import Engine
from pipeline.errors import WeightsError
from pipeline.recipes import RECIPES
from pipeline.results import NAMES
from pipeline.units import Unit
from pipeline.weights import resolve

SIZE = 80


@pytest.fixture(scope="module", autouse=True)
def _cpu() -> None:
    device.use("cpu")


@pytest.fixture
def engine() -> Engine:
    recipe = RECIPES["fourier"].model_copy(update={"steps": 3, "revive": 1})
    return Engine(resolve("bundled"), recipe, SIZE, seed=0, batch_size=4)


def test_a_batch_comes_out_rendered_and_measured(engine: Engine) -> None:
    results = engine.compute([Unit("channel", ("mixed0",), index) for index in (3, 64, 200)])
    assert results.images.shape == (3, SIZE, SIZE, 3)
    assert results.images.dtype == np.uint8
    assert results.trajectory.shape == (3, 3)
    arrays = results.arrays()
    assert arrays["trajectory"].dtype == arrays["statistics"].dtype == np.float32
    assert arrays["statistics"].shape == (3, len(NAMES))
    statistics = results.statistics
    assert (statistics.activation > statistics.activation_start).all()
    assert (statistics.activation_peak >= statistics.activation).all()
    assert (statistics.steps == 3).all()
    assert (statistics.seconds > 0).all()


def test_the_last_two_networks_are_kept(engine: Engine) -> None:
    def compiled(layer: str) -> object:
        return engine._for((layer,))[0]

    first, second = compiled("activation"), compiled("activation_1")
    assert compiled("activation") is first
    compiled("activation_2")  # `activation_1` was used longest ago
    assert len(engine._compiled) == 2
    assert compiled("activation") is first
    assert compiled("activation_1") is not second
    assert len(engine._compiled) == 2


def test_classes_without_a_classifier_are_refused(engine: Engine) -> None:
    with pytest.raises(WeightsError, match="these weights have no classifier"):
        engine.compute([Unit("logits", (), 3)])

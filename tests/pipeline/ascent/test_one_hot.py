"""A direction of one channel alone is that channel: byte for byte, by the general arithmetic."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.ascent.engine import Engine
from pipeline.config.recipes import RECIPES
from pipeline.config.schema import Precision, Render
from pipeline.config.vectors import Vectors
from pipeline.config.weights import resolve
from pipeline.network.describe import describe
from pipeline.plan.architecture import Reading
from pipeline.plan.kinds import expand

pytestmark = pytest.mark.usefixtures("cpu")

SIZE, CHANNELS = 64, (3, 42, 120)


@pytest.mark.parametrize(
    ("weights", "layer", "recipe", "precision", "forms"),
    [
        ("bundled", "mixed4", "draft", "float32", (("", ""), ("-", ""), ("", "@1,1"))),
        ("bundled", "mixed2", "fourier", "float32", (("", ""),)),
        ("bundled", "mixed2", "draft", "bfloat16", (("", ""),)),
        ("lite0", "block9_depth", "draft", "float32", (("", ""), ("", "@1,1"))),
    ],
)
def test_one_hot_directions_are_their_channels(
    weights: str,
    layer: str,
    recipe: str,
    precision: Precision,
    forms: tuple[tuple[str, str], ...],
) -> None:
    found = resolve(weights)
    network = describe(found, SIZE, "", None)
    rows = np.eye(network.layers[layer].channels, dtype=np.float32)
    network = replace(network, bases={"e": Vectors("e", "e.npy", rows)})
    options = Render(precision=precision)
    reading = Reading(network.range or (0, 1), "", network.is_living, network.is_living)
    engine = Engine(found, RECIPES[recipe], SIZE, 0, 4, options, reading=reading)
    numbers = ",".join(map(str, CHANNELS))
    for sign, place in forms:
        plain = engine.compute(expand([f"{sign}{layer}:{numbers}{place}"], network))
        general = engine.compute(expand([f"{sign}{layer}@dir/e:{numbers}{place}"], network))
        np.testing.assert_array_equal(plain.images, general.images)
        np.testing.assert_array_equal(plain.trajectory, general.trajectory)
        for name in ("activation", "activation_robust", "mean", "deviation", "sparsity"):
            tables = (getattr(of.statistics, name) for of in (plain, general))
            np.testing.assert_array_equal(*tables)

"""The judge: the same float32 network and the same 16 looks for every method's images."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.shown import channels
from pipeline.config.weights import resolve
from pipeline.network import device
from pipeline.plan.kinds import CHANNEL
from pipeline.plan.units import Unit


@dataclass(frozen=True)
class Score:
    """Of each image its plain and its robust activation, (units,)."""

    plain: np.ndarray
    robust: np.ndarray


Scores = Mapping[tuple[str, str], Score]
"""By layer and method."""


def judge(images: Mapping[tuple[str, str], np.ndarray]) -> Scores:
    """Score (units, size, size, 3) uint8 images, by (layer, method)."""
    device.use("cpu")
    from pipeline.ascent.measure import Meter  # noqa: PLC0415, TensorFlow after its environment
    from pipeline.network.network import load  # noqa: PLC0415

    scores = {}
    for layer in sorted({layer for layer, _ in images}):
        units = [Unit(CHANNEL, (layer,), c) for c in channels(layer)]
        network = load(resolve("bundled"), (layer,))
        for name in [name for other, name in images if other == layer]:
            shown = images[layer, name]
            meter = Meter(network, shown.shape[1])
            scores[layer, name] = Score(
                meter.plain(shown, units, len(units)), meter.robust(shown, units, len(units))
            )
    return scores

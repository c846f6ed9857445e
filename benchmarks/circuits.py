"""How far circuits can be believed: `make bench-circuits`.

Draws units of the bundled weights' mixed4 by a fixed seed, renders them by `draft`, and takes away
every channel of mixed2, one by one: how well attribution ranks them. Then sets of ten are taken
away together: the strongest by attribution, as many at random, the most active, those to which the
weights alone point, and those to which a network points whose weights behind mixed2 are shuffled
(Adebayo et al., 2018). Last, the same in a network of random weights. Figures are kept in
benchmarks/circuits.json and stand in BENCHMARKS.md.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from pipeline.network import device

device.use("cpu")

import keras  # noqa: E402, after the environment
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from scipy.stats import spearmanr  # noqa: E402

from benchmarks import circuit_table, report  # noqa: E402
from pipeline.ascent import objectives  # noqa: E402
from pipeline.ascent.circuits import Tracer  # noqa: E402
from pipeline.ascent.engine import Engine  # noqa: E402
from pipeline.ascent.objectives import Aim  # noqa: E402
from pipeline.ascent.results import STRONGEST  # noqa: E402
from pipeline.config import yaml_file  # noqa: E402
from pipeline.config.weights import resolve  # noqa: E402
from pipeline.model import model_file  # noqa: E402
from pipeline.network import network  # noqa: E402
from pipeline.network.cut import Cut  # noqa: E402
from pipeline.network.describe import describe  # noqa: E402
from pipeline.plan.pixels import floats  # noqa: E402
from pipeline.plan.resolve import resolve_provenance  # noqa: E402

SOURCE, TARGET, BATCH, SEED, SHUFFLES = "mixed2", "mixed4", 16, 0, 3


def main() -> None:
    """Measure, keep, and write the section."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--units", type=int, default=32, help="how many, in sixteens")
    parser.add_argument("--size", type=int, default=128, help="side of the images, in pixels")
    parser.add_argument("--out", type=Path, default=circuit_table.KEPT.parents[1] / "BENCHMARKS.md")
    options = parser.parse_args()
    found = {
        "trained": Subject("bundled", options.units, options.size).measured(),
        "random": _of_random_weights(options.units, options.size),
        "size": options.size,
        "machine": report.machine(),
    }
    circuit_table.KEPT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    circuit_table.again(options.out)


def _of_random_weights(units: int, size: int) -> dict[str, Any]:
    """The same network with kernels drawn from He's normal distribution."""
    model, random = model_file.read(resolve("bundled")).model, np.random.default_rng(SEED)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            kernel, *rest = layer.get_weights()
            spread = np.sqrt(2.0 / np.prod(kernel.shape[:3]))
            layer.set_weights([random.normal(0.0, spread, kernel.shape), *rest])
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "random.keras")
        model.save(path)
        return Subject(path, units, size).measured()


class Subject:
    """Some units of a network, rendered, and what there is behind their source layer."""

    def __init__(self, weights: str, count: int, size: int) -> None:
        config = {
            "units": [f"{TARGET}:all"], "model": {"weights": weights, "range": "tf"},
            "image": {"size": size}, "recipe": "draft", "batch_size": BATCH,
        }  # fmt: skip
        self._known = resolve_provenance(yaml_file.parse(json.dumps(config)), describe)
        every = list(self._known.units())
        drawn = np.random.default_rng(SEED).choice(len(every), count, replace=False)
        engine = Engine.of(self._known)
        self._parts = [[every[i] for i in drawn[n : n + BATCH]] for n in range(0, count, BATCH)]
        self._images = [engine.compute(part).images for part in self._parts]
        self._tracer = Tracer(
            self._known.locate_weights(), (SOURCE,), every[0], self._known.reading, SEED
        )
        self._behind = self._tracer.behind[SOURCE]
        self._channels = self._known.architecture.layers[SOURCE].channels

    def measured(self) -> dict[str, Any]:
        """By name a figure a live unit; the seconds a unit, of one thread of tracing."""
        means = {SOURCE: np.zeros(self._channels, np.float32)}
        found: dict[str, list[float]] = {}
        seconds = []
        for part, images in zip(self._parts, self._images, strict=True):
            self._tracer.trace(images, part, means, BATCH)
            began = time.perf_counter()
            traced = self._tracer.trace(images, part, means, BATCH)[SOURCE]
            seconds.append((time.perf_counter() - began) / len(part))
            self._see(part, images)
            alone = self._alone() - traced.score[:, None]
            shuffled = np.mean([self._lost(self._shuffled(n)) for n in range(SHUFFLES)], axis=0)
            activity = np.sum(self._values, axis=(1, 2))
            random = 1.0 - traced.random.mean(axis=1) / np.maximum(traced.score, 1e-9)
            rows = {
                "strongest": self._lost(traced.attribution),
                "random": random,
                "active": self._lost(activity),
                "weights": self._lost(traced.weight * activity),
                "shuffled": shuffled,
            }
            for row in np.flatnonzero(traced.score > 1e-6):
                ranks = {
                    "rank": spearmanr(traced.attribution[row], -alone[row])[0],
                    "rank_weights": spearmanr(traced.weight[row], -alone[row])[0],
                    "rank_active": spearmanr(activity[row], -alone[row])[0],
                }
                figures = {name: values[row] for name, values in rows.items()} | ranks
                for name, value in figures.items():
                    found.setdefault(name, []).append(round(float(value), 4))
        return {**found, "seconds": statistics.median(seconds)}

    def _see(self, units: list[Any], images: np.ndarray) -> None:
        seen = self._tracer.see(tf.constant(floats(images)))
        self._values = seen[SOURCE]
        aim = objectives.aim(units, tuple(seen[TARGET].shape[1:3]))
        self._aim = Aim(*map(tf.constant, aim))
        self._whole = self._without([np.array([], np.int64)] * len(units))

    def _without(self, sets: list[np.ndarray]) -> np.ndarray:
        silent = np.zeros(self._channels, np.float32)
        return self._behind.without(self._values, [], self._aim, sets, silent)

    def _alone(self) -> np.ndarray:
        """The scores where each channel is silent, (units, channels)."""
        lone = [[np.array([channel])] * BATCH for channel in range(self._channels)]
        return np.stack([self._without(sets) for sets in lone], axis=1)

    def _lost(self, by: np.ndarray) -> np.ndarray:
        """The share of each score that goes with the ten channels of the largest value."""
        sets = list(np.argsort(-by, axis=1)[:, :STRONGEST])
        return np.asarray(1.0 - self._without(sets) / np.maximum(self._whole, 1e-9))

    def _shuffled(self, seed: int) -> np.ndarray:
        """The attribution by a network whose kernels behind the source are shuffled."""
        names = (TARGET, SOURCE)
        loaded = network.load(self._known.locate_weights(), names, self._known.reading)
        cut, random = Cut(loaded, SOURCE, (TARGET,)), np.random.default_rng(seed)
        for layer in cut.model.layers:
            if isinstance(layer, keras.layers.Conv2D):
                kernel, *rest = layer.get_weights()
                layer.set_weights([random.permutation(kernel.ravel()).reshape(kernel.shape), *rest])
        with tf.GradientTape() as tape:
            tape.watch(self._values)
            score = objectives.score("channel", cut(self._values, []), self._aim)
        product = self._values * tape.gradient(score, self._values)
        return np.asarray(np.sum(product, axis=(1, 2)))


if __name__ == "__main__":
    main()

"""What a build will cost, before it runs: operations, time, bytes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.ascent.results import LOOKS
from pipeline.config.schema import Local, Threads
from pipeline.explore import index
from pipeline.explore import responses as of_channels
from pipeline.plan.batches import Batch
from pipeline.plan.provenance import Provenance
from pipeline.plan.units import Unit
from tasks.planning import Plan

_SHARE = {"float32": 0.65, "bfloat16": 1.1}
"""An ascent's rate by that of the machine's float32 matrix products, about; see BENCHMARKS.md."""
_PASSES = LOOKS + 2
"""Forward passes in float32 that measure an image: start, end, and so many small moves."""
_COMPRESSED = 0.85
"""Stored bytes by raw bytes, about: rendered images hardly compress."""
_DRAWN = 1.2
"""Bytes of page and mosaics by those of the images, about: each shows them."""
_PIXELS_A_SECOND, _SECONDS_A_UNIT = 1.0e6, 0.008
"""How fast images come onto page and mosaics, and what a unit takes in the index, about."""


@dataclass(frozen=True)
class Estimate:
    """The cost of what is missing.

    Attributes:
        units: units to render.
        batches: batches they come in.
        operations: multiplications and additions of the convolutions.
        seconds: on this machine, about; None for a pool that is not this machine's CPU.
        stored: bytes in the store, about.
    """

    units: int
    batches: int
    operations: float
    seconds: float | None
    stored: int


def estimate(plan: Plan, batches: list[Batch], rate: float | None) -> Estimate:
    """The cost of rendering and measuring batches.

    Args:
        plan: the build.
        batches: what is missing.
        rate: this machine's floating-point operations a second, or None where another computes.
    """
    units = [unit for batch in batches for unit in batch.units]
    known = plan.provenance
    steps, render = known.recipe.steps, known.render
    forward = sum(_forward(unit, known) for unit in units)
    ascent, measuring = 2.0 * steps * forward, float(_PASSES * forward)
    operations = ascent + measuring
    pixels = known.size * known.size * 3 * (1 + render.snapshots)
    stored = int(len(units) * (pixels * _COMPRESSED + 4 * steps))
    shares = ascent / _SHARE[render.precision] + measuring / _SHARE["float32"]
    seconds = None if rate is None else shares / rate
    return Estimate(len(units), len(batches), operations, seconds, stored)


def responses(plan: Plan, batches: Sequence[Batch], rate: float | None) -> Estimate:
    """The cost of looking at images with every channel of the atlas's layers. As `estimate`.

    Args:
        plan: the build.
        batches: what is missing; images that are there and were not looked at are counted, too.
        rate: as for `estimate`.
    """
    known = plan.provenance
    if not plan.config.explore.responses or not known.layers():
        return Estimate(0, 0, 0.0, None if rate is None else 0.0, 0)
    units = sum(len(batch.units) for batch in (*batches, *_unseen(plan)))
    deepest = max(known.architecture.operations_to(layer.name) for layer in known.layers())
    stored = 2 * 4 * units * sum(layer.channels for layer in known.layers())
    seconds = None if rate is None else units * deepest / (rate * _SHARE["float32"])
    return Estimate(0, 0, float(units * deepest), seconds, stored)


def _unseen(plan: Plan) -> list[Batch]:
    """The batches of images that are there, and that nobody looked at."""
    store = plan.store()
    return store.pending(of_channels.tables(store)) if store else []


def later(plan: Plan, batches: Sequence[Batch], rate: float | None) -> dict[str, Estimate]:
    """The cost of what follows on rendering, stage by stage. Arguments as of `responses`."""
    looking, store = responses(plan, batches, rate), plan.store()
    is_written = store is not None and not batches and index.is_current(store)
    nothing = Estimate(0, 0, 0.0, 0.0, 0)
    return {"responses": looking, "index, mosaics, page": nothing if is_written else writing(plan)}


def writing(plan: Plan) -> Estimate:
    """The cost of writing the index, mosaics and the page of all units, once; by two cores."""
    units = len(plan.provenance.units()) - len(plan.unavailable())
    pixels = units * plan.provenance.size**2
    seconds = units * _SECONDS_A_UNIT + pixels / _PIXELS_A_SECOND
    return Estimate(0, 0, 0.0, seconds, int(pixels * 3 * _DRAWN))


def total(costs: Sequence[Estimate]) -> Estimate:
    """The cost of several together."""
    times = [cost.seconds for cost in costs if cost.seconds is not None]
    return Estimate(
        units=sum(cost.units for cost in costs),
        batches=sum(cost.batches for cost in costs),
        operations=sum(cost.operations for cost in costs),
        seconds=sum(times) if len(times) == len(costs) else None,
        stored=sum(cost.stored for cost in costs),
    )


def machine_rate(plan: Plan) -> float | None:
    """Operations a second of the plan's pool, measured by a matrix product on this machine.

    None where the pool is not this machine's CPU.
    """
    cluster = plan.config.cluster
    if not isinstance(cluster, Local | Threads):
        return None
    side = 1024
    factor = np.ones((side, side), np.float32)
    best = min(_timed(factor) for _ in range(5))
    return 2.0 * side**3 / best


def _timed(factor: np.ndarray) -> float:
    began = time.perf_counter()
    np.matmul(factor, factor)
    return time.perf_counter() - began


def _forward(unit: Unit, provenance: Provenance) -> float:
    """Operations of one image through the network as far as a unit needs it."""
    return max(map(provenance.architecture.operations_to, unit.reads))

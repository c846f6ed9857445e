"""What a build will cost, before it runs: operations, time, bytes."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from pipeline.ascent.results import LOOKS, Pace
from pipeline.config.schema import Local, Threads
from pipeline.explore import circuits as of_sources
from pipeline.explore import index
from pipeline.explore import responses as of_channels
from pipeline.network import device
from pipeline.network.apart import apart
from pipeline.plan.batches import Batch
from pipeline.plan.provenance import Provenance
from pipeline.plan.units import Unit
from pipeline.truth import kept
from pipeline.truth.views import VIEWS
from tasks.planning import Plan
from tasks.pool.cluster import local_workers

_SHARE = 0.65
"""A network's rate by that of the machine's float32 matrix products, about; see BENCHMARKS.md."""
_AT_ONCE = 4
"""Processes that are timed at once, at most."""
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


@dataclass(frozen=True)
class Rate:
    """How fast a pool works.

    Attributes:
        climbing: operations a second of the ascent, as counted for a pass forward and one back.
        looking: operations a second of passes forward alone.
        compiling: seconds that a worker takes over a section before its first image.
        starting: seconds until the workers are there.
        workers: how many there are.
    """

    climbing: float
    looking: float
    compiling: float = 0.0
    starting: float = 0.0
    workers: int = 1


def estimate(plan: Plan, batches: list[Batch], rate: Rate | None) -> Estimate:
    """The cost of rendering and measuring batches of a section.

    Args:
        plan: the build.
        batches: what is missing.
        rate: of the pool; None where another machine computes.
    """
    units = [unit for batch in batches for unit in batch.units]
    known = plan.provenance
    steps, render = known.recipe.steps, known.render
    forward = sum(_forward(unit, known) for unit in units)
    ascent, measuring = 2.0 * steps * forward, float(_PASSES * forward)
    pixels = known.size * known.size * 3 * (1 + render.snapshots)
    stored = int(len(units) * (pixels * _COMPRESSED + 4 * steps))
    seconds = None
    if rate is not None:
        # Who has nothing of a section to do goes on to the next.
        compiling = rate.compiling * min(len(batches) / rate.workers, 1.0)
        seconds = ascent / rate.climbing + measuring / rate.looking + compiling
    return Estimate(len(units), len(batches), ascent + measuring, seconds, stored)


def responses(plan: Plan, batches: Sequence[Batch], rate: Rate | None) -> Estimate:
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
    seconds = None if rate is None else units * deepest / rate.looking
    return Estimate(0, 0, float(units * deepest), seconds, stored)


def circuits(plan: Plan, batches: Sequence[Batch], rate: Rate | None) -> Estimate:
    """The cost of measuring what units are built from. Arguments and result as of `responses`.

    A pass forward and back, then one behind each source for every channel that is measured.
    """
    known, store = plan.provenance, plan.store()
    if not plan.traces():
        return Estimate(0, 0, 0.0, None if rate is None else 0.0, 0)
    untraced = []
    if store:  # with other pictures, all is traced anew
        untraced = store.committed() if batches else of_sources.untraced(store)
    operations = stored = 0.0
    for unit in (unit for batch in (*batches, *untraced) for unit in batch.units):
        whole, layers = _forward(unit, known), of_sources.sources(known, unit)
        for layer in layers:
            behind = whole - known.architecture.operations_to(layer.name)
            operations += (3 + of_sources.PASSES) * behind
            stored += of_sources.size(layer)
        operations += whole if layers else 0
    seconds = None if rate is None else operations / rate.looking
    return Estimate(0, 0, operations, seconds, int(stored))


def views(plan: Plan, batches: Sequence[Batch], rate: Rate | None) -> Estimate:
    """The cost of seeing images under each view. Arguments and result as of `responses`."""
    if not plan.config.truth.kept:
        return Estimate(0, 0, 0.0, None if rate is None else 0.0, 0)
    store = plan.store()
    of_now = kept.pending(store) if store else []
    units = [unit for batch in (*batches, *of_now) for unit in batch.units]
    operations = len(VIEWS) * sum(_forward(unit, plan.provenance) for unit in units)
    seconds = None if rate is None else operations / rate.looking
    return Estimate(0, 0, operations, seconds, 4 * len(VIEWS) * len(units))


def _unseen(plan: Plan) -> list[Batch]:
    """The batches of images that are there, and that nobody looked at."""
    store = plan.store()
    return store.pending(of_channels.tables(store)) if store else []


def later(plan: Plan, batches: Sequence[Batch], rate: Rate | None) -> dict[str, Estimate]:
    """The cost of what follows on rendering, stage by stage. Arguments as of `responses`."""
    looking, store = responses(plan, batches, rate), plan.store()
    starting = rate.starting if rate is not None and batches else 0.0
    is_written = store is not None and not batches and index.is_current(store)
    nothing = Estimate(0, 0, 0.0, 0.0, 0)
    begun = {"workers, until they are there": Estimate(0, 0, 0.0, starting, 0)} if starting else {}
    return {
        **begun,
        "responses": looking,
        "circuits": circuits(plan, batches, rate),
        "views": views(plan, batches, rate),
        "index, mosaics, page": nothing if is_written else writing(plan),
    }


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


def quick_rate(plan: Plan) -> Rate | None:
    """The rate of a plan's pool, about, by a matrix product on this machine.

    None where the pool is not this machine's CPU.
    """
    if not plan.config.is_here:
        return None
    side = 1024
    factor = np.ones((side, side), np.float32)
    rate = _SHARE * 2.0 * side**3 / min(_timed(factor) for _ in range(5))
    return Rate(rate, rate)


def _timed(factor: np.ndarray) -> float:
    began = time.perf_counter()
    np.matmul(factor, factor)
    return time.perf_counter() - began


def real_rate(plan: Plan) -> Rate | None:
    """The rate of a plan's pool, by real steps of its own network, on its most costly section.

    As many processes as the pool has, but no more than a few, take them at once.

    Raises:
        WeightsError: the weights are not here, or are others than the atlas's.
        WorkError: a process died, or did not answer in time.
    """
    cluster, missing = plan.config.cluster, plan.missing()
    sections = [section for section, batches in missing if batches]
    if not isinstance(cluster, Local | Threads) or not sections:
        return quick_rate(plan)
    known = plan.provenance
    costly = max(sections, key=lambda of: sum(_forward(unit, known) for unit in of.units))
    workers = min(local_workers(cluster.workers), sum(len(batches) for _, batches in missing))
    began = time.perf_counter()
    with ThreadPoolExecutor(min(workers, _AT_ONCE)) as threads:
        do = partial(_pace, known, costly.units[: known.batch_size])
        remedy = "(build.patience): allow more"
        asked = [
            threads.submit(apart, do, "time some steps", plan.config.build.patience, remedy)
            for _ in range(min(workers, _AT_ONCE))
        ]
        paces = [each.result() for each in asked]
    starting = time.perf_counter() - began - max(spent for _, spent in paces)
    step, look, compiling = (
        sum(getattr(pace, name) for pace, _ in paces) / len(paces)
        for name in ("step", "look", "compiling")
    )
    forward = _forward(costly.units[0], known)
    climbing, looking = workers * 2.0 * forward / step, workers * forward / look
    return Rate(climbing, looking, compiling, starting, workers)


def _pace(known: Provenance, units: Sequence[Unit]) -> tuple[Pace, float]:
    """The pace of a process, and what it took to find it."""
    device.use(known.device, known.render.compiler)
    began = time.perf_counter()
    from pipeline.ascent.pace import timed  # noqa: PLC0415, TensorFlow stays in that process

    return timed(known, units), time.perf_counter() - began


def _forward(unit: Unit, provenance: Provenance) -> float:
    """Operations of one image through the network as far as a unit needs it."""
    return max(map(provenance.architecture.operations_to, unit.reads))

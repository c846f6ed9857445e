"""How fast this machine renders: some real steps of a network, timed."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from pipeline.ascent.engine import Engine
from pipeline.ascent.results import Pace
from pipeline.plan.batches import batch_size
from pipeline.plan.provenance import Provenance
from pipeline.plan.units import Unit

_STEPS = 4
_IMAGES = 8
"""As fast as a batch, within a tenth."""
_LOOPS = 2
"""Functions that look at images, to be compiled: at them as they are, and moved."""
Result = TypeVar("Result")


def timed(known: Provenance, units: Sequence[Unit]) -> Pace:
    """Time some steps of an ascent, and a look at its images; each once before, to compile it.

    Args:
        known: an atlas's provenance, whose device this process uses.
        units: of one section; the first few are rendered.

    Raises:
        WeightsError: the weights are not here, or are others than the atlas's.
    """
    recipe, group = known.recipe, known.render.group
    steps = min(_STEPS, recipe.steps)
    revive = -(-steps * min(recipe.revive, recipe.steps) // recipe.steps)
    short = {
        "recipe": recipe.model_copy(update={"steps": steps, "revive": revive}),
        "render": known.fingerprint.render.model_copy(update={"snapshots": 0}),
    }
    engine = Engine.of(replace(known, fingerprint=known.fingerprint.model_copy(update=short)))
    batch = batch_size(units[0].kind, known.batch_size, group)
    most = min(max(_IMAGES // group, 1) * group, batch)
    some = [unit for unit in units if unit.variant < group][:most]
    renderer, meter = engine.compiled(some[0])
    first, rendered = _seconds(lambda: renderer.render(some, known.seed, batch))
    climb, _ = _seconds(lambda: renderer.render(some, known.seed, batch))
    before, _ = _seconds(lambda: meter.plain(rendered.images, some, batch))
    look, _ = _seconds(lambda: meter.plain(rendered.images, some, batch))
    images = len(renderer.padded(some, batch))
    compiling = first - climb + _LOOPS * (before - look)
    return Pace(climb / (steps * images), look / images, max(compiling, 0.0))


def _seconds(do: Callable[[], Result]) -> tuple[float, Result]:
    began = time.perf_counter()
    done = do()
    return time.perf_counter() - began, done

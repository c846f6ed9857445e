"""The engine: units in, finished and measured batches out. What a worker and `atlas render` run."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import tensorflow as tf

from pipeline.ascent import objectives
from pipeline.ascent.measure import Meter
from pipeline.ascent.render import PLAIN, Rendered, Renderer
from pipeline.ascent.results import Results, Statistics
from pipeline.config.recipes import Recipe
from pipeline.config.schema import Precision, Render
from pipeline.config.weights import Weights
from pipeline.errors import WorkError
from pipeline.network import network
from pipeline.plan.architecture import PLAINLY, Reading
from pipeline.plan.batches import batch_size, half_of
from pipeline.plan.kinds import CHANNEL, DIRECTION
from pipeline.plan.provenance import Provenance
from pipeline.plan.units import Unit

_LOG = logging.getLogger(__name__)
_KEPT = 2
"""Compiled networks kept: a pool goes section by section, so two are enough."""
_RISE = 1e-3
"""By what part of its start a unit has to rise; one that does not is stuck."""
_FULL = (tf.errors.ResourceExhaustedError, MemoryError)


class Engine:
    """Renders and measures units of one network by one recipe.

    Args:
        weights: the resolved weights file.
        recipe: how to render.
        size: side of the images, in pixels.
        seed: the atlas's seed.
        batch_size: the largest batch.
        options: what is rendered of each unit, and in which arithmetic.
        renderer: what renders the units of a section.
        reading: how the network is read.
        by_processor: whether what a batch took is said in time of this process's processor, as of
            one that computes alone on one thread, rather than by the clock.

    Attributes:
        most: how many images are rendered at once since a batch did not fit in memory, else None.
    """

    def __init__(
        self,
        weights: Weights,
        recipe: Recipe,
        size: int,
        seed: int,
        batch_size: int,
        options: Render = PLAIN,
        renderer: Callable[[network.Network, Recipe, int, Render], Renderer] = Renderer,
        reading: Reading = PLAINLY,
        by_processor: bool = False,
    ) -> None:
        self.weights = weights
        self.recipe = recipe
        self.size = size
        self.seed = seed
        self.batch_size = batch_size
        self.options = options
        self.reading = reading
        self._renderer = renderer
        self._by_processor = by_processor
        self.most: int | None = None
        # What `auto` means is settled where an atlas is planned.
        self._precision: Precision = "float32" if options.precision == "auto" else options.precision
        self._compiled: OrderedDict[tuple[str, ...], tuple[Renderer, Meter]] = OrderedDict()

    @classmethod
    def of(cls, provenance: Provenance) -> "Engine":
        """The engine of an atlas; finds its weights file and reads that through once.

        Raises:
            WeightsError: the weights are not here, or are others than the atlas's.
        """
        return cls(
            provenance.locate_weights(),
            provenance.recipe,
            provenance.size,
            provenance.seed,
            provenance.batch_size,
            provenance.render,
            reading=provenance.reading,
            by_processor=provenance.device == "cpu",
        )

    def compute(self, units: Sequence[Unit]) -> Results:
        """Find and measure an image for each unit.

        Args:
            units: units of one section, at most a batch; where variants are kept apart, at most
                as many that all their siblings make a batch.

        Raises:
            WeightsError: the weights have not what the units need.
            WorkError: even half a batch does not fit in memory.
        """
        batch = batch_size(units[0].kind, self.batch_size, self.options.group)
        renderer, meter = self.compiled(units[0])
        start = _now()
        rendered = self._render(renderer, units, batch)
        seconds = self._since(start)
        most = min(batch, self.most or batch)
        results = _results(rendered, meter.measure(rendered, units, most, seconds))
        for stuck in self._stuck(units, results, most):
            results = self._begin_lit(units, stuck, results, rendered.first[stuck], most)
        return results

    def _stuck(self, units: Sequence[Unit], found: Results, most: int) -> list[np.ndarray]:
        """The rows of units for which there is another start, and which need one, in parts."""
        can = units[0].kind.has_map and not units[0].negative and self.options.group == 1
        if not can or self.compiled(units[0])[0].network.feeder is None:
            return []
        start, end = found.statistics.activation_start, found.statistics.activation
        rows = np.flatnonzero(~(end - start > _RISE * np.abs(start)))
        renderer, _ = self.compiled(units[0])
        styles = [rows[some] for some in renderer.by_style([units[int(row)] for row in rows])]
        return [
            some[first : first + most] for some in styles for first in range(0, len(some), most)
        ]

    def _begin_lit(
        self, units: Sequence[Unit], rows: np.ndarray, found: Results, first: np.ndarray, most: int
    ) -> Results:
        """What was found, and for some units what an ascent finds that begins with a lit map.

        Where each channel of a layer reads one of an earlier activation, a unit can be highest
        where that is silent, but for maps that no small step leads to: every spot lowers it. So
        the ascent first lights what the unit reads, for half its steps, and goes on from there. It
        is kept where it ends higher than the first.
        """
        renderer, meter = self.compiled(units[0])
        again = [units[row] for row in rows]
        layers = (renderer.network.feeder or "",)
        kind = DIRECTION if again[0].kind.has_direction else CHANNEL
        read = [
            Unit(kind, layers, unit.index, variant=unit.variant, direction=unit.direction)
            for unit in again
        ]
        start = _now()
        begun = self.compiled(read[0])[0].begun(read, self.seed, most)
        rendered = replace(renderer.render(again, self.seed, most, begun), first=first)
        seconds = self._since(start)
        results = _results(rendered, meter.measure(rendered, again, most, seconds))
        higher = np.flatnonzero(results.statistics.activation > found.statistics.activation[rows])
        return found.with_rows(rows[higher], results, higher)

    def _since(self, start: tuple[float, float]) -> float:
        """Seconds since then: of the processor, where that is asked for."""
        passed, worked = np.subtract(_now(), start)
        # The smaller one where threads of this process share it.
        return float(min(passed, worked) if self._by_processor else passed)

    def see(self, images: np.ndarray, units: Sequence[Unit]) -> np.ndarray:
        """The plain activation of images, in float32.

        Args:
            images: (units, size, size, 3) uint8.
            units: of one section, what each image is judged by.

        Returns:
            (units,) float32.

        Raises:
            WeightsError: the weights have not what the units need.
        """
        batch = batch_size(units[0].kind, self.batch_size, self.options.group)
        _, meter = self.compiled(units[0])
        return meter.plain(images, units, min(batch, self.most or batch))

    def _render(self, renderer: Renderer, units: Sequence[Unit], batch: int) -> Rendered:
        """Images of units, rendered with the siblings that matter to them."""
        group = self.options.group
        whole = list(units)
        if group > 1:
            firsts = dict.fromkeys(unit.sibling(0) for unit in units)
            whole = [unit.sibling(number) for unit in firsts for number in range(group)]
        rendered = self._fitting(renderer, whole, min(batch, self.most or batch))
        return rendered.rows([whole.index(unit) for unit in units])

    def _fitting(self, renderer: Renderer, units: Sequence[Unit], batch: int) -> Rendered:
        """Images of units; the first time that memory is short, the batch is halved for good."""
        try:
            return self._in_parts(renderer, units, batch)
        except _FULL as error:
            shape = len(renderer.padded(units[:batch], batch))
            half = half_of(shape, self.options.group)
            if self.most is not None or half is None:
                raise WorkError(
                    f"{shape} images of {self.size} px do not fit in memory "
                    "together: lower image.size, or use fewer workers on a machine"
                ) from error
        self.most = half
        _LOG.warning(
            "a batch of images of %d px does not fit in memory: from here on %d at once, which "
            "changes no pixel", self.size, half,
        )  # fmt: skip
        return self._fitting(renderer, units, half)

    def _in_parts(self, renderer: Renderer, units: Sequence[Unit], most: int) -> Rendered:
        parts = [units[i : i + most] for i in range(0, len(units), most)]
        return Rendered.joined([renderer.render(part, self.seed, most) for part in parts])

    def compiled(self, unit: Unit) -> tuple[Renderer, Meter]:
        """The compiled loops for a unit and its section."""
        names = objectives.outputs(unit)
        if names not in self._compiled:
            wanted = objectives.outputs(unit, with_features=self.options.group > 1)
            how = (self._precision, self.options.compiler)
            climbed = network.load(self.weights, wanted, self.reading, *how)
            same = (wanted, *how) == (names, "float32", "graph")
            measured = climbed if same else network.load(self.weights, names, self.reading)
            renderer = self._renderer(climbed, self.recipe, self.size, self.options)
            self._compiled[names] = (renderer, Meter(measured, self.size))
        self._compiled.move_to_end(names)
        while len(self._compiled) > _KEPT:
            self._compiled.popitem(last=False)
        return self._compiled[names]


def _results(rendered: Rendered, statistics: Statistics) -> Results:
    return Results(rendered.images, rendered.trajectory, rendered.snapshots, statistics)


def _now() -> tuple[float, float]:
    """The time, by the clock and of the processor."""
    return time.perf_counter(), time.process_time()

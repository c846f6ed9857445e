"""The engine: units in, finished and measured batches out. What a worker and `atlas render` run."""

import time
from collections import OrderedDict
from collections.abc import Sequence

from pipeline import network, objectives
from pipeline.measure import Meter
from pipeline.provenance import Provenance
from pipeline.recipes import Recipe
from pipeline.render import Renderer
from pipeline.results import Results
from pipeline.units import Unit, batch_size
from pipeline.weights import Weights

_KEPT = 2
"""Compiled networks kept: a pool goes section by section, so two are enough."""


class Engine:
    """Renders and measures units of one network by one recipe.

    Args:
        weights: the resolved weights file.
        recipe: how to render.
        size: side of the images, in pixels.
        seed: the atlas's seed.
        batch_size: the largest batch.
    """

    def __init__(
        self, weights: Weights, recipe: Recipe, size: int, seed: int, batch_size: int
    ) -> None:
        self.weights = weights
        self.recipe = recipe
        self.size = size
        self.seed = seed
        self.batch_size = batch_size
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
        )

    def compute(self, units: Sequence[Unit]) -> Results:
        """Find and measure an image for each unit.

        Args:
            units: at most `batch_size` units of one section.

        Raises:
            WeightsError: the weights have not what the units need.
        """
        batch = batch_size(units[0].kind, self.batch_size)
        renderer, meter = self._for(objectives.outputs(units[0]))
        start = time.perf_counter()
        rendered = renderer.render(units, self.seed, batch)
        seconds = time.perf_counter() - start
        statistics = meter.measure(rendered, units, batch, seconds)
        return Results(rendered.images, rendered.trajectory, statistics)

    def _for(self, outputs: tuple[str, ...]) -> tuple[Renderer, Meter]:
        """The compiled loops for some outputs of the network."""
        if outputs not in self._compiled:
            loaded = network.load(self.weights, outputs)
            loops = (Renderer(loaded, self.recipe, self.size), Meter(loaded, self.size))
            self._compiled[outputs] = loops
        self._compiled.move_to_end(outputs)
        while len(self._compiled) > _KEPT:
            self._compiled.popitem(last=False)
        return self._compiled[outputs]

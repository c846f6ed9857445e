"""What is kept of a finished batch: its images, trajectories, and the numbers measured on them."""

from dataclasses import dataclass, fields
from typing import Any, cast

import numpy as np

LOOKS = 16
"""Small transforms over which an image's robust activation is the mean; see `ascent.measure`."""
STRONGEST = 10
"""Sources that are measured each way; so many are taken away together, too."""
DRAWS = 5
"""How often so many are drawn at random, as a yardstick."""


@dataclass(frozen=True)
class Pace:
    """How fast a process renders units of a section, in seconds.

    Attributes:
        step: a step of the ascent, for one image.
        look: a pass forward, for one image.
        compiling: before the first image is done.
    """

    step: float
    look: float
    compiling: float


@dataclass(frozen=True)
class Statistics:
    """Statistics of a batch, each (batch,) float32.

    Attributes:
        activation: plain activation of the stored image.
        activation_robust: the same, the mean over 16 small transforms of the stored image; see
            `pipeline.ascent.measure`. An adversarial pattern loses it, a feature keeps it.
        activation_start: plain activation of the image before the first step.
        activation_peak: the best activation of start, every step's view, and the end; in a
            negative direction the lowest.
        mean: mean of the unit's channel over its map on the stored image. For deepdream over
            everything in its layers; for a class over all classes.
        deviation: standard deviation of the same numbers.
        sparsity: share of the same numbers that are zero or less.
        steps: steps of the ascent.
        seconds: the unit's share of its batch's rendering, of the processor; on a GPU, by the
            clock.
    """

    activation: np.ndarray
    activation_robust: np.ndarray
    activation_start: np.ndarray
    activation_peak: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    sparsity: np.ndarray
    steps: np.ndarray
    seconds: np.ndarray

    def table(self) -> np.ndarray:
        """All of it as (batch, statistic) float32, columns in the order of `NAMES`."""
        columns = [getattr(self, name) for name in NAMES]
        return np.stack(columns, axis=1).astype(np.float32)


NAMES: tuple[str, ...] = tuple(field.name for field in fields(Statistics))


@dataclass(frozen=True)
class Results:
    """A computed batch, as it is stored.

    Attributes:
        images: (units, size, size, 3) uint8.
        trajectory: (units, steps) float32.
        snapshots: (units, snapshots, size, size, 3) uint8, along the way from the start on.
        statistics: one entry a unit.
    """

    images: np.ndarray
    trajectory: np.ndarray
    snapshots: np.ndarray
    statistics: Statistics

    def with_rows(self, rows: np.ndarray, others: "Results", taken: np.ndarray) -> "Results":
        """These results, whose `rows` are the rows `taken` of others."""

        def mixed(old: Any, new: Any) -> Any:
            if not isinstance(old, np.ndarray):
                names = [each.name for each in fields(old)]
                return type(old)(*(mixed(getattr(old, n), getattr(new, n)) for n in names))
            values = old.copy()
            values[rows] = new[taken]
            return values

        return cast(Results, mixed(self, others))

    def arrays(self) -> dict[str, np.ndarray]:
        """What is stored, by array name; no snapshots, no array of them."""
        stored = {
            "images": self.images,
            "trajectory": self.trajectory.astype(np.float32),
            "statistics": self.statistics.table(),
        }
        return stored | ({"snapshots": self.snapshots} if self.snapshots.shape[1] else {})


@dataclass(frozen=True)
class Traced:
    """What a layer's channels are to units, each on its own picture. One row a unit.

    A score is what the ascent raises: the unit's activation, less than nothing where it is lowered;
    for a class its logit, or its log-odds.

    Attributes:
        score: (units,) float32.
        attribution: by channel, (units, channels) float32; positive where it excites the unit.
        weight: what raising the channel by one everywhere would add, were every activation on the
            way linear, (units, channels) float32; all zero where another layer of the atlas lies
            between, or more than convolutions, poolings and sums.
        strongest: channels, those that excite most and then those that inhibit most, (units,
            2 * STRONGEST) int32; -1 where there are fewer.
        zero: by how much the score changes where each of these is silent, float32; 0 for none.
        mean: the same, where each is at its mean over the atlas's pictures.
        together: the score where all that excite most are silent, (units,) float32.
        random: the same for as many channels drawn at random, (units, DRAWS) float32.
        heat: where each of the strongest acts: its gradient times activation, (units,
            2 * STRONGEST, rows, columns) int8, of which 127 is the largest in its map.
        acting: the same of all channels together, (units, rows, columns) float32; not stored.
    """

    score: np.ndarray
    attribution: np.ndarray
    weight: np.ndarray
    strongest: np.ndarray
    zero: np.ndarray
    mean: np.ndarray
    together: np.ndarray
    random: np.ndarray
    heat: np.ndarray
    acting: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """What is stored, by name."""
        return {e.name: getattr(self, e.name) for e in fields(self) if e.name != "acting"}

    def first(self, count: int) -> "Traced":
        """The first rows."""
        return Traced(*(getattr(self, each.name)[:count] for each in fields(self)))

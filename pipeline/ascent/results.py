"""What is kept of a finished batch: its images, trajectories, and the numbers measured on them."""

from dataclasses import dataclass, fields

import numpy as np

LOOKS = 16
"""Small transforms over which an image's robust activation is the mean; see `ascent.measure`."""


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
        seconds: the unit's share of its batch's rendering time.
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

    def arrays(self) -> dict[str, np.ndarray]:
        """What is stored, by array name; no snapshots, no array of them."""
        stored = {
            "images": self.images,
            "trajectory": self.trajectory.astype(np.float32),
            "statistics": self.statistics.table(),
        }
        return stored | ({"snapshots": self.snapshots} if self.snapshots.shape[1] else {})

"""Statistics of finished images: what is stored is what is scored, always in float32."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import tensorflow as tf

from pipeline.ascent import objectives, transforms
from pipeline.ascent.objectives import Aim
from pipeline.ascent.render import Rendered
from pipeline.ascent.results import LOOKS, Statistics
from pipeline.network.network import Network
from pipeline.plan.batches import pad
from pipeline.plan.pixels import floats
from pipeline.plan.units import Unit


def looks(size: int) -> np.ndarray:
    """The small transforms under which an image's robust activation is the mean.

    Shifts of up to 8 px each way, turns of up to 5 degrees, scales from 0.9 to 1.1, spread evenly
    by the additive recurrence of Roberts (2018, "The unreasonable effectiveness of quasirandom
    sequences"), the same for every unit, atlas and version.

    Args:
        size: side of the images, in pixels.

    Returns:
        (16, 8) float32, the form that `transforms.warp` takes.
    """
    root = 1.1673039782614187  # of x^5 = x + 1
    steps = np.array([root**-power for power in (1, 2, 3, 4)])
    places = 2.0 * ((0.5 + steps * np.arange(1, LOOKS + 1)[:, None]) % 1.0) - 1.0
    return np.stack(
        [
            transforms.matrix(
                size, round(8 * x), round(8 * y), math.radians(5 * turn), 1.0 + 0.1 * scale
            )
            for x, y, turn, scale in places
        ]
    )


@dataclass(frozen=True)
class _Measured:
    """One look at a batch of images, each (batch,)."""

    activation: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    sparsity: np.ndarray


class Meter:
    """Measures units of one section; keeps the compiled functions.

    Args:
        network: in float32, with what the units need.
        size: side of the images, in pixels.
    """

    def __init__(self, network: Network, size: int) -> None:
        self._network = network
        self._size = size
        self._compiled = tf.function(self._look)
        self._compiled_robust = tf.function(self._look_about)

    def measure(
        self, rendered: Rendered, units: Sequence[Unit], batch: int, seconds: float
    ) -> Statistics:
        """Statistics of the stored images, untransformed, as uint8.

        Args:
            rendered: what `Renderer.render` returned for the units.
            units: the batch's units.
            batch: the largest batch, as for `Renderer.render`.
            seconds: what rendering took; shared out evenly.
        """
        start = self._see(rendered.first, units, batch)
        final = self._see(rendered.images, units, batch)
        robust = self.robust(rendered.images, units, batch)
        sign = np.array([-1.0 if unit.negative else 1.0 for unit in units], np.float32)
        ends = np.stack([start.activation, final.activation], axis=1) * sign[:, None]
        climb = np.concatenate([rendered.trajectory * sign[:, None], ends], axis=1)
        count, steps = rendered.trajectory.shape
        return Statistics(
            activation=final.activation,
            activation_robust=robust,
            activation_start=start.activation,
            activation_peak=climb.max(axis=1) * sign,
            mean=final.mean,
            deviation=final.deviation,
            sparsity=final.sparsity,
            steps=np.full(count, steps, np.float32),
            seconds=np.full(count, seconds / count, np.float32),
        )

    def plain(self, images: np.ndarray, units: Sequence[Unit], batch: int) -> np.ndarray:
        """The plain activation of images. Arguments and result as `robust`."""
        return self._see(images, units, batch).activation

    def robust(self, images: np.ndarray, units: Sequence[Unit], batch: int) -> np.ndarray:
        """The robust activation of images: the mean over `looks`.

        Args:
            images: (units, size, size, 3) uint8.
            units: what each image is judged by.
            batch: the largest batch.

        Returns:
            (units,) float32.
        """
        matrices = tf.constant(looks(self._size))

        def look(objective: str, some: tf.Tensor, aim: Aim) -> tuple[tf.Tensor]:
            return (self._compiled_robust(objective, some, aim, matrices),)

        return self._in_parts(look, images, units, batch)[0]

    def _see(self, images: np.ndarray, units: Sequence[Unit], batch: int) -> _Measured:
        return _Measured(*self._in_parts(self._compiled, images, units, batch))

    def _in_parts(
        self,
        look: Callable[[str, tf.Tensor, Aim], Sequence[tf.Tensor]],
        images: np.ndarray,
        units: Sequence[Unit],
        batch: int,
    ) -> list[np.ndarray]:
        """What a look gives for images, at most a batch of them at a time."""
        parts = []
        for first in range(0, len(units), batch):
            some = units[first : first + batch]
            values = look(*self._prepare(images[first : first + batch], some, batch))
            parts.append([value.numpy()[: len(some)] for value in values])
        return [np.concatenate(columns) for columns in zip(*parts, strict=True)]

    def _prepare(
        self, images: np.ndarray, units: Sequence[Unit], batch: int
    ) -> tuple[str, tf.Tensor, Aim]:
        """What the compiled functions take: padded to a shape of the renderer's."""
        padded = pad(units, batch)
        rows = np.arange(len(padded)) % len(units)
        aim = objectives.aim(padded, self._network.map_size(self._size))
        pixels = tf.constant(floats(images[rows]))
        return objectives.name(units[0], self._network.squash), pixels, Aim(*map(tf.constant, aim))

    def _look(self, objective: str, images: tf.Tensor, aim: Aim) -> tuple[tf.Tensor, ...]:
        aim = objectives.targeted(aim, self._network, tf.identity)
        activations = self._network(images)
        # Image by image: reduced in one go, the last bits depend on an image's row.
        fields = tf.unstack(objectives.field(objective, activations, aim))
        return (
            objectives.activation(objective, activations, aim),
            tf.stack([tf.reduce_mean(field) for field in fields]),
            tf.stack([tf.math.reduce_std(field) for field in fields]),
            tf.stack([tf.reduce_mean(tf.cast(field <= 0, tf.float32)) for field in fields]),
        )

    def _look_about(
        self, objective: str, images: tf.Tensor, aim: Aim, matrices: tf.Tensor
    ) -> tf.Tensor:
        """The mean over the transforms, one after the other: memory for one of them."""
        batch = tf.shape(images)[0]

        def look(number: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            several = tf.tile(matrices[number][None], (batch, 1))
            view = partial(transforms.warp, matrices=several)
            seen = objectives.targeted(aim, self._network, view)
            value = objectives.activation(objective, self._network(view(images)), seen)
            return number + 1, total + value

        _, total = tf.while_loop(
            lambda number, _: number < LOOKS,
            look,
            (0, tf.zeros_like(aim.sign)),
            parallel_iterations=1,
        )
        return total / float(LOOKS)

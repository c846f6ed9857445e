"""Statistics of finished images: what is stored is what is scored."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from pipeline import objectives
from pipeline.network import Network
from pipeline.objectives import Aim
from pipeline.render import Rendered, pad
from pipeline.results import Statistics
from pipeline.units import Kind, Unit


@dataclass(frozen=True)
class _Seen:
    """One look at a batch of images, each (batch,)."""

    activation: np.ndarray
    mean: np.ndarray
    deviation: np.ndarray
    sparsity: np.ndarray


class Meter:
    """Measures units of one section; keeps the compiled function."""

    def __init__(self, network: Network, size: int) -> None:
        self._network = network
        self._size = size
        self._compiled = tf.function(self._look)

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
        sign = np.array([-1.0 if unit.negative else 1.0 for unit in units], np.float32)
        ends = np.stack([start.activation, final.activation], axis=1) * sign[:, None]
        climb = np.concatenate([rendered.trajectory * sign[:, None], ends], axis=1)
        count, steps = rendered.trajectory.shape
        return Statistics(
            activation=final.activation,
            activation_start=start.activation,
            activation_peak=climb.max(axis=1) * sign,
            mean=final.mean,
            deviation=final.deviation,
            sparsity=final.sparsity,
            steps=np.full(count, steps, np.float32),
            seconds=np.full(count, seconds / count, np.float32),
        )

    def _see(self, images: np.ndarray, units: Sequence[Unit], batch: int) -> _Seen:
        padded = pad(units, batch)
        rows = np.arange(len(padded)) % len(units)
        floats = images[rows].astype(np.float32) / np.float32(127.5) - np.float32(1.0)
        target = objectives.aim(padded, self._network.map_size(self._size))
        values = self._compiled(padded[0].kind, tf.constant(floats), Aim(*map(tf.constant, target)))
        return _Seen(*(value.numpy()[: len(units)] for value in values))

    def _look(self, kind: Kind, images: tf.Tensor, target: Aim) -> tuple[tf.Tensor, ...]:
        activations = self._network(images)
        # Image by image: reduced in one go, the last bits depend on an image's row.
        fields = tf.unstack(objectives.field(kind, activations, target))
        return (
            objectives.activation(kind, activations, target),
            tf.stack([tf.reduce_mean(field) for field in fields]),
            tf.stack([tf.math.reduce_std(field) for field in fields]),
            tf.stack([tf.reduce_mean(tf.cast(field <= 0, tf.float32)) for field in fields]),
        )

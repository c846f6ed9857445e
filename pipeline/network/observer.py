"""What the channels of some layers make of pictures: one pass forward, in float32."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from pipeline.config.weights import Weights
from pipeline.network import network
from pipeline.plan.architecture import Reading
from pipeline.plan.pixels import HALF


@dataclass(frozen=True)
class Observed:
    """How a layer's channels respond to pictures, each (pictures, channels).

    Attributes:
        mean: over the channel's map, float32.
        peak: its largest value, float32.
        place: where that is, as row x columns + column of the map, int32.
    """

    mean: np.ndarray
    peak: np.ndarray
    place: np.ndarray


class Observer:
    """Looks at pictures with some layers of a network.

    Args:
        weights: the resolved weights file.
        layers: their names; `CLASSES` for the logits.
        reading: how the network is read.
    """

    def __init__(self, weights: Weights, layers: Sequence[str], reading: Reading) -> None:
        self.layers = tuple(layers)
        self._network = network.load(weights, self.layers, reading)
        self._compiled = tf.function(self._look)
        self._mapped = tf.function(self._map)

    def see(self, pictures: np.ndarray, batch: int) -> dict[str, Observed]:
        """How every channel responds.

        Args:
            pictures: (pictures, size, size, 3) uint8.
            batch: so many at once; fewer are padded, so that all is compiled once.

        Returns:
            By layer, one row a picture.
        """
        parts = []
        for first in range(0, len(pictures), batch):
            some = pictures[first : first + batch]
            padded = some[np.arange(batch) % len(some)]
            parts.append([value.numpy()[: len(some)] for value in self._compiled(padded)])
        joined = [np.concatenate(columns) for columns in zip(*parts, strict=True)]
        each = [Observed(*joined[i : i + 3]) for i in range(0, len(joined), 3)]
        return dict(zip(self.layers, each, strict=True))

    def maps(self, picture: np.ndarray) -> dict[str, np.ndarray]:
        """The maps of one picture, (size, size, 3) uint8: by layer (rows, columns, channels)."""
        maps = self._network(_floats(picture[None]))
        return {layer: maps[layer].numpy()[0] for layer in self.layers}

    def maps_of(self, pictures: np.ndarray, batch: int) -> np.ndarray:
        """The maps of the first layer for pictures, (pictures, rows, columns, channels) float32.

        Args:
            pictures: (pictures, size, size, 3) uint8, at most a batch.
            batch: to so many they are padded, so that all is compiled once.
        """
        padded = pictures[np.arange(batch) % len(pictures)]
        return np.asarray(self._mapped(padded))[: len(pictures)]

    def _map(self, pictures: tf.Tensor) -> tf.Tensor:
        return self._network(_floats(pictures))[self.layers[0]]

    def _look(self, pictures: tf.Tensor) -> list[tf.Tensor]:
        maps = self._network(_floats(pictures))
        found = []
        for layer in self.layers:
            seen = maps[layer]  # of classes one number each
            flat = tf.reshape(seen, (tf.shape(seen)[0], -1, seen.shape[-1]))
            found += [
                tf.reduce_mean(flat, axis=1),
                tf.reduce_max(flat, axis=1),
                tf.argmax(flat, axis=1, output_type=tf.int32),
            ]
        return found


def _floats(pictures: np.ndarray | tf.Tensor) -> tf.Tensor:
    return tf.cast(pictures, tf.float32) / HALF - 1.0

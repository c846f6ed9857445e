"""What single places of a layer do for each class: activation times gradient, for all classes."""

import numpy as np
import tensorflow as tf

from pipeline.config.weights import Weights
from pipeline.errors import UnitError
from pipeline.network import network
from pipeline.network.cut import Cut
from pipeline.plan.architecture import CLASSES, Reading
from pipeline.plan.pixels import HALF


class Attributor:
    """Looks at pictures with a layer, and at what its places do for the logits.

    To first order: what each logit would lose if the layer were silent there (Olah et al., 2018;
    Carter et al., 2019). Derived forwards, so that all classes cost as much as one.

    Args:
        weights: the resolved weights file.
        layer: its name.
        reading: how the network is read.

    Raises:
        UnitError: the layer does not lead to the classes.
        WeightsError: the weights have no classifier.
    """

    def __init__(self, weights: Weights, layer: str, reading: Reading) -> None:
        whole = network.load(weights, (CLASSES, layer), reading)
        self._cut = Cut(whole, layer, (CLASSES,))
        if not self._cut.leads:
            raise UnitError(f"the layer {layer} does not lead to the network's classes")
        self._see = tf.function(whole.returning(self._cut.around))
        self._moved = tf.function(self._move)

    def attributed(self, pictures: np.ndarray, places: np.ndarray, batch: int) -> np.ndarray:
        """What places do for each class, in logits.

        Args:
            pictures: (pictures, size, size, 3) uint8, at most a batch.
            places: (pictures, each), as row x columns + column of the layer's map.
            batch: to so many pictures they are padded, so that all is compiled once.

        Returns:
            (pictures, each, classes) float32.
        """
        rows = np.arange(batch) % len(pictures)
        seen = self._see(tf.cast(pictures[rows], tf.float32) / HALF - 1.0)
        values, around = seen[self._cut.layer], [seen[name] for name in self._cut.around]
        found = [self._moved(values, around, column) for column in places[rows].T.astype(np.int32)]
        return np.stack([np.asarray(each) for each in found], axis=1)[: len(pictures)]

    def _move(self, values: tf.Tensor, around: list[tf.Tensor], places: tf.Tensor) -> tf.Tensor:
        """The derivatives of all logits along the activations of one place of each picture."""
        rows, columns = values.shape[1], values.shape[2]
        here = tf.reshape(tf.one_hot(places, rows * columns), (-1, rows, columns, 1))
        with tf.autodiff.ForwardAccumulator(values, values * here) as along:
            logits = self._cut(values, around)[CLASSES]
        return along.jvp(logits)

"""Objectives: the number a unit is judged by, for a batch of units of one kind.

An objective takes what a `Network` returned and the batch's `Aim` and gives one number an image.
To add one: write its function, name it in `_OBJECTIVES`, give its ids a form in `pipeline.units`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pipeline.network import CLASSES
from pipeline.units import Kind, Unit

Activations = Mapping[str, tf.Tensor]


class Aim(NamedTuple):
    """Which of a layer's numbers each image of a batch is for; arrays of shape (batch,).

    A batch of any units of one section is the same computation on other aims, so that it is
    compiled once. `row` and `column` are parts of the map's height and width, so that they hold
    for the smaller maps of an octave too.
    """

    index: tf.Tensor
    row: tf.Tensor
    column: tf.Tensor
    sign: tf.Tensor


def aim(units: Sequence[Unit], map_size: tuple[int, int]) -> Aim:
    """The aim of a batch of units, on a layer whose full map has `map_size` rows and columns."""
    rows, columns = map_size
    return Aim(
        index=np.array([unit.index for unit in units], np.int32),
        row=np.array([((unit.row or 0) + 0.5) / rows for unit in units], np.float32),
        column=np.array([((unit.column or 0) + 0.5) / columns for unit in units], np.float32),
        sign=np.array([-1.0 if unit.negative else 1.0 for unit in units], np.float32),
    )


def outputs(unit: Unit) -> tuple[str, ...]:
    """What the network must return for a unit."""
    return (CLASSES,) if unit.has_class else unit.layers


def activation(kind: Kind, activations: Activations, target: Aim) -> tf.Tensor:
    """The plain activation of each image's unit, (batch,), whatever its direction."""
    return _OBJECTIVES[kind](activations, target)


def field(kind: Kind, activations: Activations, target: Aim) -> tf.Tensor:
    """The numbers among which each image's unit stands, (batch, count).

    A channel's or neuron's: the channel's whole map. DeepDream's: everything in its layers.
    A class's: all logits, or all probabilities.
    """
    if kind == "deepdream":
        batch = tf.shape(next(iter(activations.values())))[0]
        return tf.concat([tf.reshape(a, (batch, -1)) for a in activations.values()], axis=1)
    values = next(iter(activations.values()))
    if kind == "softmax":
        return tf.nn.softmax(values)
    if kind == "logits":
        return values
    maps = tf.gather(values, target.index, axis=3, batch_dims=1)  # (batch, rows, columns)
    return tf.reshape(maps, (tf.shape(maps)[0], -1))


def _channel(activations: Activations, target: Aim) -> tf.Tensor:
    (values,) = activations.values()
    return tf.gather(tf.reduce_mean(values, axis=(1, 2)), target.index, batch_dims=1)


def _neuron(activations: Activations, target: Aim) -> tf.Tensor:
    (values,) = activations.values()
    rows, columns = tf.unstack(tf.shape(values)[1:3])
    row = tf.cast(target.row * tf.cast(rows, tf.float32), tf.int32)
    column = tf.cast(target.column * tf.cast(columns, tf.float32), tf.int32)
    place = tf.stack([row, column, target.index], axis=1)
    return tf.gather_nd(values, place, batch_dims=1)


def _deepdream(activations: Activations, target: Aim) -> tf.Tensor:
    del target
    return tf.add_n([tf.reduce_mean(values, axis=(1, 2, 3)) for values in activations.values()])


def _logits(activations: Activations, target: Aim) -> tf.Tensor:
    return tf.gather(activations[CLASSES], target.index, batch_dims=1)


def _softmax(activations: Activations, target: Aim) -> tf.Tensor:
    return tf.gather(tf.nn.softmax(activations[CLASSES]), target.index, batch_dims=1)


_OBJECTIVES: dict[Kind, Callable[[Activations, Aim], tf.Tensor]] = {
    "channel": _channel,
    "neuron": _neuron,
    "deepdream": _deepdream,
    "logits": _logits,
    "softmax": _softmax,
}

"""Objectives: the number a unit is judged by, for a batch of units of one kind.

An objective takes what a `Network` returned and the batch's `Aim` and gives one number an image.
To add one: write its function, and name it in `OBJECTIVES` under its kind of unit (`plan.kinds`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from pipeline.network.network import FEATURES
from pipeline.plan.architecture import CLASSES, Squash
from pipeline.plan.pixels import floats
from pipeline.plan.units import Unit

Activations = Mapping[str, tf.Tensor]
_LEAST_COSINE = 0.1
_TINY = 1e-12


_NO_WEIGHTS = np.zeros(0, np.float32)


class Aim(NamedTuple):
    """Which of a layer's numbers each image of a batch is for; arrays of shape (batch,).

    A batch of any units of one section is the same computation on other aims, so that it is
    compiled once. `row` and `column` are parts of the map's height and width, so that they hold
    for the smaller maps of an octave too. Of directions `weights` are the vectors, (batch,
    channels), else none, (batch, 0), and `power` is that of the cosine. `picture` is that of units
    of pictures, (batch, size, size, 3) in [-1, 1], else none, (batch, 0); see `targeted`.
    """

    index: tf.Tensor
    row: tf.Tensor
    column: tf.Tensor
    sign: tf.Tensor
    weights: tf.Tensor
    power: tf.Tensor
    picture: tf.Tensor


def aim(units: Sequence[Unit], map_size: tuple[int, int]) -> Aim:
    """The aim of a batch of units of a kind, on a layer of a map of so many rows and columns."""
    rows, columns = map_size
    return Aim(
        index=np.array([unit.index for unit in units], np.int32),
        row=np.array([((unit.row or 0) + 0.5) / rows for unit in units], np.float32),
        column=np.array([((unit.column or 0) + 0.5) / columns for unit in units], np.float32),
        sign=np.array([-1.0 if unit.negative else 1.0 for unit in units], np.float32),
        weights=np.stack([u.direction.vector if u.direction else _NO_WEIGHTS for u in units]),
        power=np.array([u.direction.power if u.direction else 0.0 for u in units], np.float32),
        picture=np.stack([floats(u.picture.image) if u.picture else _NO_WEIGHTS for u in units]),
    )


def targeted(
    aim: Aim, network: Callable[[tf.Tensor], Activations], view: Callable[[tf.Tensor], tf.Tensor]
) -> Aim:
    """The aim of units of pictures, with what the network makes of these as weights.

    An image and its picture are looked at alike, as in lucid's caricatures: through the same
    transforms, in the same size.

    Args:
        aim: what each image is for; of other units it is returned as it is.
        network: what is looked with, at one layer.
        view: what the images are seen through.
    """
    if aim.picture.shape[1] == 0:
        return aim
    (values,) = network(view(aim.picture)).values()
    return aim._replace(weights=tf.stop_gradient(values))


def _channel_map(activations: Activations, aim: Aim) -> tf.Tensor:
    (values,) = activations.values()
    maps = tf.gather(values, aim.index, axis=3, batch_dims=1)  # (batch, rows, columns)
    return tf.reshape(maps, (tf.shape(maps)[0], -1))


@dataclass(frozen=True)
class Objective:
    """What a kind of unit is judged by.

    Attributes:
        value: the plain activation of each image's unit, (batch,).
        field: the numbers among which each image's unit stands, (batch, count); by default the
            whole map of its channel.
        score: what the ascent raises, (batch,), where the value's own gradient is a poor way up:
            it rises and falls with the value.
    """

    value: Callable[[Activations, Aim], tf.Tensor]
    field: Callable[[Activations, Aim], tf.Tensor] = _channel_map
    score: Callable[[Activations, Aim], tf.Tensor] | None = None


def outputs(unit: Unit, *, with_features: bool = False) -> tuple[str, ...]:
    """What the network must return for a unit; with a map for `similarity`, if wanted."""
    if with_features and unit.kind.needs_classifier:
        return (*unit.reads, FEATURES)
    return unit.reads


def name(unit: Unit, squash: Squash) -> str:
    """The name of a unit's objective: of its kind, and of what makes the probabilities."""
    of_squash = f"{unit.kind}/{squash}"
    return of_squash if of_squash in OBJECTIVES else unit.kind.name


def activation(objective: str, activations: Activations, aim: Aim) -> tf.Tensor:
    """The plain activation of each image's unit, (batch,), whatever its direction."""
    return OBJECTIVES[objective].value(activations, aim)


def score(objective: str, activations: Activations, aim: Aim) -> tf.Tensor:
    """What the ascent raises, (batch,): the plain activation, or what rises and falls with it."""
    known = OBJECTIVES[objective]
    return (known.score or known.value)(activations, aim)


def field(objective: str, activations: Activations, aim: Aim) -> tf.Tensor:
    """The numbers among which each image's unit stands, (batch, count)."""
    return OBJECTIVES[objective].field(activations, aim)


def similarity(activations: Activations, group: int) -> tf.Tensor:
    """How alike the variants of a unit are, (batch,).

    The mean cosine between the Gram matrix of an image's features and those of its siblings, as
    in lucid's diversity objective (optvis/objectives.py, after Gatys et al., 2015).

    Args:
        activations: what the network returned; the features are its last map.
        group: how many variants a unit has; the batch holds whole groups, one after the other.
    """
    # Image by image: in one go, the last bits depend on an image's row.
    maps = tf.unstack(list(activations.values())[-1])
    directions = [_style(features) for features in maps]
    alike = []
    for number, direction in enumerate(directions):
        first = number // group * group
        siblings = [directions[n] for n in range(first, first + group) if n != number]
        # Each is pushed from where the others are. Not by `add_n`, which adds in any order.
        others = tf.stop_gradient(tf.reduce_sum(tf.stack(siblings), axis=0))
        alike.append(tf.reduce_sum(direction * others) / (group - 1.0))
    return tf.stack(alike)


def _style(features: tf.Tensor) -> tf.Tensor:
    """The Gram matrix of one image's (rows, columns, channels) features, of length 1."""
    flat = tf.reshape(features, (-1, features.shape[-1]))
    gram = tf.matmul(flat, flat, transpose_a=True)
    return gram * tf.math.rsqrt(tf.maximum(tf.reduce_sum(gram * gram), 1e-12))


def _channel(activations: Activations, aim: Aim) -> tf.Tensor:
    (values,) = activations.values()
    return tf.gather(tf.reduce_mean(values, axis=(1, 2)), aim.index, batch_dims=1)


def _neuron(activations: Activations, aim: Aim) -> tf.Tensor:
    (values,) = activations.values()
    place = tf.concat([_place(values, aim), aim.index[:, None]], axis=1)
    return tf.gather_nd(values, place, batch_dims=1)


def _place(values: tf.Tensor, aim: Aim) -> tf.Tensor:
    """Row and column of each image's place on a map, (batch, 2)."""
    rows, columns = tf.unstack(tf.shape(values)[1:3])
    row = tf.cast(aim.row * tf.cast(rows, tf.float32), tf.int32)
    column = tf.cast(aim.column * tf.cast(columns, tf.float32), tf.int32)
    return tf.stack([row, column], axis=1)


def _there(activations: Activations, aim: Aim) -> tf.Tensor:
    """The layer's numbers at each image's place, (batch, channels)."""
    (values,) = activations.values()
    return tf.gather_nd(values, _place(values, aim), batch_dims=1)


def _along(vectors: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """The dot products of vectors and weights, (batch, channels) both."""
    # Image by image: reduced in one go, the last bits depend on the size of the batch.
    return tf.stack([tf.reduce_sum(row) for row in tf.unstack(vectors * weights)])


def _direction(activations: Activations, aim: Aim) -> tf.Tensor:
    (values,) = activations.values()
    return _along(tf.reduce_mean(values, axis=(1, 2)), aim.weights)


def _direction_at(activations: Activations, aim: Aim) -> tf.Tensor:
    return _along(_there(activations, aim), aim.weights)


def _direction_map(activations: Activations, aim: Aim) -> tf.Tensor:
    (values,) = activations.values()
    weighted = tf.unstack(values * aim.weights[:, None, None, :])
    return tf.stack([tf.reshape(tf.reduce_sum(of, axis=2), (-1,)) for of in weighted])


def _cosine(activations: Activations, aim: Aim) -> tf.Tensor:
    (values,) = activations.values()
    return _by_cosine(tf.reshape(values, (tf.shape(values)[0], -1, values.shape[-1])), aim)


def _cosine_at(activations: Activations, aim: Aim) -> tf.Tensor:
    return _by_cosine(_there(activations, aim)[:, None, :], aim)


def _by_cosine(vectors: tf.Tensor, aim: Aim) -> tf.Tensor:
    """The mean over places of dot product x cosine^power, (batch,).

    As lucid's `dot_compare` (optvis/objectives.py), which holds the cosine above a tenth, so that a
    picture that is nothing like the direction has a way up; downwards that of the other direction.

    Args:
        vectors: (batch, places, channels).
        aim: what each image is for.
    """
    found = []
    parts = (tf.unstack(of) for of in (vectors, aim.weights, aim.sign, aim.power))
    for seen, weights, sign, power in zip(*parts, strict=True):
        dots = tf.reduce_sum(seen * weights, axis=1)
        lengths = tf.sqrt(tf.maximum(tf.reduce_sum(seen * seen, axis=1), _TINY))
        length = tf.sqrt(tf.reduce_sum(weights * weights))
        cosines = sign * dots / (lengths * length)
        found.append(tf.reduce_mean(dots * tf.maximum(cosines, _LEAST_COSINE) ** power))
    return tf.stack(found)


def _deepdream(activations: Activations, aim: Aim) -> tf.Tensor:
    del aim
    return tf.add_n([tf.reduce_mean(values, axis=(1, 2, 3)) for values in activations.values()])


def _logits(activations: Activations, aim: Aim) -> tf.Tensor:
    return tf.gather(activations[CLASSES], aim.index, batch_dims=1)


def _softmax(activations: Activations, aim: Aim) -> tf.Tensor:
    return tf.gather(tf.nn.softmax(activations[CLASSES]), aim.index, batch_dims=1)


def _sigmoid(activations: Activations, aim: Aim) -> tf.Tensor:
    return tf.sigmoid(_logits(activations, aim))


def _log_odds(activations: Activations, aim: Aim) -> tf.Tensor:
    """log(p / (1 - p)) of each image's class: its logit less the log-sum-exp of its rivals'.

    The gradient of p is p (1 - p) times this one's: hardly any near 0 and 1 (docs/softmax.md).
    """
    logits = activations[CLASSES]
    own = tf.one_hot(aim.index, logits.shape[-1], on_value=True, off_value=False)
    rivals = tf.unstack(tf.where(own, logits.dtype.min, logits))
    # Image by image: reduced in one go, the last bits depend on the size of the batch.
    against = tf.stack([tf.reduce_logsumexp(row) for row in rivals])
    return _logits(activations, aim) - against


def _likeness(activations: Activations, aim: Aim) -> tf.Tensor:
    """What part of the picture's activations an image has: 1 - |seen - wanted|² / |wanted|².

    The loss of Mahendran and Vedaldi (2015), turned about; 1 where all numbers are equal.
    """
    return tf.stack(
        [
            1.0 - tf.reduce_sum((seen - wanted) ** 2) / _size(wanted)
            for seen, wanted in _pairs(activations, aim)
        ]
    )


def _exaggeration(activations: Activations, aim: Aim) -> tf.Tensor:
    """How far an image goes along the picture's activations; 1 as far as the picture does."""
    return tf.stack(
        [tf.reduce_sum(seen * wanted) / _size(wanted) for seen, wanted in _pairs(activations, aim)]
    )


def _caricature(activations: Activations, aim: Aim) -> tf.Tensor:
    """Dot product x cosine², both over the whole map, as in lucid's caricatures."""
    cosines = [
        tf.reduce_sum(seen * wanted) * tf.math.rsqrt(_size(seen) * _size(wanted))
        for seen, wanted in _pairs(activations, aim)
    ]
    held = tf.maximum(tf.stack(cosines), _LEAST_COSINE)
    return _exaggeration(activations, aim) * held**2


def _pairs(activations: Activations, aim: Aim) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
    """Each image's map, and its picture's."""
    (values,) = activations.values()
    # Image by image: reduced in one go, the last bits depend on the size of the batch.
    return zip(tf.unstack(values), tf.unstack(aim.weights), strict=True)


def _size(values: tf.Tensor) -> tf.Tensor:
    return tf.maximum(tf.reduce_sum(values * values), _TINY)


def _everything(activations: Activations, aim: Aim) -> tf.Tensor:
    del aim
    batch = tf.shape(next(iter(activations.values())))[0]
    return tf.concat([tf.reshape(a, (batch, -1)) for a in activations.values()], axis=1)


def _all_logits(activations: Activations, aim: Aim) -> tf.Tensor:
    del aim
    return activations[CLASSES]


def _all_probabilities(activations: Activations, aim: Aim) -> tf.Tensor:
    del aim
    return tf.nn.softmax(activations[CLASSES])


def _all_sigmoids(activations: Activations, aim: Aim) -> tf.Tensor:
    del aim
    return tf.sigmoid(activations[CLASSES])


OBJECTIVES = {
    "channel": Objective(_channel),
    "neuron": Objective(_neuron),
    "direction": Objective(_direction, _direction_map),
    "direction at a place": Objective(_direction_at, _direction_map),
    "cosine": Objective(_direction, _direction_map, _cosine),
    "cosine at a place": Objective(_direction_at, _direction_map, _cosine_at),
    "inversion": Objective(_likeness, _everything),
    "caricature": Objective(_exaggeration, _everything, _caricature),
    "deepdream": Objective(_deepdream, _everything),
    "logits": Objective(_logits, _all_logits),
    "softmax": Objective(_softmax, _all_probabilities, _log_odds),
    "softmax/sigmoid": Objective(_sigmoid, _all_sigmoids, _logits),  # log(p / (1 - p)), too
}
"""By the name of a kind of unit; of one whose probabilities are made otherwise, that behind it."""

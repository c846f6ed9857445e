"""Optimisers: one step up the gradient, as pure functions of tensors."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from pipeline.config.recipes import Adam, Normalised

Slots = tuple[tf.Tensor, ...]


@dataclass(frozen=True)
class Optimizer:
    """A way up.

    Attributes:
        slots: the optimiser's memory at the start, for numbers of a shape.
        step: (numbers, gradient, slots, step number from 0) to (numbers, slots).
    """

    slots: Callable[[tf.Tensor], Slots]
    step: Callable[[tf.Tensor, tf.Tensor, Slots, tf.Tensor], tuple[tf.Tensor, Slots]]


def make(spec: Adam | Normalised, steps: int, first: int = 0) -> Optimizer:
    """The optimiser that a recipe names, for an ascent of so many steps.

    Its memory is empty at the step `first`, with which an octave begins.
    """
    return _MAKE[type(spec)](spec, steps, first)


def _adam(spec: Adam, steps: int, first: int) -> Optimizer:
    """Adam (Kingma and Ba, 2015), upwards, without bias of the first steps.

    Its rate warms up, stays, and falls in the last part of the steps, linearly. Decay of the
    numbers is apart from the gradient (AdamW: Loshchilov and Hutter, 2019).
    """
    falling = max(steps * spec.fall, 1e-9)

    def slots(numbers: tf.Tensor) -> Slots:
        return tf.zeros_like(numbers), tf.zeros_like(numbers)

    def step(
        numbers: tf.Tensor, gradient: tf.Tensor, slots: Slots, number: tf.Tensor
    ) -> tuple[tf.Tensor, Slots]:
        count = tf.cast(number, tf.float32) + 1.0
        mean = slots[0] + (1.0 - spec.beta1) * (gradient - slots[0])
        square = slots[1] + (1.0 - spec.beta2) * (gradient * gradient - slots[1])
        warm = tf.minimum(1.0, count / float(spec.warmup + 1))
        left = (float(steps) - count + 1.0) / falling
        cool = spec.end + (1.0 - spec.end) * tf.minimum(1.0, left)
        seen = count - float(first)
        rate = spec.rate * warm * cool
        if spec.weight_decay:
            numbers *= 1.0 - rate * spec.weight_decay
        root = tf.sqrt(square / (1.0 - spec.beta2**seen)) + _EPSILON
        return numbers + rate / (1.0 - spec.beta1**seen) * mean / root, (mean, square)

    return Optimizer(slots, step)


def _normalised(spec: Normalised, steps: int, first: int) -> Optimizer:
    """The article's: the gradient over its standard deviation, image by image."""
    del steps, first

    def step(
        numbers: tf.Tensor, gradient: tf.Tensor, slots: Slots, number: tf.Tensor
    ) -> tuple[tf.Tensor, Slots]:
        del number
        # Image by image: reduced in one go, the last bits depend on an image's row.
        deviations = [tf.math.reduce_std(image) for image in tf.unstack(gradient)]
        deviation = tf.reshape(tf.stack(deviations), (-1,) + (1,) * (len(gradient.shape) - 1))
        return numbers + spec.rate * gradient / (deviation + _EPSILON), slots

    return Optimizer(lambda _: (), step)


_EPSILON = 1e-8

_MAKE: dict[type, Callable[[Any, int, int], Optimizer]] = {Adam: _adam, Normalised: _normalised}

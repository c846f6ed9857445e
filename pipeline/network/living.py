"""Activations that let the gradient out where they are flat.

A unit's way up begins with the last activations before it: where one is flat for a whole image,
nothing is left to climb. A plain `Relu` lets everything pass then, while reviving. Any other has a
`Curve`, from which `Living` takes what it does.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import tensorflow as tf

Function = Callable[[tf.Tensor], tf.Tensor]
_GRID = np.concatenate([[-1e3, -1e2], np.linspace(-30, 30, 6001), [1e2, 1e3]]).astype(np.float32)
_FLAT, _SHUT, _WILD = 1e-3, 1e-2, 1e3
"""Parts of the steepest slope below which an end is flat, and below which nothing is climbed; and a
slope that is no activation's for long, such as an exponential's."""


@dataclass(frozen=True)
class Curve:
    """What matters of an activation, a function of each number by itself.

    Attributes:
        steepest: its largest slope.
        top: where it is steepest, the rightmost place; infinite where its right end is not flat.
        is_flat: whether either end is: where neither is, it lives by itself.
    """

    steepest: float
    top: float
    is_flat: bool

    @classmethod
    def of(cls, function: Function) -> "Curve | None":
        """The curve of a function; None where it is no rising function of each number by itself."""
        x = tf.constant(_GRID[None, None, None])
        try:
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = function(x)
            slope = tape.gradient(y, x)
            some = function(x[..., 2:-2:7])
            is_each = y.shape == x.shape and np.allclose(y[..., 2:-2:7], some, rtol=1e-5, atol=1e-6)
        except Exception:  # Keras raises many types where something else is due
            return None
        if slope is None or not is_each:
            return None
        slopes = np.ravel(slope)
        steepest = float(slopes[2:-2].max())
        if not (1 / _WILD < steepest < _WILD):
            return None
        low, high = (abs(slope) < _FLAT * steepest for slope in (slopes[0], slopes[-1]))
        top = float(_GRID[np.flatnonzero(slopes >= 0.99 * steepest)[-1]]) if high else np.inf
        return cls(steepest, top, bool(low or high))


class Revival:
    """The reviving of a network's last activations: whether it is on, and what it does to them."""

    def __init__(self) -> None:
        self._is_on: ContextVar[bool] = ContextVar("revive", default=False)

    @contextlib.contextmanager
    def reviving(self, revive: bool) -> Iterator[None]:
        """Trace calls inside with the given gradient."""
        token = self._is_on.set(revive)  # a context variable: threads may trace at once
        try:
            yield
        finally:
            self._is_on.reset(token)

    @property
    def is_on(self) -> bool:
        """Whether calls are traced as reviving."""
        return self._is_on.get()

    @property
    def relu(self) -> "Relu":
        """What takes the place of a plain ReLU."""
        return Relu(self)

    def living(self, function: Function, curve: Curve, *, is_read: bool) -> "Living":
        """What takes the place of another activation, see `Living`."""
        return Living(self, function, curve, is_read=is_read)


class Relu:
    """A ReLU whose gradient can be made to pass where a whole image is silent.

    While reviving, an image for which nothing of the gradient would pass this ReLU gets all of it,
    as if the ReLU were not there. Images with a living gradient are not touched, nor is any value.
    Upwards it is the way out of a dead start; downwards, below zero, it lowers what the ReLU
    reads, where its value can show nothing more. After lucid's `redirected_relu_grad`
    (github.com/tensorflow/lucid, optvis/overrides), which passes only what pushes up.
    """

    __name__ = "relu"

    def __init__(self, revival: Revival) -> None:
        self._revival = revival

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """The ReLU of a tensor."""
        return _revived_relu(x) if self._revival.is_on else tf.nn.relu(x)


class Living:
    """Another activation, whose gradient lives where the function is flat; values are its own.

    What an objective reads of it, upwards and downwards:

    - Above its steepest place, where its right end is flat, the slope stays at its steepest, so
      that what the activation reads is climbed on: ReLU6 is climbed as ReLU, tanh beyond 0 as its
      input. After lucid's `redirected_relu6_grad`, which does so for what pushes down. Only where
      the objective reads the activation itself: between a flat gate and a unit it is the truth.
    - Where the function is shut, below that, nothing passes: not where it is flat, and upwards not
      where it falls, as SiLU and GELU do left of their dip, whose way up leads nowhere.
    - While reviving, an image for which nothing passes gets all of it, as if the slope were the
      steepest everywhere, see `Relu`.

    Args:
        revival: whether that is on.
        function: of each number by itself.
        curve: the function's.
        is_read: whether the objective reads what this returns.
    """

    __name__ = "living"

    def __init__(
        self, revival: Revival, function: Function, curve: Curve, *, is_read: bool
    ) -> None:
        self._revival = revival
        self._function = function
        self._curve = curve
        self._is_read = is_read

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """The function of a tensor."""
        if not (self._is_read or self._revival.is_on):
            return self._function(x)
        return self._bent(self._revival.is_on)(x)

    def _bent(self, is_on: bool) -> Function:
        """The function, with its slope where it lives, and another where it is flat."""

        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def bent(x: tf.Tensor) -> tf.Tensor:
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = self._function(x)
            slope = tape.gradient(y, x)

            def gradient(up: tf.Tensor, variables: Sequence[tf.Variable] = ()) -> Any:
                passed = self._pass(x, slope, up, is_on)
                return (passed, [None for _ in variables]) if variables else passed

            return y, gradient

        return cast(Function, bent)

    def _pass(self, x: tf.Tensor, slope: tf.Tensor, up: tf.Tensor, is_on: bool) -> tf.Tensor:
        """What of a gradient passes."""
        steepest, shut = self._curve.steepest, _SHUT * self._curve.steepest
        is_above = x > self._curve.top
        if self._is_read:
            slope = tf.where(is_above, tf.cast(steepest, x.dtype), slope)
        is_open = is_above | (slope >= shut) | ((up < 0) & (slope <= -shut))
        passed = tf.where(is_open, up * slope, tf.zeros_like(up))
        return _all_where_silent(passed, up * tf.cast(steepest, up.dtype)) if is_on else passed


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _revived_relu(x: tf.Tensor) -> tuple[tf.Tensor, Any]:
    y = tf.nn.relu(x)
    return y, lambda up: _all_where_silent(tf.where(y > 0, up, 0.0), up)


def _all_where_silent(passed: tf.Tensor, up: tf.Tensor) -> tf.Tensor:
    """What passes of a gradient, and all of it for the images for which nothing does."""
    axes = list(range(1, len(up.shape)))
    silent = tf.reduce_all(tf.equal(passed, 0.0), axis=axes, keepdims=True)
    return tf.where(silent, up, passed)

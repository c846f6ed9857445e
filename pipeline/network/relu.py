"""The ReLU that lets the gradient out of a dead start."""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import tensorflow as tf


class Relu:
    """A ReLU whose gradient can be made to pass where a whole image is silent.

    While reviving, an image for which nothing of the gradient would pass this ReLU gets all of it,
    as if the ReLU were not there. Images with a living gradient are not touched, nor is any value.
    Upwards it is the way out of a dead start; downwards, below zero, it lowers what the ReLU
    reads, where its value can show nothing more. After lucid's `redirected_relu_grad`
    (github.com/tensorflow/lucid, optvis/overrides), which passes only what pushes up.
    """

    __name__ = "relu"

    def __init__(self) -> None:
        self._revive: ContextVar[bool] = ContextVar("revive", default=False)

    @contextlib.contextmanager
    def reviving(self, revive: bool) -> Iterator[None]:
        """Trace calls inside with the given gradient."""
        token = self._revive.set(revive)  # a context variable: threads may trace at once
        try:
            yield
        finally:
            self._revive.reset(token)

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """The ReLU of a tensor."""
        return _revived_relu(x) if self._revive.get() else tf.nn.relu(x)


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _revived_relu(x: tf.Tensor) -> tuple[tf.Tensor, Any]:
    y = tf.nn.relu(x)

    def gradient(up: tf.Tensor) -> tf.Tensor:
        plain = tf.where(y > 0, up, 0.0)
        axes = list(range(1, len(x.shape)))
        silent = tf.reduce_all(tf.equal(plain, 0.0), axis=axes, keepdims=True)
        return tf.where(silent, up, plain)

    return y, gradient

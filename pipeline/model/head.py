"""The heads of a classifier: what goes into the probabilities, and what makes them of that."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import keras

from pipeline.errors import ConfigError
from pipeline.model import keras_private
from pipeline.model.graph import activation, copied
from pipeline.model.model_file import Read
from pipeline.plan.architecture import Squash

_SQUASHES: dict[str, Squash] = {
    "softmax": "softmax", "log_softmax": "softmax", "Softmax": "softmax", "LogSoftmax": "softmax",
    "sigmoid": "sigmoid", "log_sigmoid": "sigmoid", "Sigmoid": "sigmoid", "LogSigmoid": "sigmoid",
}  # fmt: skip
"""By the name of an activation, or of the class of a layer or operation."""
_SHAPING = ("Reshape", "Flatten", "Squeeze", "ExpandDims")
_NEUTRAL = (
    *_SHAPING, "Identity", "Cast", "Dropout", "SpatialDropout2D", "GaussianDropout",
    "GaussianNoise", "AlphaDropout",
)  # fmt: skip
"""Layers and operations that may follow, and change no number when no one trains."""
_SCORING = (
    "Dense", "EinsumDense", "Conv2D", "BatchNormalization", "Add", "Subtract", "Multiply",
    "Divide", "TrueDivide", "Average", "Concatenate", "MatMul", "Rescaling",
)  # fmt: skip
"""Layers and operations that may give logits; a pooling, a norm or a ReLU gives features."""


@dataclass(frozen=True)
class Head:
    """An output that is a vector of classes.

    Attributes:
        logits: what goes into the probabilities, (batch, classes).
        squash: what makes them of that.
    """

    logits: keras.KerasTensor
    squash: Squash

    @property
    def classes(self) -> int:
        """How many there are."""
        return int(self.logits.shape[-1])


def chosen(found: Read, known: Mapping[str, Head], output: str) -> Head | None:
    """The classifier of a network; None where there is none, or several and none is named.

    Args:
        found: what was read of a file.
        known: its heads.
        output: the name of the output that is meant; empty where there is one.

    Raises:
        ConfigError: there is no such output, or it is no vector of classes.
    """
    if not output:
        return next(iter(known.values())) if len(known) == 1 else None
    if output not in found.outputs:
        raise ConfigError(
            f"model.output: {found.model.name} has no output {output!r}: expected one of "
            f"{', '.join(found.outputs)}"
        )
    if output not in known:
        raise ConfigError(
            f"model.output: the output {output!r} of {found.model.name} is no vector of classes"
            + (f": expected one of {', '.join(known)}" if known else "; leave `output` out")
        )
    return known[output]


def heads(found: Read) -> dict[str, Head]:
    """The outputs of a network that are classes, by name.

    A softmax or sigmoid is taken off, be it an activation, a layer or an operation, whatever
    neutral follows it. An output without one is of logits if a dense layer, a convolution or a sum
    gives it: the probabilities are then their softmax, or the sigmoid of one alone.

    Args:
        found: what was read of a file.
    """
    every = zip(found.outputs, map(_head, found.model.outputs), strict=True)
    return {name: head for name, head in every if head is not None}


def _head(output: keras.KerasTensor) -> Head | None:
    if len(output.shape) != 2 or output.shape[-1] is None:
        return None
    *after, last = _back(output)
    read, squash = _unsquashed(last)
    if squash is None:
        is_scored = type(keras_private.source(last)).__name__ in _SCORING and _is_linear(last)
        return (
            Head(output, "sigmoid" if output.shape[-1] == 1 else "softmax") if is_scored else None
        )
    for tensor in reversed(after):
        operation = keras_private.source(tensor)
        if type(operation).__name__ in _SHAPING:
            read = operation(read)
    return Head(read, squash)


def _back(tensor: keras.KerasTensor) -> Iterator[keras.KerasTensor]:
    """A tensor, and those before it as far as only what is neutral lies between."""
    yield tensor
    while _is_neutral(keras_private.source(tensor)):
        read = keras_private.read_for(tensor)
        if len(read) != 1:
            return
        (tensor,) = read
        yield tensor


def _is_neutral(operation: keras.Operation) -> bool:
    is_linear = isinstance(operation, keras.layers.Activation) and _squash(operation) is None
    return type(operation).__name__ in _NEUTRAL or (is_linear and activation(operation) == "linear")


def _is_linear(tensor: keras.KerasTensor) -> bool:
    return activation(keras_private.source(tensor)) in (None, "linear")


def _squash(operation: keras.Operation) -> Squash | None:
    name = type(operation).__name__
    return _SQUASHES.get(name) or _SQUASHES.get(activation(operation) or "")


def _unsquashed(tensor: keras.KerasTensor) -> tuple[keras.KerasTensor, Squash | None]:
    """What is squashed into a tensor, and by what; the tensor itself, if nothing is."""
    last = keras_private.source(tensor)
    squash, shape = _squash(last), tensor.shape
    if squash is None or getattr(last, "axis", -1) not in (-1, len(shape) - 1):
        return tensor, None
    if not isinstance(last, keras.Layer) or isinstance(
        last, keras.layers.Activation | keras.layers.Softmax
    ):
        return keras_private.read_for(tensor)[0], squash
    linear = copied(last, {**last.get_config(), "activation": "linear"})
    linear.name = f"{last.name}_logits"
    logits = linear(keras_private.read_for(tensor)[0])
    linear.set_weights(last.get_weights())
    return logits, squash

"""The last activations before a network's outputs: where a dead unit is dead.

Having earlier ones revive changes no image and takes longer.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, cast

import keras
import numpy as np
import tensorflow as tf

from pipeline.model import keras_private
from pipeline.model.graph import activation, parents, shape_of
from pipeline.network.living import Curve, Function
from pipeline.plan.pixels import Range, bounds

_WITH_OWN = (
    keras.layers.Activation, keras.layers.Conv2D, keras.layers.Conv2DTranspose, keras.layers.Dense,
    keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D, keras.layers.EinsumDense,
)  # fmt: skip
"""Layers that end in an activation of their own."""
SAME = (
    keras.layers.Identity, keras.layers.Dropout, keras.layers.SpatialDropout2D,
    keras.layers.GaussianNoise, keras.layers.GaussianDropout, keras.layers.AlphaDropout,
)  # fmt: skip
"""Layers that give what they read, when no one trains."""


_SIZE = 96
"""Pixels of a grey image, where a network takes any."""
_CHANNELWISE = (
    *SAME, keras.layers.Activation, keras.layers.ReLU, keras.layers.PReLU, keras.layers.LeakyReLU,
    keras.layers.ELU, keras.layers.BatchNormalization, keras.layers.DepthwiseConv2D,
    keras.layers.ZeroPadding2D, keras.layers.Cropping2D, keras.layers.UpSampling2D,
    keras.layers.MaxPooling2D, keras.layers.AveragePooling2D, keras.layers.GlobalAveragePooling2D,
    keras.layers.GlobalMaxPooling2D, keras.layers.Rescaling,
)  # fmt: skip
"""Layers of which each channel reads one."""


@dataclass(frozen=True)
class Last:
    """A last activation.

    Attributes:
        curve: what it does; None for a plain ReLU.
        is_read: whether an output is its values, and not something made of them.
    """

    curve: Curve | None
    is_read: bool


@dataclass(frozen=True)
class _Way:
    """A way from an output back to an operation.

    Attributes:
        name: of the operation.
        is_read: whether the output is its values.
        is_alone: whether each channel of the output reads one channel of it, and no other.
        is_past: whether an activation is on it.
    """

    name: str
    is_read: bool = True
    is_alone: bool = True
    is_past: bool = False


def activations(
    model: keras.Model, *, is_living: bool, silent: Iterable[str] = ()
) -> dict[str, Last]:
    """By the name of its operation each activation with no other on some path to an output.

    Where others than plain ReLUs count, those before are among them as far as each channel of an
    output hangs on one of theirs, as through a depthwise convolution: it is silent with that one.

    Args:
        model: a functional model.
        is_living: whether others than plain ReLUs count.
        silent: names of more, see `silent_at_grey`.
    """
    reads = parents(model)
    operations = {operation.name: operation for operation in model.operations}
    found: dict[str, Last] = {}
    todo = [_Way(keras_private.source(tensor).name) for tensor in model.outputs]
    gone: set[_Way] = set()
    while todo:
        way = todo.pop()
        if way in gone:
            continue
        gone.add(way)
        operation = operations[way.name]
        if acts(operation) if is_living else is_plain_relu(operation):
            known = found.get(way.name)
            is_read = way.is_read or (known is not None and known.is_read)
            found[way.name] = Last(_bent(operation), is_read)
            if not (is_living and way.is_alone):
                continue
            way = replace(way, is_past=True, is_read=False)
        is_same = isinstance(operation, SAME) or _is_linear(operation)
        is_alone = way.is_alone and _is_channelwise(operation)
        if is_alone or not way.is_past:
            more = replace(way, is_read=way.is_read and is_same, is_alone=is_alone)
            todo += [replace(more, name=parent) for parent in reads[way.name]]
    for name in silent:
        found.setdefault(name, Last(_bent(operations[name]), is_read=False))
    return found


def feeder(model: keras.Model) -> str | None:
    """The earlier layer with an activation that a model's output hangs on, channel by channel.

    As through a depthwise convolution: what such a channel reads can be lit by itself.

    Args:
        model: a functional model, of which the first output is meant.
    """
    reads = parents(model)
    operations = {operation.name: operation for operation in model.operations}
    operation = operations[keras_private.source(model.outputs[0]).name]
    while _is_channelwise(operation) and len(reads[operation.name]) == 1:
        operation = operations[reads[operation.name][0]]
        if acts(operation):
            has_same = isinstance(operation, keras.layers.Layer) and (
                shape_of(operation)[-1:] == tuple(model.outputs[0].shape)[-1:]
            )
            return operation.name if has_same else None
    return None


def silent_at_grey(model: keras.Model, range_: Range) -> list[str]:
    """The activations of which every channel is zero at every place of a grey image.

    An ascent begins with grey, nearly: where a whole layer is silent for it, nothing reaches the
    image, however alive what comes after is.

    Args:
        model: a functional model.
        range_: what black and white are to it.
    """
    _, height, width, channels = model.input_shape
    acting = [operation for operation in model.operations if acts(operation)]
    if not acting:
        return []
    black, white = bounds(range_)
    grey = ((black + white) / 2)[:channels].astype(np.float32)
    image = np.broadcast_to(grey, (1, height or _SIZE, width or _SIZE, channels))
    try:
        seen = keras.Model(model.inputs[0], [each.output for each in acting])(image, training=False)
    except (
        ValueError,
        AttributeError,
        tf.errors.OpError,
    ):  # a size it does not take; shared layers
        return []
    seen = seen if isinstance(seen, list) else [seen]
    return [each.name for each, out in zip(acting, seen, strict=True) if not np.any(out)]


def has_flat_ends(model: keras.Model) -> bool:
    """Whether there is an activation in a model, other than a plain ReLU, with a flat end."""
    curves = map(_bent, model.operations)
    return any(curve is not None and curve.is_flat for curve in curves)


def counted(model: keras.Model) -> dict[str, int]:
    """How often a model has each activation, by its name, the most frequent first."""
    return dict(Counter(map(_called, filter(acts, model.operations))).most_common())


def _called(operation: keras.Operation) -> str:
    if is_plain_relu(operation):
        return "relu"
    has_function = has_own(operation) or isinstance(operation, keras.layers.Activation)
    if isinstance(operation, keras.layers.ReLU) and operation.max_value is not None:
        return f"relu up to {float(operation.max_value):g}"
    return (activation(operation) if has_function else None) or type(operation).__name__


def acts(operation: keras.Operation) -> bool:
    """Whether an operation ends in an activation, a plain ReLU or another."""
    return is_plain_relu(operation) or curve_of(operation) is not None


def _bent(operation: keras.Operation) -> Curve | None:
    """The curve of an activation; None for a plain ReLU, as for what ends in none."""
    return None if is_plain_relu(operation) else curve_of(operation)


def has_own(operation: keras.Operation) -> bool:
    """Whether an activation is an attribute of something, and not a layer or an operation."""
    return isinstance(operation, _WITH_OWN)


def function(operation: keras.Operation) -> Function:
    """The activation of an operation, of which it is the last thing, as a function."""
    return cast(Function, operation.activation if has_own(operation) else operation.call)


def is_plain_relu(operation: keras.Operation) -> bool:
    """Whether an operation ends in a ReLU that is nothing more."""
    if isinstance(operation, keras.layers.ReLU | keras_private.RELU_FUNCTION):
        plain = operation.max_value is None and not operation.negative_slope
        return plain and not operation.threshold
    return activation(operation) == "relu" or isinstance(operation, keras_private.RELU_OPERATION)


def curve_of(operation: keras.Operation) -> Curve | None:
    """What the activation that an operation ends in does; None where it ends in none."""
    if isinstance(operation, keras.layers.PReLU):
        return Curve(1.0, float("inf"), is_flat=True)  # each channel may have a slope of its own
    if has_own(operation):
        return _known(operation.activation) if _bends(operation) else None
    if not keras_private.is_activation(operation):
        return None
    return _known(operation.call, type(operation), tuple(_settings(operation)))


def _is_channelwise(operation: keras.Operation) -> bool:
    return isinstance(operation, _CHANNELWISE) or curve_of(operation) is not None


def _is_linear(operation: keras.Operation) -> bool:
    return isinstance(operation, keras.layers.Activation) and not _bends(operation)


def _bends(operation: keras.Operation) -> bool:
    return activation(operation) not in (None, "linear")


def _settings(operation: keras.Operation) -> Iterator[tuple[str, Any]]:
    """What an operation's values depend on, to know its like by."""
    config = operation.get_config()
    return ((key, repr(config[key])) for key in sorted(config) if key not in ("name", "dtype"))


_CURVES: dict[Any, Curve | None] = {}
"""What was found out, by function, or by class and settings."""


def _known(of: Function, *like: Any) -> Curve | None:
    key = like or of
    if key not in _CURVES:
        _CURVES[key] = Curve.of(partial(_eager, of))
    return _CURVES[key]


def _eager(of: Function, x: tf.Tensor) -> tf.Tensor:
    return tf.convert_to_tensor(of(x))

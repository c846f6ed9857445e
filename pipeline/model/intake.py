"""What black and white are to a network, told by its first layers, or by its name.

Whatever stands between the images and the first weights is evaluated on black, grey and white of
0 to 255, of 0 to 1 and of -1 to 1. The range is that of which the first weights read what networks
are trained on: -1 to 1, 0 to 1, or ImageNet's mean taken off. Where nothing stands there, a network
of `keras.applications` is known by its name, and of another it is a guess.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from pipeline.model import keras_private
from pipeline.plan.pixels import SPAN, Range, bounds

_RANGES = ((0.0, 255.0), (0.0, 1.0), SPAN)
"""What images are kept in: of these one is found."""
_TRAINED: tuple[Range, ...] = (
    SPAN, (0.0, 1.0), "torch", "caffe", (-0.5, 0.5), (-127.5, 127.5),
)  # fmt: skip
"""What first weights are trained on."""
_RAW = ((0.0, 255.0), (0.0, 256.0))
"""What they may be trained on as well, if it comes out exactly."""
_NEAR, _EXACT = 0.25, 1e-3
"""How far from that is still that, in parts of its width."""
_APART = 0.15
"""How much farther all others must be then."""
_FAR, _LEAD = 2.0, 1.5
"""How far the nearest may be to be guessed, and how much farther all others must be."""
_KNOWN = "by its first layers"
_NORMS = (keras.layers.Normalization, keras.layers.BatchNormalization)

_NAMED: dict[str, Range] = {
    **dict.fromkeys(["resnet50", "resnet101", "resnet152", "vgg16", "vgg19"], "caffe"),
    **dict.fromkeys(["densenet121", "densenet169", "densenet201"], "torch"),
    **dict.fromkeys(["resnet50v2", "resnet101v2", "resnet152v2", "inception_v3"], SPAN),
    **dict.fromkeys(["inception_resnet_v2", "xception"], SPAN),
    **dict.fromkeys(["MobileNetV3Small", "MobileNetV3Large"], SPAN),
}
"""By the names that `keras.applications` gives its networks; others begin so."""
_LITE = "efficientnet_lite"
"""The names of networks of 0 to 255 less 127, in 128ths, begin so."""
_PREFIXES = ("mobilenet_", "mobilenetv2_", "nasnet_")


@dataclass(frozen=True)
class Told:
    """What a network takes.

    Attributes:
        range: black and white; None where they cannot be told.
        by: what tells them, for people.
    """

    range: Range | None
    by: str


def tell(model: keras.Model, families: Sequence[str]) -> Told:
    """What black and white are to a network, as far as it tells.

    Args:
        model: a flat functional model.
        families: its name, and those of the models that it was made of.
    """
    shades = np.array(sorted({shade for ends in _RANGES for shade in _three(ends)}))
    reads = [_read(model, tensor, shades) for tensor in _before_weights(model)]
    if all(np.allclose(read, shades[:, None], rtol=1e-3, atol=1e-3) for read in reads):
        return _by_name(families)
    found = [_by_values(read, shades) for read in reads]
    if len({told.range for told in found}) > 1:
        return Told(None, "its first layers do not agree")
    return next((told for told in found if told.by != _KNOWN), found[0])


def _by_values(read: np.ndarray, shades: np.ndarray) -> Told:
    costs = {ends: _cost_of(*_seen(read, shades, ends)) for ends in _RANGES}
    best, second, *_ = sorted(costs, key=lambda ends: costs[ends])
    if costs[best] < _NEAR and costs[second] - costs[best] > _APART:
        return Told(best, _KNOWN)
    if costs[best] < _FAR and costs[second] - costs[best] > _LEAD:
        return Told(best, "a guess by its first layers")
    made = ", ".join(_made(read, shades, ends) for ends in _RANGES)
    return Told(None, f"its first layers make {made}")


def _by_name(families: Sequence[str]) -> Told:
    for name in families:
        if name in _NAMED:
            return Told(_NAMED[name], f"by its name, {name}")
        if name.startswith(_LITE):
            return Told((-127 / 128, 1.0), f"by its name, {name}")
        if name.startswith(_PREFIXES):
            return Told(SPAN, f"by its name, {name}")
    return Told(SPAN, "a guess: neither its layers nor its name tell")


def _three(ends: tuple[float, float]) -> tuple[float, float, float]:
    black, white = ends
    return black, (black + white) / 2, white


def _before_weights(model: keras.Model) -> list[keras.KerasTensor]:
    """What the first weights read, and whatever else is no image any more."""
    inside = {id(tensor) for tensor in model.inputs}
    ends: dict[int, keras.KerasTensor] = {}
    for operation, read, given in keras_private.applications(model):
        taken = [tensor for tensor in read if id(tensor) in inside]
        if not taken:
            continue
        if len(taken) == len(read) and _is_before(operation, given):
            inside |= {id(tensor) for tensor in given}
        else:
            ends |= {id(tensor): tensor for tensor in taken}
    channels = model.input_shape[-1]
    images = [t for t in ends.values() if len(t.shape) == 4 and t.shape[-1] == channels]
    return images or list(model.inputs)


def _is_before(operation: keras.Operation, given: Sequence[keras.KerasTensor]) -> bool:
    """Whether an operation, all of whose inputs are images, gives images by no trained weights."""
    is_plain = isinstance(operation, _NORMS) or not getattr(operation, "weights", None)
    return is_plain and all(_is_image(tensor.shape) for tensor in given)


def _is_image(shape: tuple[int | None, ...]) -> bool:
    """Whether something is of images, or of one channel of theirs."""
    return (len(shape) == 4 and shape[-1] in (1, 2, 3)) or len(shape) == 3


def _read(model: keras.Model, tensor: keras.KerasTensor, shades: np.ndarray) -> np.ndarray:
    """What is read there of images of one shade each, in their middle: (shades, channels)."""
    _, height, width, channels = model.input_shape
    shape = (len(shades), height or 64, width or 64, channels)
    images = np.broadcast_to(shades.astype(np.float32)[:, None, None, None], shape)
    seen = np.asarray(keras.Model(model.inputs[0], tensor)(images, training=False), np.float64)
    return seen[:, seen.shape[1] // 2, seen.shape[2] // 2]


def _cost_of(black: np.ndarray, grey: np.ndarray, white: np.ndarray) -> float:
    """How far what is read of a range is from what networks are trained on."""
    width = np.abs(white - black)
    if np.any(width == 0) or np.any(np.abs(grey - (black + white) / 2) > 0.02 * width):
        return float("inf")  # cut off, or bent
    near = min(_distance(black, white, trained) for trained in _TRAINED)
    raw = min(_distance(black, white, trained) for trained in _RAW)
    return min(near, raw) if raw < _EXACT else near


def _seen(read: np.ndarray, shades: np.ndarray, ends: tuple[float, float]) -> Iterator[np.ndarray]:
    return (read[np.searchsorted(shades, shade)] for shade in _three(ends))


def _distance(black: np.ndarray, white: np.ndarray, trained: Range) -> float:
    low, high = (end[: len(black)] for end in bounds(trained))
    width, wanted = np.abs(white - black), high - low
    off = np.abs((black + white) - (low + high)) / 2 / wanted
    return float(np.mean(np.abs(np.log(width / wanted)) + off))


def _made(read: np.ndarray, shades: np.ndarray, ends: tuple[float, float]) -> str:
    black, _, white = (float(each.mean()) for each in _seen(read, shades, ends))
    return "{:.3g} to {:.3g} of {:g} to {:g}".format(black, white, *ends)

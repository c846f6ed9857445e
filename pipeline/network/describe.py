"""The architecture of a network, told by its file."""

import keras
import tensorflow as tf

from pipeline.config.weights import Weights
from pipeline.errors import ConfigError
from pipeline.model.graph import copied, operations, parents, shape_of
from pipeline.model.head import chosen, heads
from pipeline.model.intake import tell
from pipeline.model.model_file import read
from pipeline.network.last import counted, has_flat_ends, silent_at_grey
from pipeline.plan.architecture import Architecture, Layer
from pipeline.plan.pixels import SPAN, Range

_SIZE = 128
"""Pixels, where a network takes images of any size."""
_STEPS, _LARGE = (2, 4, 8, 16, 32, 64), 256
"""What sizes may have to be multiples of, and a size that is large enough for most."""


def describe(
    weights: Weights, image_size: int | None, output: str = "", given: Range | None = None
) -> Architecture:
    """List a network's layers with channels, at one image size.

    Args:
        weights: the file.
        image_size: in pixels; None for what the network takes, 128 where that is any.
        output: the name of the output whose classes are meant; empty where there is one.
        given: what black and white are to the network; None for what tells itself.

    Raises:
        WeightsError: the file does not load.
        ConfigError: the network cannot take images of `image_size` px, or has no such output.
    """
    found = read(weights)
    model, told = found.model, tell(found.model, found.families)
    known = heads(found)
    head = chosen(found, known, output)
    if image_size is None:
        image_size = model.input_shape[1] or _SIZE
    sized = _resized(model, image_size, weights)
    leading: dict[str, frozenset[tuple[str, int]]] = {}
    layers: dict[str, Layer] = {}
    reads = parents(sized)
    for depth, layer in enumerate(sized.operations):
        lead = frozenset().union(*(leading.get(name, ()) for name in reads[layer.name]))
        leading[layer.name] = lead | {(layer.name, operations(layer))}
        shape = shape_of(layer)
        if len(shape) == 4 and isinstance(layer, keras.Layer) and reads[layer.name]:
            cost = sum(count for _, count in leading[layer.name])
            layers[layer.name] = Layer(layer.name, depth, shape[3], shape[1], shape[2], cost)
    return Architecture(
        name=model.name,
        image_size=image_size,
        layers=layers,
        classes=head.classes if head else None,
        class_operations=sum(operations(layer) for layer in sized.operations),
        range=told.range,
        is_living=has_flat_ends(model) or bool(silent_at_grey(model, given or told.range or SPAN)),
        squash=head.squash if head else "softmax",
        heads=tuple(known) if len(known) > 1 else (),
        told=told.by,
        colours=model.input_shape[3],
        activations=counted(model),
    )


def _resized(model: keras.Model, size: int, weights: Weights) -> keras.Model:
    """The model for square images of one size, to learn the shapes of its maps.

    Raises:
        ConfigError: it takes no images of that size; with those that it takes.
    """
    height, width = model.input_shape[1:3]
    if (height, width) not in ((None, None), (size, size)):
        relaxed = _try_any_size(model)
        if relaxed is None:
            fixed = f"{height} x {width}" if height != width else f"{height}"
            remedy = (
                f"; set image.size: {height}" if height == width else ": it cannot be visualised"
            )
            raise ConfigError(
                f"image.size: the network in {weights.path} takes only images of {fixed} px, not "
                f"{size}{remedy}"
            )
        model = relaxed
    sized = _try_size(model, size)
    if sized is None:
        raise ConfigError(f"image.size: {size} px {_misfit(model, size)}")
    return sized


def _misfit(model: keras.Model, size: int) -> str:
    """Why a size is none that a model takes, and which are, for people."""
    for step in _STEPS:
        above = -(-size // step) * step
        fits = [_try_size(model, n) is not None for n in (above, above + step, above + step // 2)]
        if fits == [True, True, False]:
            below = above - step
            near = f"{below} or {above}" if _try_size(model, max(below, 1)) else f"{above}"
            return f"does not fit {model.name}, which takes multiples of {step}: set {near}"
    small, large = size, max(2 * size, _LARGE)
    if _try_size(model, large) is None:
        return f"does not fit {model.name}, nor does {large}: set the size of its own images"
    while large - small > 1:
        middle = (small + large) // 2
        small, large = (small, middle) if _try_size(model, middle) else (middle, large)
    return (
        f"is too small for {model.name}: one of its layers would have an empty map; it needs "
        f"{large} px or more"
    )


def _try_size(model: keras.Model, size: int) -> keras.Model | None:
    """The model for square images of one size, or None where a map is empty or two do not fit."""
    image = keras.Input((size, size, model.input_shape[3]))
    try:
        sized = keras.models.clone_model(model, input_tensors=image, clone_function=copied)
    except (ValueError, tf.errors.OpError):
        return None
    return None if any(0 in shape_of(layer) for layer in sized.operations) else sized


def _try_any_size(model: keras.Model) -> keras.Model | None:
    """The model with a free image size, or None where it cannot be (a flatten before a dense)."""
    image = keras.Input((None, None, model.input_shape[3]))
    try:
        return keras.models.clone_model(model, input_tensors=image, clone_function=copied)
    except (ValueError, TypeError, tf.errors.OpError):
        return None

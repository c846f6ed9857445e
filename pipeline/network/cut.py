"""A network that is cut at a layer: images to that layer's map, and from there to the end.

What goes round the layer, as a residual connection does, is an input of the part behind the cut,
too, so that a changed map meets all else as it was.
"""

import copy
from collections.abc import Sequence

import keras
import tensorflow as tf

from pipeline.model import keras_private
from pipeline.model.graph import copied, copy_weights
from pipeline.network import last
from pipeline.network.folding import Folded
from pipeline.network.network import Network

_LINEAR = (
    *last.SAME, Folded, keras.layers.Conv2D, keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D, keras.layers.Dense, keras.layers.BatchNormalization,
    keras.layers.Add, keras.layers.Concatenate,
    keras.layers.Average, keras.layers.ZeroPadding2D, keras.layers.Cropping2D, keras.layers.Flatten,
    keras.layers.Reshape, keras.layers.UpSampling2D, keras.layers.Rescaling, keras.layers.Permute,
    keras.layers.AveragePooling2D, keras.layers.GlobalAveragePooling2D, keras.layers.InputLayer,
)  # fmt: skip
"""Layers that are linear but for their own activation, and a constant."""


class Cut:
    """The part of a network behind one of its layers.

    Args:
        network: loaded with the layer among its outputs.
        layer: its name.
        ends: the names of the outputs that are wanted of the part.

    Attributes:
        layer: the layer's name.
        leads: whether the layer leads to any of them.
        around: by a name, what goes round the layer.
    """

    def __init__(self, network: Network, layer: str, ends: Sequence[str]) -> None:
        tensors = dict(zip(network.outputs, network.model.outputs, strict=True))
        self.layer = layer
        self._ends = tuple(ends)
        begin, wanted = tensors[layer], [tensors[end] for end in ends]
        after, around = _behind(network.model, begin, wanted)
        self.leads = any(id(tensor) in after for tensor in wanted)
        around += [of for of in wanted if self.leads and id(of) not in after]
        self.around = {f"{layer}/{number}": tensor for number, tensor in enumerate(around)}
        self.model: keras.Model = keras.Model([begin, *around], wanted) if self.leads else None

    def __call__(self, values: tf.Tensor, around: Sequence[tf.Tensor]) -> dict[str, tf.Tensor]:
        """What a map leads to.

        Args:
            values: the layer's map, (batch, rows, columns, channels).
            around: what goes round the layer, as `around` names it.

        Returns:
            By the name of the output, as `Network` gives them.
        """
        found = self.model([values, *around], training=False)
        found = found if isinstance(found, list | tuple) else [found]
        return {
            end: tf.cast(value, tf.float32) for end, value in zip(self._ends, found, strict=True)
        }

    def straight(self) -> "Cut | None":
        """The same without activations, and with means for maxima; None where more bends there."""
        if not self.leads or not all(map(_is_straight, self.model.operations)):
            return None
        model = keras.models.clone_model(self.model, clone_function=_straight)
        for layer in self.model.layers:
            if layer.weights:
                copy_weights(layer, model.get_layer(layer.name))
        straight = copy.copy(self)
        straight.model = model
        return straight


def _behind(
    model: keras.Model, begin: keras.KerasTensor, wanted: Sequence[keras.KerasTensor]
) -> tuple[set[int], list[keras.KerasTensor]]:
    """The tensors behind one, by identity, and those that meet them on the way to some others."""
    calls = list(keras_private.applications(model))
    after = {id(begin)}
    for _, read, given in calls:
        if any(id(tensor) in after for tensor in read):
            after.update(map(id, given))
    needed = {id(tensor) for tensor in wanted}
    around: dict[int, keras.KerasTensor] = {}
    for _, read, given in reversed(calls):
        is_behind = any(id(tensor) in after and id(tensor) != id(begin) for tensor in given)
        if is_behind and any(id(tensor) in needed for tensor in given):
            needed.update(map(id, read))
            around.update({id(tensor): tensor for tensor in read if id(tensor) not in after})
    return after - {id(begin)}, list(around.values())


def _is_straight(operation: keras.Operation) -> bool:
    is_bent = last.acts(operation) and not last.has_own(operation)
    known = (*_LINEAR, keras.layers.MaxPooling2D, keras.layers.Activation)
    return is_bent or isinstance(operation, known)


def _straight(operation: keras.Operation) -> keras.Operation:
    """A copy without its activation, or of a maximum as a mean."""
    if isinstance(operation, keras.layers.MaxPooling2D):
        return keras.layers.AveragePooling2D.from_config(operation.get_config())
    if last.acts(operation) and not last.has_own(operation):
        return keras.layers.Identity(name=operation.name)
    if last.has_own(operation):
        return copied(operation, {**operation.get_config(), "activation": "linear"})
    return copied(operation)

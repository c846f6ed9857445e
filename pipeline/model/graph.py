"""What of a Keras model's graph must be known, and copies of it."""

import itertools
from collections import deque
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from pipeline.model import keras_private

CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.SeparableConv2D)
"""Layers whose operations are counted, and into which a batch norm folds."""


def flat(model: keras.Model) -> keras.Model:
    """The same network with the layers of nested models in their place, as deep as these go.

    A layer keeps its name. Where another has it already, the name of the model around it goes
    before, as in `base.conv`: layers of an outer model are named before those of an inner one, and
    else those that come first in the network. A layer or a model that is used several times is
    shared as it was. A nested model whose class has a `call` of its own stays one layer.

    Args:
        model: a functional model.

    Returns:
        The model itself where nothing is nested, else a copy with the weights and the values of
        `model(images, training=False)`.
    """
    if all(keras_private.nested(operation) is None for operation in model.operations):
        return model
    names = _flat_names(model)
    copies = {key: copied(operation) for key, (operation, _) in names.items()}
    for key, (_, name) in names.items():
        copies[key].name = name

    def run(graph: keras.Function, tensors: list[keras.KerasTensor]) -> Any:
        def call(operation: keras.Operation, *args: Any, **kwargs: Any) -> Any:
            inner = keras_private.nested(operation)
            if inner is None:
                return copies[id(operation)](*args, **kwargs)
            return run(inner, _inputs(inner, args[0] if args else kwargs["inputs"]))

        return keras_private.run(graph, tensors, call)

    (given,) = model.inputs
    image = keras.Input(batch_shape=given.shape, dtype=given.dtype, name=given.name)
    opened = keras.Model(image, run(model, [image]), name=model.name)
    for key, (operation, _) in names.items():
        if isinstance(operation, keras.Layer) and operation.weights:
            copy_weights(operation, copies[key])
    return opened


def _flat_names(model: keras.Model) -> dict[int, tuple[keras.Operation, str]]:
    """By its identity each operation that stands in the flat model, with its name there."""
    names: dict[int, tuple[keras.Operation, str]] = {}
    taken = {model.inputs[0].name}
    todo: deque[tuple[tuple[str, ...], keras.Function]] = deque([((), model)])
    while todo:
        path, graph = todo.popleft()
        for operation in graph.operations:
            here, inner = (*path, operation.name), keras_private.nested(operation)
            if inner is not None:
                todo.append((here, inner))
            elif id(operation) not in names and not isinstance(operation, keras.layers.InputLayer):
                name = next(name for name in _candidates(here) if name not in taken)
                names[id(operation)] = (operation, name)
                taken.add(name)
    return names


def _candidates(path: tuple[str, ...]) -> Iterator[str]:
    """`conv`, `base.conv`, `body.base.conv`, and so on, then `body.base.conv_1`."""
    yield from (".".join(path[start:]) for start in reversed(range(len(path))))
    yield from (f"{'.'.join(path)}_{count}" for count in itertools.count(1))


def _inputs(graph: keras.Function, given: Any) -> list[keras.KerasTensor]:
    """What a nested model is called with, in its order and types."""
    if isinstance(given, dict) and not isinstance(graph.input, dict):
        given = [given[wanted.name] for wanted in graph.inputs]
    return [
        tensor if tensor.dtype == wanted.dtype else keras.ops.cast(tensor, wanted.dtype)
        for tensor, wanted in zip(keras.tree.flatten(given), graph.inputs, strict=True)
    ]


def copied(operation: keras.Operation, config: dict[str, Any] | None = None) -> keras.Operation:
    """A layer or operation of the same name without its weights, from this configuration or its."""
    copy = operation.__class__.from_config(config or operation.get_config())
    copy.name = operation.name  # not every class takes it from its configuration
    return copy


def copy_weights(source: keras.Layer, copy: keras.Layer) -> None:
    """Give the weights of a layer to its built copy."""
    copy.set_weights(source.get_weights())
    for layer in keras_private.inside(copy):
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()  # it computes with what it derived from its weights


def activation(layer: keras.Operation) -> str | None:
    """The name of a layer's activation, or None where it has none."""
    return getattr(getattr(layer, "activation", None), "__name__", None)


def parents(model: keras.Model) -> dict[str, list[str]]:
    """What each operation of a model reads, by name, in order of depth.

    Operations are layers and whatever stands between them, such as a sum of two tensors. One that
    is called several times reads what all its calls read.
    """
    read: dict[str, list[str]] = {operation.name: [] for operation in model.operations}
    for name, names in keras_private.calls(model):
        read[name] += names
    return read


def operations(layer: keras.Operation) -> int:
    """Multiplications and additions of a layer's convolution or product, for one image."""
    if isinstance(layer, CONVOLUTIONS):
        _, height, width, _ = layer.output.shape
        kernels = [value for value in layer.weights if len(value.shape) == 4]
        return int(2 * height * width * sum(np.prod(kernel.shape) for kernel in kernels))
    if isinstance(layer, keras.layers.Dense):
        return int(2 * np.prod(layer.kernel.shape))
    return 0


def shape_of(layer: keras.Operation) -> tuple[int, ...]:
    """The shape of what a layer returns; empty where it returns several tensors."""
    return tuple(getattr(layer.output, "shape", ()))

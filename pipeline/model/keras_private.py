"""All that is used here of Keras beyond its public names.

Keras promises nothing of these from one minor version to the next, so `pyproject.toml` bounds it:
to raise the bound, run this module's tests with the new version. They name what is gone.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
from keras.src.activations.activations import ReLU
from keras.src.applications.convnext import LayerScale
from keras.src.models.functional import Functional
from keras.src.ops.nn import Relu
from keras.src.utils import file_utils

RELU_FUNCTION: type[keras.Operation] = ReLU
"""What `keras.activations.relu` leaves in a graph; it has a layer's settings."""
RELU_OPERATION: type[keras.Operation] = Relu
"""What `keras.ops.relu` leaves in a graph."""


LAYER_SCALE: type[keras.Layer] = LayerScale
"""A layer of Keras' ConvNeXt that has no public name."""

_ACTIVATIONS = ("keras.src.layers.activations.", "keras.src.activations.", "keras.src.ops.nn")
"""The modules of activations that are layers, and of those that are operations."""


def is_activation(operation: keras.Operation) -> bool:
    """Whether an operation is one of Keras' activations, or another of those operations."""
    return type(operation).__module__.startswith(_ACTIVATIONS)


def source(tensor: keras.KerasTensor) -> keras.Operation:
    """The operation whose result a symbolic tensor is."""
    return tensor._keras_history.operation


def read_for(tensor: keras.KerasTensor) -> list[keras.KerasTensor]:
    """The symbolic tensors that the operation behind one read to give it."""
    history = tensor._keras_history
    return list(history.operation._inbound_nodes[history.node_index].input_tensors)


def calls(graph: keras.Function) -> Iterator[tuple[str, list[str]]]:
    """Every call of an operation in a graph, as its name and the names that the call reads."""
    for nodes in graph._nodes_by_depth.values():
        for node in nodes:
            yield node.operation.name, [parent.operation.name for parent in node.parent_nodes]


def applications(
    graph: keras.Function,
) -> Iterator[tuple[keras.Operation, list[keras.KerasTensor], list[keras.KerasTensor]]]:
    """Every call of an operation in a graph, with the tensors that it reads, and those it gives.

    Those come first that others read; an input is no call.
    """
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        for node in graph._nodes_by_depth[depth]:
            if not node.is_input:
                yield node.operation, list(node.input_tensors), list(node.outputs)


def nested(operation: keras.Operation) -> keras.Function | None:
    """The graph of a model that stands in another; None for a layer, or a `call` of its own."""
    call = type(operation).call
    if call is keras.Sequential.call:
        return operation._functional  # None where it was never built
    return operation if call is Functional.call else None


def nested_names(graph: keras.Function) -> Iterator[str]:
    """The names of the models in a model, as deep as these go."""
    for operation in graph.operations:
        inner = nested(operation)
        if inner is not None:
            yield operation.name
            yield from nested_names(inner)


def application(name: str, path: Path) -> keras.Model:
    """A network of `keras.applications` with the ImageNet weights of a file.

    Keras makes some of them otherwise for these weights than for others, and knows those only by
    their word; the file that it would then look for is this one.
    """
    look, file_utils.get_file = file_utils.get_file, lambda *_, **__: str(path)
    try:
        return getattr(keras.applications, name)(weights="imagenet")
    finally:
        file_utils.get_file = look


def run(
    graph: keras.Function, tensors: Sequence[keras.KerasTensor], call: Callable[..., Any]
) -> Any:
    """What a graph makes of tensors, with `call(operation, *args, **kwargs)` for each call."""
    return graph._run_through_graph(tensors, operation_fn=_itself, call_fn=call)


def _itself(operation: keras.Operation) -> keras.Operation:
    return operation  # the default, but Keras had none before 3.14


def inside(layer: keras.Layer) -> list[keras.Layer]:
    """A layer and all the layers in it."""
    return list(layer._flatten_layers())

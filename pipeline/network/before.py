"""The layer before a layer: the nearest one that all that it sees has gone through, mixed anew."""

from collections.abc import Sequence

import keras

from pipeline.config.weights import Weights
from pipeline.errors import WeightsError
from pipeline.model import keras_private
from pipeline.model.graph import parents, shape_of
from pipeline.model.head import chosen, heads
from pipeline.model.model_file import Read, read
from pipeline.plan.architecture import CLASSES, Reading

_MIXING = (
    keras.layers.Conv2D, keras.layers.Conv2DTranspose, keras.layers.SeparableConv2D,
    keras.layers.Dense, keras.layers.EinsumDense,
)  # fmt: skip
"""Layers that make new channels of many."""


def before(weights: Weights, reading: Reading, names: Sequence[str]) -> dict[str, str | None]:
    """The layer before each of some layers.

    It is the nearest layer with maps through which every way from the image to the layer goes, and
    behind which channels are mixed anew: `mixed3` of `mixed4`, what a residual block reads of the
    block's sum. Between it and a batch norm, an activation or a depthwise convolution nothing is.

    Args:
        weights: the network's file.
        reading: how it is read.
        names: of layers; `CLASSES` for the logits.

    Returns:
        By layer its name, or None where there is none.

    Raises:
        WeightsError: the file does not load, or has no classifier and `CLASSES` is asked for.
    """
    found = read(weights)
    ends = {name: _end(found, reading, name) for name in names}
    graph = keras.Model(found.model.inputs[0], list(ends.values()))
    reads = parents(graph)
    through: dict[str, frozenset[str]] = {}  # by operation, what all ways to it go through
    mixed: dict[str, frozenset[str]] = {}  # by operation, what mixes channels on any way to it
    maps = []
    for operation in graph.operations:
        name, before_it = operation.name, reads[operation.name]
        ways = [through[parent] for parent in before_it]
        through[name] = frozenset.intersection(*ways) | {name} if ways else frozenset({name})
        mixing = {name} if isinstance(operation, _MIXING) else set()
        mixed[name] = frozenset(mixing).union(*(mixed[parent] for parent in before_it))
        is_layer = isinstance(operation, keras.layers.Layer)
        if is_layer and before_it and len(shape_of(operation)) == 4:
            maps.append(name)
    nearest: dict[str, str | None] = {}
    for wanted, end in ends.items():
        name = keras_private.source(end).name
        behind = [n for n in maps if n in through[name] and mixed[name] - mixed[n]]
        nearest[wanted] = behind[-1] if behind else None
    return nearest


def _end(found: Read, reading: Reading, name: str) -> keras.KerasTensor:
    """A layer's values, or the logits."""
    if name != CLASSES:
        return found.model.get_layer(name).output
    head = chosen(found, heads(found), reading.output)
    if head is None:
        raise WeightsError(f"{found.model.name} has no classifier: there is no layer before it")
    return head.logits

"""Describing a network in a process of its own, so that who asks stays free of TensorFlow."""

from functools import partial

from pipeline.config.weights import Weights
from pipeline.network import device
from pipeline.network.apart import apart
from pipeline.plan.architecture import Architecture
from pipeline.plan.pixels import Range

_KNOWN: dict[tuple[Weights, int | None, str, Range | None], Architecture] = {}
"""What this process was told, by what was asked: of a file of the same digest it stays true."""


def probe(
    weights: Weights,
    image_size: int | None,
    output: str = "",
    given: Range | None = None,
    patience: float = 300.0,
) -> Architecture:
    """Describe a network in a process of its own; who asks again has the same answer at once.

    Args:
        weights: the resolved weights file.
        image_size: side of the square input, in pixels; None for what the file asks for.
        output: the name of the output whose classes are meant; empty where there is one.
        given: what black and white are to the network; None for what tells itself.
        patience: seconds until it must have answered.

    Raises:
        WeightsError: the file does not load.
        ConfigError: the network cannot take images of that size.
        WorkError: the process died, or did not answer in time.
    """
    asked = weights, image_size, output, given
    if asked not in _KNOWN:
        remedy = "(build.patience): see whether that file can be read, and try again"
        task = f"read {weights.path}"
        _KNOWN[asked] = apart(partial(_describe, *asked), task, patience, remedy)
    return _KNOWN[asked]


def _describe(
    weights: Weights, image_size: int | None, output: str, given: Range | None
) -> Architecture:
    device.use("cpu")
    from pipeline.network.describe import describe  # noqa: PLC0415, TensorFlow stays in this process

    return describe(weights, image_size, output, given)

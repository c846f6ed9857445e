"""What must be known of a network to plan an atlas of it, without loading TensorFlow.

`probe` asks a short-lived process, so that the process that drives a build stays free of
TensorFlow; the answer is kept with the atlas.
"""

import contextlib
import dataclasses
import multiprocessing
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from pipeline import device
from pipeline.errors import WorkError
from pipeline.weights import Weights

CLASSES = "/classes"
"""What the logits are called among layers; no layer can be called so."""


@dataclass(frozen=True)
class Layer:
    """A layer with channels, at one image size.

    `depth` is its place in the network. `operations` counts the multiplications and additions of
    the convolutions that lead to it, for one image, forward.
    """

    name: str
    depth: int
    channels: int
    height: int
    width: int
    operations: int


@dataclass(frozen=True)
class Architecture:
    """The layers of a network at one image size, in order of depth.

    `classes` is None where the weights have no classifier. `class_operations` is the cost of the
    whole network, as `Layer.operations`. `span` is what black and white are to the network, as far
    as it tells.
    """

    name: str
    image_size: int
    layers: Mapping[str, Layer]
    classes: int | None
    class_operations: int = 0
    span: tuple[float, float] = (-1.0, 1.0)

    @property
    def deepest(self) -> str:
        """The name of the deepest layer with channels."""
        return max(self.layers.values(), key=lambda layer: layer.depth).name

    def to_json(self) -> dict[str, Any]:
        """A plain form for JSON; `from_json` reads it."""
        record = dataclasses.asdict(self)
        record["layers"] = [dataclasses.astuple(layer) for layer in self.layers.values()]
        return record

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Architecture":
        """The architecture that `to_json` wrote."""
        layers = [Layer(*row) for row in record["layers"]]
        black, white = record["span"]
        named = {layer.name: layer for layer in layers}
        return cls(**{**record, "layers": named, "span": (black, white)})


Describe = Callable[[Weights, int], Architecture]
"""How to learn the architecture of a weights file at an image size."""


def probe(weights: Weights, image_size: int, patience: float = 300.0) -> Architecture:
    """Describe a network in a process of its own.

    Args:
        weights: the resolved weights file.
        image_size: side of the square input, in pixels.
        patience: seconds until it must have answered.

    Raises:
        WeightsError: the file does not load.
        ConfigError: the network cannot take images of that size.
        WorkError: the process died, or did not answer in time.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_tell, args=(there, weights, image_size), daemon=True)
    try:
        process.start()
        there.close()
        if not here.poll(patience):
            raise WorkError(
                f"the process that was to read {weights.path} has not answered for {patience:g} "
                "seconds (build.patience): see whether that file can be read, and try again"
            )
        answer: Architecture | Exception = here.recv()
    except (EOFError, OSError) as error:
        raise WorkError(
            f"the process that was to read {weights.path} died, most likely for want of memory"
        ) from error
    finally:
        here.close()
        if process.pid is not None:
            process.kill()
            process.join()
    if isinstance(answer, Exception):
        raise answer
    return answer


def _tell(asker: Connection, weights: Weights, image_size: int) -> None:
    """Answer once and end, whatever became of who asked; a pool's process would wait for more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # that is for who asked
    try:
        answer: Architecture | Exception = _describe(weights, image_size)
    except Exception as error:  # it is raised where it was asked for
        answer = error
    with contextlib.suppress(OSError):
        asker.send(answer)


def _describe(weights: Weights, image_size: int) -> Architecture:
    device.use("cpu")
    from pipeline.network import describe  # noqa: PLC0415, TensorFlow stays in this process

    return describe(weights, image_size)

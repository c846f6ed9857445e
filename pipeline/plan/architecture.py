"""What must be known of a network to plan an atlas of it, without loading TensorFlow.

`probe` asks a short-lived process, so that the process that drives a build stays free of
TensorFlow; the answer is kept with the atlas.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.config.weights import Weights
from pipeline.plan.pixels import SPAN

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
    as it tells. `is_living` says whether it has activations, other than plain ReLUs, that are flat
    somewhere, and where the ascent lets the gradient out.
    """

    name: str
    image_size: int
    layers: Mapping[str, Layer]
    classes: int | None
    class_operations: int = 0
    span: tuple[float, float] = SPAN
    is_living: bool = False

    @property
    def deepest(self) -> str:
        """The name of the deepest layer with channels."""
        return max(self.layers.values(), key=lambda layer: layer.depth).name

    def operations_to(self, output: str) -> int:
        """Multiplications and additions for one image as far as a layer, or `CLASSES`."""
        return self.class_operations if output == CLASSES else self.layers[output].operations

    def to_json(self) -> dict[str, Any]:
        """A plain form for JSON; `from_json` reads it."""
        record = dataclasses.asdict(self)
        record["layers"] = [dataclasses.astuple(layer) for layer in self.layers.values()]
        if not self.is_living:  # as atlases say that were made before there was such a thing
            del record["is_living"]
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

"""What must be known of a network to plan an atlas of it, and how it is read. No TensorFlow here.

`probe` asks a short-lived process, so that the process that drives a build stays free of
TensorFlow; the answer is kept with the atlas.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from pipeline.config.vectors import Vectors
from pipeline.config.weights import Weights
from pipeline.plan.pixels import SPAN, Named, Range

CLASSES = "/classes"
"""What the logits are called among layers; no layer can be called so."""

Squash = Literal["softmax", "sigmoid"]
"""What makes probabilities of logits: all of them together, or each by itself."""


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

    Attributes:
        name: as the file has it.
        image_size: in pixels.
        layers: by name.
        classes: how many; None where there is no classifier, or several and none was named.
        class_operations: the cost of the whole network, as `Layer.operations`.
        range: what black and white are to the network; None where it cannot be told.
        is_living: whether it has activations, other than plain ReLUs, that are flat somewhere, and
            where the ascent lets the gradient out.
        squash: what makes probabilities of its logits.
        heads: the names of its outputs of classes, where there are several.
        told: what tells the range, for people.
        colours: channels of its images: three, or one of grey.
        activations: how often it has each, by name; it is not kept with an atlas.
        bases: matrices of the user's whose rows are directions of layers, by name; they are kept
            beside it.
    """

    name: str
    image_size: int
    layers: Mapping[str, Layer]
    classes: int | None
    class_operations: int = 0
    range: Range | None = SPAN
    is_living: bool = False
    squash: Squash = "softmax"
    heads: tuple[str, ...] = ()
    told: str = ""
    colours: int = 3
    activations: Mapping[str, int] = field(default_factory=dict, compare=False)
    bases: Mapping[str, Vectors] = field(default_factory=dict, compare=False, repr=False)

    @property
    def deepest(self) -> str:
        """The name of the deepest layer with channels."""
        return max(self.layers.values(), key=lambda layer: layer.depth).name

    def operations_to(self, output: str) -> int:
        """Multiplications and additions for one image as far as a layer, or `CLASSES`."""
        return self.class_operations if output == CLASSES else self.layers[output].operations

    def to_json(self) -> dict[str, Any]:
        """A plain form for JSON; `from_json` reads it."""
        record = dataclasses.asdict(dataclasses.replace(self, bases={}))
        record["layers"] = [dataclasses.astuple(layer) for layer in self.layers.values()]
        record["span"] = record.pop("range")
        del record["activations"], record["bases"]
        for name in _LATER:  # left out, as atlases have it that were made before there were such
            if record[name] == getattr(Architecture, name):
                del record[name]
        return record

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Architecture":
        """The architecture that `to_json` wrote."""
        known = dict(record)
        span = known.pop("span")
        layers = [Layer(*row) for row in known.pop("layers")]
        return cls(
            **{**known, "heads": tuple(known.get("heads", ()))},
            layers={layer.name: layer for layer in layers},
            range=span if span is None or span in get_args(Named) else (span[0], span[1]),
        )


_LATER = ("is_living", "squash", "heads", "told", "colours")


@dataclass(frozen=True)
class Reading:
    """How a network is read.

    Attributes:
        range: what black and white are to it.
        output: the name of the output whose classes are meant; empty where there is one.
        is_living: whether activations other than plain ReLUs are revived.
        begins_lit: whether an ascent that led nowhere begins anew with a lit map.
    """

    range: Range = SPAN
    output: str = ""
    is_living: bool = False
    begins_lit: bool = False


PLAINLY = Reading()
"""As Keras' InceptionV3 is read."""


Describe = Callable[[Weights, int, str, Range | None], Architecture]
"""How to learn the architecture of a weights file at an image size, by the name of an output and
the range that the user gives, if any."""

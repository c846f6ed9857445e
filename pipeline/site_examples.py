"""The dataset examples that a page shows, where an atlas has any."""

from dataclasses import dataclass

import numpy as np

from pipeline.atlas import Atlas
from pipeline.errors import AtlasError


@dataclass(frozen=True)
class Examples:
    """The dataset pictures that excite a unit most.

    Attributes:
        pictures: their file names.
        activations: the unit's, on each.
        crops: (count, side, side, 3) uint8 RGB: the parts that excite it.
    """

    pictures: tuple[str, ...]
    activations: tuple[float, ...]
    crops: np.ndarray


def find(atlas: Atlas, unit: str) -> Examples | None:
    """A unit's dataset examples, where the atlas has any."""
    find, crops = getattr(atlas, "examples", None), getattr(atlas, "example_crops", None)
    if find is None or crops is None:
        return None
    try:
        found, pixels = list(find(unit)), np.asarray(crops(unit))
    except AtlasError:
        return None
    if not found:
        return None
    return Examples(
        tuple(str(example.picture) for example in found),
        tuple(float(example.activation) for example in found),
        pixels,
    )

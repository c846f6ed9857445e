"""Where in a picture a unit fires, as a map and as an overlay."""

from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.errors import ConfigError, UnitError
from pipeline.examples.source import REASONS, SEEN, Picture, load
from pipeline.plan.provenance import Provenance

_DIM = 0.2
"""How much is left of a picture where a unit is silent."""


def read(path: Path, size: int) -> np.ndarray:
    """A picture as the network takes it, (size, size, 3) uint8.

    Raises:
        ConfigError: it cannot be read.
    """
    image, state = load(Picture.of(path.name, path), size)
    if state not in SEEN:
        raise ConfigError(f"the picture {path} cannot be read: {REASONS[state]}")
    return image


def fires(provenance: Provenance, unit_id: str, picture: np.ndarray) -> np.ndarray:
    """The map of a unit's channel, or direction, on a picture.

    Args:
        provenance: of the atlas.
        unit_id: a channel, a neuron or a direction.
        picture: (size, size, 3) uint8, of any size that the network takes.

    Returns:
        (rows, columns) float32; the unit's sign is left out.

    Raises:
        UnitError: the unit has neither.
        WeightsError: the weights are not here.
    """
    from pipeline.network.observer import Observer  # noqa: PLC0415, TensorFlow

    unit = provenance.unit(unit_id)
    if not unit.kind.has_map:
        raise UnitError(
            f"unit {unit.id} has no map of its own: name a channel, a neuron or a direction"
        )
    [layer] = unit.layers
    observer = Observer(provenance.locate_weights(), (layer,), provenance.reading)
    return unit.along(observer.maps(picture)[layer])


def overlay(
    picture: np.ndarray, field: np.ndarray, size: int = 384, full: float = 0.0
) -> np.ndarray:
    """A picture that is bright where a map is high and dark where it is zero or less.

    Args:
        picture: (height, width, 3) uint8.
        field: (rows, columns), what covers the picture.
        size: side of the result, in pixels.
        full: the value that is fully bright, if the map has none above it.

    Returns:
        (size, size, 3) uint8.
    """
    top = float(field.max(initial=max(full, 0.0)))
    share = np.clip(field, 0.0, None) / top if top > 0 else np.zeros_like(field)
    how = Image.Resampling.BICUBIC
    light = np.asarray(Image.fromarray(share.astype(np.float32)).resize((size, size), how))
    shown = np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.LANCZOS))
    weight = _DIM + (1.0 - _DIM) * np.clip(light, 0.0, 1.0)[..., None]
    return np.asarray(np.clip(shown * weight + 0.5, 0, 255), np.uint8)

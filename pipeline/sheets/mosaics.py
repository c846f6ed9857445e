"""An atlas's mosaics: one a section, and the whole; each a PNG and a map from pixel to unit.

ATLAS/mosaics/SECTION.png, SECTION.json
ATLAS/mosaic.png, mosaic.json
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.errors import DamageError
from pipeline.explore import places
from pipeline.plan.batches import Section
from pipeline.plan.identity import SCHEMA, digest
from pipeline.plan.provenance import Provenance
from pipeline.plan.units import Unit
from pipeline.sheets import tiles
from pipeline.store.seal import seal, sealed
from pipeline.store.store import Store

_LARGEST, _SMALLEST = 64_000_000, 8
"""The pixels of a mosaic's tiles, and the side of the smallest tile."""
WHOLE = None
"""In place of a section's name: the mosaic of the whole atlas."""


def name_of(section: str | None) -> str:
    """The PNG of a section's mosaic, or of the whole, in an atlas folder."""
    return f"mosaics/{section}.png" if section else "mosaic.png"


def map_of(section: str | None) -> str:
    """The map beside it."""
    return name_of(section).replace(".png", ".json")


def is_current(store: Store, section: str | None, tile: int) -> bool:
    """Whether a mosaic is there and shows what the store holds now."""
    try:
        noted = read_map(store, section)["state"]
    except (OSError, DamageError):
        return False
    return bool(noted == _state(store, _shown(store.provenance, section), tile))


def read_map(store: Store, section: str | None) -> Mapping[str, Any]:
    """The map of a mosaic; `width`, `height`, a list `tiles`, and what it was drawn from.

    Raises:
        OSError: the mosaic or its map is not there, or cannot be read.
        DamageError: one of them is damaged, or they are not of one piece.
    """
    with sealed(store.folder, map_of(section)) as content:
        if store.folder.digest(name_of(section)) != content["sha256"]:
            raise DamageError(f"{name_of(section)} is not as it was drawn")
    return content


def draw(store: Store, section: str | None, tile: int) -> None:
    """Draw a mosaic and write it and its map.

    Args:
        store: the atlas.
        section: a section's name, or `WHOLE`.
        tile: side of a tile, in pixels; less where the mosaic would be too large to open.

    Raises:
        DamageError: a stored image is damaged.
    """
    mosaic = plan(store.provenance, section, tile)
    state = _state(store, _shown(store.provenance, section), tile)
    sha256 = tiles.write(mosaic, store.images(), store.folder, name_of(section))
    about = {**tiles.describe(mosaic), "state": state, "sha256": sha256}
    store.folder.write_json(map_of(section), seal(about))


def plan(provenance: Provenance, section: str | None, tile: int) -> tiles.Mosaic:
    """Where everything goes on a mosaic. Arguments as of `draw`."""
    sections = _shown(provenance, section)
    total = sum(len(shown.units) for shown in sections)
    panels = [_panel(shown, provenance, len(sections) > 1, total) for shown in sections]
    return tiles.lay_out(panels, max(_SMALLEST, min(tile, math.isqrt(_LARGEST // total))))


def label(unit: Unit, classes: Sequence[str]) -> str:
    """What stands under a unit's tile: its number, and its class's name."""
    variant = f"#{unit.variant}" if unit.variant else ""
    is_named = unit.kind.needs_classifier and unit.index < len(classes)
    return (
        f"{unit.said(unit.kind.short)}{variant} {classes[unit.index] if is_named else ''}".strip()
    )


def heading(section: Section) -> str:
    """A section's heading."""
    first = section.units[0]
    negative = " · negative direction" if first.negative else ""
    return f"{first.said(first.kind.heading)}{negative} ({len(section.units)})"


def _shown(provenance: Provenance, section: str | None) -> list[Section]:
    """The sections of a mosaic, less what the weights have nothing for."""
    return [s for s in provenance.available_sections() if section in (WHOLE, s.name)]


def _panel(section: Section, provenance: Provenance, is_whole: bool, total: int) -> tiles.Panel:
    count = total if is_whole else len(section.units)
    return tiles.Panel(
        heading=heading(section),
        units=[(unit.id, label(unit, provenance.classes)) for unit in section.units],
        columns=places.grid(count, provenance.columns),
    )


def _state(store: Store, sections: Sequence[Section], tile: int) -> str:
    """A digest of everything that a mosaic shows."""
    images = {
        unit: sha256
        for section in sections
        for record in store.records.of(section.name)
        for unit, sha256 in zip(record.units, record.image_sha256, strict=True)
    }
    units = [unit.id for section in sections for unit in section.units]
    classes = store.provenance.classes
    return digest([SCHEMA, units, images, tile, store.provenance.columns, classes])

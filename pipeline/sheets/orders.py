"""A mosaic in another order than the atlas's: by activation, or by what is like what.

Cells of an activation atlas are laid out where they are in its grid.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.errors import ConfigError, MissingError, NotMeasuredError
from pipeline.explore import places, similarity
from pipeline.plan.batches import Section
from pipeline.sheets import mosaics, png, tiles
from pipeline.store.folder import LocalFolder
from pipeline.store.store import Store

_EMPTY = ("", "")
"""A place of a grid that nobody has."""


def draw(store: Store, index: pd.DataFrame, order: str, sections: tuple[str, ...], tile: int,
         path: Path) -> None:  # fmt: skip
    """Draw the finished units of some sections, one mosaic for all, as a PNG.

    Args:
        store: the atlas.
        index: its index.
        order: `channel`, the atlas's own; `activation`, the strongest first; `similarity`, on a
            grid where units that excite the network alike lie near each other, one for the whole
            atlas, or one a section where sections are named, as on the page; or `activations`, the
            cells of activation atlases, each in its place.
        sections: their names; empty for all.
        tile: side of a tile, in pixels.
        path: the PNG.

    Raises:
        ConfigError: there is no such order or section, or the PNG cannot be written.
        MissingError: no unit that is done has a place in that order.
        NotMeasuredError: nothing is known yet of what is like what.
        DamageError: a stored image is damaged.
    """
    if order not in _PANELS:
        raise ConfigError(f"there is no order {order!r}: expected {', '.join(_PANELS)}")
    path = png.check(path)
    known = {section.name: section for section in store.provenance.available_sections()}
    strange = [name for name in sections if name not in known]
    if strange:
        raise ConfigError(f"there is no section {strange[0]!r}: expected {', '.join(known)}")
    done = index[index["status"] == "done"].set_index("unit")
    chosen = [known[name] for name in sections or known]
    if order == "similarity" and not sections:
        panels = [by_similarity(store, chosen, done, alone=False)]
    else:
        panels = [_PANELS[order](store, section, done) for section in chosen]
    if not any(panel.units for panel in panels):
        raise MissingError(
            f"no unit that is done has a place in the order {order}"
            + (": `atlas activations` makes cells that have one" if order == "activations" else "")
        )
    mosaic = tiles.lay_out([panel for panel in panels if panel.units], tile)
    try:
        tiles.write(mosaic, store.images(), LocalFolder(path.parent), path.name)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error


def _labels(store: Store, section: Section, done: pd.DataFrame) -> dict[str, tuple[str, str]]:
    classes = store.provenance.classes
    units = (unit for unit in section.units if unit.id in done.index)
    return {unit.id: (unit.id, mosaics.label(unit, classes)) for unit in units}


def _by_channel(store: Store, section: Section, done: pd.DataFrame) -> tiles.Panel:
    labels = list(_labels(store, section, done).values())
    return tiles.Panel(mosaics.heading(section), labels, places.grid(len(labels)))


def _by_activation(store: Store, section: Section, done: pd.DataFrame) -> tiles.Panel:
    labels = _labels(store, section, done)
    values = done.loc[list(labels), "activation"] * (-1 if section.units[0].negative else 1)
    order = values.sort_values(ascending=False, kind="stable").index
    heading = f"{mosaics.heading(section)} · strongest first"
    return tiles.Panel(heading, [labels[i] for i in order], places.grid(len(labels)))


def by_similarity(
    store: Store, sections: Sequence[Section], done: pd.DataFrame, *, alone: bool
) -> tiles.Panel:
    """Sections on a grid where units that are alike lie near each other.

    Args:
        store: the atlas.
        sections: all of the atlas; or one.
        done: the rows of its index that are done, by unit.
        alone: whether it is one, in a grid of its own.

    Raises:
        NotMeasuredError: nothing is known yet of what is like what.
    """
    labels = [pair for section in sections for pair in _labels(store, section, done).values()]
    ids = [unit for unit, _ in labels]
    spots = similarity.cells(_lying(done.loc[ids]), alone=alone)
    if alone:
        return _gridded(f"{mosaics.heading(sections[0])} · by similarity", labels, spots)
    return _gridded(f"By similarity ({len(ids)})", [(unit, unit) for unit in ids], spots)


def _by_similarity(store: Store, section: Section, done: pd.DataFrame) -> tiles.Panel:
    return by_similarity(store, [section], done, alone=True)


def _lying(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the index that all have a place on the map.

    Raises:
        NotMeasuredError: some have none.
    """
    if rows[["map_x", "map_y"]].isna().any(axis=None):
        raise NotMeasuredError(
            "nothing is known yet of which units are alike: build with explore.responses"
        )
    return rows


def _by_cell(store: Store, section: Section, done: pd.DataFrame) -> tiles.Panel:
    labels = _labels(store, section, done)
    rows = done.loc[list(labels)]
    rows = rows[rows["cell_row"].notna() & (rows["variant"] == 0)]
    named = [
        (unit, "" if pd.isna(of) else str(of))
        for unit, of in zip(rows.index, rows["class_name"], strict=True)
    ]
    spots = rows[["cell_row", "cell_col"]].to_numpy(dtype=int)
    return _gridded(f"{mosaics.heading(section)} · activation atlas", named, spots)


def _gridded(heading: str, labels: Sequence[tuple[str, str]], spots: np.ndarray) -> tiles.Panel:
    """Units, (id, label), at the rows and columns of a grid."""
    height, width = spots.max(axis=0) + 1 if len(spots) else (0, 1)
    cells = [_EMPTY] * (height * width)
    for label, (row, column) in zip(labels, spots, strict=True):
        cells[row * width + column] = label
    return tiles.Panel(heading, cells, int(width))


_PANELS: dict[str, Callable[[Store, Section, pd.DataFrame], tiles.Panel]] = {
    "channel": _by_channel,
    "activation": _by_activation,
    "similarity": _by_similarity,
    "activations": _by_cell,
}

"""Contact sheets: images of units in a grid, captions under them, a heading above."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from pipeline.explore import query
from pipeline.explore.places import grid
from pipeline.sheets.paper import Item, Paper, Raster, Text, Tone, fitting
from pipeline.store.store import Store

_NAMES = (
    "unit", "class_name", "name", "called", "note", "layer", "kind", "section", "status", "recipe",
)  # fmt: skip
"""Columns whose values say what they are."""
ABSENT = "not in the atlas"
"""In the box of a unit that the atlas has no image of."""
_SMALLEST, _LARGEST = 9, 28


def lay_out(
    store: Store,
    index: pd.DataFrame,
    units: Sequence[str],
    heading: str,
    tile: int,
    columns: int,
    captions: Sequence[str],
) -> Paper:
    """Place units on a sheet.

    Args:
        store: the atlas.
        index: its index.
        units: ids, in order.
        heading: a line above; none where it is empty.
        tile: side of an image, in pixels.
        columns: images a row, or 0 for a sheet about 4 by 3.
        captions: columns of the index, a line each under an image.

    Raises:
        ConfigError: the index has no such column.
    """
    query.check_columns(index, list(captions))
    rows = index.set_index("unit", drop=False).loc[list(units)]
    image = store.images()
    cells = [
        Cell(partial(image, unit), texts_of(rows.iloc[place], captions))
        for place, unit in enumerate(units)
    ]
    return in_grid(cells, heading, tile, columns, len(captions))


@dataclass(frozen=True)
class Cell:
    """An image of a sheet, and the lines under it; `pixels` as of `Raster`."""

    pixels: Callable[[], np.ndarray | None]
    texts: Sequence[str] = ()


def in_grid(
    cells: Sequence[Cell], heading: str, tile: int, columns: int = 0, lines: int = 0
) -> Paper:
    """Place images in a grid. Arguments as of `lay_out`; `lines` is room for so many, at least."""
    lines = max([lines, *(len(cell.texts) for cell in cells)])
    wide, size, gap = grid(len(cells), columns), text_size(tile), max(4, tile // 16)
    step = tile + gap // 2 + lines * round(size * 1.3) + gap
    width = gap + wide * (tile + gap)
    items: list[Item] = list(heading_items(heading, gap, width, size))
    top = gap + (round(size * 2.4) if heading else 0)
    for place, cell in enumerate(cells):
        row, column = divmod(place, wide)
        x, y = gap + column * (tile + gap), top + row * step
        items.append(Raster(x, y, tile, tile, cell.pixels))
        items += line_items(cell.texts, x, y + tile + gap // 2, tile, size)
    height = top + math.ceil(len(cells) / wide) * step
    return Paper(width, height + gap // 2, tuple(items))


def text_size(tile: int) -> int:
    """The size of captions under an image of a side."""
    return max(_SMALLEST, min(_LARGEST, round(tile / 10.5)))


def heading_items(text: str, gap: int, width: int, size: int) -> Sequence[Item]:
    """A heading at the top of a sheet, if there is any."""
    large = round(size * 1.4)
    return [Text(gap, gap, fitting(text, width - 2 * gap, large), large)] if text else []


def texts_of(row: "pd.Series[Any]", captions: Sequence[str]) -> list[str]:
    """The lines that a unit's columns make; none for a value that is missing."""
    return [text for name in captions if (text := caption(name, row[name]))]


def line_items(texts: Sequence[str], x: float, y: float, width: float, size: int) -> list[Item]:
    """Lines under an image, the first in full ink."""
    found: list[Item] = []
    for number, text in enumerate(texts):
        tone: Tone = "pale" if number else "ink"
        place = y + number * round(size * 1.3)
        found.append(Text(x, place, fitting(text, width, size), size, tone))
    return found


def caption(name: str, value: Any) -> str:
    """A value of the index as a caption: names as they are, numbers with their column's name."""
    if isinstance(value, list | tuple | np.ndarray):
        return " ".join(map(_short, value))
    if pd.isna(value):
        return ""
    return str(value) if name in _NAMES else f"{name.replace('_', ' ')} {_short(value)}"


def _short(value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return number(float(value)) if isinstance(value, float | np.floating) else str(value)


def number(value: float) -> str:
    """A number with three digits."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:#.3g}".rstrip(".") if value else "0"

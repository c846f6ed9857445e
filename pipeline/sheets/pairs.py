"""Sheets of two atlases: each unit before and after, side by side."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

from pipeline.explore.places import grid
from pipeline.sheets import contact
from pipeline.sheets.paper import Item, Paper, Raster, Text, fitting
from pipeline.store.store import Store


def lay_out(
    before: Store, after: Store, frame: pd.DataFrame, heading: str, tile: int, columns: int = 0
) -> Paper:
    """Place the units of some rows of `Changes.frame` on a sheet: before at the left, after right.

    Args:
        before: the first atlas.
        after: the second.
        frame: the rows, in order.
        heading: a line above.
        tile: side of an image, in pixels.
        columns: pairs a row, or 0 for a sheet about 4 by 3.
    """
    size, gap = contact.text_size(tile), max(8, tile // 8)
    wide, pair = columns or max(1, round(grid(len(frame)) * 0.75)), 2 * tile + 2
    line = round(size * 1.3)
    step, top = tile + 2 * line + 2 * gap, gap + round(size * 2.4)
    width = gap + min(wide, max(len(frame), 1)) * (pair + gap)
    items: list[Item] = list(contact.heading_items(heading, gap, width, size))
    sides = (before.images(), after.images())
    for place, values in enumerate(frame.to_dict("records")):
        row, column = divmod(place, wide)
        x, y, unit = gap + column * (pair + gap), top + row * step, str(values["unit"])
        for number, image in enumerate(sides):
            left = x + number * (tile + 2)
            items.append(Raster(left, y, tile, tile, partial(image, unit)))
        under = y + tile + max(3, gap // 4)
        items.append(Text(x, under, fitting(unit, pair, size), size))
        items.append(Text(x, under + line, fitting(_said(values), pair, size), size, "pale"))
    rows = -(-len(frame) // wide)
    return Paper(width, top + max(rows, 1) * step, tuple(items))


def _said(values: Mapping[Any, Any]) -> str:
    """What stands under a pair."""
    plain = {name: float(v) for name, v in values.items() if name != "unit" and not pd.isna(v)}
    way = [contact.number(plain[f"activation_{when}"]) for when in ("before", "after")]
    text = f"activation {way[0]} to {way[1]}"
    if "response_distance" in plain:
        return f"{text} · responses {plain['response_distance']:.2f}"
    return f"{text} · image {plain['image_distance']:.2f}"

"""Mosaics: an atlas's tiles on one sheet, labelled, with a map from pixel to unit."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pipeline.folder import Folder

_BACKGROUND, _INK, _PALE, _NONE = (17, 17, 20), (236, 236, 240), (150, 150, 160), (44, 44, 50)
_GAP, _LABEL, _HEADING = 4, 14, 40


@dataclass(frozen=True)
class Tile:
    """One unit's place on a sheet: `x`, `y` of its upper left pixel, and its side."""

    unit: str
    label: str
    x: int
    y: int
    side: int


@dataclass(frozen=True)
class Panel:
    """A heading and the units under it, as (id, label); an id's tile may be missing.

    An empty id leaves its place empty.
    """

    heading: str
    units: Sequence[tuple[str, str]]
    columns: int


@dataclass(frozen=True)
class Sheet:
    """Where everything goes, before anything is drawn."""

    width: int
    height: int
    headings: tuple[tuple[str, int, int], ...]
    tiles: tuple[Tile, ...]

    def unit_at(self, x: int, y: int) -> str | None:
        """The unit whose tile covers a pixel."""
        for tile in self.tiles:
            if tile.x <= x < tile.x + tile.side and tile.y <= y < tile.y + tile.side:
                return tile.unit
        return None


def grid(count: int, columns: int = 0) -> int:
    """Columns of a mosaic of `count` tiles: those asked for, or a sheet about 4 by 3."""
    return max(1, min(count, columns or math.ceil(math.sqrt(count * 4 / 3))))


def lay_out(panels: Sequence[Panel], side: int) -> Sheet:
    """Place panels below one another."""
    headings, tiles, top, width = [], [], _GAP, 0
    for panel in panels:
        headings.append((panel.heading, _GAP, top))
        top += _HEADING
        for place, (unit, label) in enumerate(panel.units):
            if not unit:  # nobody's place
                continue
            row, column = divmod(place, panel.columns)
            x, y = _GAP + column * (side + _GAP), top + row * (side + _LABEL)
            tiles.append(Tile(unit, label, x, y, side))
            width = max(width, x + side + _GAP)
        top += math.ceil(len(panel.units) / panel.columns) * (side + _LABEL) + _GAP
    return Sheet(max(width, 320), top, tuple(headings), tuple(tiles))


def draw(sheet: Sheet, image: Callable[[str], np.ndarray | None]) -> Image.Image:
    """Draw a sheet; `image` gives a unit's (height, width, 3) uint8 picture, or None."""
    canvas = Image.new("RGB", (sheet.width, sheet.height), _BACKGROUND)
    pen = ImageDraw.Draw(canvas)
    large, small = ImageFont.load_default(size=22), ImageFont.load_default(size=10)
    for text, x, y in sheet.headings:
        pen.text((x, y + 6), text, _INK, font=large)
    for tile in sheet.tiles:
        pixels = image(tile.unit)
        if pixels is None:
            pen.rectangle((tile.x, tile.y, tile.x + tile.side - 1, tile.y + tile.side - 1), _NONE)
        else:
            picture = Image.fromarray(pixels)
            if picture.size != (tile.side, tile.side):
                picture = picture.resize((tile.side, tile.side), Image.Resampling.LANCZOS)
            canvas.paste(picture, (tile.x, tile.y))
        label = _fitting(tile.label, tile.side, small)
        pen.text((tile.x, tile.y + tile.side + 1), label, _PALE, font=small)
    return canvas


def save(canvas: Image.Image, folder: Folder, name: str) -> None:
    """Write a sheet as PNG."""
    folder.write(name, lambda file: canvas.save(file, format="PNG", compress_level=4))


def describe(sheet: Sheet) -> dict[str, Any]:
    """Where each unit is: `width`, `height`, and a list `tiles`."""
    tiles = [asdict(tile) for tile in sheet.tiles]
    return {"width": sheet.width, "height": sheet.height, "tiles": tiles}


def _fitting(text: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    while text and font.getlength(text) > width:
        text = text[:-2] + "…" if len(text) > 2 else ""
    return text

"""Mosaics: an atlas's tiles on one mosaic, labelled, with a map from pixel to unit."""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from pipeline.sheets import png
from pipeline.sheets.paper import drawable, fitting, font
from pipeline.store.folder import Folder

ImageOf = Callable[[str], np.ndarray | None]

_BACKGROUND, _INK, _PALE, _NONE = (17, 17, 20), (236, 236, 240), (150, 150, 160), (44, 44, 50)
_GAP, _LABEL, _HEADING, _SMALL = 4, 14, 40, 10


@dataclass(frozen=True, slots=True)
class Tile:
    """One unit's place on a mosaic: `x`, `y` of its upper left pixel, and its side."""

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
class Mosaic:
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


def lay_out(panels: Sequence[Panel], side: int) -> Mosaic:
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
    return Mosaic(max(width, 320), top, tuple(headings), tuple(tiles))


def draw(mosaic: Mosaic, image: ImageOf) -> Image.Image:
    """Draw a mosaic; `image` gives a unit's (height, width, 3) uint8 picture, or None."""
    return _strip(mosaic, 0, mosaic.height, mosaic.headings, mosaic.tiles, image)


def strips(mosaic: Mosaic, image: ImageOf) -> Iterator[Image.Image]:
    """Draw a mosaic strip by strip, from the top: a row of tiles each. Arguments as of `draw`."""
    rows: dict[int, list[Tile]] = {}
    for tile in mosaic.tiles:
        rows.setdefault(tile.y, []).append(tile)
    above = {y: [(text, x, y)] for text, x, y in mosaic.headings}
    cuts = [0, *sorted({*rows, *above} - {0}), mosaic.height]
    for top, bottom in itertools.pairwise(cuts):
        yield _strip(mosaic, top, bottom, above.get(top, ()), rows.get(top, ()), image)


def _strip(
    mosaic: Mosaic,
    top: int,
    bottom: int,
    headings: Sequence[tuple[str, int, int]],
    tiles: Sequence[Tile],
    image: ImageOf,
) -> Image.Image:
    """The rows of pixels from `top` to `bottom`, with the headings and tiles that are there."""
    canvas = Image.new("RGB", (mosaic.width, bottom - top), _BACKGROUND)
    pen = ImageDraw.Draw(canvas)
    large, small = font(22), font(_SMALL)
    for text, x, y in headings:
        pen.text((x, y - top + 6), drawable(text), _INK, font=large)
    for tile in tiles:
        pixels, x, y, last = image(tile.unit), tile.x, tile.y - top, tile.side - 1
        if pixels is None:
            pen.rectangle((x, y, x + last, y + last), _NONE)
        else:
            picture = Image.fromarray(pixels)
            if picture.size != (tile.side, tile.side):
                picture = picture.resize((tile.side, tile.side), Image.Resampling.LANCZOS)
            canvas.paste(picture, (x, y))
        label = fitting(tile.label, tile.side, _SMALL)
        pen.text((x, y + tile.side + 1), label, _PALE, font=small)
    return canvas


def write(mosaic: Mosaic, image: ImageOf, folder: Folder, name: str) -> str:
    """Draw a mosaic into a PNG file, never holding all of it; the file's SHA-256.

    `mosaic` and `image` as of `draw`.
    """
    rows = (np.asarray(strip) for strip in strips(mosaic, image))
    return folder.write_digested(
        name, lambda file: png.write(file, mosaic.width, mosaic.height, rows)
    )


def describe(mosaic: Mosaic) -> dict[str, Any]:
    """Where each unit is: `width`, `height`, and a list `tiles`."""
    tiles = [asdict(tile) for tile in mosaic.tiles]
    return {"width": mosaic.width, "height": mosaic.height, "tiles": tiles}

"""Drawings: sheets, and where in a picture a unit fires, which a notebook shows as pictures."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image

from pipeline.examples import where
from pipeline.sheets import paper, png

_MOST = 30_000_000
"""Pixels that a notebook is given."""


@dataclass(frozen=True, eq=False, repr=False)
class Drawing:
    """A sheet, drawn when it is looked at; a notebook shows it.

    Attributes:
        sheet: what is where on it.
    """

    sheet: paper.Paper

    @cached_property
    def image(self) -> Image.Image:
        """The picture."""
        return paper.draw(self.sheet)

    @property
    def size(self) -> tuple[int, int]:
        """Its width and height, in pixels."""
        return self.sheet.width * self.sheet.scale, self.sheet.height * self.sheet.scale

    def save(self, path: str | Path) -> None:
        """Save it as a .png or a .pdf.

        Raises:
            ConfigError: a file that cannot be.
            DamageError: a stored image is damaged.
        """
        paper.save(self.sheet, paper.check(path))

    def __repr__(self) -> str:
        wide, high = self.size
        hint = "; save it: it is too large to be shown" if wide * high > _MOST else ""
        return f"Drawing({wide} x {high} px{hint})"

    def _repr_jpeg_(self) -> tuple[bytes, dict[str, int]] | None:
        """As fine as it would be saved, in the size in which it was laid out."""
        wide, high = self.size
        shown = {"width": self.sheet.width, "height": self.sheet.height}
        return None if wide * high > _MOST else (_jpeg(self.image), shown)


@dataclass(frozen=True, eq=False, repr=False)
class Fired:
    """Where in a picture a unit fires; a notebook shows the picture, dark where it does not.

    Attributes:
        unit: its id.
        field: its channel's map on the picture, (rows, columns) float32.
        own: the largest value of that map on the unit's own image; 0 where it has none.
        pixels: the picture, bright where the map is high, (384, 384, 3) uint8 RGB; fully bright is
            `own`, or the map's largest value if that is larger.
    """

    unit: str
    field: np.ndarray
    own: float
    pixels: np.ndarray

    @property
    def peak(self) -> tuple[int, int]:
        """The row and the column of the map where it is largest."""
        row, column = np.unravel_index(int(self.field.argmax()), self.field.shape)
        return int(row), int(column)

    @property
    def image(self) -> Image.Image:
        """The picture."""
        return Image.fromarray(self.pixels)

    def save(self, path: str | Path) -> None:
        """Save the picture as a .png.

        Raises:
            ConfigError: a file that cannot be.
        """
        png.save(self.pixels, path)

    def __repr__(self) -> str:
        return (
            f"{self.unit}: {self.field.mean():.4g} on average, {self.field.max():.4g} at most, in "
            f"row {self.peak[0]} and column {self.peak[1]} of "
            f"{self.field.shape[0]} x {self.field.shape[1]}; "
            f"fully bright is {max(self.own, float(self.field.max())):.4g}"
            + (f", its own image's is {self.own:.4g}" if self.own > 0 else "")
        )

    def _repr_jpeg_(self) -> bytes:
        return _jpeg(self.image)


def drawn(lay_out: Callable[[], paper.Paper], path: str | Path | None) -> Drawing:
    """A drawing of a sheet, which is saved where there is a path.

    Args:
        lay_out: gives the sheet; not asked where the path cannot be.
        path: a .png or a .pdf, or None.

    Raises:
        ConfigError: a file that cannot be.
        DamageError: a stored image is damaged.
    """
    if path is not None:
        paper.check(path)
    found = Drawing(lay_out())
    if path is not None:
        found.save(path)
    return found


def fired(unit: str, picture: np.ndarray, field: np.ndarray, own: float) -> Fired:
    """Where a unit fires, over its picture.

    Args:
        unit: its id.
        picture: (height, width, 3) uint8 RGB.
        field: (rows, columns) float32, its channel's map.
        own: the largest value of the map on the unit's own image, or 0.
    """
    return Fired(unit, field, own, where.overlay(picture, field, full=own))


def _jpeg(image: Image.Image) -> bytes:
    """A quarter of what a PNG takes: notebooks keep what they show."""
    file = io.BytesIO()
    image.save(file, format="JPEG", quality=85, optimize=True)
    return file.getvalue()

"""A sheet of paper: pictures, texts and lines, each at its place; saved as PNG or as PDF.

Pillow draws the PNG. ReportLab writes the PDF, where a text is text and a line a line. Both use the
one typeface that comes with Pillow.
"""

import functools
import io
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pipeline.errors import ConfigError
from pipeline.extras import need
from pipeline.store.folder import write_atomically

Tone = Literal["ink", "pale", "rule", "empty", "accent"]
TONES: dict[Tone, tuple[int, int, int]] = {
    "ink": (20, 20, 24),
    "pale": (110, 110, 120),
    "rule": (205, 205, 212),
    "empty": (238, 238, 241),
    "accent": (196, 78, 20),
}
_POINT = 0.75
"""Points of a PDF for a pixel."""
_INSIDE = 6
"""Pixels between the sides of an empty box and what stands in it."""
_LARGEST = 250_000_000
"""Pixels of a PNG."""
_ID = re.compile(r"([^\s:]+)(:\d.*)")
"""A layer's name and what comes behind it, where a text begins with a unit of one."""
_PLAIN = str.maketrans({"–": "-", "—": "-", "−": "-", "×": "x", "’": "'", "“": '"', "”": '"'})


@dataclass(frozen=True)
class Raster:
    """An image in a box; `pixels` gives (height, width, 3) uint8, or None for an empty box.

    `without` stands in an empty one.
    """

    x: float
    y: float
    width: float
    height: float
    pixels: Callable[[], np.ndarray | None]
    without: str = ""

    def empty(self) -> "Text":
        """What stands in the box where there is no image."""
        x, y = self.x + _INSIDE, self.y + self.height / 2 - _INSIDE
        return Text(x, y, fitting(self.without, self.width - 2 * _INSIDE, 10), 10, "pale")


@dataclass(frozen=True)
class Text:
    """A line of text; `x`, `y` is its upper left corner, or its upper right one."""

    x: float
    y: float
    text: str
    size: int
    tone: Tone = "ink"
    is_right: bool = False


@dataclass(frozen=True)
class Line:
    """A line from point to point."""

    points: tuple[tuple[float, float], ...]
    tone: Tone = "rule"
    width: float = 1


@dataclass(frozen=True)
class Box:
    """A filled box."""

    x: float
    y: float
    width: float
    height: float
    tone: Tone


Item = Raster | Text | Line | Box


@dataclass(frozen=True)
class Paper:
    """What is where, in pixels from the upper left corner, before anything is drawn."""

    width: int
    height: int
    items: tuple[Item, ...]
    scale: int = 1
    """Pixels of a PNG for a pixel of this."""


def check(path: str | Path) -> Path:
    """Make sure that a sheet can be saved at a path.

    Returns:
        The path.

    Raises:
        ConfigError: it is no kind of file for sheets, its folder is not there, or an extra is.
    """
    path = Path(path).expanduser()
    if path.suffix.lower() not in _SAVE:
        raise ConfigError(f"the sheet {path}: expected a file that ends in {' or '.join(_SAVE)}")
    if not path.absolute().parent.is_dir():
        raise ConfigError(f"the sheet {path}: there is no folder {path.absolute().parent}")
    if path.suffix.lower() == ".pdf":
        need("reportlab", "a sheet as PDF")
    return path


def save(paper: Paper, path: Path) -> None:
    """Save a sheet, atomically: a .png or a .pdf; equal sheets give equal bytes.

    Raises:
        ConfigError: as `check`; or it cannot be written, or the PNG would be too large.
        DamageError: a stored image is damaged.
    """
    check(path)
    kind = path.suffix.lower()
    wide, high = paper.width * paper.scale, paper.height * paper.scale
    if kind == ".png" and wide * high > _LARGEST:
        raise ConfigError(
            f"the sheet {path} would have {wide} x {high} pixels, and {_LARGEST:,} are the most: "
            "take fewer units, a smaller tile, or a PDF"
        )
    try:
        write_atomically(path, lambda file: _SAVE[kind](paper, file))
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error


def width_of(text: str, size: int) -> float:
    """How wide a text is."""
    return float(font(size).getlength(drawable(text)))


def fitting(text: str, width: float, size: int) -> str:
    """A text, cut with an ellipsis where it is wider than `width`.

    It is cut at its end; one that begins with a unit, whose number tells it from others, in the
    name of the layer.
    """
    text = drawable(text)
    if found := _ID.fullmatch(text):
        layer, rest = found.groups()
        while len(layer) > 2 and width_of(layer + rest, size) > width:
            layer = layer[:-2] + "…"
        text = layer + rest
    while text and width_of(text, size) > width:
        text = text[:-2] + "…" if len(text) > 2 else ""
    return text


def drawable(text: str) -> str:
    """A text in the letters that the typeface has: without accents, and ? for what is left."""
    plain = unicodedata.normalize("NFKD", text.replace("…", "\0").translate(_PLAIN))
    plain = plain.replace("\0", "…")
    kept = (c for c in plain if not unicodedata.combining(c))
    return "".join(c if " " <= c <= "~" or c in "·…" else "?" for c in kept)


def draw(paper: Paper) -> Image.Image:
    """Draw a sheet."""
    by = paper.scale
    canvas = Image.new("RGB", (paper.width * by, paper.height * by), "white")
    pen = ImageDraw.Draw(canvas)
    for item in paper.items:
        match item:
            case Raster():
                _paste(canvas, pen, item, by)
            case Text():
                _write(pen, item, by)
            case Line():
                points = [(x * by, y * by) for x, y in item.points]
                width = max(1, round(item.width * by))
                pen.line(points, TONES[item.tone], width=width, joint="curve")
            case Box():
                pen.rectangle(_corners(item, by), TONES[item.tone])
    return canvas


def _paste(canvas: Image.Image, pen: ImageDraw.ImageDraw, item: Raster, by: int) -> None:
    pixels = item.pixels()
    if pixels is None:
        pen.rectangle(_corners(item, by), TONES["empty"])
        _write(pen, item.empty(), by)
        return
    picture = Image.fromarray(pixels)
    size = (max(1, round(item.width * by)), max(1, round(item.height * by)))
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    canvas.paste(picture, (round(item.x * by), round(item.y * by)))


def _write(pen: ImageDraw.ImageDraw, item: Text, by: int) -> None:
    letters, text = font(item.size * by), drawable(item.text)
    left = item.x * by - (letters.getlength(text) if item.is_right else 0)
    pen.text((left, item.y * by), text, TONES[item.tone], font=letters)


def _corners(item: Raster | Box, by: int) -> tuple[float, float, float, float]:
    x, y = item.x * by, item.y * by
    return x, y, max(x, x + item.width * by - 1), max(y, y + item.height * by - 1)


@functools.cache
def font(size: int) -> Any:
    """The typeface in a size, in pixels."""
    return ImageFont.load_default(size=size)


def _save_png(paper: Paper, file: IO[bytes]) -> None:
    draw(paper).save(file, format="PNG", compress_level=6)


def _save_pdf(paper: Paper, file: IO[bytes]) -> None:
    from reportlab.lib.utils import ImageReader  # noqa: PLC0415, an extra
    from reportlab.pdfbase import pdfmetrics  # noqa: PLC0415
    from reportlab.pdfbase.ttfonts import TTFont  # noqa: PLC0415
    from reportlab.pdfgen.canvas import Canvas  # noqa: PLC0415

    pdfmetrics.registerFont(TTFont("Sheet", io.BytesIO(font(10).font_bytes)))
    high = paper.height
    pen = Canvas(
        file, (paper.width * _POINT, high * _POINT), invariant=1, pageCompression=1, lang="en"
    )
    pen.scale(_POINT, _POINT)
    for item in paper.items:
        match item:
            case Raster():
                place = (item.x, high - item.y - item.height, item.width, item.height)
                pixels = item.pixels()
                if pixels is None:
                    _fill(pen, "empty")
                    pen.rect(*place, stroke=0, fill=1)
                    _print(pen, item.empty(), high)
                else:
                    pen.drawImage(ImageReader(Image.fromarray(pixels)), *place)
            case Text():
                _print(pen, item, high)
            case Line():
                pen.setStrokeColorRGB(*(v / 255 for v in TONES[item.tone]))
                pen.setLineWidth(item.width)
                pen.setLineJoin(1)
                path = pen.beginPath()
                path.moveTo(item.points[0][0], high - item.points[0][1])
                for x, y in item.points[1:]:
                    path.lineTo(x, high - y)
                pen.drawPath(path)
            case Box():
                _fill(pen, item.tone)
                pen.rect(item.x, high - item.y - item.height, item.width, item.height, 0, 1)
    pen.showPage()
    pen.save()


def _print(pen: Any, item: Text, high: int) -> None:
    """Write a text into a PDF."""
    _fill(pen, item.tone)
    pen.setFont("Sheet", item.size)
    write = pen.drawRightString if item.is_right else pen.drawString
    # Pillow puts the top of the letters' line there, a PDF their feet.
    ascent = font(item.size).getmetrics()[0]
    write(item.x, high - item.y - ascent, drawable(item.text))


def _fill(pen: Any, tone: Tone) -> None:
    pen.setFillColorRGB(*(v / 255 for v in TONES[tone]))


_SAVE: dict[str, Callable[[Paper, IO[bytes]], None]] = {".png": _save_png, ".pdf": _save_pdf}

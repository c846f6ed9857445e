"""The page's pictures: units at full size, batches as sheets of small tiles, films, examples.

A picture's file is named after what it shows, so that what is there need not be drawn again.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from pipeline.explore.places import grid
from pipeline.plan.identity import digest
from pipeline.sheets import film
from pipeline.store.records import Record

SMALL = 48
"""Side of a sheet's tiles, in pixels."""
THUMB = 128
"""Side of a thumbnail, at most."""
_LOOK = 1
"""Counts up when pictures are to be drawn anew."""


@dataclass(frozen=True)
class Sheet:
    """A batch's images as small tiles, row by row."""

    file: str
    columns: int


def image(sha256: str) -> str:
    """The file of a unit's image, by the digest of its pixels, which are what the file holds."""
    return f"images/{_named(sha256, 'lossless')}.png"


def thumb(sha256: str) -> str:
    """The file of its thumbnail, of the same name but for its ending."""
    return f"thumbs/{_named(sha256, 'lossless')}.webp"


def sheet(record: Record) -> Sheet:
    """The sheet of a batch."""
    count = len(record.image_sha256)
    return Sheet(f"sheets/{_named(record.image_sha256, SMALL)}.webp", grid(count))


def film_of(record: Record, offset: int) -> str:
    """The file of a unit's film."""
    images = record.image_sha256[offset]
    return f"films/{_named(record.sha256['snapshots'], images, offset)}.webp"


def examples(sha256: str) -> str:
    """The file of a unit's dataset examples, by the digest of their pixels."""
    return f"examples/{_named(sha256)}.webp"


def encode(pixels: np.ndarray) -> bytes:
    """An image as PNG: whoever saves it has the very pixels that its digest is of.

    Args:
        pixels: (height, width, 3) uint8 RGB.
    """
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG", compress_level=9)
    return file.getvalue()


def encode_thumb(pixels: np.ndarray) -> bytes:
    """A thumbnail of an image as WebP."""
    side = min(THUMB, len(pixels))
    return _webp(_resized(pixels, side), 85 if side == THUMB else 90)


def encode_sheet(images: np.ndarray, columns: int) -> bytes:
    """The sheet of a batch as WebP.

    Args:
        images: (units, height, width, 3) uint8 RGB.
        columns: tiles a row.
    """
    rows = -(-len(images) // columns)
    canvas = Image.new("RGB", (columns * SMALL, rows * SMALL))
    for place, pixels in enumerate(images):
        row, column = divmod(place, columns)
        canvas.paste(_resized(pixels, SMALL), (column * SMALL, row * SMALL))
    return _webp(canvas, 80)


def encode_film(frames: np.ndarray) -> bytes:
    """A film as an animated WebP; frames as in `pipeline.sheets.film.save`."""
    file = io.BytesIO()
    film.fill(frames, file, "WEBP", quality=75)
    return file.getvalue()


def encode_strip(crops: np.ndarray) -> bytes:
    """Crops (count, side, side, 3) uint8 side by side, as WebP."""
    return _webp(Image.fromarray(np.concatenate(list(crops), axis=1)), 85)


def colours(images: np.ndarray) -> str:
    """The mean colours of images, six hexadecimal digits each: what is seen until they are."""
    means = images.reshape(len(images), -1, 3).mean(axis=1).round().astype(np.uint8)
    return bytes(means.tobytes()).hex()


def _resized(pixels: np.ndarray, side: int) -> Image.Image:
    return Image.fromarray(pixels).resize((side, side), Image.Resampling.LANCZOS)


def _webp(picture: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, format="WEBP", quality=quality, method=4)
    return file.getvalue()


def _named(*shown: str | int | Sequence[str]) -> str:
    return digest([_LOOK, *shown])[:20]

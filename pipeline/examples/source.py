"""Pictures from anywhere, as a network takes them: found, listed, decoded, cut square.

A picture that cannot be read is no error: it is counted, with its reason.
"""

import functools
import json
import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from pipeline.errors import ConfigError
from pipeline.plan.identity import digest

LARGEST = 178_000_000
"""Pixels of a picture that is still decoded; Pillow itself refuses little more."""
READ, UNREADABLE, TOO_LARGE, GONE = range(4)
REASONS = {
    UNREADABLE: "it is no picture, or is damaged",
    TOO_LARGE: f"it has more than {LARGEST // 10**6} million pixels",
    GONE: "it is not there, or may not be read",
}
"""Why a picture was left out, by its state."""


@dataclass(frozen=True)
class Picture:
    """A picture's place: a file, or a row of a Zarr array.

    Attributes:
        id: its name, below the folder that was given.
        path: the file, or the Zarr array; a file: address where that is not UTF-8.
        row: the row of the array; None for a file.
        stamp: size and time of the file, or of all the array's; empty where it is not there, or
            was noted before there were stamps.
    """

    id: str
    path: str
    row: int | None = None
    stamp: str = ""

    @classmethod
    def of(cls, name: str, path: Path) -> "Picture":
        """The picture in a file; bytes of its name that are no UTF-8 are spelt out."""
        shown = os.fsencode(name).decode("utf-8", "backslashreplace")
        place = str(path.absolute())
        return cls(shown, place if _is_text(place) else path.absolute().as_uri())

    @property
    def place(self) -> str:
        """The path, as the system takes it."""
        if not self.path.startswith(_ADDRESS):
            return self.path
        return os.fsdecode(unquote_to_bytes(self.path.removeprefix(_ADDRESS)))


_ADDRESS = "file://"


def _is_text(name: str) -> bool:
    try:
        return bool(name.encode())
    except UnicodeEncodeError:
        return False


def stamped(pictures: Iterable[Picture]) -> list[Picture]:
    """Pictures with the stamps that they have now."""
    arrays = functools.lru_cache(_array_stamp)
    return [
        replace(p, stamp=_file_stamp(p.place) if p.row is None else arrays(p.place))
        for p in pictures
    ]


def _file_stamp(path: str) -> str:
    try:
        about = Path(path).stat()
    except (OSError, ValueError):  # as of names with a null byte
        return ""
    return f"{about.st_size}:{about.st_mtime_ns}"


def _array_stamp(path: str) -> str:
    """A digest of the stamps of all of an array's files."""
    files = sorted(p for p in Path(path).rglob("*") if p.is_file())
    found = [(p.relative_to(path).as_posix(), _file_stamp(str(p))) for p in files]
    return digest(found) if found else ""


def found_in(source: Path) -> list[Picture]:
    """The pictures in a folder and below it, in a list of files, or in a Zarr array, in order.

    Args:
        source: a folder; a text file with a path a line, relative to it; or a Zarr array,
            (pictures, height, width, 3) uint8.

    Raises:
        ConfigError: there is no such thing, or no picture in it.
    """
    if not source.exists():
        raise ConfigError(f"{source} is not there: expected a folder of pictures, a list, or Zarr")
    if source.is_dir() and (source / "zarr.json").is_file():
        found = _rows(source)
    elif source.is_dir():
        found = _files(source)
    else:
        found = _listed(source)
    if not found:
        raise ConfigError(
            f"{source} holds no picture: expected files such as {', '.join(_SUFFIXES[:4])}"
        )
    return stamped(found)


def load(picture: Picture, size: int, largest: int = LARGEST) -> tuple[np.ndarray, int]:
    """A picture, cut to its middle square and resized.

    Turned as its EXIF says; the first of several frames; transparent parts white; 16-bit and float
    greys brought to 8 bits; any other mode as RGB.

    Args:
        picture: where it is.
        size: side of the result, in pixels.
        largest: pixels of a picture that is still decoded.

    Returns:
        (size, size, 3) uint8 RGB and `READ`; or black and why not.
    """
    try:
        image = _decoded(picture, largest)
    except Exception as error:  # decoders raise anything for damaged files
        return np.zeros((size, size, 3), np.uint8), _state(error)
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    area = (left, top, left + side, top + side)
    how = Image.Resampling.LANCZOS
    return np.asarray(image.resize((size, size), how, area, reducing_gap=3.0)), READ


def crop(square: np.ndarray, box: Sequence[float], size: int) -> np.ndarray:
    """A part of a square picture, (size, size, 3) uint8.

    Args:
        square: (side, side, 3) uint8, as `load` gives it.
        box: left, top, right, bottom, as parts of the side, 0 to 1.
        size: side of the result, in pixels.
    """
    side = len(square)
    area = (side * box[0], side * box[1], side * box[2], side * box[3])
    how = Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(square).resize((size, size), how, area))


_SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".jp2", ".ppm",
    ".pgm", ".ico", ".tga",
)  # fmt: skip


def _files(folder: Path) -> list[Picture]:
    found = []
    for place, inner, names in os.walk(folder):
        inner.sort()
        for name in sorted(names):
            path = Path(place) / name
            if path.suffix.lower() in _SUFFIXES:
                found.append(Picture.of(path.relative_to(folder).as_posix(), path))
    return found


def _listed(file: Path) -> list[Picture]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{file} cannot be read as a list of pictures, a path a line: {error}"
        ) from error
    names = [line.strip() for line in lines if line.strip()]
    return [Picture.of(name, file.parent / name) for name in names]


def _rows(store: Path) -> list[Picture]:
    try:
        about = json.loads((store / "zarr.json").read_text())
        shape, dtype = about["shape"], about["data_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{store} is no Zarr array: {error!r}") from error
    if len(shape) != 4 or shape[3] != 3 or dtype != "uint8":
        raise ConfigError(
            f"{store} holds {dtype} of shape {shape}: expected uint8 of (pictures, height, width, "
            "3)"
        )
    place = Picture.of("", store).path
    return [Picture(f"{row}", place, row) for row in range(shape[0])]


def _decoded(picture: Picture, largest: int) -> Image.Image:
    """The picture as RGB of 8 bits, upright."""
    if picture.row is not None:
        import zarr  # noqa: PLC0415, only for arrays

        array: Any = zarr.open_array(picture.place, mode="r")
        return Image.fromarray(np.asarray(array[picture.row]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sizes below our own bound, and of odd metadata
        with Image.open(picture.place) as image:
            if image.width * image.height > largest:
                raise Image.DecompressionBombError
            image.draft("RGB", (1024, 1024))
            return _as_rgb(ImageOps.exif_transpose(image))


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, np.float64)
        values = values[..., 0] if values.ndim == 3 else values
        top = 1.0 if image.mode == "F" and values.max(initial=0) <= 1.0 else 255.0
        top = 65535.0 if values.max(initial=0) > 255.0 else top
        grey = np.clip(np.nan_to_num(values) * (255.0 / top) + 0.5, 0, 255).astype(np.uint8)
        return Image.fromarray(grey).convert("RGB")
    if image.has_transparency_data:
        seen = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("RGB")
    return image.convert("RGB")


def _state(error: Exception) -> int:
    if isinstance(error, Image.DecompressionBombError):
        return TOO_LARGE
    if isinstance(error, OSError) and not isinstance(error, UnidentifiedImageError):
        return GONE if error.errno is not None else UNREADABLE
    return UNREADABLE

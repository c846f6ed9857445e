"""Pictures from anywhere, as a network takes them: found, listed, decoded, cut square.

A picture that cannot be read is no error: it is counted, with its reason.
"""

import contextlib
import functools
import json
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from pipeline.errors import ConfigError
from pipeline.examples import colours
from pipeline.plan.identity import digest

_LARGEST = 178_000_000
"""Pixels of a picture that is still decoded; Pillow itself refuses little more."""
READ, UNREADABLE, TOO_LARGE, GONE, RESCALED, FOREIGN = range(6)
SEEN = (READ, RESCALED)
"""The states of a picture that was seen: as it is, or with its greys scaled by their own range."""
REASONS = {
    UNREADABLE: "it is no picture, or is damaged",
    TOO_LARGE: f"it has more than {_LARGEST // 10**6} million pixels",
    GONE: "it is not there, or may not be read",
    FOREIGN: "pictures of its kind are not read here: save it as JPEG or PNG",
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
        labels: what the user says is in it; of a folder's pictures, their subfolder's name.
        group: what it is a part of, as several crops of one photograph; empty if it stands alone.
    """

    id: str
    path: str
    row: int | None = None
    stamp: str = ""
    labels: tuple[str, ...] = ()
    group: str = ""

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
    _refuse_others(source)
    if source.is_dir() and (source / "zarr.json").is_file():
        found = _rows(source)
    elif source.is_dir():
        found = _files(source)
    else:
        found = _listed(source)
    if not found:
        raise ConfigError(
            f"{source} holds no picture: expected files such as {', '.join(_SUFFIXES[:4])}"
            + _and_passed_over(source)
        )
    return stamped(found)


def read_all(pictures: Iterable[Picture], size: int) -> Iterator[tuple[Picture, np.ndarray]]:
    """Those of some pictures that can be read, each with what `load` has of it."""
    for picture in pictures:
        image, state = load(picture, size)
        if state in SEEN:
            yield picture, image


Item = TypeVar("Item")


def in_batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Things as they come, so many together."""
    some: list[Item] = []
    for item in items:
        some.append(item)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some


def load(picture: Picture, size: int) -> tuple[np.ndarray, int]:
    """A picture, cut to its middle square and resized.

    Turned as its EXIF says; the first of several frames; transparent parts white; greys of more
    than 8 bits brought to these; of any other mode or profile as sRGB.

    Args:
        picture: where it is.
        size: side of the result, in pixels.

    Returns:
        (size, size, 3) uint8 RGB and one of `SEEN`; or black and why not.
    """
    image, how_read = decoded(picture, size)
    if image is None:
        return np.zeros((size, size, 3), np.uint8), how_read
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    return resized(image, (left, top, left + side, top + side), size), how_read


def decoded(picture: Picture, side: int) -> tuple[Image.Image | None, int]:
    """A whole picture, as `load` has it, and one of `SEEN`; or nothing, and why not.

    Args:
        picture: where it is.
        side: pixels that its shorter side is to be shown at; a large JPEG is decoded at an eighth,
            a quarter or half of its size where that leaves twice as many.
    """
    try:
        return _decoded(picture, _FINER * side)
    except Exception as error:  # decoders raise anything for damaged files
        return None, _state(error, picture)


def resized(image: Image.Image, area: tuple[float, float, float, float], size: int) -> np.ndarray:
    """A part of a picture, in its pixels: left, top, right, bottom; (size, size, 3) uint8."""
    how = Image.Resampling.LANCZOS
    return np.asarray(image.resize((size, size), how, area, reducing_gap=3.0))


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


_FINER = 2
"""How much finer a picture is decoded than it is shown."""
_SUFFIXES = (
    ".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".jp2", ".ppm",
    ".pgm", ".ico", ".tga", ".jfif", ".jpe", ".jfi", ".jif", ".apng", ".avifs", ".dib", ".j2c",
    ".j2k", ".jpc", ".jpf", ".jpx", ".pbm", ".pnm", ".pfm", ".pcx", ".psd", ".dds", ".sgi", ".xbm",
)  # fmt: skip
_FOREIGN = (
    ".heic", ".heif", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".raf", ".rw2", ".jxl",
    ".svg", ".exr", ".hdr",
)  # fmt: skip
"""Pictures that are listed, and told where Pillow does not read them."""


def passed_over(source: Path) -> list[str]:
    """What in a folder is not taken for a picture: other files, and links to folders."""
    if not source.is_dir() or (source / "zarr.json").is_file():
        return []
    return [Picture.of(name, path).id for name, path, taken in _walk(source) if not taken]


def _files(folder: Path) -> list[Picture]:
    found = [Picture.of(name, path) for name, path, taken in _walk(folder) if taken]
    return [replace(p, labels=tuple(p.id.split("/")[-2:-1])) for p in found]


def _walk(folder: Path) -> Iterator[tuple[str, Path, bool]]:
    """All files below a folder, and links to folders; with name, and whether it is taken."""
    for place, inner, names in os.walk(folder):
        inner.sort()
        links = [name for name in inner if (Path(place) / name).is_symlink()]
        for name in sorted(names + links):
            path = Path(place) / name
            yield path.relative_to(folder).as_posix(), path, name not in links and _taken(path)


def _taken(path: Path) -> bool:
    """Whether a file is a picture by its suffix; where it has none, by its first bytes."""
    suffix = path.suffix.lower()
    if suffix or path.name.startswith("."):
        return suffix in _SUFFIXES or suffix in _FOREIGN
    with contextlib.suppress(Exception), Image.open(path):  # decoders raise anything
        return True
    return False


def _listed(file: Path) -> list[Picture]:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{file} cannot be read as a list of pictures, a path a line: {error}"
        ) from error
    names = [line.strip() for line in lines if line.strip()]
    return [Picture.of(name, file.parent / name) for name in names]


def _and_passed_over(source: Path) -> str:
    others = passed_over(source)
    return f"; {len(others):,} others are passed over, {others[0]} first" if others else ""


def _refuse_others(source: Path) -> None:
    """Stop at what is like a source of pictures, and none.

    Raises:
        ConfigError: a single picture, a group of Zarr, or an array of Zarr 2.
    """
    wanted = "expected a folder of pictures, a list of files, or a Zarr 3 array"
    if source.is_dir():
        if any((source / name).is_file() for name in (".zarray", ".zgroup")):
            raise ConfigError(f"{source} is of Zarr 2: {wanted}; write it anew with Zarr 3")
        with contextlib.suppress(OSError, ValueError, AttributeError):
            if json.loads((source / "zarr.json").read_text()).get("node_type") == "group":
                inner = sorted(file.parent.name for file in source.glob("*/zarr.json"))
                held = ", ".join(inner) or "nothing"
                raise ConfigError(f"{source} is a Zarr group, of {held}: name an array in it")
    elif source.suffix.lower() in (*_SUFFIXES, *_FOREIGN) or (not source.suffix and _taken(source)):
        raise ConfigError(f"{source} is a single picture: {wanted}; name the folder it is in")


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


def _decoded(picture: Picture, least: int) -> tuple[Image.Image, int]:
    """The picture as RGB of 8 bits, upright, of so many pixels a side, and how it was read."""
    if picture.row is not None:
        import zarr  # noqa: PLC0415, only for arrays

        array: Any = zarr.open_array(picture.place, mode="r")
        return Image.fromarray(np.asarray(array[picture.row])), READ
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sizes below our own bound, and of odd metadata
        with Image.open(picture.place) as image:
            if image.width * image.height > _LARGEST:
                raise Image.DecompressionBombError
            image.draft("RGB", (least, least))
            tags = colours.tags(image)
            return _as_rgb(ImageOps.exif_transpose(image), tags)


def _as_rgb(image: Image.Image, tags: Mapping[int, Any]) -> tuple[Image.Image, int]:
    if colours.is_deep(image):
        grey, scaled = colours.grey(image, tags)
        return grey, RESCALED if scaled else READ
    if image.has_transparency_data:
        seen, profile = image.convert("RGBA"), image.info.get("icc_profile")
        image = Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("RGB")
        image.info["icc_profile"] = profile
    return colours.srgb(image), READ


def _state(error: Exception, picture: Picture) -> int:
    if isinstance(error, Image.DecompressionBombError):
        return TOO_LARGE
    if isinstance(error, OSError) and not isinstance(error, UnidentifiedImageError):
        return GONE if error.errno is not None else UNREADABLE
    return FOREIGN if Path(picture.id).suffix.lower() in _FOREIGN else UNREADABLE

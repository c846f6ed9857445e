"""PNG files: of one image, and written strip by strip, so that no more than a strip is held.

Pillow encodes whole images only. The format of the others is that of the PNG specification (W3C,
2003): RGB of eight bits, each row as its difference to the one above.
"""

import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

from pipeline.errors import ConfigError
from pipeline.store.folder import write_atomically

_RGB_OF_8_BITS = (8, 2, 0, 0, 0)
_UP = 2
"""The number of the filter that takes the row above away."""
_LEVEL = 4


def save(image: np.ndarray, path: str | Path) -> None:
    """Write an image of the local disk, atomically.

    Args:
        image: (height, width, 3) uint8 RGB.
        path: a .png.

    Raises:
        ConfigError: it is no .png, its folder is not there, or it cannot be written.
    """
    place = check(path)
    try:
        write_atomically(place, lambda file: Image.fromarray(image).save(file, format="PNG"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error


def check(path: str | Path) -> Path:
    """Where an image goes. Raises a ConfigError if it is no .png, or its folder is not there."""
    place = Path(path).expanduser()
    if place.suffix.lower() != ".png":
        raise ConfigError(f"the image {path}: expected a file that ends in .png")
    if not place.absolute().parent.is_dir():
        raise ConfigError(f"the image {path}: there is no folder {place.absolute().parent}")
    return place


def write(file: IO[bytes], width: int, height: int, strips: Iterable[np.ndarray]) -> None:
    """Write an image.

    Args:
        file: where to, from its present position.
        width: of the image, in pixels.
        height: of the image, in pixels.
        strips: (rows, width, 3) uint8 each, from the top; `height` rows together.

    Raises:
        ValueError: the strips are not of that size.
    """
    file.write(b"\x89PNG\r\n\x1a\n")
    _chunk(file, b"IHDR", struct.pack(">2I5B", width, height, *_RGB_OF_8_BITS))
    packer, above, count = zlib.compressobj(_LEVEL), np.zeros((1, 3 * width), np.uint8), 0
    for strip in strips:
        rows = strip.reshape(len(strip), 3 * width)
        differences = rows - np.concatenate([above, rows[:-1]])
        filtered = np.insert(differences, 0, _UP, axis=1)
        _chunk(file, b"IDAT", packer.compress(filtered.tobytes()))
        above, count = rows[-1:], count + len(rows)
    if count != height:
        raise ValueError(f"an image of {height} rows was begun, and {count} came")
    _chunk(file, b"IDAT", packer.flush())
    _chunk(file, b"IEND", b"")


def _chunk(file: IO[bytes], kind: bytes, content: bytes) -> None:
    for part in (struct.pack(">I", len(content)), kind, content):
        file.write(part)
    file.write(struct.pack(">I", zlib.crc32(kind + content)))

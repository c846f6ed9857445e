"""Films: what a unit's image looked like along the way, as one animated file."""

from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image, features

from pipeline.errors import ConfigError
from pipeline.store.folder import write_atomically

_FRAME, _LAST = 100, 1500
"""Milliseconds that a frame is shown, and the last one."""


_KINDS = {".webp": "WEBP", ".gif": "GIF", ".png": "PNG"}


def check(path: str | Path) -> Path:
    """Make sure that a film can be written to a path.

    Returns:
        The path.

    Raises:
        ConfigError: it is no kind of file for films, or its folder is not there.
    """
    path = Path(path).expanduser()
    kind = _KINDS.get(path.suffix.lower())
    if kind is None or (kind == "WEBP" and not features.check("webp")):
        raise ConfigError(f"the film {path}: expected a file that ends in {', '.join(_KINDS)}")
    if not path.absolute().parent.is_dir():
        raise ConfigError(f"the film {path}: there is no folder {path.absolute().parent}")
    return path


def save(frames: np.ndarray, path: str | Path) -> None:
    """Write an animation that repeats for ever, atomically.

    Args:
        frames: (frames, height, width, 3) uint8 RGB, in order.
        path: a .webp, .gif or .png (animated PNG) file.

    Raises:
        ConfigError: as `check`.
    """
    place = check(path)
    write_atomically(place, lambda file: fill(frames, file, _KINDS[place.suffix.lower()]))


def fill(frames: np.ndarray, file: IO[bytes], kind: str, quality: int = 90) -> None:
    """Write an animation into an open file.

    Args:
        frames: as in `save`.
        file: where to.
        kind: WEBP, GIF or PNG.
        quality: of a WEBP.
    """
    first, *rest = [Image.fromarray(frame) for frame in frames]
    more: dict[str, Any] = {"append_images": rest, "loop": 0}
    more["duration"] = [_FRAME] * len(rest) + [_LAST]
    if kind == "WEBP":
        more |= {"quality": quality, "method": 4}
    first.save(file, format=kind, save_all=True, **more)

"""Matrices of the user's whose rows are directions: `.npy`, `.npz` and `.safetensors` files.

Nothing is unpickled, and nothing but numbers is read.
"""

import hashlib
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from pipeline.errors import ConfigError

SUFFIXES = (".npy", ".npz", ".safetensors")
MOST = 2**26
"""Numbers of a matrix: they are kept with the atlas, and read when it is opened."""
PARTS, SHARES, CELLS = "parts", "shares", "cells"
"""The arrays of a dictionary: its directions, what share of the variance each explains, and, of an
activation atlas, the row and column of its grid that each is at."""
CLASSES = "classes"
"""What a file says of each direction's class: a list."""
_ABOUT = "channel_atlas"
"""What a file says of itself, as JSON: an entry alone, as several go in any order."""
_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
"""By the name that safetensors have for a type, NumPy's; it has none for bfloat16."""
_UNREADABLE = (
    OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, MemoryError,
    zipfile.BadZipFile, safetensors.SafetensorError,
)  # fmt: skip
"""What reading a broken file raises."""


@dataclass(frozen=True)
class Vectors:
    """A matrix whose rows are directions.

    Attributes:
        name: what ids call it, as in `sae`, or `sae/decoder` where a file has several.
        file: the name of its file, without the folder.
        values: (rows, channels) float32, finite.
        shares: (rows,) float32, of the variance that each explains; None where nothing says so.
        cells: (rows, 2) float32, the row and column of a grid that each is at, or None.
        classes: what each is of, or empty.
        layer: the layer that it is of, where the file says so.
        weights: the SHA-256 of the weights that it is of, where the file says so.
        sha256: of all of it but the file's name.
    """

    name: str
    file: str = field(compare=False)
    values: np.ndarray = field(compare=False, repr=False)
    shares: np.ndarray | None = field(default=None, compare=False, repr=False)
    cells: np.ndarray | None = field(default=None, compare=False, repr=False)
    classes: tuple[str, ...] = field(default=(), compare=False, repr=False)
    layer: str = field(default="", compare=False)
    weights: str = field(default="", compare=False)
    sha256: str = field(init=False)

    def __post_init__(self) -> None:
        about = [list(self.arrays), self.values.shape, self.layer, self.weights, self.classes]
        found = hashlib.sha256(json.dumps(about).encode())
        for each in self.arrays.values():
            found.update(np.ascontiguousarray(each, "<f4").tobytes())
        object.__setattr__(self, "sha256", found.hexdigest())

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays, by the names that files have for them."""
        known = {PARTS: self.values, SHARES: self.shares, CELLS: self.cells}
        return {name: values for name, values in known.items() if values is not None}

    def facts(self, row: int) -> dict[str, Any]:
        """What is known of a row, by the names of the index."""
        found: dict[str, Any] = {}
        if self.shares is not None:
            found["variance_share"] = float(self.shares[row])
        if self.cells is not None:
            found["cell_row"], found["cell_col"] = map(int, self.cells[row])
        if self.classes:
            found["class_name"] = self.classes[row] or None
        return found

    @property
    def plain(self) -> Mapping[str, Any]:
        """A plain form for JSON of all but the numbers; `from_content` reads it."""
        about = {"layer": self.layer, "weights": self.weights, CLASSES: list(self.classes)}
        said = {key: value for key, value in about.items() if value}
        return {"file": self.file, "sha256": self.sha256, **said}

    @property
    def content(self) -> bytes:
        """The numbers, as a `.safetensors` file."""
        return _packed(self.arrays, {})

    @classmethod
    def from_content(cls, name: str, record: Mapping[str, Any], content: bytes) -> "Vectors":
        """The matrix of which `plain` and `content` were written.

        Raises:
            KeyError, TypeError, ValueError: they are not what these wrote.
        """
        try:
            arrays = _unpacked(content)
        except safetensors.SafetensorError as error:
            raise ValueError(f"the directions {name} cannot be read: {error}") from error
        found = cls(
            name, record["file"], arrays[PARTS], arrays.get(SHARES), arrays.get(CELLS),
            tuple(record.get(CLASSES, ())), record.get("layer", ""), record.get("weights", ""),
        )  # fmt: skip
        if found.sha256 != record["sha256"]:
            raise ValueError(f"the directions {name} do not match their SHA-256")
        return found


def load(name: str, path: Path) -> Vectors:
    """Read a matrix.

    Args:
        name: what ids call it: a key of `directions`, and behind a `/` an array of the file.
        path: of the file.

    Raises:
        ConfigError: it cannot be read, or is no matrix of finite numbers; the message names it.
    """
    key, _, array = name.partition("/")
    said = f"directions.{key}: {path}"
    arrays, about = _arrays(path, said)
    values = _chosen(arrays, array, said)
    if values.ndim == 1:
        values = values[None]
    if values.ndim != 2 or not values.size:
        shape = " x ".join(map(str, values.shape))
        raise ConfigError(f"{said}: expected rows of numbers, a row a direction, came {shape}")
    if values.size > MOST:
        raise ConfigError(
            f"{said}: {values.shape[0]:,} rows of {values.shape[1]:,} are more than {MOST:,} "
            "numbers: keep the rows that you want in a file of their own"
        )
    return Vectors(
        name,
        path.name,
        _finite(values, said),
        _beside(arrays, SHARES, (len(values),), said),
        _beside(arrays, CELLS, (len(values), 2), said),
        _classes(about, len(values)),
        str(about.get("layer", "")),
        str(about.get("weights", "")),
    )


def _beside(
    arrays: Mapping[str, np.ndarray], name: str, shape: tuple[int, ...], said: str
) -> np.ndarray | None:
    """What a file says of each direction; another shape is of another array of the file."""
    found = arrays.get(name)
    return None if found is None or found.shape != shape else _finite(found, said)


def _classes(about: Mapping[str, Any], count: int) -> tuple[str, ...]:
    found = about.get(CLASSES)
    if not isinstance(found, list) or len(found) != count:
        return ()
    return tuple(found) if all(isinstance(each, str) for each in found) else ()


def write(path: Path, arrays: Mapping[str, np.ndarray], about: Mapping[str, Any]) -> None:
    """Write arrays as float32 into a `.safetensors` file, which `load` reads. Raises OSError."""
    path.write_bytes(_packed(arrays, {_ABOUT: json.dumps(about)}))


def _arrays(path: Path, said: str) -> tuple[dict[str, np.ndarray], Mapping[str, Any]]:
    """The arrays of a file, by name, and what it says of itself."""
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"{said}: expected a file that ends in {', '.join(SUFFIXES)}")
    try:
        if path.suffix.lower() == ".safetensors":
            with safetensors.safe_open(path, "numpy") as file:
                about = json.loads((file.metadata() or {}).get(_ABOUT, "{}"))
            return _unpacked(path.read_bytes()), about
        with path.open("rb") as file:
            found = np.load(file, allow_pickle=False)
            is_one = isinstance(found, np.ndarray)
            return {"": found} if is_one else {name: found[name] for name in found.files}, {}
    except FileNotFoundError as error:
        raise ConfigError(f"{said} is not there") from error
    except _UNREADABLE as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ConfigError(f"{said} cannot be read as arrays of numbers: {reason}") from error


def _packed(arrays: Mapping[str, np.ndarray], said: Mapping[str, str]) -> bytes:
    plain = {name: np.ascontiguousarray(of, np.float32) for name, of in arrays.items()}
    return safetensors.numpy.save(plain, dict(said))


def _unpacked(content: bytes) -> dict[str, np.ndarray]:
    """The arrays of a file of safetensors; of whole numbers and truths no direction is made."""
    found: list[tuple[str, Any]] = safetensors.deserialize(content)  # type: ignore[no-untyped-call]
    return {name: _tensor(of) for name, of in found if of["dtype"] in _TYPES}


def _tensor(entry: Mapping[str, Any]) -> np.ndarray:
    values = np.frombuffer(entry["data"], _TYPES[entry["dtype"]])
    if entry["dtype"] == "BF16":  # the upper half of a float32
        values = (values.astype("<u4") << 16).view("<f4")
    return values.reshape(entry["shape"])


def _chosen(arrays: Mapping[str, np.ndarray], name: str, said: str) -> np.ndarray:
    """The array that is meant."""
    matrices = [key for key, values in arrays.items() if values.ndim == 2]
    wanted = name or (PARTS if PARTS in arrays else "")
    if not wanted and len(arrays) == 1:
        (wanted,) = arrays
    if not wanted and len(matrices) == 1:
        (wanted,) = matrices
    if wanted not in arrays:
        first = said.partition(":")[0].removeprefix("directions.")
        raise ConfigError(
            f"{said} has the arrays {', '.join(arrays) or 'none'}: name one, as in "
            f"LAYER@dir/{first}/ARRAY:0" + (f", not {name}" if name else "")
        )
    return arrays[wanted]


def _finite(values: np.ndarray, said: str) -> np.ndarray:
    if values.dtype.kind not in "fiu":
        raise ConfigError(f"{said}: expected numbers, came {values.dtype}")
    with np.errstate(over="ignore"):
        found = np.ascontiguousarray(values, np.float32)
    strange = np.argwhere(~np.isfinite(found))
    if len(strange):
        place = ", ".join(map(str, strange[0]))
        raise ConfigError(f"{said}: {values[tuple(strange[0])]} at [{place}] is no finite number")
    return found


NAMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
"""What a matrix may be called."""

"""The Zarr arrays of an atlas: a group a section, a chunk a batch, a checksum a chunk.

The one module that knows Zarr. It knows nothing of records: `store` says what is committed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec

from pipeline.results import NAMES
from pipeline.units import Batch


@dataclass(frozen=True)
class _Layout:
    """How an array of a section is laid out, behind its rows."""

    shape: tuple[int, ...]
    dtype: str
    fill: float
    dimensions: tuple[str, ...]
    attributes: dict[str, Any]


class Arrays:
    """The arrays in a Zarr v3 store.

    Args:
        path: the store's folder.
        size: side of the images, in pixels.
        steps: steps of a trajectory.
        snapshots: images kept along the way; without any there is no array of them.
    """

    def __init__(self, path: Path, size: int, steps: int, snapshots: int = 0) -> None:
        self.path = path
        self._layouts = {
            "images": _Layout((size, size, 3), "uint8", 0, ("y", "x", "rgb"), {}),
            "trajectory": _Layout((steps,), "float32", float("nan"), ("step",), {}),
            "statistics": _Layout(
                (len(NAMES),), "float32", float("nan"), ("statistic",), {"statistic": list(NAMES)}
            ),
        }
        if snapshots:
            shape = (snapshots, size, size, 3)
            names = ("snapshot", "y", "x", "rgb")
            self._layouts["snapshots"] = _Layout(shape, "uint8", 0, names, {})

    def note(self, attributes: dict[str, Any]) -> None:
        """Begin the store with attributes, or set them in an existing one."""
        if (self.path / "zarr.json").is_file():
            zarr.open_group(self.path, mode="r+").attrs.update(attributes)
        else:
            zarr.create_group(self.path, zarr_format=3, attributes=attributes)

    def rows(self, section: str) -> int:
        """How many rows every array of a section has; 0 where one is not there."""
        try:
            group = zarr.open_group(self.path / section, mode="r")
            arrays: list[Any] = [group[name] for name in self._layouts]
            return min(int(array.shape[0]) for array in arrays)
        except (FileNotFoundError, KeyError):
            return 0

    def make_room(self, section: str, rows: int, chunk: int, attributes: dict[str, Any]) -> None:
        """Give every array of a section so many rows at least, `chunk` of them a chunk."""
        group = zarr.open_group(self.path, mode="r+").require_group(section)
        group.attrs.update(attributes)
        for name, layout in self._layouts.items():
            if name in group:
                array: Any = group[name]
                if array.shape[0] < rows:
                    array.resize((rows, *array.shape[1:]))
                continue
            group.create_array(
                name,
                shape=(rows, *layout.shape),
                chunks=(chunk, *layout.shape),
                dtype=layout.dtype,
                fill_value=layout.fill,
                compressors=[ZstdCodec(level=3), Crc32cCodec()],
                dimension_names=("row", *layout.dimensions),
                attributes=layout.attributes,
            )

    def write(self, batch: Batch, values: Mapping[str, np.ndarray]) -> None:
        """Write a batch's chunks, whole, so that what a killed writer left is never read."""
        group = zarr.open_group(self.path / batch.section, mode="r+")
        for name, layout in self._layouts.items():
            whole = np.full((batch.size, *layout.shape), layout.fill, layout.dtype)
            whole[: len(values[name])] = values[name]
            array: Any = group[name]
            # Written even if it is all zeros. Not by `zarr.config`, which other threads share.
            array.with_config({"write_empty_chunks": True})[batch.rows] = whole

    def read(self, section: str, name: str, chunk: int, rows: slice | int) -> np.ndarray:
        """Some rows of one chunk of an array.

        Raises:
            Exception: of many types, for a chunk that is gone or damaged.
        """
        folder = self.path / section / name
        rest = "/".join("0" for _ in self._layouts[name].shape)
        if not (folder / "c" / str(chunk) / rest).exists():
            raise FileNotFoundError(f"chunk {chunk} of {name} is gone")
        return np.asarray(zarr.open_array(folder, mode="r")[rows])

"""The Zarr arrays of an atlas: a group a section, a chunk a batch, a checksum a chunk.

The one module that knows Zarr. It knows nothing of records: `store` says what is committed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec

from pipeline.folder import Folder
from pipeline.results import NAMES
from pipeline.units import Batch

_NAME = "atlas.zarr"


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
        folder: the atlas folder; the store is `atlas.zarr` in there.
        size: side of the images, in pixels.
        steps: steps of a trajectory.
        snapshots: images kept along the way; without any there is no array of them.
    """

    def __init__(self, folder: Folder, size: int, steps: int, snapshots: int = 0) -> None:
        self.folder = folder
        self._zarr = folder.zarr(_NAME)
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
        if self.folder.has(f"{_NAME}/zarr.json"):
            zarr.open_group(self._zarr, mode="r+").attrs.update(attributes)
        else:
            zarr.create_group(self._zarr, zarr_format=3, attributes=attributes)

    def rows(self, section: str) -> int:
        """How many rows every array of a section has; 0 where one is not there."""
        try:
            group = zarr.open_group(self._zarr, path=section, mode="r")
            arrays: list[Any] = [group[name] for name in self._layouts]
            return min(int(array.shape[0]) for array in arrays)
        except (FileNotFoundError, KeyError):
            return 0

    def make_room(self, section: str, rows: int, chunk: int, attributes: dict[str, Any]) -> None:
        """Give every array of a section so many rows at least, `chunk` of them a chunk."""
        group = zarr.open_group(self._zarr, mode="r+").require_group(section)
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
        group = zarr.open_group(self._zarr, path=batch.section, mode="r+")
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
        rest = "/".join("0" for _ in self._layouts[name].shape)
        if not self.folder.has(f"{_NAME}/{section}/{name}/c/{chunk}/{rest}"):
            raise FileNotFoundError(f"chunk {chunk} of {name} is gone")
        return np.asarray(zarr.open_array(self._zarr, path=f"{section}/{name}", mode="r")[rows])

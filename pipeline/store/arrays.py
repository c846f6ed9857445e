"""The Zarr arrays of an atlas: a group a section, a chunk a batch, a checksum a chunk.

The one module that knows Zarr. It knows nothing of records: `store` says what is committed.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.storage import MemoryStore

from pipeline.plan.batches import Batch, Named
from pipeline.store.folder import Folder
from pipeline.store.layout import ARRAYS, Layout

_CODECS = ["BytesCodec", "ZstdCodec", "Crc32cCodec"]
_MOST = 1 << 16
"""Rows of a chunk."""
_Documents = dict[str, Any]


class Arrays:
    """The arrays of a table in an atlas's Zarr v3 store.

    Args:
        folder: the atlas folder; the store is `atlas.zarr` in there.
        place: the group that holds the table's sections, with a slash behind, or nothing.
        layouts: by array name, what is behind its rows.
    """

    def __init__(self, folder: Folder, place: str, layouts: Mapping[str, Layout]) -> None:
        self.folder = folder
        self._place = place
        self._zarr = folder.zarr(ARRAYS)
        self._layouts = layouts

    def note(self, attributes: dict[str, Any]) -> None:
        """Begin the store with attributes, or set them in an existing one."""
        made: _Documents = {}
        zarr.create_group(MemoryStore(made), zarr_format=3, attributes=attributes)
        self._write_metadata(made, "zarr.json")

    def has_room(self, section: str, rows: int, chunk: int, attributes: dict[str, Any]) -> bool:
        """Whether a section's arrays are as `make_room` makes them, or longer."""
        try:
            group = zarr.open_group(self._zarr, path=self._place + section, mode="r")
            wanted, _ = self._made(section, rows, chunk, attributes)
            return dict(group.attrs) == attributes and all(
                _fits(group[name], wanted[name]) for name in self._layouts
            )
        except Exception:  # zarr raises many types for metadata that is damaged or gone
            return False

    def make_room(self, section: str, rows: int, chunk: int, attributes: dict[str, Any]) -> None:
        """Give every array of a section so many rows at least, `chunk` of them a chunk.

        Metadata that is damaged is written anew; chunks are not touched.
        """
        if self.has_room(section, rows, chunk, attributes):
            return
        _, made = self._made(section, rows, chunk, attributes)
        for name in sorted(set(made) - {"zarr.json"}, key=len, reverse=True):
            self._write_metadata(made, name)

    def _made(
        self, section: str, rows: int, chunk: int, attributes: dict[str, Any]
    ) -> tuple[Any, "_Documents"]:
        """A section's group as it should be, in memory, and its documents."""
        made: _Documents = {}
        root = zarr.create_group(MemoryStore(made), zarr_format=3)
        places = f"{self._place}{section}".split("/")
        for depth in range(1, len(places)):
            root.create_group("/".join(places[:depth]))
        group: Any = root.create_group("/".join(places), attributes=attributes)
        for name, layout in self._layouts.items():
            group.create_array(
                name,
                shape=(rows, *layout.shape),
                chunks=(chunk, *layout.shape),
                dtype=layout.dtype,
                fill_value=layout.fill,
                compressors=[ZstdCodec(level=3), Crc32cCodec()],
                dimension_names=("row", *layout.axes),
                attributes=dict(layout.attributes),
            )
        return group, made

    def _write_metadata(self, made: "_Documents", name: str) -> None:
        """Write a document of a store in memory. Not by Zarr, which does not sync."""
        self.folder.write_bytes(f"{ARRAYS}/{name}", made[name].to_bytes())

    def write(self, batch: Batch[Named], values: Mapping[str, np.ndarray]) -> None:
        """Write a batch's chunks, whole, so that what a killed writer left is never read."""
        group = zarr.open_group(self._zarr, path=self._place + batch.section, mode="r+")
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
        if not self.folder.has(self.file_of(section, name, chunk)):
            raise FileNotFoundError(f"chunk {chunk} of {name} is gone")
        array = zarr.open_array(self._zarr, path=f"{self._place}{section}/{name}", mode="r")
        self._refuse_strange(array, name)
        return np.asarray(array[rows])

    def names(self, section: str) -> list[str]:
        """The arrays of a section, whose metadata is this project's.

        Raises:
            Exception: of many types, for metadata that is gone, damaged, or another's.
        """
        for name in self._layouts:
            array = zarr.open_array(self._zarr, path=f"{self._place}{section}/{name}", mode="r")
            self._refuse_strange(array, name)
        return list(self._layouts)

    def _refuse_strange(self, array: Any, name: str) -> None:
        """Raise where metadata asks for more than this project writes, as codecs that run code."""
        layout, metadata = self._layouts[name], array.metadata
        codecs = [type(codec).__name__ for codec in metadata.codecs]
        expected = (_CODECS, layout.dtype, layout.shape, layout.shape)
        found = (codecs, str(array.dtype), array.shape[1:], array.chunks[1:])
        if found != expected or array.chunks[0] > _MOST:
            raise ValueError(f"the metadata of {name} is not this project's: {found}")

    def files_of(self, section: str, chunk: int) -> list[str]:
        """The files of a chunk's number, one an array, in the atlas folder."""
        return [self.file_of(section, name, chunk) for name in self._layouts]

    def file_of(self, section: str, name: str, chunk: int) -> str:
        """The file of one chunk of one array."""
        rest = "/0" * len(self._layouts[name].shape)
        return f"{self.folder_of(section)}/{name}/c/{chunk}{rest}"

    def folder_of(self, section: str) -> str:
        """The folder of a section's arrays, in the atlas folder."""
        return f"{ARRAYS}/{self._place}{section}"


def _fits(array: Any, wanted: Any) -> bool:
    """Whether an array is as wanted, or has more rows."""
    has, wants = array.metadata.to_dict(), wanted.metadata.to_dict()
    rows, least = has.pop("shape"), wants.pop("shape")
    # A fill value that is no number is not equal to itself.
    return rows[1:] == least[1:] and rows[0] >= least[0] and repr(has) == repr(wants)

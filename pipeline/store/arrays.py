"""The Zarr arrays of an atlas: a group a section, a chunk a batch, a checksum a chunk.

The one module that knows Zarr. It knows nothing of records: `store` says what is committed.
"""

import json
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

    def is_noted(self, attributes: dict[str, Any]) -> bool:
        """Whether the store's own metadata is as `note` writes it."""
        made: _Documents = {}
        zarr.create_group(MemoryStore(made), zarr_format=3, attributes=attributes)
        return self._is_as("zarr.json", made, None)

    def strange(
        self,
        section: str,
        rows: int,
        chunk: int,
        attributes: dict[str, Any],
        most: int | None = None,
    ) -> list[str]:
        """The files of a section's metadata that are not as `make_room` writes them.

        Args:
            section: its name.
            rows: that its arrays must have, at least.
            chunk: rows a chunk.
            attributes: of its group.
            most: rows that they may have; any number where nothing is said.
        """
        made = self._made(section, rows, chunk, attributes)
        names = sorted(set(made) - {"zarr.json"})
        return [f"{ARRAYS}/{name}" for name in names if not self._is_as(name, made, most)]

    def _is_as(self, name: str, made: "_Documents", most: int | None) -> bool:
        """Whether a document is as it is made, however it is spelled, or of an array of more rows.

        Those are whole chunks, `most` rows at most.
        """
        try:
            found = json.loads(self.folder.read(f"{ARRAYS}/{name}"))
            wanted = json.loads(made[name].to_bytes())
            if "shape" in wanted:
                rows, least = found["shape"][0], wanted["shape"][0]
                chunk = wanted["chunk_grid"]["configuration"]["chunk_shape"][0]
                if rows % chunk or not least <= rows <= (max(most, least) if most else rows):
                    return False
                found["shape"][0] = least
            if found == wanted:
                return True
            # Zarr reads past what it does not know: a key that is altered is one that is wanting.
            return set(found) >= set(wanted) and _read(made[name], found) == _read(
                made[name], wanted
            )
        except Exception:  # zarr raises many types for metadata that is damaged or gone
            return False

    def make_room(
        self,
        section: str,
        rows: int,
        chunk: int,
        attributes: dict[str, Any],
        most: int | None = None,
    ) -> None:
        """Give every array of a section so many rows at least. Arguments as of `strange`.

        Metadata that is damaged is written anew; chunks are not touched.
        """
        if not self.strange(section, rows, chunk, attributes, most):
            return
        made = self._made(section, rows, chunk, attributes)
        for name in sorted(set(made) - {"zarr.json"}, key=len, reverse=True):
            self._write_metadata(made, name)

    def _made(
        self, section: str, rows: int, chunk: int, attributes: dict[str, Any]
    ) -> "_Documents":
        """The documents of a section's group as they should be, and of those around it."""
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
        return made

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

    def documents(self, section: str) -> list[str]:
        """The files of a section's metadata, and of the groups around it, the store's own apart."""
        places = self.folder_of(section).split("/")
        groups = ["/".join(places[:depth]) for depth in range(2, len(places) + 1)]
        arrays = [f"{groups[-1]}/{name}" for name in self._layouts]
        return [f"{place}/zarr.json" for place in groups + arrays]

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


def _read(buffer: Any, document: dict[str, Any]) -> str:
    """What Zarr reads in a document: its other versions say the same in other words."""
    text = type(buffer).from_bytes(json.dumps(document).encode())
    opened: Any = zarr.open(MemoryStore({"zarr.json": text}), mode="r", zarr_format=3)
    # As text, since a fill value that is no number is not equal to itself.
    return repr(opened.metadata.to_dict())

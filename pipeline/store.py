"""The store: a Zarr group a section, filled batch by batch.

    ATLAS/atlas.zarr/SECTION/images       (row, y, x, rgb) uint8, a chunk a batch
    ATLAS/atlas.zarr/SECTION/trajectory   (row, step) float32
    ATLAS/atlas.zarr/SECTION/statistics   (row, statistic) float32

A batch's chunks are written first, its record (`records`) last and atomically. Resumption trusts
records, never chunks. Nobody rewrites a committed chunk.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec

from pipeline.errors import AtlasFolderError, DamageError, WorkError
from pipeline.provenance import Provenance
from pipeline.records import Record, Records
from pipeline.results import NAMES, Results
from pipeline.units import Batch, Section, missing_batches

_ATTRIBUTE = "channel_atlas"


class Store:
    """An atlas folder's arrays and records."""

    def __init__(self, folder: Path, provenance: Provenance) -> None:
        self.folder = folder
        self.provenance = provenance
        self.records = Records(folder)

    @classmethod
    def open(cls, folder: Path) -> "Store":
        """Open an existing atlas.

        Raises:
            AtlasFolderError: the folder is missing, or is no atlas.
        """
        path = folder / "atlas.zarr"
        if not path.is_dir():
            what = "holds no atlas" if folder.is_dir() else "is not there"
            raise AtlasFolderError(
                f"the atlas folder {folder} {what}: expected a folder with atlas.zarr in it; "
                "`atlas build` makes one"
            )
        try:
            attributes = dict(zarr.open_group(path, mode="r").attrs)
            return cls(folder, Provenance.from_json(attributes[_ATTRIBUTE]))  # type: ignore[arg-type]
        except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
            raise AtlasFolderError(
                f"{path} is no channel atlas, or its zarr.json is damaged: {error!r}"
            ) from error

    @classmethod
    def exists(cls, folder: Path) -> bool:
        """Whether a folder holds an atlas.

        Raises:
            AtlasFolderError: it is a file, or a folder of other things.
        """
        if (folder / "atlas.zarr" / "zarr.json").is_file():
            return True
        strange = folder.exists() and (
            not folder.is_dir()
            or any(item.name not in ("atlas.zarr", "build.lock") for item in folder.iterdir())
            or (folder / "atlas.zarr").is_file()
        )
        if strange:
            raise AtlasFolderError(
                f"{folder} is there and is no atlas: expected an atlas folder, an empty one, or "
                "none"
            )
        return False

    @classmethod
    def create(cls, folder: Path, provenance: Provenance) -> "Store":
        """Begin an atlas, or note a changed list of units in an existing one."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "atlas.zarr"
        attributes = {_ATTRIBUTE: provenance.to_json()}
        if cls.exists(folder):
            zarr.open_group(path, mode="r+").attrs.update(attributes)
        else:
            zarr.create_group(path, zarr_format=3, attributes=attributes)
        return cls(folder, provenance)

    # Planning ----------------------------------------------------------------------------------

    def missing(self, section: Section) -> list[Batch]:
        """The batches of a section that nobody committed."""
        committed = {record.chunk: record.units for record in self.records.of(section.name)}
        return missing_batches(section, committed, self.provenance.batch_size)

    def has_room(self, section: Section, batches: Sequence[Batch]) -> bool:
        """Whether a section's arrays have rows for batches."""
        if not batches:
            return True
        try:
            group = zarr.open_group(self.folder / "atlas.zarr" / section.name, mode="r")
            rows = max(batch.rows.stop for batch in batches)
            return all(group[name].shape[0] >= rows for name in self._layouts())  # type: ignore[union-attr]
        except (FileNotFoundError, KeyError):
            return False

    def prepare(self, section: Section, batches: Sequence[Batch]) -> None:
        """Make room in a section's arrays for batches; the driver does this, before any worker."""
        if not batches:
            return
        size = batches[0].size
        rows = size * max(batch.chunk + 1 for batch in batches)
        group = zarr.open_group(self.folder / "atlas.zarr", mode="r+").require_group(section.name)
        group.attrs.update({"kind": section.kind})
        for name, layout in self._layouts().items():
            if name in group:
                array = group[name]
                if array.shape[0] < rows:  # type: ignore[union-attr]
                    array.resize((rows, *array.shape[1:]))  # type: ignore[union-attr]
                continue
            group.create_array(
                name,
                shape=(rows, *layout.shape),
                chunks=(size, *layout.shape),
                dtype=layout.dtype,
                fill_value=layout.fill,
                compressors=[ZstdCodec(level=3), Crc32cCodec()],
                dimension_names=("row", *layout.dimensions),
                attributes=layout.attributes,
            )

    def _layouts(self) -> dict[str, "_Layout"]:
        size, steps = self.provenance.size, self.provenance.recipe.steps
        statistics = {"statistic": list(NAMES)}
        return {
            "images": _Layout((size, size, 3), "uint8", 0, ("y", "x", "rgb"), {}),
            "trajectory": _Layout((steps,), "float32", float("nan"), ("step",), {}),
            "statistics": _Layout(
                (len(NAMES),), "float32", float("nan"), ("statistic",), statistics
            ),
        }

    # Writing -----------------------------------------------------------------------------------

    def commit(self, batch: Batch, results: Results) -> Record:
        """Store a batch: its chunks, then the record. A committed batch is left as it is.

        Raises:
            WorkError: a number is not finite, so the batch is not stored.
        """
        existing = self.records.one(batch.section, batch.chunk)
        if existing is not None:
            return existing
        arrays = results.arrays()
        for name, values in arrays.items():
            if not np.isfinite(values).all():
                raise WorkError(
                    f"batch {batch.key}: {name} has values that are not finite, first for unit "
                    f"{_first_bad(batch, values)}; it is not stored"
                )
        group = zarr.open_group(self.folder / "atlas.zarr" / batch.section, mode="r+")
        for name, layout in self._layouts().items():
            # A whole chunk, so that what a killed writer left there is never read; and one that is
            # written even if it is all zeros. Not by `zarr.config`, which other threads share.
            whole = np.full((batch.size, *layout.shape), layout.fill, layout.dtype)
            whole[: len(arrays[name])] = arrays[name]
            array: Any = group[name]
            array.with_config({"write_empty_chunks": True})[batch.rows] = whole
        record = Record(
            section=batch.section,
            chunk=batch.chunk,
            size=batch.size,
            units=tuple(unit.id for unit in batch.units),
            sha256={name: _sha256(values) for name, values in arrays.items()},
            image_sha256=tuple(_sha256(image) for image in results.images),
        )
        self.records.add(record)
        return record

    # Reading -----------------------------------------------------------------------------------

    def read(self, record: Record, name: str, offset: int | None = None) -> np.ndarray:
        """A committed batch's rows of an array, or the row of its unit number `offset`.

        Raises:
            DamageError: the chunk is damaged or gone.
        """
        first = record.first_row
        rows = slice(first, first + len(record.units)) if offset is None else first + offset
        try:
            return self._rows(record, name, rows)
        except Exception as error:  # codecs and stores raise many types for damaged bytes
            raise DamageError(
                f"{name} of batch {record.section}/{record.chunk:06d} cannot be read: {error}; "
                f"delete {self.records.path(record.section, record.chunk)} and build again"
            ) from error

    def _rows(self, record: Record, name: str, rows: slice | int) -> np.ndarray:
        folder = self.folder / "atlas.zarr" / record.section / name
        rest = "/".join("0" for _ in self._layouts()[name].shape)
        if not (folder / "c" / str(record.chunk) / rest).exists():
            raise FileNotFoundError(f"chunk {record.chunk} of {name} is gone")
        return np.asarray(zarr.open_array(folder, mode="r")[rows])


@dataclass(frozen=True)
class _Layout:
    """How an array of a section is laid out, behind its rows."""

    shape: tuple[int, ...]
    dtype: str
    fill: float
    dimensions: tuple[str, ...]
    attributes: dict[str, Any]


def _sha256(values: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def _first_bad(batch: Batch, values: np.ndarray) -> str:
    bad = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
    return batch.units[int(np.argmax(bad))].id

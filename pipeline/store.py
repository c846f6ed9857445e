"""The store: a Zarr group a section, filled batch by batch.

    ATLAS/atlas.zarr/SECTION/images       (row, y, x, rgb) uint8, a chunk a batch
    ATLAS/atlas.zarr/SECTION/trajectory   (row, step) float32
    ATLAS/atlas.zarr/SECTION/statistics   (row, statistic) float32
    ATLAS/atlas.zarr/SECTION/snapshots    (row, snapshot, y, x, rgb) uint8, where any are kept

A batch's chunks are written first, its record (`records`) last and atomically. Resumption trusts
records, never chunks. Nobody rewrites a committed chunk.
"""

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import AtlasFolderError, DamageError, WorkError
from pipeline.provenance import Provenance
from pipeline.records import Record, Records
from pipeline.results import Results
from pipeline.units import Batch, Section, missing_batches

if TYPE_CHECKING:
    from pipeline.arrays import Arrays

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
            text = (path / "zarr.json").read_text(encoding="utf-8")
            return cls(folder, Provenance.from_json(json.loads(text)["attributes"][_ATTRIBUTE]))
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
        cls.exists(folder)  # raises where other things are
        folder.mkdir(parents=True, exist_ok=True)
        store = cls(folder, provenance)
        store._arrays.note({_ATTRIBUTE: provenance.to_json()})
        return store

    @cached_property
    def _arrays(self) -> "Arrays":
        from pipeline.arrays import Arrays  # noqa: PLC0415, slow to import; `query` needs none

        known = self.provenance
        steps, snapshots = known.recipe.steps, known.render.snapshots
        return Arrays(self.folder / "atlas.zarr", known.size, steps, snapshots)

    # Planning ----------------------------------------------------------------------------------

    def missing(self, section: Section) -> list[Batch]:
        """The batches of a section that nobody committed."""
        committed = {record.chunk: record.units for record in self.records.of(section.name)}
        known = self.provenance
        return missing_batches(section, committed, known.batch_size, known.render.group)

    def has_room(self, section: Section, batches: Sequence[Batch]) -> bool:
        """Whether a section's arrays have rows for batches."""
        return not batches or self._arrays.rows(section.name) >= _rows(batches)

    def prepare(self, section: Section, batches: Sequence[Batch]) -> None:
        """Make room in a section's arrays for batches; the driver does this, before any worker."""
        if not batches:
            return
        size = batches[0].size
        committed = [record.chunk + 1 for record in self.records.of(section.name)]
        rows = max([_rows(batches), *(size * count for count in committed)])
        self._arrays.make_room(section.name, rows, size, {"kind": section.kind})

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
        self._arrays.write(batch, arrays)
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
            return self._arrays.read(record.section, name, record.chunk, rows)
        except Exception as error:  # codecs and stores raise many types for damaged bytes
            raise DamageError(
                f"{name} of batch {record.section}/{record.chunk:06d} cannot be read: {error}; "
                f"delete {self.records.path(record.section, record.chunk)} and build again"
            ) from error


def _rows(batches: Sequence[Batch]) -> int:
    """Rows that batches need."""
    return int(max(batch.rows.stop for batch in batches))


def _sha256(values: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def _first_bad(batch: Batch, values: np.ndarray) -> str:
    bad = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
    return batch.units[int(np.argmax(bad))].id

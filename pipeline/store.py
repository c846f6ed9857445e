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
from pipeline.folder import Folder, at
from pipeline.provenance import Provenance
from pipeline.records import Record, Records
from pipeline.results import Results
from pipeline.units import Batch, Section, missing_batches

if TYPE_CHECKING:
    from pipeline.arrays import Arrays

_ATTRIBUTE = "channel_atlas"
_ROOT = "atlas.zarr/zarr.json"
LOCK = "build.lock"
"""What a folder may hold before there is an atlas in it: the lock of who begins one."""


class Store:
    """An atlas folder's arrays and records."""

    def __init__(self, folder: Folder, provenance: Provenance) -> None:
        self.folder = folder
        self.provenance = provenance
        self.records = Records(folder)

    @classmethod
    def open(cls, folder: str | Path | Folder) -> "Store":
        """Open an existing atlas.

        Raises:
            AtlasFolderError: the folder is missing, or is no atlas.
        """
        place = at(folder)
        try:
            text = place.read(_ROOT)
        except (FileNotFoundError, NotADirectoryError):
            what = "holds no atlas" if place.is_there() else "is not there, or empty"
            raise AtlasFolderError(
                f"the atlas folder {place} {what}: expected a folder with atlas.zarr in it; "
                "`atlas build` makes one"
            ) from None
        except OSError as error:
            raise AtlasFolderError(f"the atlas folder {place} cannot be read: {error}") from error
        try:
            return cls(place, Provenance.from_json(json.loads(text)["attributes"][_ATTRIBUTE]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise AtlasFolderError(
                f"{place}/atlas.zarr is no channel atlas, or its zarr.json is damaged: {error!r}"
            ) from error

    @classmethod
    def exists(cls, folder: str | Path | Folder) -> bool:
        """Whether a folder holds an atlas.

        Raises:
            AtlasFolderError: it is a file, or a folder of other things; or it cannot be read.
        """
        place = at(folder)
        try:
            if place.has(_ROOT):
                return True
            own = set(place.folders("")) <= {"atlas.zarr"} and set(place.files("")) <= {LOCK}
            if own and not place.is_a_file():
                return False
        except OSError as error:
            raise AtlasFolderError(f"the atlas folder {place} cannot be read: {error}") from error
        raise AtlasFolderError(
            f"{place} is there and is no atlas: expected an atlas folder, an empty one, or none"
        )

    @classmethod
    def create(cls, folder: str | Path | Folder, provenance: Provenance) -> "Store":
        """Begin an atlas, or note a changed list of units in an existing one."""
        place = at(folder)
        cls.exists(place)  # raises where other things are
        place.begin()
        store = cls(place, provenance)
        store._arrays.note({_ATTRIBUTE: provenance.to_json()})
        return store

    @cached_property
    def _arrays(self) -> "Arrays":
        from pipeline.arrays import Arrays  # noqa: PLC0415, slow to import; `query` needs none

        known = self.provenance
        steps, snapshots = known.recipe.steps, known.render.snapshots
        return Arrays(self.folder, known.size, steps, snapshots)

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
            commit = self.records.name(record.section, record.chunk)
            raise DamageError(
                f"{name} of batch {record.section}/{record.chunk:06d} cannot be read: {error}; "
                f"delete {self.folder}/{commit} and build again"
            ) from error


def _rows(batches: Sequence[Batch]) -> int:
    """Rows that batches need."""
    return int(max(batch.rows.stop for batch in batches))


def _sha256(values: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def _first_bad(batch: Batch, values: np.ndarray) -> str:
    bad = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
    return batch.units[int(np.argmax(bad))].id

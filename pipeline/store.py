"""The store: a Zarr group a section, filled batch by batch.

    ATLAS/atlas.zarr/SECTION/images       (row, y, x, rgb) uint8, a chunk a batch
    ATLAS/atlas.zarr/SECTION/trajectory   (row, step) float32
    ATLAS/atlas.zarr/SECTION/statistics   (row, statistic) float32
    ATLAS/atlas.zarr/SECTION/snapshots    (row, snapshot, y, x, rgb) uint8, where any are kept

A batch's chunks are written first, its record (`records`) last and atomically. Resumption trusts
records, never chunks. Nobody rewrites a committed chunk.
"""

import functools
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
from pipeline.seal import digest
from pipeline.units import Batch, Section, missing_batches

if TYPE_CHECKING:
    from pipeline.arrays import Arrays

_ATTRIBUTE, _DIGEST = "channel_atlas", "channel_atlas_sha256"
ARRAYS = "atlas.zarr"
_ROOT = f"{ARRAYS}/zarr.json"
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
            what = "holds no atlas" if place.is_there() else "is not there"
            raise AtlasFolderError(
                f"the atlas folder {place} {what}: expected a folder with atlas.zarr in it; "
                "`atlas build` makes one"
            ) from None
        except OSError as error:
            raise AtlasFolderError(f"the atlas folder {place} cannot be read: {error}") from error
        try:
            return cls(place, _provenance(text))
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
        plain = provenance.to_json()
        store._arrays.note({_ATTRIBUTE: plain, _DIGEST: digest(plain)})
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
        """Whether a section's arrays have rows for batches, and for those that are committed."""
        wanted = self._wanted(section, batches)
        return wanted is None or self._arrays.has_room(section.name, *wanted)

    def prepare(self, section: Section, batches: Sequence[Batch]) -> None:
        """Make room in a section's arrays for batches; the driver does this, before any worker."""
        wanted = self._wanted(section, batches)
        if wanted is not None:
            self._arrays.make_room(section.name, *wanted)

    def _wanted(
        self, section: Section, batches: Sequence[Batch]
    ) -> tuple[int, int, dict[str, str]] | None:
        """Rows, rows a chunk, and attributes of a section's arrays; None where nothing is in it."""
        found = [(batch.size, batch.chunk) for batch in batches]
        found += [(record.size, record.chunk) for record in self.records.of(section.name)]
        if not found:
            return None
        rows = max(size * (chunk + 1) for size, chunk in found)
        return rows, found[0][0], {"kind": section.kind}

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
        self.folder.settle(self._arrays.files_of(batch.section, batch.chunk))
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

    def check(self, record: Record) -> str:
        """Read all that a record commits, and say what is wrong with it; nothing if it is whole."""
        for name, expected in record.sha256.items():
            try:
                values = self.read(record, name)
            except DamageError as error:
                return str(error.__cause__)
            if _sha256(values) != expected:
                return f"{name} is not what was stored: its SHA-256 differs"
            if name == "images" and tuple(map(_sha256, values)) != record.image_sha256:
                return "an image is not what was stored: its SHA-256 differs"
        return ""

    def stamps(self, section: str, records: Sequence[Record]) -> list[str]:
        """For each record of a section a digest of the stamps of its chunks.

        Equal stamps, equal content, as far as a disk or an object store tells.
        """
        files = [self._arrays.files_of(section, record.chunk) for record in records]
        all_files = [name for names in files for name in names]
        found = self.folder.stamps(f"{ARRAYS}/{section}", all_files)
        return [digest([found[name] for name in names]) for names in files]

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


@functools.lru_cache(maxsize=4)
def _provenance(text: bytes) -> Provenance:
    """The provenance in a store's metadata; kept with the units that it has enumerated.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is not what `Store.create` wrote.
    """
    attributes = json.loads(text)["attributes"]
    plain = attributes[_ATTRIBUTE]
    found = Provenance.from_json(plain)
    if digest(plain) != attributes.get(_DIGEST):
        raise ValueError("the provenance does not match its SHA-256")
    return found


def _sha256(values: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def _first_bad(batch: Batch, values: np.ndarray) -> str:
    bad = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
    return batch.units[int(np.argmax(bad))].id

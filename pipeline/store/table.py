"""A table of an atlas: arrays that are filled chunk by chunk, and records that commit the chunks.

A batch's chunks are written first, its record (`records`) last and atomically. Resumption trusts
records, never chunks. Nobody rewrites a committed chunk.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np

from pipeline.errors import DamageError, WorkError
from pipeline.plan.batches import Batch, Named
from pipeline.plan.identity import digest
from pipeline.store.folder import Folder
from pipeline.store.layout import Layout
from pipeline.store.records import Record, Records

if TYPE_CHECKING:
    from pipeline.store.arrays import Arrays


class Rows(Protocol):
    """What a section is to a table."""

    @property
    def name(self) -> str:
        """The name of its group."""

    @property
    def rows_are(self) -> str:
        """What its rows are of, as in `channel`."""


class Table:
    """Rows of units, or of pictures, section by section and batch by batch.

    Args:
        folder: the atlas folder.
        place: the folder in there that holds the records, and the group of the Zarr store that
            holds the sections; empty for the images' own, `records` and the store itself.
        layouts: by array name, what is behind its rows.
    """

    def __init__(self, folder: Folder, place: str, layouts: Mapping[str, Layout]) -> None:
        self.folder = folder
        self.records = Records(folder, place or "records")
        self._group = f"{place}/" if place else ""
        self._layouts = layouts

    @cached_property
    def arrays(self) -> "Arrays":
        """The table's arrays; made late, since Zarr is slow to import and an index needs none."""
        from pipeline.store.arrays import Arrays  # noqa: PLC0415, see above

        return Arrays(self.folder, self._group, self._layouts)

    def has_room(self, section: Rows, batches: Sequence[Batch[Named]]) -> bool:
        """Whether a section's arrays have rows for batches, and for those that are committed."""
        return not self.strange(section, batches)

    def strange(
        self, section: Rows, batches: Sequence[Batch[Named]], most: int | None = None
    ) -> list[str]:
        """The files of a section's metadata that are not as `prepare` would leave them."""
        wanted = self._wanted(section, batches)
        return [] if wanted is None else self.arrays.strange(section.name, *wanted, most)

    def prepare(
        self, section: Rows, batches: Sequence[Batch[Named]], most: int | None = None
    ) -> None:
        """Make room in a section's arrays for batches; the driver does this, before any worker.

        Args:
            section: the section.
            batches: that are to come, beside those that are committed.
            most: rows that the arrays may have; any number where nothing is said.
        """
        wanted = self._wanted(section, batches)
        if wanted is not None:
            self.arrays.make_room(section.name, *wanted, most)

    def prepare_all(self, sections: Iterable[Rows], batches: Sequence[Batch[Named]]) -> None:
        """Make room for batches of several sections."""
        for section in sections:
            self.prepare(section, [batch for batch in batches if batch.section == section.name])

    def _wanted(
        self, section: Rows, batches: Sequence[Batch[Named]]
    ) -> tuple[int, int, dict[str, str]] | None:
        """Rows, rows a chunk, and attributes of a section's arrays; None where nothing is in it."""
        found = [(batch.size, batch.chunk) for batch in batches]
        found += [(record.size, record.chunk) for record in self.records.of(section.name)]
        if not found:
            return None
        rows = max(size * (chunk + 1) for size, chunk in found)
        return rows, found[0][0], {"kind": section.rows_are}

    def write(
        self,
        batch: Batch[Named],
        values: Mapping[str, np.ndarray],
        images: np.ndarray | None = None,
    ) -> Record:
        """Store a batch: its chunks, then the record. A committed batch is left as it is.

        Args:
            batch: what is stored.
            values: by array name a row a unit.
            images: the units' images, where the table holds any.

        Raises:
            WorkError: a number is not finite, so the batch is not stored.
        """
        existing = self.records.one(batch.section, batch.chunk)
        if existing is not None:
            return existing
        for name, rows in values.items():
            if not np.isfinite(rows).all():
                raise WorkError(
                    f"batch {batch.key}: {name} has values that are not finite, first for unit "
                    f"{_first_bad(batch, rows)}; it is not stored"
                )
        self.arrays.write(batch, values)
        self.folder.settle(self.arrays.files_of(batch.section, batch.chunk))
        record = Record(
            section=batch.section,
            chunk=batch.chunk,
            size=batch.size,
            units=tuple(unit.id for unit in batch.units),
            sha256={name: _sha256(rows) for name, rows in values.items()},
            image_sha256=tuple(_sha256(image) for image in images) if images is not None else (),
        )
        self.records.add(record)
        return record

    def read(self, record: Record, name: str, offset: int | None = None) -> np.ndarray:
        """A committed batch's rows of an array, or the row of its unit number `offset`.

        Whatever is read is compared with its record: a chunk that is whole may be another's.

        Raises:
            DamageError: the chunk is damaged, gone, or not what its record says.
        """
        first = record.first_row
        rows = slice(first, first + len(record.units))
        try:
            values = self.arrays.read(record.section, name, record.chunk, rows)
            _refuse_other(record, name, values)
            return values if offset is None else np.asarray(values[offset])
        except Exception as error:  # codecs and stores raise many types for damaged bytes
            commit = self.records.name(record.section, record.chunk)
            raise DamageError(
                f"{name} of batch {record.section}/{record.chunk:06d} cannot be read: {error}; "
                f"delete {self.folder}/{commit} and build again"
            ) from error

    def forget_others(self, batch: Batch[Named]) -> None:
        """Take back the commit of a batch's chunk if it is of other units."""
        record = self.records.one(batch.section, batch.chunk)
        if record is not None and record.units != tuple(unit.id for unit in batch.units):
            self.records.drop(record)

    def clear(self) -> None:
        """Take back every commit."""
        for section in self.records.sections():
            for record in self.records.of(section):
                self.records.drop(record)

    def check(self, record: Record) -> str:
        """Read all that a record commits, and say what is wrong with it; nothing if it is whole."""
        for name in record.sha256:
            try:
                values = self.read(record, name)
            except DamageError as error:
                return str(error.__cause__)
            if name == "images" and tuple(map(_sha256, values)) != record.image_sha256:
                return "an image is not what was stored: its SHA-256 differs"
        return ""

    def stamps(self, section: str, records: Sequence[Record]) -> list[str]:
        """For each record of a section a digest of the stamps of its chunks.

        Equal stamps, equal content, as far as a disk or an object store tells.
        """
        files = [self.arrays.files_of(section, record.chunk) for record in records]
        all_files = [name for names in files for name in names]
        found = self.folder.stamps(self.arrays.folder_of(section), all_files)
        return [digest([found[name] for name in names]) for names in files]


def _refuse_other(record: Record, name: str, values: np.ndarray) -> None:
    """Raise where rows of an array are not those that a record commits."""
    if _sha256(values) != record.sha256[name]:
        raise ValueError(f"{name} is not what was stored: its SHA-256 differs")


def _sha256(values: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def _first_bad(batch: Batch[Named], values: np.ndarray) -> str:
    bad = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
    return batch.units[int(np.argmax(bad))].id

"""The store: a Zarr group a section, and the records that commit its batches.

    ATLAS/atlas.zarr/SECTION/images       (row, y, x, rgb) uint8, a chunk a batch
    ATLAS/atlas.zarr/SECTION/trajectory   (row, step) float32
    ATLAS/atlas.zarr/SECTION/statistics   (row, statistic) float32
    ATLAS/records/SECTION/000012.json     commits chunk 12: unit ids and SHA-256
    ATLAS/failures.json                   batches that the last build gave up

A batch's chunks are written first, its record last and atomically. Resumption trusts records, never
chunks. Nobody rewrites a committed chunk.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import Crc32cCodec, ZstdCodec

from pipeline.errors import AtlasFolderError, DamageError, WorkError
from pipeline.files import write_json
from pipeline.provenance import Provenance, digest
from pipeline.statistics import NAMES, Statistics
from pipeline.units import Batch, Section, missing_batches

_LOG = logging.getLogger(__name__)
_ATTRIBUTE = "channel_atlas"


@dataclass(frozen=True)
class Record:
    """What commits a batch.

    Attributes:
        section: its section's name.
        chunk: its chunk's number.
        size: rows a chunk.
        units: ids of the units in its first rows.
        sha256: digest of each array's rows, by array name.
        image_sha256: digest of each unit's image, its bytes row by row.
    """

    section: str
    chunk: int
    size: int
    units: tuple[str, ...]
    sha256: Mapping[str, str]
    image_sha256: tuple[str, ...]

    @property
    def first_row(self) -> int:
        """The section's row that holds the record's first unit."""
        return self.chunk * self.size


@dataclass(frozen=True)
class Failure:
    """A batch that a build gave up."""

    batch: str
    units: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Results:
    """A computed batch on its way into the store.

    Attributes:
        images: (units, size, size, 3) uint8.
        trajectory: (units, steps) float32.
        statistics: one entry a unit.
    """

    images: np.ndarray
    trajectory: np.ndarray
    statistics: Statistics

    def arrays(self) -> dict[str, np.ndarray]:
        """What is stored, by array name."""
        return {
            "images": self.images,
            "trajectory": self.trajectory.astype(np.float32),
            "statistics": self.statistics.table(),
        }


class Store:
    """An atlas folder's arrays and records."""

    def __init__(self, folder: Path, provenance: Provenance) -> None:
        self.folder = folder
        self.provenance = provenance

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
        except (KeyError, TypeError, ValueError, OSError) as error:
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
        )
        if strange:
            raise AtlasFolderError(
                f"{folder} is there and is no atlas: expected an atlas folder, an empty one, or none"
            )
        return False

    @classmethod
    def create(cls, folder: Path, provenance: Provenance) -> "Store":
        """Begin an atlas, or note a changed list of units in an existing one."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "atlas.zarr"
        attributes = {_ATTRIBUTE: provenance.to_json()}
        if cls.exists(folder):
            zarr.open_group(path, mode="r+").attrs.update(attributes)  # type: ignore[arg-type]
        else:
            zarr.create_group(path, zarr_format=3, attributes=attributes)
        return cls(folder, provenance)

    # Planning ----------------------------------------------------------------------------------

    def missing(self, section: Section) -> list[Batch]:
        """The batches of a section that nobody committed."""
        committed = {record.chunk: record.units for record in self.records(section.name)}
        return missing_batches(section, committed, self.provenance.batch_size)

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
        size, steps = self.provenance.size, self.provenance.steps
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
        for existing in self._one_record(batch.section, batch.chunk):
            return existing
        arrays = results.arrays()
        for name, values in arrays.items():
            if not np.isfinite(values).all():
                raise WorkError(
                    f"batch {batch.key}: {name} has values that are not finite, first for unit "
                    f"{_first_bad(batch, values)}; it is not stored"
                )
        group = zarr.open_group(self.folder / "atlas.zarr" / batch.section, mode="r+")
        with zarr.config.set({"array.write_empty_chunks": True}):
            for name, values in arrays.items():
                group[name][batch.rows] = values  # type: ignore[index]
        record = Record(
            section=batch.section,
            chunk=batch.chunk,
            size=batch.size,
            units=tuple(unit.id for unit in batch.units),
            sha256={name: _sha256(values) for name, values in arrays.items()},
            image_sha256=tuple(_sha256(image) for image in results.images),
        )
        plain = asdict(record)
        write_json(self._record_path(batch.section, batch.chunk), {**plain, "self": digest(plain)})
        return record

    def note_failures(self, failures: Sequence[Failure]) -> None:
        """Remember which batches this build gave up; an empty list forgets earlier ones."""
        path = self.folder / "failures.json"
        if failures or path.exists():
            write_json(path, [asdict(failure) for failure in failures])

    # Reading -----------------------------------------------------------------------------------

    def records(self, section: str) -> list[Record]:
        """The valid records of a section, by chunk; a damaged one counts as absent."""
        folder = self.folder / "records" / section
        if not folder.is_dir():
            return []
        names = sorted(path.stem for path in folder.glob("*.json") if path.stem.isdigit())
        return [record for name in names for record in self._one_record(section, int(name))]

    def failures(self) -> list[Failure]:
        """The batches that the last build gave up."""
        path = self.folder / "failures.json"
        if not path.exists():
            return []
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [Failure(row["batch"], tuple(row["units"]), row["reason"]) for row in rows]

    def read(self, record: Record, name: str, offset: int | None = None) -> np.ndarray:
        """A committed batch's rows of an array, or the row of its unit number `offset`.

        Raises:
            DamageError: the chunk is damaged or gone.
        """
        first = record.first_row
        rows = slice(first, first + len(record.units)) if offset is None else first + offset
        path = self.folder / "atlas.zarr" / record.section
        try:
            if not self._chunk_path(record, name).exists():
                raise FileNotFoundError(f"chunk {record.chunk} of {name} is gone")
            return np.asarray(zarr.open_array(path / name, mode="r")[rows])
        except Exception as error:  # codecs and stores raise many types for damaged bytes
            raise DamageError(
                f"{name} of batch {record.section}/{record.chunk:06d} cannot be read: {error}; "
                f"delete {self._record_path(record.section, record.chunk)} and build again"
            ) from error

    def _chunk_path(self, record: Record, name: str) -> Path:
        rest = "/".join("0" for _ in self._layouts()[name].shape)
        folder = self.folder / "atlas.zarr" / record.section / name
        return folder / "c" / str(record.chunk) / rest

    def _record_path(self, section: str, chunk: int) -> Path:
        return self.folder / "records" / section / f"{chunk:06d}.json"

    def _one_record(self, section: str, chunk: int) -> Iterator[Record]:
        """The record of a chunk, if there is one and it is whole."""
        path = self._record_path(section, chunk)
        try:
            plain = json.loads(path.read_text(encoding="utf-8"))
            seal = plain.pop("self")
            if digest(plain) != seal or (plain["section"], plain["chunk"]) != (section, chunk):
                raise ValueError("it does not match its own digest")
            plain["units"] = tuple(plain["units"])
            plain["image_sha256"] = tuple(plain["image_sha256"])
            yield Record(**plain)
        except FileNotFoundError:
            return
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            _LOG.warning("the record %s is damaged (%s): its batch counts as missing", path, error)


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

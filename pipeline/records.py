"""Records: the small files that commit batches. What has no valid record is absent.

ATLAS/records/SECTION/000012.json     commits chunk 12: unit ids and SHA-256
ATLAS/failures.json                   batches that the last build gave up
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.files import write_json
from pipeline.provenance import digest

_LOG = logging.getLogger(__name__)


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


class Records:
    """The records of an atlas folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, section: str, chunk: int) -> Path:
        """The file that commits a chunk."""
        return self.folder / "records" / section / f"{chunk:06d}.json"

    def sections(self) -> list[str]:
        """The names of the sections that have records, sorted."""
        return sorted(path.name for path in (self.folder / "records").glob("*"))

    def of(self, section: str) -> list[Record]:
        """The valid records of a section, by chunk; a damaged one counts as absent."""
        paths = (self.folder / "records" / section).glob("*.json")
        chunks = sorted(int(path.stem) for path in paths if path.stem.isdigit())
        found = (self.one(section, chunk) for chunk in chunks)
        return [record for record in found if record is not None]

    def one(self, section: str, chunk: int) -> Record | None:
        """The record of a chunk, if there is one and it is whole."""
        path = self.path(section, chunk)
        try:
            return _parsed(path.read_text(encoding="utf-8"), section, chunk)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            _LOG.warning("the record %s is damaged (%s): its batch counts as missing", path, error)
            return None

    def add(self, record: Record) -> None:
        """Commit a batch: atomic, and the last thing written of it."""
        plain = asdict(record)
        write_json(self.path(record.section, record.chunk), {**plain, "self": digest(plain)})

    def note_failures(self, failures: Sequence[Failure]) -> None:
        """Remember which batches this build gave up; an empty list forgets earlier ones."""
        path = self.folder / "failures.json"
        if failures or path.exists():
            write_json(path, [asdict(failure) for failure in failures])

    def places(self) -> dict[str, tuple[Record, int]]:
        """By unit id the record that commits it, and its number in there."""
        return {
            unit: (record, offset)
            for section in self.sections()
            for record in self.of(section)
            for offset, unit in enumerate(record.units)
        }

    def failed(self) -> set[str]:
        """The ids of the units of batches that the last build gave up."""
        return {unit for failure in self.failures() for unit in failure.units}

    def failures(self) -> list[Failure]:
        """The batches that the last build gave up."""
        path = self.folder / "failures.json"
        if not path.exists():
            return []
        try:
            rows = json.loads(path.read_text(encoding="utf-8"))
            return [Failure(row["batch"], tuple(row["units"]), row["reason"]) for row in rows]
        except (ValueError, KeyError, TypeError) as error:
            _LOG.warning("%s is damaged (%s): what failed counts as missing", path, error)
            return []


def _parsed(text: str, section: str, chunk: int) -> Record:
    """The record in a file's text.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is not what `Records.add` wrote.
    """
    plain = json.loads(text)
    seal = plain.pop("self")
    if digest(plain) != seal:
        raise ValueError("it does not match its own digest")
    if (plain["section"], plain["chunk"]) != (section, chunk):
        raise ValueError(f"it is of batch {plain['section']}/{plain['chunk']:06d}")
    lists = {name: tuple(plain[name]) for name in ("units", "image_sha256")}
    return Record(**{**plain, **lists})

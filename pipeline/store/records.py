"""Records: the small files that commit batches. What has no valid record is absent.

ATLAS/records/SECTION/000012.json     commits chunk 12: unit ids and SHA-256
ATLAS/failures.json                   batches that the last build gave up
"""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from pipeline.errors import DamageError
from pipeline.store.folder import Folder, Stamp
from pipeline.store.seal import seal, unseal

_LOG = logging.getLogger(__name__)
FAILURES = "failures.json"


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


_KNOWN: dict[tuple[str, str], tuple[Stamp, Record | None]] = {}
"""Records that this process has read, by folder and name; they hold while the stamp is the same."""


class Records:
    """The records of a table of an atlas folder; `place` is the folder in there."""

    def __init__(self, folder: Folder, place: str = "records") -> None:
        self.folder = folder
        self.place = place

    def name(self, section: str, chunk: int) -> str:
        """The file that commits a chunk."""
        return f"{self.place}/{section}/{chunk:06d}.json"

    def sections(self) -> list[str]:
        """The names of the sections that have records, sorted."""
        return self.folder.folders(self.place)

    def of(self, section: str) -> list[Record]:
        """The valid records of a section, by chunk; a damaged one counts as absent.

        Raises:
            OSError: the folder cannot be read.
        """
        stamps = {
            f"{self.place}/{section}/{file}": stamp
            for file, stamp in self.folder.files(f"{self.place}/{section}").items()
            if is_named(file)
        }
        place = str(self.folder)
        fresh = [n for n in stamps if _KNOWN.get((place, n), (None,))[0] != stamps[n]]
        for name, content in self.folder.read_all(fresh):
            parsed = self._parsed(content, name, section, _chunk_of(name))
            _KNOWN[place, name] = stamps[name], parsed
        found = (_KNOWN[place, name][1] for name in sorted(stamps, key=_chunk_of))
        return [record for record in found if record is not None]

    def contents(self) -> list[tuple[str, int, dict[str, str]]]:
        """Section, chunk and digests of all that is committed: what its state is told by.

        Raises:
            OSError: the folder cannot be read.
        """
        return [
            (section, record.chunk, dict(record.sha256))
            for section in self.sections()
            for record in self.of(section)
        ]

    def one(self, section: str, chunk: int) -> Record | None:
        """The record of a chunk, if there is one and it is whole."""
        name = self.name(section, chunk)
        try:
            content = self.folder.read(name)
        except FileNotFoundError:
            return None
        return self._parsed(content, name, section, chunk)

    def _parsed(
        self, content: bytes | OSError, name: str, section: str, chunk: int
    ) -> Record | None:
        """The record in a file, or None, told, where it is damaged."""
        try:
            if isinstance(content, OSError):
                raise content
            return _parsed(content, section, chunk)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            _LOG.warning(
                "the record %s in %s is damaged (%s): its batch counts as missing",
                name, self.folder, error,
            )  # fmt: skip
            return None

    def add(self, record: Record) -> None:
        """Commit a batch: atomic, and the last thing written of it."""
        self.folder.write_json(self.name(record.section, record.chunk), seal(asdict(record)))

    def drop(self, record: Record) -> None:
        """Take a commit back: its batch is missing, and will be computed again."""
        self.folder.delete(self.name(record.section, record.chunk))

    def note_failures(self, failures: Sequence[Failure]) -> None:
        """Remember which batches this build gave up; an empty list forgets earlier ones."""
        if failures or self.folder.has(FAILURES):
            rows = [asdict(failure) for failure in failures]
            self.folder.write_json(FAILURES, seal({"failures": rows}))

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
        """The batches that the last build gave up; none, told, where the list is damaged."""
        try:
            return self.failures_noted()
        except FileNotFoundError:
            return []
        except DamageError as error:
            _LOG.warning(
                "%s: what failed counts as missing", error
            )  # fmt: skip
            return []

    def failures_noted(self) -> list[Failure]:
        """The batches that the last build gave up.

        Raises:
            OSError: there is no list of them, or it cannot be read.
            DamageError: it is damaged.
        """
        try:
            found = json.loads(self.folder.read(FAILURES))
            rows = found if isinstance(found, list) else unseal(found)["failures"]  # a former one
            return [Failure(row["batch"], tuple(row["units"]), row["reason"]) for row in rows]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DamageError(f"{FAILURES} in {self.folder} is damaged: {error}") from error


def is_named(file: str) -> bool:
    """Whether a file's name is one that records have."""
    return re.fullmatch(r"[0-9]{6}\.json|[1-9][0-9]{6,9}\.json", file) is not None


def _chunk_of(name: str) -> int:
    return int(name.rpartition("/")[2].removesuffix(".json"))


def _parsed(text: bytes, section: str, chunk: int) -> Record:
    """The record in a file's text.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is not what `Records.add` wrote.
    """
    plain = unseal(json.loads(text))
    if (plain["section"], plain["chunk"]) != (section, chunk):
        raise ValueError(f"it is of batch {plain['section']}/{plain['chunk']:06d}")
    lists = {name: tuple(plain[name]) for name in ("units", "image_sha256")}
    return Record(**{**plain, **lists})

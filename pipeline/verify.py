"""Whether an atlas is whole: chunks against records, records against seals, sheets against both.

A build looks at what has changed on the disk since it was last found whole, and `atlas verify` at
everything. What damaged a batch does not matter: its record is dropped, which makes it missing.
"""

import concurrent.futures
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.errors import DamageError
from pipeline.examples import seen, strongest
from pipeline.examples.crops import Crops
from pipeline.explore import index, responses
from pipeline.plan.identity import digest
from pipeline.publish import site
from pipeline.sheets import mosaics
from pipeline.store import parquet
from pipeline.store.records import Record
from pipeline.store.seal import seal, sealed
from pipeline.store.store import Store
from pipeline.store.table import Table

_TRUST = "whole.json"
_OF_PICTURES = ("examples/", "crops/", strongest.BEST_NAME, strongest.SPREAD_NAME)
State = Literal["whole", "damaged", "stale", "left over"]


@dataclass(frozen=True)
class Finding:
    """A part of an atlas, and how it is.

    Attributes:
        part: a batch, as in `mixed4/000012`, or a file of the atlas folder.
        state: `whole`, `damaged`, `stale`: not made yet, or of fewer batches than there are now;
            or `left over`: half-written by somebody who was killed, and read by nobody.
        reason: what is wrong with it.
        files: what has to go for a build to make it again.
    """

    part: str
    state: State
    reason: str = ""
    files: tuple[str, ...] = ()

    @property
    def maker(self) -> str:
        """The command that makes it again."""
        is_seen = self.part.startswith(_OF_PICTURES)
        return "atlas examples" if is_seen else "atlas build"


def verify(store: Store) -> Iterator[Finding]:
    """Read everything and compare it with its digests.

    Args:
        store: the atlas.

    Yields:
        What was found, part by part, as it is read.
    """
    for table in tables(store):
        for section in table.records.sections():
            yield from _records(table, section)
            yield from batches(table, table.records.of(section))
    yield _index(store)
    names = [mosaics.WHOLE, *(section.name for section in store.provenance.available_sections())]
    yield from (_mosaic(store, name) for name in names)
    yield from _examples(store)
    yield from _page(store)
    for name in store.folder.leftovers():
        yield Finding(
            name, "left over", "half-written: its writer was killed, or is at it", (name,)
        )


def repair(store: Store, findings: Iterable[Finding]) -> None:
    """Take away what is damaged or left over; the next build makes again what is missing then."""
    for finding in findings:
        for name in finding.files:
            store.folder.delete(name)


def batches(table: Table, records: Sequence[Record]) -> Iterator[Finding]:
    """Read the chunks of records, several at once."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        for record, reason in zip(records, threads.map(table.check, records), strict=True):
            name = table.records.name(record.section, record.chunk)
            part = name.removeprefix("records/").removesuffix(".json")
            yield Finding(part, "damaged", reason, (name,)) if reason else Finding(part, "whole")


def drop_damaged(store: Store) -> list[Finding]:
    """Find batches that changed since they were last whole, and take back those that are damaged.

    Returns:
        The damaged ones.
    """
    trusted = _trusted(store)
    found = []
    for table, records, stamps in _stamped(store):
        known = [trusted.get(_key(table, record)) for record in records]
        pairs = zip(records, stamps, known, strict=True)
        changed = [record for record, stamp, before in pairs if stamp != before]
        found += [finding for finding in batches(table, changed) if finding.state == "damaged"]
    repair(store, found)
    return found


def trust(store: Store) -> None:
    """Note how the chunks of everything that is committed lie there, as whole."""
    stamps: dict[str, str] = {}
    for table, records, found in _stamped(store):
        keys = [_key(table, record) for record in records]
        stamps |= zip(keys, found, strict=True)
    if stamps != _trusted(store):
        store.folder.write_json(_TRUST, seal({"stamps": stamps}))


def distrust(store: Store) -> None:
    """Forget what was found whole, so that the next build reads all: decay leaves no mark."""
    store.folder.delete(_TRUST)


def _trusted(store: Store) -> Mapping[str, str]:
    try:
        with sealed(store.folder, _TRUST) as found:
            stamps = found["stamps"]
    except (OSError, DamageError):
        return {}  # everything is read once more
    return stamps if isinstance(stamps, dict) else {}


def tables(store: Store) -> list[Table]:
    """Everything that batches are committed to."""
    return [store, *responses.tables(store), *seen.tables(store), Crops(store)]


def _stamped(store: Store) -> Iterator[tuple[Table, list[Record], list[str]]]:
    """The records of every section of every table, and how their chunks lie on the disk."""
    for table in tables(store):
        for section in table.records.sections():
            records = table.records.of(section)
            yield table, records, table.stamps(section, records)


def _key(table: Table, record: Record) -> str:
    """A record, and what it says."""
    name = table.records.name(record.section, record.chunk)
    return f"{name} {digest(dict(record.sha256))[:16]}"


def _records(table: Table, section: str) -> Iterator[Finding]:
    """The records of a section that are damaged."""
    place = f"{table.records.place}/{section}"
    known = {table.records.name(section, r.chunk) for r in table.records.of(section)}
    for file in table.folder.files(place):
        name = f"{place}/{file}"
        if file.endswith(".json") and name not in known:
            yield Finding(name, "damaged", "it does not match its own digest", (name,))


def _index(store: Store) -> Finding:
    try:
        noted = index.notes(store.folder)
        frame = index.read(store.folder)
    except FileNotFoundError:
        return Finding(index.NAME, "stale", "it is not there yet")
    except DamageError as error:
        return Finding(index.NAME, "damaged", str(error), (index.NAME,))
    if index.identity(frame) != noted["identity"]:
        return Finding(index.NAME, "damaged", "its rows are not those it names", (index.NAME,))
    if noted["state"] != index.state_of(store):
        return Finding(index.NAME, "stale", "the atlas has changed since")
    return Finding(index.NAME, "whole")


def _mosaic(store: Store, section: str | None) -> Finding:
    name = mosaics.name_of(section)
    try:
        mosaics.read_map(store, section)
    except FileNotFoundError:
        return Finding(name, "stale", "it is not there yet")
    except DamageError as error:
        return Finding(name, "damaged", str(error), (name, mosaics.map_of(section)))
    return Finding(name, "whole")


def _examples(store: Store) -> Iterator[Finding]:
    """What was found in pictures, where any were looked at."""
    for name in (strongest.BEST_NAME, strongest.SPREAD_NAME):
        try:
            parquet.notes(store.folder, name)
        except FileNotFoundError:
            continue
        except DamageError as error:
            yield Finding(name, "damaged", str(error), (name,))
        else:
            yield Finding(name, "whole")


def _page(store: Store) -> Iterator[Finding]:
    """The page, where one was written."""
    try:
        found = site.damaged(store)
    except FileNotFoundError:
        return
    for name, reason in found.items():
        yield Finding(name, "damaged", reason, (name,))
    if not found:
        yield Finding(site.NAME, "whole")

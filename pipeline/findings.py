"""Every file of an atlas folder, and how it is.

| what a file is | files | wrong or gone |
| --- | --- | --- |
| stored and sealed | root, directions, records, the chunks they commit, list of pictures | a loss |
| derived | metadata of groups and arrays, index, mosaics, what pictures tell, page | a loss |
| the user's own words | notes | a loss: `notes` |
| a cache | `whole.json`, `failures.json`, `build.lock` | written anew |
| left over | half-written, committed by nobody, of an earlier page | read by nobody |
| foreign | all others | not the atlas's: left alone |

The next build makes again what is lost. `docs/design.md` has the whole table.
"""

import concurrent.futures
import functools
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.errors import DamageError
from pipeline.examples import seen, strongest
from pipeline.examples.across import Across
from pipeline.examples.crops import Crops
from pipeline.explore import circuits, index, names, notes, responses
from pipeline.plan.batches import Batch, missing_batches
from pipeline.publish import site
from pipeline.sheets import mosaics
from pipeline.store import ledger, parquet
from pipeline.store.folder import is_half_written
from pipeline.store.records import FAILURES, Record, is_named
from pipeline.store.seal import sealed
from pipeline.store.store import LOCK, ROOT, Store
from pipeline.store.table import Rows, Table
from pipeline.truth import features, kept, verdicts

TOLD = (strongest.BEST_NAME, strongest.SPREAD_NAME, names.NAME, verdicts.NAME)
"""The tables of what pictures tell."""
_OF_PICTURES = (
    "examples/", "crops/", "across/", "truth/cuttings/", "truth/pictures/", features.LIST, *TOLD,
)  # fmt: skip
State = Literal["whole", "damaged", "lost", "stale", "left over", "foreign"]
_ALTERED, _CHANGED = "it is not as it was written", "the atlas has changed since"
_CHUNK = re.compile(r"(.*)/c/[0-9]+(/0)*", re.DOTALL)
_LOOKED = re.compile(r"(atlas\.zarr/)?truth/((cuttings|pictures)/.+|zarr\.json)", re.DOTALL)
_MOSAIC = re.compile(r"mosaics/[^/]+\.(png|json)", re.DOTALL)


@dataclass(frozen=True)
class Finding:
    """A part of an atlas, and how it is.

    Attributes:
        part: a batch, as in `mixed4/000012`, or a file of the atlas folder.
        state: `whole`, `damaged`, `lost`: it was there when the atlas was last whole; `stale`: not
            made yet, or of fewer batches than there are now; `left over`: read by nobody, as what
            somebody who was killed left half-written; or `foreign`: not the atlas's.
        reason: what is wrong with it.
        files: what has to go for a build to make it again.
    """

    part: str
    state: State
    reason: str = ""
    files: tuple[str, ...] = ()

    @property
    def is_loss(self) -> bool:
        """Whether something is not as it was."""
        return self.state in ("damaged", "lost")

    @property
    def maker(self) -> str:
        """The command that makes it again."""
        is_seen = self.part.startswith(_OF_PICTURES)
        return "atlas examples" if is_seen else "atlas build"


@dataclass(frozen=True)
class Shelf:
    """A section of a table.

    Attributes:
        table: the table.
        section: the section.
        batches: all that the section is to have, if it is made at once.
    """

    table: Table
    section: Rows
    batches: Sequence[Batch[Any]]

    @property
    def most(self) -> int | None:
        """Rows that its arrays may have: an atlas that grew unit by unit has a batch for each."""
        return sum(batch.size * len(batch.units) for batch in self.batches) or None

    def strange(self) -> list[str]:
        """The files of its metadata that are not as they should be; none before it is begun."""
        begun = self.table.folder.has(f"{self.table.arrays.folder_of(self.section.name)}/zarr.json")
        first = self.batches[:1] if begun else ()
        return self.table.strange(self.section, first, self.most)

    def prepare(self) -> None:
        """Write its metadata anew, where that is needed."""
        if self.strange():
            self.table.prepare(self.section, self.batches[:1], self.most)


def of(store: Store) -> Iterator[Finding]:
    """Read everything and compare it with its digests, and name what is not the atlas's.

    Yields:
        What was found, part by part, as it is read.
    """
    yield from _Look(store).findings()


def tables(store: Store) -> list[Table]:
    """Everything that batches are committed to."""
    return [
        store,
        *responses.tables(store),
        *circuits.tables(store),
        kept.Kept(store),
        *seen.tables(store),
        Crops(store),
        Across(store),
        *features.tables(store),
    ]


def shelves(store: Store) -> Iterator[Shelf]:
    """Every section of every table of an atlas."""
    known = store.provenance
    sections = known.available_sections()
    planned = {
        s.name: missing_batches(s, {}, known.batch_size, known.render.group) for s in sections
    }
    pictures = seen.tables(store)
    looked = features.known(store)
    faces, of_pictures = features.pictures_of(store, looked), (Crops(store), Across(store))
    for table in [store, *responses.tables(store), kept.Kept(store), *of_pictures, *faces]:
        yield from (Shelf(table, section, planned[section.name]) for section in sections)
    for traced in circuits.tables(store):
        yield from (
            Shelf(traced, s, planned[s.name])
            for s in sections
            if any(map(traced.concerns, s.units))
        )
    for table in pictures:
        yield Shelf(table, seen.PILE, ())
    for cut in features.cuttings_of(store, looked):
        yield Shelf(cut, features.PILE, ())


def batches(table: Table, records: Sequence[Record]) -> Iterator[Finding]:
    """Read the chunks of records, several at once."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        for record, reason in zip(records, threads.map(table.check, records), strict=True):
            name = table.records.name(record.section, record.chunk)
            part = name.removeprefix("records/").removesuffix(".json")
            yield Finding(part, "damaged", reason, (name,)) if reason else Finding(part, "whole")


def records(table: Table, section: str) -> Iterator[Finding]:
    """The records of a section that are damaged."""
    place = f"{table.records.place}/{section}"
    known = {table.records.name(section, record.chunk) for record in table.records.of(section)}
    for file in table.folder.files(place):
        name = f"{place}/{file}"
        if is_named(file) and name not in known:
            yield Finding(name, "damaged", "it does not match its own digest", (name,))


class _Look:
    """One look at an atlas folder.

    Attributes:
        store: the atlas.
        folder: its folder.
        there: the names of the files that are there.
        ledger: what was there when it was last whole.
        told: files that are the atlas's, whether they are there or not.
        gone: files that are said to be gone.
        arrays: the folders of its arrays.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.folder = store.folder
        self.there = set(store.folder.walk())
        self.ledger = ledger.known(store.folder)
        self.told = {ROOT, LOCK, *store.directions}
        self.gone: set[str] = set()
        self.arrays: set[str] = set()

    def findings(self) -> Iterator[Finding]:
        """All of them."""
        if not self.store.is_noted():
            yield Finding(ROOT, "damaged", _ALTERED)
        yield from (self._wrong(name, _ALTERED) for name in self.store.altered())
        shelved = {(s.table.records.place, s.section.name): s for s in shelves(self.store)}
        for table in tables(self.store):
            place = table.records.place
            names = [section for there, section in shelved if there == place]
            for section in dict.fromkeys([*names, *table.records.sections()]):
                yield from self._section(table, section, shelved.get((place, section)))
        yield self._sheet(index.NAME, parquet.seal_of(index.NAME), self._index)
        sections = [section.name for section in self.store.provenance.available_sections()]
        for name in (mosaics.WHOLE, *sections):
            read = functools.partial(mosaics.read_map, self.store, name)
            yield self._sheet(mosaics.name_of(name), mosaics.map_of(name), read)
        yield from self._circuits()
        yield from self._examples()
        yield from self._notes()
        yield from self._page()
        yield from self._caches()
        yield from self._lost()
        yield from self._others()

    def _section(self, table: Table, section: str, shelf: Shelf | None) -> Iterator[Finding]:
        """A section's metadata, records and chunks."""
        arrays = {file.rpartition("/c/")[0] for file in table.arrays.files_of(section, 0)}
        self.arrays |= arrays
        documents = table.arrays.documents(section)
        strange = shelf.strange() if shelf else []
        yield from (self._wrong(name, _ALTERED) for name in strange if name not in self.told)
        self.told.update(documents)
        for finding in records(table, section):
            self.told.update(finding.files)
            yield finding
        committed = table.records.of(section)
        for record in committed:
            self._tell(table, section, record.chunk)
        if not arrays & {name.rpartition("/")[0] for name in strange}:  # else none can be read
            yield from batches(table, committed)

    def _tell(self, table: Table, section: str, chunk: int) -> None:
        self.told.add(table.records.name(section, chunk))
        self.told.update(table.arrays.files_of(section, chunk))

    def _wrong(self, name: str, reason: str, files: tuple[str, ...] = ()) -> Finding:
        """What is said of a file that is not as it was."""
        if name in self.there:
            return Finding(name, "damaged", reason, files)
        self.gone.add(name)
        return Finding(name, "lost", "it is gone", files)

    def _sheet(self, name: str, seal: str, read: Callable[[], object]) -> Finding:
        """A file that is made of what is committed, and its seal; `read` says what it lacks."""
        self.told.update((name, seal))
        try:
            lacks = read()
        except FileNotFoundError:
            gone = {name, seal} - self.there
            if not {name, seal} & (self.there | set(self.ledger.files)):
                return Finding(name, "stale", "it is not there yet")
            self.gone |= gone
            return Finding(name, "lost", f"gone: {', '.join(sorted(gone))}", (name, seal))
        except (OSError, DamageError) as error:
            return Finding(name, "damaged", str(error), (name, seal))
        return Finding(name, "stale", lacks) if isinstance(lacks, str) else Finding(name, "whole")

    def _index(self) -> str | None:
        """What the index lacks. Raises as `index.notes`."""
        noted, frame = index.notes(self.folder), index.read(self.folder)
        if index.identity(frame) != noted["identity"]:
            raise DamageError("its rows are not those it names")
        return None if noted["state"] == index.state_of(self.store) else _CHANGED

    def _circuits(self) -> Iterator[Finding]:
        """What units are built from, where that was measured."""
        for name in (circuits.MEANS, circuits.EDGES):
            finding = self._sheet(name, parquet.seal_of(name), functools.partial(self._of, name))
            if finding.state != "stale" or name in self.there:
                yield finding

    def _of(self, name: str) -> str | None:
        """What a file of circuits lacks. Raises as `parquet.notes`."""
        noted = parquet.notes(self.folder, name)["state"]
        return None if noted == circuits.state_of_file(self.store, name) else _CHANGED

    def _examples(self) -> Iterator[Finding]:
        """What was found in pictures, where any were looked at."""
        found = [
            self._sheet(
                name, parquet.seal_of(name), functools.partial(parquet.notes, self.folder, name)
            )
            for name in TOLD
        ]
        for name in (seen.LIST, features.LIST):
            found.append(self._sheet(name, name, functools.partial(self._list, name)))
        yield from (finding for finding in found if finding.state != "stale")

    def _notes(self) -> Iterator[Finding]:
        """The user's notes, where there are any; nothing takes them away."""
        self.told.add(notes.NAME)
        if not {notes.NAME} & (self.there | set(self.ledger.files)):
            return
        try:
            notes.read(self.folder)
        except (OSError, DamageError) as error:
            yield Finding(notes.NAME, "damaged", str(error))
            return
        is_there = notes.NAME in self.there
        yield Finding(notes.NAME, "whole") if is_there else self._wrong(notes.NAME, "")

    def _list(self, name: str) -> None:
        """Raise where a list of pictures is damaged or not there."""
        with sealed(self.folder, name):
            pass

    def _page(self) -> Iterator[Finding]:
        """The page, where one was written."""
        self.told.update((site.SEAL, site.NAME))
        try:
            expected = site.noted(self.folder)
        except (OSError, DamageError) as error:
            if {site.SEAL, site.NAME} & (self.there | set(self.ledger.files)):
                yield self._wrong(site.SEAL, str(error), (site.SEAL,))
            self.told.update(filter(site.is_of_page, self.there | set(self.ledger.files)))
            return
        self.told.update(expected)
        wrong = site.damaged(self.folder, expected)
        yield from (self._wrong(name, reason, (name,)) for name, reason in wrong.items())
        if not wrong:
            yield Finding(site.NAME, "whole")

    def _caches(self) -> Iterator[Finding]:
        """What a build notes for the next one."""
        noted = self.store.records.failures_noted
        caches = ((ledger.NAME, lambda: ledger.read(self.folder)), (FAILURES, noted))
        for name, read in caches:
            self.told.add(name)
            try:
                read()
            except FileNotFoundError:
                continue
            except (OSError, DamageError) as error:
                yield Finding(name, "damaged", str(error), (name,))
        if ledger.NAME not in self.there and index.NAME in self.there:
            yield Finding(ledger.NAME, "stale", "it is not there: what is lost may not be seen")

    def _lost(self) -> Iterator[Finding]:
        """What was there when the atlas was last whole, and is not."""
        of = {table.records.place: table for table in tables(self.store)}
        for name in sorted(self.ledger.names() - self.there - self.gone):
            place, _, rest = name.rpartition("/")
            top, _, section = place.rpartition("/")
            if top in of and is_named(rest):
                self._tell(of[top], section, int(rest.removesuffix(".json")))
            if not site.is_of_page(name):  # which the page's own list says
                yield Finding(name, "lost", "it was there when the atlas was last whole")

    def _others(self) -> Iterator[Finding]:
        """What is there beside all that."""
        for name in sorted(self.there - self.told):
            chunk = _CHUNK.fullmatch(name)
            if is_half_written(name):
                reason = "half-written: its writer was killed, or is at it"
            elif chunk and chunk[1] in self.arrays:
                reason = "no record commits it: its writer was killed, or is at it"
            elif site.is_of_page(name):
                reason = "an earlier page showed it"
            elif _LOOKED.fullmatch(name):
                reason = "it is of a judge, of layers or of photographs that are no longer asked"
            elif _MOSAIC.fullmatch(name):
                reason = "it is of a section that the atlas no longer has"
            else:
                yield Finding(name, "foreign", "the atlas knows nothing of it, and leaves it alone")
                continue
            yield Finding(name, "left over", reason, (name,))

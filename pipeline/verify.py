"""Whether an atlas is whole, and what makes it so: chunks against records, records against seals.

A build looks at what has changed on the disk since it was last found whole, and `atlas verify` at
everything. What damaged a batch does not matter: its record is dropped, which makes it missing.
"""

import contextlib
from collections.abc import Iterable, Iterator

from pipeline import findings
from pipeline.errors import AtlasFolderError, DamageError
from pipeline.examples import seen
from pipeline.explore import circuits, index, notes
from pipeline.findings import Finding
from pipeline.plan.identity import digest
from pipeline.plan.provenance import Provenance
from pipeline.publish import site
from pipeline.sheets import mosaics
from pipeline.store import ledger, parquet
from pipeline.store.folder import Folder
from pipeline.store.ledger import Ledger
from pipeline.store.records import FAILURES, Record
from pipeline.store.seal import sealed
from pipeline.store.store import ROOT, Store
from pipeline.store.table import Table
from pipeline.truth import features


def verify(store: Store) -> Iterator[Finding]:
    """Read everything and compare it with its digests, part by part. See `findings`."""
    return findings.of(store)


def repair(store: Store, found: Iterable[Finding]) -> None:
    """Take away what is damaged or left over; the next build makes again what is missing then."""
    gone = {name for finding in found for name in finding.files}
    for name in sorted(gone):
        store.folder.delete(name)
    known = ledger.known(store.folder)
    stamps = {key: at for key, at in known.stamps.items() if _record_of(key) not in gone}
    files = {name: at for name, at in known.files.items() if name not in gone}
    if ledger.NAME not in gone and store.folder.has(ledger.NAME):
        ledger.write(store.folder, Ledger(stamps, files, known.config_hash))
    mend(store)


def mend(store: Store) -> None:
    """Write metadata of groups and arrays anew where it is not as it was; chunks stay."""
    if not store.is_noted() or store.altered():
        Store.create(store.folder, store.provenance)
    for shelf in findings.shelves(store):
        shelf.prepare()


def restore(folder: Folder, provenance: Provenance) -> None:
    """Write anew what an atlas is made of, where that is lost and its records are not.

    Raises:
        AtlasFolderError: it was built by another configuration, or nothing says by which.
    """
    built_by = _config_hash(folder)
    if built_by != provenance.config_hash:
        why = "is another" if built_by else "may be another: nothing there says which it was"
        raise AtlasFolderError(
            f"{folder}/{ROOT} is lost, and the configuration that the atlas was built by {why}: "
            "build with that one, its `units` and all, or into another folder (-o DIR)"
        )
    Store.create(folder, provenance)


def _config_hash(folder: Folder) -> str:
    """The hash of the configuration that a folder's atlas was built by; empty if nobody knows."""
    try:
        with sealed(folder, parquet.seal_of(index.NAME)) as noted:
            return str(noted["config_hash"])
    except (OSError, DamageError):
        return ledger.known(folder).config_hash


def drop_damaged(store: Store) -> list[Finding]:
    """Find what changed since it was last whole, and take back what is damaged.

    Metadata is mended first, since nothing is read without it.

    Returns:
        The damaged batches, records, and files of the page.
    """
    mend(store)
    known = ledger.known(store.folder)
    found: list[Finding] = []
    for table, records, stamps in _stamped(store):
        before = [known.stamps.get(_key(table, record)) for record in records]
        pairs = zip(records, stamps, before, strict=True)
        changed = [record for record, stamp, old in pairs if stamp != old]
        found += [f for f in findings.batches(table, changed) if f.state == "damaged"]
    for table in findings.tables(store):
        for section in table.records.sections():
            found += findings.records(table, section)
    found += _altered(store.folder, known)
    for name in {name for finding in found for name in finding.files}:
        store.folder.delete(name)
    return found


def _altered(folder: Folder, known: Ledger) -> Iterator[Finding]:
    """The files of the page that are damaged, of those that changed."""
    try:
        noted = site.noted(folder)
    except (OSError, DamageError):
        return  # it is written anew
    stamps = folder.stamps(site.FOLDER, noted)
    changed = [name for name, at in stamps.items() if at and known.files.get(name) != digest(at)]
    for name, reason in site.damaged(folder, {name: noted[name] for name in changed}).items():
        yield Finding(name, "damaged", reason, (name,))


def trust(store: Store) -> None:
    """Note how everything that is committed, and made of it, lies there, as whole."""
    ledger.write(store.folder, _held(store))


def note(store: Store) -> None:
    """Note what is there now; what was not found whole before is read by the next build."""
    before, now = ledger.known(store.folder), _held(store)
    stamps = {key: before.stamps.get(key, "") for key in now.stamps}
    files = {name: before.files.get(name, "") for name in now.files}
    ledger.write(store.folder, Ledger(stamps, files, now.config_hash))


def distrust(store: Store) -> None:
    """Note nothing as whole, so that the next build reads all: decay leaves no mark."""
    known = ledger.known(store.folder)
    if store.folder.has(ledger.NAME):
        stamps, files = dict.fromkeys(known.stamps, ""), dict.fromkeys(known.files, "")
        ledger.write(store.folder, Ledger(stamps, files, known.config_hash))


def _held(store: Store) -> Ledger:
    """What is there, and how it lies there."""
    stamps: dict[str, str] = {}
    for table, records, found in _stamped(store):
        stamps |= zip((_key(table, record) for record in records), found, strict=True)
    sections = [section.name for section in store.provenance.available_sections()]
    sheets = [mosaics.name_of(name) for name in (mosaics.WHOLE, *sections)]
    seals = [mosaics.map_of(name) for name in (mosaics.WHOLE, *sections)]
    tables = (index.NAME, circuits.MEANS, circuits.EDGES, *findings.TOLD)
    names = [*sheets, *seals, *tables, *map(parquet.seal_of, tables)]
    names += [seen.LIST, features.LIST, FAILURES, notes.NAME]
    with contextlib.suppress(OSError, DamageError):  # no page is written
        names += [site.SEAL, *site.noted(store.folder)]
    found_files = store.folder.stamps("", names)
    files = {name: digest(at) for name, at in found_files.items() if at}
    return Ledger(stamps, files, store.provenance.config_hash)


def _stamped(store: Store) -> Iterator[tuple[Table, list[Record], list[str]]]:
    """The records of every section of every table, and how their chunks lie on the disk."""
    for table in findings.tables(store):
        for section in table.records.sections():
            records = table.records.of(section)
            yield table, records, table.stamps(section, records)


def _key(table: Table, record: Record) -> str:
    """A record, and what it says."""
    name = table.records.name(record.section, record.chunk)
    return f"{name} {digest(dict(record.sha256))[:16]}"


def _record_of(key: str) -> str:
    """The record of a key."""
    return key.rpartition(" ")[0]

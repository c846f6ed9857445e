"""Tests of findings: every kind of file of an atlas folder, with every fault."""

import itertools
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import atlases
import pytest

from pipeline import verify
from pipeline.examples import seen, strongest
from pipeline.explore import index
from pipeline.plan.batches import Batch, Section
from pipeline.publish import site
from pipeline.sheets import mosaics
from pipeline.store.records import FAILURES, Failure
from pipeline.store.store import ROOT, Store

FAULTS: dict[str, Callable[[Path], object]] = {
    "flipped": lambda path: path.write_bytes(_flipped(path.read_bytes())),
    "short": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "deleted": lambda path: path.unlink(),
    "emptied": lambda path: path.write_bytes(b""),
}
UNSEEN = {("whole.json", "deleted")}
"""What is only noted for the next build: its want is told of, and no loss."""


def _flipped(content: bytes) -> bytes:
    place = len(content) // 2
    return content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished atlas of two batches, with all that an atlas can hold, and pictures beside it."""
    place = tmp_path_factory.mktemp("finished")
    (place / "pictures").mkdir()
    made = Store.create(place / "atlas", atlases.provenance("mixed2:0-4", snapshots=1))
    made.records.note_failures([Failure("mixed2/000001", ("mixed2:4",), "it died")])
    build(made, place / "pictures")
    return place


@pytest.fixture
def pictures(finished: Path) -> Path:
    return finished / "pictures"


@pytest.fixture
def store(finished: Path, tmp_path: Path) -> Store:
    """A copy of that atlas."""
    made = Store.open(shutil.copytree(finished / "atlas", tmp_path / "atlas"))
    assert states(made) == {"whole"}
    return made


def build(store: Store, pictures: Path) -> None:
    """What `atlas build` and `atlas examples` do with an atlas, without Luigi and TensorFlow."""
    store.records.note_failures([])
    verify.drop_damaged(store)
    atlases.commit(store)
    atlases.measure(store)
    atlases.keep(store)
    if not store.folder.has(seen.LIST) or not strongest.is_current(store) or _unseen(store):
        atlases.show(store, pictures, ["a.png", "b.png"])
    if not index.is_current(store):
        index.refresh(store)
    for name in (mosaics.WHOLE, *(s.name for s in store.provenance.sections())):
        if not mosaics.is_current(store, name, 16):
            mosaics.draw(store, name, 16)
    if not site.is_current(store):
        site.write(store)
    site.tidy(store.folder)
    verify.trust(store)


def _unseen(store: Store) -> bool:
    tables = verify.findings.tables(store)
    return any(seen.pending(store, seen.tables(store))) or bool(store.pending([tables[-1]]))


def states(store: Store) -> set[str]:
    return {finding.state for finding in verify.verify(store)}


def _kinds(store: Store) -> dict[str, Path]:
    """A file of each kind, by a name in which numbers and digests are left out."""
    found: dict[str, Path] = {}
    for name in store.folder.walk():
        kind = re.sub(r"[0-9a-f]{20}|\d{6}|(?<=/c/)\d+", "…", name)
        found.setdefault(kind, store.folder.path / name)
    return found


def _rounds(store: Store) -> list[dict[str, bytes]]:
    """A file of each kind, with its content, in groups of files that say nothing of each other."""
    families: dict[str, list[str]] = {}
    for kind, path in _kinds(store).items():
        family = re.split(r"[./]", kind.removeprefix("atlas.zarr/"))[0].replace("mixed2", "records")
        families.setdefault(family, []).append(str(path.relative_to(store.folder.path)))
    alone = [{name} for name in (*families.pop("zarr"), *families.pop("whole"))]
    together = [set(names) - {None} for names in itertools.zip_longest(*families.values())]
    return [{name: store.folder.read(name) for name in names} for names in (*alone, *together)]


def _told(store: Store) -> list[tuple[str, ...]]:
    """The files and batches that are damaged or lost, finding by finding."""
    return [(f.part, *f.files) for f in verify.verify(store) if f.is_loss]


def _names(name: str) -> set[str]:
    """What a loss of a file goes by: the file, or the batch of a chunk."""
    chunk = re.fullmatch(r"atlas\.zarr/(.*)/\w+/c/(\d+)(/0)*", name)
    return {name} if not chunk else {f"{chunk[1]}/{int(chunk[2]):06d}"}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_kind_of_file(store: Store, pictures: Path, fault: str) -> None:
    """Each is told of, by its own name or its batch's, and no other is; a build mends them all."""
    rounds = _rounds(store)
    assert sum(map(len, rounds)) > 50
    for contents in rounds:
        if ROOT in contents and fault != "flipped":
            continue  # nothing can be opened
        for name in contents:
            FAULTS[fault](store.folder.path / name)
        told = _told(store)
        for name in contents:
            hits = [names for names in told if _names(name) & set(names)]
            assert len(hits) == ((name, fault) not in UNSEEN), (name, told)
            told = [names for names in told if names not in hits]
        assert told == []
        for name, content in contents.items():
            store.folder.write_bytes(name, content)
    assert states(store) == {"whole"}
    for names in rounds:
        for name in names.keys() - {ROOT}:
            FAULTS[fault](store.folder.path / name)
    build(store, pictures)
    assert states(store) == {"whole"}
    assert {name for names in rounds for name in names} - {FAILURES} <= set(store.folder.walk())


def test_what_is_not_the_atlass_is_named_and_left_alone(store: Store) -> None:
    foreign = [".DS_Store", "records/mixed2/1.json", "records/mixed2/notes.txt",
               "records/²²².json", "responses/other/mixed2/000000.json", "site/CNAME"]  # fmt: skip
    left = ["atlas.zarr/mixed2/images/c/7/0/0/0", "mosaics/gone.png", "records/mixed2/.new-x",
            "site/data/0123.js"]  # fmt: skip
    for name in (*foreign, *left):
        store.folder.write_bytes(name, b"{}")
    found = [finding for finding in verify.verify(store) if finding.state != "whole"]
    assert [f.part for f in found if f.state == "foreign"] == foreign
    assert [f.part for f in found if f.state == "left over"] == left
    assert len(found) == len(foreign) + len(left)
    verify.repair(store, found)
    assert set(foreign) <= set(store.folder.walk())
    assert states(store) == {"whole", "foreign"}


def test_a_stray_record_goes_with_the_next_build(store: Store, pictures: Path) -> None:
    """One of another batch is damaged where it lies, and nobody would ever write it anew."""
    content = store.folder.read("records/mixed2/000001.json")
    store.folder.write_bytes("records/mixed2/000009.json", content)
    assert _told(store) == [("records/mixed2/000009.json",) * 2]
    build(store, pictures)
    assert states(store) == {"whole"}


def test_what_was_replaced_or_taken_away_on_purpose_is_no_loss(store: Store) -> None:
    verify.repair(store, [verify.Finding("x", "damaged", "", ("records/mixed2/000001.json",))])
    assert "lost" not in states(store)
    for table in seen.tables(store):
        table.clear()
    assert "lost" in states(store)
    verify.note(store)
    assert "lost" not in states(store)


def test_a_refreshed_page_leaves_nothing_behind(store: Store, pictures: Path) -> None:
    for patterns in (("mixed2:0-5",), ("mixed2:0-5", "mixed2:0@1,1")):
        known = atlases.provenance(*patterns, snapshots=1)
        store = Store.create(store.folder, known)
        build(store, pictures)
        shown = {name.removeprefix("site/") for name in site.noted(store.folder)}
        there = {name.removeprefix("site/") for name in store.folder.walk() if "site/" in name}
        assert there == shown
    assert states(store) == {"whole"}


def test_an_atlas_that_grew_by_parts_of_batches_is_whole(tmp_path: Path) -> None:
    """Each growth begins a batch, so that there are more than if all were built at once."""
    for patterns in (("mixed2:0-2",), ("mixed2:0-4",), ("mixed2:all",)):
        store = Store.create(tmp_path, atlases.provenance(*patterns, batch_size=2))
        for most in (0, None):  # as a build that was killed as it began, and one that was not
            atlases.commit(store, most)
            assert [found for found in verify.verify(store) if found.is_loss] == []
            assert all(map(store.has_room, *zip(*_missing(store), strict=True)))
            verify.mend(store)
            assert all(map(store.has_room, *zip(*_missing(store), strict=True)))


def _missing(store: Store) -> list[tuple[Section, list[Batch]]]:
    return [(section, store.missing(section)) for section in store.provenance.sections()]

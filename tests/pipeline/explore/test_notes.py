"""A user's own words on units: kept, shown, and never lost."""

import json
from pathlib import Path

import atlases
import pytest

from pipeline import Atlas, verify
from pipeline.errors import AtlasFolderError, ConfigError, DamageError, MissingError, UnitError
from pipeline.explore import index, notes
from pipeline.publish import site
from pipeline.store import lock
from pipeline.store.folder import LocalFolder
from pipeline.store.store import Store


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    """A finished atlas with its index and page."""
    made = atlases.provenance("mixed2:0-5", "-mixed2:1", "mixed2:0@1,2")
    store = atlases.commit(Store.create(tmp_path / "atlas", made))
    index.refresh(store)
    site.write(store)
    verify.trust(store)
    return Atlas(store)


def _file(atlas: Atlas) -> Path:
    assert isinstance(atlas.folder, LocalFolder)
    return atlas.folder.path / notes.NAME


def _data(atlas: Atlas) -> str:
    """What the page knows."""
    folder = atlas.folder
    return "".join(folder.read(n).decode() for n in site.noted(folder) if "/data/" in n)


def test_noting_writes_the_page_that_writing_all_of_it_does(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Store, "read", None)  # no batch is looked at
        atlas.annotate({"mixed2:3": "left </script>"}, {"mixed2:1": "eyes"})
    assert site.is_current(atlas._store)
    files = site.noted(atlas.folder)
    site.write(atlas._store)
    assert site.noted(atlas.folder) == files


def test_a_page_that_cannot_be_read_is_written_whole(atlas: Atlas) -> None:
    name, _ = site.known(atlas.folder)
    atlas.folder.write_bytes(f"{site.FOLDER}/{name}", b"atlasData({")
    atlas.note("mixed2:3", "left")
    assert site.is_current(atlas._store)
    assert "left" in _data(atlas)
    assert site.damaged(atlas.folder, site.noted(atlas.folder)) == {}


def test_a_note_is_in_the_index_and_on_the_page_at_once(atlas: Atlas) -> None:
    digest = atlas.provenance.fingerprint.digest
    identity = index.notes(atlas.folder)["identity"]
    assert atlas.note("mixed2:3") == ""
    assert atlas.note("mixed2:3", " curves,\n left ") == "curves, left"
    atlas.note("-mixed2:1", "Köpfe </script>")
    assert atlas.notes == {"-mixed2:1": "Köpfe </script>", "mixed2:3": "curves, left"}
    assert index.is_current(atlas._store)
    assert site.is_current(atlas._store)
    assert "curves, left" in _data(atlas)
    assert atlas.row("mixed2:3")["note"] == "curves, left"
    assert list(atlas.query("note:curves")["unit"]) == ["mixed2:3"]
    assert list(atlas.query("note.notna()")["unit"]) == ["mixed2:3", "-mixed2:1"]
    assert list(atlas.query("köpfe")["unit"]) == ["-mixed2:1"]
    assert "curves, left" in atlas["mixed2:3"]._repr_html_()
    reopened = Atlas.open(atlas.folder)
    assert reopened.provenance.fingerprint.digest == digest
    assert index.notes(atlas.folder)["identity"] == identity == index.identity(reopened.index)
    wrong = [f.part for f in verify.verify(atlas._store) if f.state != "whole"]
    assert [part for part in wrong if "mosaic" not in part] == []
    atlas.note("mixed2:3", "")
    assert atlas.notes == {"-mixed2:1": "Köpfe </script>"}
    assert atlas.query("note:curves").empty


def test_an_index_that_is_behind_gets_it_with_the_next_build(tmp_path: Path) -> None:
    made = atlases.provenance("mixed2:0-5")
    store = atlases.commit(Store.create(tmp_path / "atlas", made), most=1)
    atlas = Atlas(store)
    atlas.note("mixed2:5", "not built yet")
    assert not store.folder.has(index.NAME)
    assert atlas.row("mixed2:5")["note"] == "not built yet"
    atlases.commit(store)
    index.refresh(store)
    assert atlas.row("mixed2:5")["note"] == "not built yet"


def test_what_cannot_be_writes_nothing(atlas: Atlas) -> None:
    before = {name: atlas.folder.read(name) for name in atlas.folder.walk()}
    with pytest.raises(UnitError, match="mixed9"):
        atlas.note("mixed9:1", "x")
    with pytest.raises(MissingError, match="mixed4:1 is not in the atlas's configuration"):
        atlas.annotate({"mixed2:1": "fine", "mixed4:1": "x"})
    with pytest.raises(ConfigError, match=r"up to 5,000 characters, this one has 5,001: 'xxx"):
        atlas.note("mixed2:1", "x" * 5001)
    with (
        lock.held(atlas.folder),
        pytest.raises(AtlasFolderError, match="is being built by process"),
    ):
        atlas.note("mixed2:1", "x")
    assert {n: atlas.folder.read(n) for n in before if n != "build.lock"} == {
        name: content for name, content in before.items() if name != "build.lock"
    }
    assert not atlas.folder.has(notes.NAME)


def test_a_note_on_a_unit_that_the_atlas_no_longer_names_stays(atlas: Atlas) -> None:
    atlas.note("mixed2:5", "the last")
    fewer = Store.create(atlas.folder, atlases.provenance("mixed2:0-2"))
    index.refresh(fewer)
    Atlas(fewer).note("mixed2:0", "the first")
    assert Atlas(fewer).notes == {"mixed2:0": "the first", "mixed2:5": "the last"}


def test_a_note_on_a_unit_that_the_atlas_no_longer_names_can_be_taken_away(atlas: Atlas) -> None:
    atlas.note("mixed2:5", "the last")
    fewer = Atlas(Store.create(atlas.folder, atlases.provenance("mixed2:0-2")))
    assert fewer.note("mixed2:5") == "the last"
    assert fewer.note("mixed2:5", "") == ""
    assert fewer.notes == {}
    with pytest.raises(MissingError, match=r"mixed2:5 is not in the atlas's configuration"):
        fewer.note("mixed2:5", "again")


@pytest.mark.parametrize("then", ["a build", "a note"])
@pytest.mark.parametrize("content", [None, b"", b"{", b'{"notes": 3}'])
def test_a_lost_or_damaged_file_is_told_and_made_again(
    atlas: Atlas, content: bytes | None, then: str
) -> None:
    atlas.note("mixed2:3", "curves")
    if content is None:
        _file(atlas).unlink()
    else:
        _file(atlas).write_bytes(content)
    [found] = [f for f in verify.verify(atlas._store) if f.state != "whole" and f.is_loss]
    state = "lost" if content is None else "damaged"
    assert (found.part, found.state, found.maker) == (notes.NAME, state, "atlas build")
    verify.repair(atlas._store, list(verify.verify(atlas._store)))
    assert _file(atlas).is_file() == (content is not None)
    if then == "a build":
        assert not index.is_current(atlas._store)
        index.refresh(atlas._store)
    else:
        atlas.note("mixed2:1", "more")
    assert atlas.note("mixed2:3") == "curves"


def test_what_is_written_by_hand_is_taken_as_it_is(atlas: Atlas) -> None:
    atlas.note("mixed2:3", "curves")
    plain = json.loads(_file(atlas).read_text())
    plain["notes"]["mixed2:3"] = "curves, by hand"
    _file(atlas).write_text(json.dumps(plain))
    index.refresh(atlas._store)
    assert atlas.note("mixed2:3") == "curves, by hand"
    assert atlas.row("mixed2:3")["note"] == "curves, by hand"


def test_what_nothing_can_mend_is_left_alone(tmp_path: Path) -> None:
    store = atlases.commit(Store.create(tmp_path / "atlas", atlases.provenance("mixed2:0-5")))
    (tmp_path / "atlas" / notes.NAME).write_text("{")
    index.refresh(store)
    assert (tmp_path / "atlas" / notes.NAME).read_text() == "{"
    with pytest.raises(DamageError, match=r"notes\.json in .* is damaged"):
        Atlas(store).note("mixed2:1", "x")
    assert (tmp_path / "atlas" / notes.NAME).read_text() == "{"


def test_notes_are_exported_without_formulas(atlas: Atlas, tmp_path: Path) -> None:
    atlas.note("mixed2:3", "-1+1")
    atlas.export("csv", tmp_path / "index.csv")
    assert ",'-1+1" in (tmp_path / "index.csv").read_text()

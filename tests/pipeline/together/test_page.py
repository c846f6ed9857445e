"""Tests of the folder that the page of several atlases is."""

import re
from pathlib import Path

import pairs as made
import pytest

from pipeline import Atlas
from pipeline.errors import MissingError
from pipeline.publish import site
from pipeline.store.folder import LocalFolder
from pipeline.together import page
from pipeline.together.opened import opened


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    return made.before_and_after(tmp_path_factory.mktemp("together"))


def files(folder: Path) -> dict[str, tuple[int, int]]:
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {str(p.relative_to(folder)): (p.stat().st_ino, p.stat().st_mtime_ns) for p in found}


def test_a_folder_is_written_once_and_leads_to_each_own_page(
    names: tuple[str, str], tmp_path: Path
) -> None:
    said = page.write(opened([*names, "gone"]), LocalFolder(tmp_path))
    assert said[0] == "gone is left out: there is no atlas that can be read"
    assert (tmp_path / "before/site/index.html").is_file()
    text = (tmp_path / "index.html").read_text()
    assert "connect-src" not in text
    assert re.search(r"<title>Atlas of before and after</title>", text)
    assert not (Path(names[0]) / "site").exists()  # nothing is written into the atlas
    everything = "".join(p.read_text() for p in tmp_path.rglob("*.js"))
    assert str(Path(names[0]).parent) not in everything + text
    before = files(tmp_path)
    page.write(opened([*names, "gone"]), LocalFolder(tmp_path))
    after = files(tmp_path)
    kept = {name for name in before if re.search(r"/(images|thumbs|sheets)/|^(data|page)/", name)}
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}


def test_what_changed_is_written_again_and_what_is_stale_goes(tmp_path: Path) -> None:
    names = made.before_and_after(tmp_path)
    out = tmp_path / "out"
    told: list[str] = []
    page.write(opened(names), LocalFolder(out), tell=told.append)
    assert told == ["before", "after"]
    data = set((out / "data").iterdir())
    for note in ("one", "two"):
        Atlas.open(names[1]).note("mixed2:1", note)
        page.write(opened(names), LocalFolder(out))
    assert not data & set((out / "data").iterdir())
    assert any("note_after" in p.read_text() for p in (out / "data").iterdir())


def test_pages_that_are_there_are_not_written(names: tuple[str, str], tmp_path: Path) -> None:
    found = opened(names)
    homes = {}
    for side in found.sides:
        homes[side.key] = LocalFolder(tmp_path / side.key)
        site.write(side.store, into=homes[side.key])
    page.write(found, LocalFolder(tmp_path / "out"), beside=homes)
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        "data", "page", "index.html", "together.json",
    }  # fmt: skip
    (tmp_path / "before/site/data/now.js").write_text("atlasNow(3)")
    with pytest.raises(MissingError, match="the page of before cannot be read"):
        page.write(found, LocalFolder(tmp_path / "new"), beside=homes)


def test_a_page_takes_pictures_from_the_one_beside_the_atlas(tmp_path: Path) -> None:
    store = made.write(tmp_path / "atlas", patterns=("mixed2:0-3",))
    site.write(store)
    site.write(store, into=LocalFolder(tmp_path / "out"))
    shown = {name: site.noted(LocalFolder(tmp_path / n)) for n, name in (("atlas", 1), ("out", 2))}
    assert shown[1] == shown[2]
    name = next(n for n in shown[1] if "/images/" in n)
    (tmp_path / "atlas" / name).write_bytes(b"damaged")
    site.write(store, into=LocalFolder(tmp_path / "again"))
    assert site.damaged(LocalFolder(tmp_path / "again"), shown[1]) == {}

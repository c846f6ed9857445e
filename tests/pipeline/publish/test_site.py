"""Tests of the page's files: what is written, what is left, and that no text becomes markup."""

import base64
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sites
from PIL import Image

from pipeline import Atlas
from pipeline.errors import DamageError
from pipeline.examples.crops import SIZE
from pipeline.explore import index
from pipeline.plan.provenance import Provenance
from pipeline.publish import site, site_images
from pipeline.store.folder import LocalFolder
from pipeline.store.seal import seal
from pipeline.store.store import Store

Make = Callable[..., Provenance]
Build = Callable[..., Store]


def data_of(folder: Path) -> dict:
    """What a page knows from the start."""
    page = (folder / site.NAME).read_text(encoding="utf-8")
    [name] = re.findall(r'src="(data/[^"]+)"', page)
    return called(folder / site.FOLDER / name, "atlasData")


def called(path: Path, function: str) -> dict:
    text = path.read_text(encoding="ascii")
    assert text.startswith(f"{function}(")
    return json.loads(text[len(function) + 1 :].rstrip()[:-1])


def files(folder: Path) -> dict[str, int]:
    root = folder / site.FOLDER
    found = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.stat().st_mtime_ns for path in found}


@pytest.fixture
def store(tmp_path: Path, make_provenance: Make, build: Build) -> Store:
    return build(tmp_path / "atlas", make_provenance("mixed2:0-5", "mixed4:1", "logits:1"))


@pytest.fixture
def folder(store: Store) -> Path:
    assert isinstance(store.folder, LocalFolder)
    return store.folder.path


def test_the_page_names_files_that_are_there(store: Store, folder: Path) -> None:
    site.write(store)
    page = (folder / site.NAME).read_text(encoding="utf-8")
    named = re.findall(r'(?:src|href)="([\w/]+\.\w+)"', page)
    assert len(named) == 3
    data = data_of(folder)
    for batch in data["batches"]:
        named += [
            batch["sheet"],
            batch["details"],
            *(f"images/{name}" for name in batch["images"]),
            *(f"thumbs/{thumb_of(name)}" for name in batch["images"]),
        ]
    assert set(named) | {"index.html", "data/now.js"} == set(files(folder))


def thumb_of(name: str) -> str:
    """The thumbnail of an image's file."""
    return name.replace(".png", ".webp")


def test_the_data_is_the_index(store: Store, folder: Path) -> None:
    site.write(store)
    columns = data_of(folder)["columns"]
    frame = Atlas(store).index
    assert set(columns) == set(frame.columns) - {"image_sha256"}
    for name, column in columns.items():
        assert expanded(column, len(frame)) == [
            None
            if pd.isna(value)
            else pytest.approx(value)
            if column_is_number(frame, name)
            else value
            for value in frame[name]
        ]


def expanded(column: dict, rows: int) -> list:
    """The values of a column."""
    if "codes" in column:
        return [column["names"][code] for code in json.loads(column["codes"])]
    if "floats" in column:
        numbers = np.frombuffer(base64.b64decode(column["floats"]), "<f4")
        return [None if np.isnan(one) else float(one) for one in numbers]
    return json.loads(column["values"]) if "values" in column else [column["all"]] * rows


def column_is_number(frame: pd.DataFrame, name: str) -> bool:
    return pd.api.types.is_numeric_dtype(frame[name])


def test_pictures_show_the_stored_images(store: Store, folder: Path) -> None:
    site.write(store)
    atlas = Atlas(store)
    for batch in data_of(folder)["batches"]:
        sheet = Image.open(folder / site.FOLDER / batch["sheet"])
        for place, unit in enumerate(batch["units"]):
            image = atlas.image(unit).astype(float)
            with Image.open(folder / site.FOLDER / "images" / batch["images"][place]) as picture:
                assert picture.size == image.shape[:2]
                assert np.array_equal(picture, image)
            row, column = divmod(place, batch["columns"])
            tile = site_images.SMALL
            box = (column * tile, row * tile, (column + 1) * tile, (row + 1) * tile)
            assert abs(np.asarray(sheet.crop(box)).mean() - image.mean()) < 8
            colour = bytes.fromhex(batch["colours"])[3 * place : 3 * place + 3]
            assert np.allclose(list(colour), image.mean(axis=(0, 1)), atol=1)


def test_details_tell_of_each_unit(tmp_path: Path) -> None:
    sites.write(tmp_path / "atlas")
    data = data_of(tmp_path / "atlas")
    root, atlas = tmp_path / "atlas" / site.FOLDER, Atlas.open(tmp_path / "atlas")
    for batch in data["batches"]:
        told = called(root / batch["details"], "atlasDetails")
        assert list(told) == batch["units"]
        for unit, details in told.items():
            assert details["trajectory"] == pytest.approx(atlas.trajectory(unit).tolist())
            assert len(details["nearest"]) == len(details["nearest_distance"]) == 10
            with Image.open(root / details["film"]) as film:
                assert film.n_frames == 2  # the made-up snapshots are equal
            with Image.open(root / details["examples"]["file"]) as strip:
                assert strip.size == (15 * SIZE, SIZE)
            items = details["examples"]["items"]
            order = [*range(9), 9, 12, 14, 21, 22, 23]
            turned = [23 - number for number in order]
            expected = turned if unit.startswith("-") else order
            assert [one["name"] for one in items] == [f"{n} {sites.HARM}.png" for n in expected]
            activations = [one["activation"] for one in items]
            assert sorted(activations, reverse=not unit.startswith("-")) == activations
            for one in items:
                with Image.open(root / one["whole"]) as whole:
                    assert whole.size == (12, 8)


def test_an_atlas_without_measurements_has_none(store: Store, folder: Path) -> None:
    site.write(store)
    [batch, *_] = data_of(folder)["batches"]
    told = called(folder / site.FOLDER / batch["details"], "atlasDetails")
    assert set(told[batch["units"][0]]) == {
        "image_sha256", "trajectory", "file_sha256"
    }  # fmt: skip


def test_thumbnails_stand_beside_large_images(
    tmp_path: Path, make_provenance: Make, build: Build
) -> None:
    folder = tmp_path / "large"
    site.write(build(folder, make_provenance("mixed2:0-5", "mixed4:1", size=200)))
    data = data_of(folder)
    for name in (name for batch in data["batches"] for name in batch["images"]):
        with Image.open(folder / site.FOLDER / "thumbs" / thumb_of(name)) as thumb:
            assert thumb.size == (site_images.THUMB,) * 2


# Text is never markup ---------------------------------------------------------------------------


class Elements(HTMLParser):
    """The elements of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts: list[dict[str, str | None]] = []
        self.images = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "script":
            self.scripts.append(dict(attrs))
        self.images += tag == "img"


def test_names_stay_text(tmp_path: Path) -> None:
    page = sites.write(tmp_path / "atlas")
    found = Elements(page.read_text(encoding="utf-8"))
    assert found.images == 0
    assert [set(script) for script in found.scripts] == [{"defer", "src"}] * 2
    for path in (page.parent / "data").iterdir():
        text = path.read_bytes()
        assert text.isascii()
        assert b"<" not in text
    assert sites.HARM in json.dumps(data_of(tmp_path / "atlas"), ensure_ascii=False).replace(
        '\\"', '"'
    )


def test_the_page_asks_for_nothing_from_outside(tmp_path: Path) -> None:
    page = sites.write(tmp_path / "atlas")
    text = page.read_text(encoding="utf-8")
    assert "default-src 'none'" in text
    assert "unsafe" not in text
    for path in [page, *(page.parent / "page").iterdir()]:
        addresses = set(re.findall(r"https?://[^\s\"'`)]+", path.read_text(encoding="utf-8")))
        assert addresses <= {"http://www.w3.org/2000/svg"}


def test_no_path_of_this_machine_is_told(tmp_path: Path) -> None:
    page = sites.write(tmp_path / "atlas")
    for path in page.parent.rglob("*.js"):
        assert str(tmp_path) not in path.read_text(encoding="utf-8")


# What is there is left --------------------------------------------------------------------------


def test_what_is_there_is_not_written_again(
    tmp_path: Path, make_provenance: Make, build: Build
) -> None:
    folder, made = tmp_path / "atlas", make_provenance("mixed2:all", "mixed4:all")
    site.write(build(folder, made, most=1))
    first = files(folder)
    assert data_of(folder)["counts"] == {"done": 8, "missing": 8}
    site.write(build(folder, made))
    second = files(folder)
    assert data_of(folder)["counts"] == {"done": 16}
    kept = {name for name in first if name.startswith(("images", "sheets", "page", "data"))}
    changed = {name for name in kept if second.get(name) != first[name]}
    assert changed == {"data/now.js"}
    assert second["index.html"] != first["index.html"]


def test_committed_images_are_not_even_read_again(store: Store, folder: Path) -> None:
    site.write(store)
    before = files(folder)
    for path in (folder / "atlas.zarr").glob("*/images/c/*/0/0/0"):
        path.write_bytes(b"damaged")
    site.write(store)
    assert files(folder).keys() == before.keys()
    with pytest.raises(DamageError, match="images of batch"):
        store.read(store.records.of("mixed2")[0], "images")


def test_what_two_pages_ago_showed_is_deleted(store: Store, folder: Path) -> None:
    site.write(store)
    first = set(files(folder))
    store.records.drop(store.records.of("mixed4")[0])
    site.write(store)
    assert first <= set(files(folder))  # somebody may have the first page open
    site.write(store)
    noted = json.loads((folder / "site.json").read_text())["files"]
    assert {*noted, "index.html", "data/now.js"} == set(files(folder))
    assert not first <= set(files(folder))


def test_a_page_is_current_until_something_changes(store: Store, folder: Path) -> None:
    assert not site.is_current(store)
    site.write(store)
    assert site.is_current(Store.open(folder))
    store.records.drop(store.records.of("mixed4")[0])
    assert not site.is_current(store)


@pytest.mark.parametrize("name", ["site/index.html", "site.json"])
def test_a_page_that_was_cut_short_is_written_again(store: Store, folder: Path, name: str) -> None:
    site.write(store)
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[:-9])
    assert not site.is_current(store)
    site.write(store)
    assert site.is_current(store)
    assert (folder / name).read_bytes() == whole


@pytest.mark.parametrize(
    "note",
    [{}, {"state": 1}, {"files": []}, {"colours": []}, {"files": {"../x": ""}, "colours": {"": 1}}],
)
def test_a_note_that_was_made_up_is_no_harm(store: Store, folder: Path, note: dict) -> None:
    site.write(store)
    plain = json.loads((folder / "site.json").read_text())
    plain.pop("self")
    changed = seal({**plain, **note} if note else {})
    (folder / "site.json").write_text(json.dumps(changed))
    assert not site.is_current(store)
    site.write(store)
    assert site.is_current(store)


@pytest.mark.parametrize("kind", ["page", "data", "images", "sheets"])
def test_a_file_that_is_gone_is_written_again(store: Store, folder: Path, kind: str) -> None:
    site.write(store)
    before = files(folder)
    next(path for path in (folder / "site" / kind).iterdir() if path.name != "now.js").unlink()
    assert not site.is_current(store)
    site.write(store)
    assert site.is_current(store)
    assert set(files(folder)) == set(before)


def test_a_damaged_image_is_named(store: Store, folder: Path) -> None:
    chunk = folder / "atlas.zarr/mixed4/images/c/0/0/0/0"
    chunk.write_bytes(chunk.read_bytes()[:-1] + b"!")
    with pytest.raises(DamageError, match="images of batch mixed4/000000"):
        site.write(store)


def test_the_same_atlas_gives_the_same_page(
    tmp_path: Path, make_provenance: Make, build: Build
) -> None:
    made = make_provenance("mixed2:all", "mixed4:all")
    contents = []
    for name, most in (("a", None), ("b", 1)):
        folder = tmp_path / name
        if most:
            site.write(build(folder, made, most))
        store = build(folder, made)
        index.refresh(store)
        site.write(store)
        site.write(store)  # what the page before the last showed goes
        root = folder / site.FOLDER
        contents.append({p.relative_to(root): p.read_bytes() for p in root.rglob("*.*")})
    assert contents[0] == contents[1]


def test_nothing_done_is_a_page_too(tmp_path: Path, make_provenance: Make) -> None:
    store = Store.create(tmp_path / "atlas", make_provenance("mixed2:all"))
    site.write(store)
    assert data_of(tmp_path / "atlas")["counts"] == {"missing": 6}
    assert site.is_current(store)

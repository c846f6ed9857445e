"""Tests of the user's pictures on the page: which are whole, which are alike, how many."""

import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from atlases import show
from PIL import Image

from pipeline.examples import seen
from pipeline.examples.source import Picture, stamped
from pipeline.plan.provenance import Provenance
from pipeline.publish import site, site_photographs
from pipeline.publish.site_photographs import Photographs, folded, whole
from pipeline.store.store import Store

Make = Callable[..., Provenance]
Build = Callable[..., Store]


@pytest.fixture
def shown(tmp_path: Path, make_provenance: Make, build: Build) -> Store:
    store = build(tmp_path / "atlas", make_provenance("mixed2:0-5"))
    (tmp_path / "mine").mkdir()
    show(store, tmp_path / "mine", [f"{n:02d}.png" for n in range(20)])
    return store


def _wholes(store: Store) -> list[Path]:
    return sorted((Path(str(store.folder)) / site.FOLDER / "photographs").glob("*"))


def test_whole_pictures_are_shared_and_bounded(
    shown: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.write(shown)
    assert len(_wholes(shown)) == 14  # of 20; the units share them
    assert site.photographs(shown.folder) == (True, 14)
    monkeypatch.setattr(site_photographs, "MOST", 4)
    chosen = Photographs(shown, shown.records.of("mixed2")).wholes
    assert list(chosen) == [0, 1, 2, 3]  # the strongest first


def test_a_whole_picture_is_small(shown: Store, tmp_path: Path) -> None:
    path = tmp_path / "mine/000.png"
    Image.new("RGB", (2000, 1000), "red").save(path)
    found = Photographs(shown, shown.records.of("mixed2"))
    assert found.encode(0) is None  # it is another than was seen
    seen.begin(shown, stamped(seen.listed(shown)))
    content = Photographs(shown, shown.records.of("mixed2")).encode(0)
    assert content is not None
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.size == (site_photographs.SIDE, site_photographs.SIDE // 2)


def test_pictures_that_are_gone_leave_what_is_on_the_page(shown: Store, tmp_path: Path) -> None:
    site.write(shown)
    before = {path.name: path.read_bytes() for path in _wholes(shown)}
    for path in (tmp_path / "mine").iterdir():
        path.unlink()
    site.write(shown)
    assert {path.name: path.read_bytes() for path in _wholes(shown)} == before
    for path in _wholes(shown):
        path.unlink()
    site.write(shown)
    assert _wholes(shown) == []
    assert site.is_current(shown)


def test_crops_alone_where_whole_ones_are_kept_away(shown: Store) -> None:
    site.write(shown)
    pictures = seen.listed(shown)
    seen.begin(shown, pictures, whole=False)
    assert not site.is_current(shown)
    site.write(shown)
    site.write(shown)  # what the page before the last showed goes
    assert _wholes(shown) == []
    seen.begin(shown, pictures)  # as before
    assert not seen.shows_whole(shown)
    text = json.dumps([path.read_text() for path in Path(str(shown.folder)).glob("site/data/*.js")])
    assert "photographs/" not in text
    assert str(Path(pictures[0].path).parent) not in text


def test_copies_are_folded_into_the_first_of_their_band() -> None:
    random = np.random.default_rng(0)
    base = random.integers(0, 256, (2, 64, 64, 3))
    smooth = np.repeat(np.repeat(base[:, ::16, ::16], 16, axis=1), 16, axis=2)
    near = np.clip(smooth[0] + random.normal(0, 6, smooth[0].shape), 0, 255)
    crops = [one.astype(np.uint8) for one in (smooth[0], smooth[1], near, smooth[0], near)]
    assert folded(crops, [0, 0, 0, 0, 2]) == [0, 1, 0, 0, 4]


def test_a_name_does_not_tell_where_a_picture_lies() -> None:
    one = Picture("a.png", "/home/me/a.png", stamp="1:2")
    assert whole(one) == whole(dataclasses.replace(one, path="/elsewhere/a.png"))
    assert whole(one) != whole(dataclasses.replace(one, stamp="1:3"))

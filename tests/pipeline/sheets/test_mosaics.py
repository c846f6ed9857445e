"""Tests of an atlas's mosaics: what is on which, and whether it is still right."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from atlases import ARCHITECTURE
from PIL import Image

from pipeline.errors import DamageError
from pipeline.plan.architecture import Layer
from pipeline.plan.kinds import one
from pipeline.plan.provenance import Provenance
from pipeline.sheets import mosaics
from pipeline.sheets.mosaics import WHOLE
from pipeline.store.store import Store

Make = Callable[..., Provenance]
Build = Callable[..., Store]
TILE = 8


@pytest.fixture
def store(tmp_path: Path, make_provenance: Make, build: Build) -> Store:
    """Units 0 to 3 of a section of six, and two of another."""
    return build(tmp_path, make_provenance("mixed2:0-5", "mixed4:0-1", "logits:0"), most=1)


def test_where_mosaics_are() -> None:
    assert (mosaics.name_of(WHOLE), mosaics.map_of(WHOLE)) == ("mosaic.png", "mosaic.json")
    assert mosaics.name_of("mixed4") == "mosaics/mixed4.png"
    assert mosaics.map_of("mixed4") == "mosaics/mixed4.json"


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("mixed4", ["mixed4:0", "mixed4:1"]),
        (WHOLE, [*(f"mixed2:{i}" for i in range(6)), "mixed4:0", "mixed4:1"]),
    ],
)
def test_the_map_says_where_each_image_is_drawn(
    store: Store, tmp_path: Path, section: str | None, expected: list[str]
) -> None:
    mosaics.draw(store, section, TILE)
    noted, image = mosaics.read_map(store, section), store.images()
    assert [tile["unit"] for tile in noted["tiles"]] == expected  # no class: there is no classifier
    pixels = np.asarray(Image.open(tmp_path / mosaics.name_of(section)))
    assert pixels.shape == (noted["height"], noted["width"], 3)
    for tile in noted["tiles"]:
        drawn = pixels[tile["y"] : tile["y"] + TILE, tile["x"] : tile["x"] + TILE]
        stored = image(tile["unit"])
        if stored is None:
            assert (drawn == drawn[0, 0]).all()
        else:
            np.testing.assert_array_equal(drawn, stored)


def test_a_mosaic_is_current_until_what_it_shows_changes(
    store: Store, tmp_path: Path, build: Build
) -> None:
    sections = ("mixed2", "mixed4", WHOLE)

    def current(tile: int = TILE) -> list[bool]:
        return [mosaics.is_current(store, section, tile) for section in sections]

    assert current() == [False] * 3
    for section in sections:
        mosaics.draw(store, section, TILE)
    assert current() == [True] * 3
    assert current(TILE + 1) == [False] * 3
    build(tmp_path, store.provenance)  # the rest of mixed2
    assert current() == [False, True, False]


@pytest.mark.parametrize("changes", [{"columns": 2}, {"classes": ("cat",)}])
def test_another_look_is_drawn_anew(store: Store, changes: dict[str, object]) -> None:
    mosaics.draw(store, "mixed2", TILE)
    changed = Store(store.folder, dataclasses.replace(store.provenance, **changes))
    assert mosaics.is_current(store, "mixed2", TILE)
    assert not mosaics.is_current(changed, "mixed2", TILE)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mosaics/mixed2.png", r"^mosaics/mixed2\.png is not as it was drawn$"),
        ("mosaics/mixed2.json", r"^mosaics/mixed2\.json in \S+ is damaged: "),
    ],
)
def test_damage_is_seen(store: Store, name: str, said: str) -> None:
    with pytest.raises(FileNotFoundError):
        mosaics.read_map(store, "mixed2")
    mosaics.draw(store, "mixed2", TILE)
    store.folder.write_bytes(name, store.folder.read(name)[:-9])
    assert not mosaics.is_current(store, "mixed2", TILE)
    with pytest.raises(DamageError, match=said):
        mosaics.read_map(store, "mixed2")


def _rows(provenance: Provenance, section: str | None) -> list[int]:
    """Tiles that stand side by side, row by row."""
    tiles = mosaics.plan(provenance, section, TILE).tiles
    heights = [tile.y for tile in tiles]
    return [heights.count(y) for y in dict.fromkeys(heights)]


def test_columns_are_those_of_the_sheet(make_provenance: Make) -> None:
    patterns = ("mixed2:0-5", "mixed4:0-9")
    assert _rows(make_provenance(*patterns), "mixed2") == [3, 3]
    assert _rows(make_provenance(*patterns), WHOLE) == [5, 1, 5, 5]  # as wide as of sixteen
    assert _rows(make_provenance(*patterns, columns=4), "mixed2") == [4, 2]


def test_many_tiles_are_smaller(make_provenance: Make) -> None:
    wide = {"wide": Layer("wide", 1, 10_000, 3, 3, 1)}
    made = make_provenance("wide:all", architecture=dataclasses.replace(ARCHITECTURE, layers=wide))
    assert {tile.side for tile in mosaics.plan(made, "wide", 60).tiles} == {60}
    assert {tile.side for tile in mosaics.plan(made, "wide", 96).tiles} == {80}  # 64 million pixels


@pytest.mark.parametrize(
    ("unit", "classes", "expected"),
    [
        ("mixed2:3", ("cat",), "3"),
        ("-mixed2:3#1", (), "3#1"),
        ("mixed2:3@1,2", (), "3@1,2"),
        ("deepdream:mixed4+mixed2", (), "mixed2+mixed4"),
        ("logits:1", ("cat", "dog"), "1 dog"),
        ("softmax:1#2", ("cat", "dog"), "1#2 dog"),
        ("logits:1", ("cat",), "1"),
        ("logits:0", ("", "dog"), "0"),
    ],
)
def test_labels(unit: str, classes: Sequence[str], expected: str) -> None:
    known = dataclasses.replace(ARCHITECTURE, classes=2)
    assert mosaics.label(one(unit, known), classes) == expected


def test_headings(make_provenance: Make) -> None:
    made = make_provenance("mixed2:0-5", "-mixed2:1", "mixed4:1@center", "deepdream:mixed4")
    assert [mosaics.heading(section) for section in made.sections()] == [
        "mixed2 · channels (6)",
        "mixed2 · channels · negative direction (1)",
        "mixed4 · neurons (1)",
        "DeepDream (1)",
    ]

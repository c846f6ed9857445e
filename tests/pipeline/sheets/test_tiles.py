"""Tests of mosaics: what is drawn where, and where the map says it is."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.sheets.tiles import Mosaic, Panel, describe, draw, lay_out, strips, write
from pipeline.store.folder import LocalFolder

SIDE = 20


def panel(heading: str, first: int, count: int, columns: int) -> Panel:
    return Panel(heading, [(f"u:{i}", str(i)) for i in range(first, first + count)], columns)


@pytest.fixture
def mosaic() -> Mosaic:
    return lay_out([panel("one", 0, 5, 2), panel("two", 5, 3, 3)], SIDE)


def test_tiles_lie_on_the_sheet_and_apart(mosaic: Mosaic) -> None:
    covered = np.zeros((mosaic.height, mosaic.width), int)
    for tile in mosaic.tiles:
        covered[tile.y : tile.y + SIDE, tile.x : tile.x + SIDE] += 1
    assert len(mosaic.tiles) == 8
    assert covered.max() == 1
    assert covered.sum() == 8 * SIDE**2
    assert [heading for heading, _, _ in mosaic.headings] == ["one", "two"]


def test_rows_and_panels_go_down(mosaic: Mosaic) -> None:
    places = {tile.unit: (tile.x, tile.y) for tile in mosaic.tiles}
    assert places["u:0"][1] == places["u:1"][1] < places["u:2"][1] < places["u:4"][1]
    assert places["u:0"][0] == places["u:2"][0] < places["u:1"][0]
    assert places["u:5"][1] == places["u:7"][1] > mosaic.headings[1][2] > places["u:4"][1]


def test_every_pixel_of_a_tile_is_its_unit(mosaic: Mosaic) -> None:
    for tile in mosaic.tiles:
        last = SIDE - 1
        for x, y in ((0, 0), (last, 0), (0, last), (last, last)):
            assert mosaic.unit_at(tile.x + x, tile.y + y) == tile.unit
        assert mosaic.unit_at(tile.x + SIDE, tile.y) != tile.unit
        assert mosaic.unit_at(tile.x, tile.y - 1) is None
    assert mosaic.unit_at(0, 0) is None


@pytest.mark.parametrize("side", [SIDE, 64])
def test_images_are_drawn_where_the_map_says(mosaic: Mosaic, side: int) -> None:
    colours = {tile.unit: (10 * n + 5, 200, 7 * n) for n, tile in enumerate(mosaic.tiles)}
    canvas = draw(mosaic, lambda unit: np.full((side, side, 3), colours[unit], np.uint8))
    pixels = np.asarray(canvas)
    assert canvas.size == (mosaic.width, mosaic.height)
    for tile in mosaic.tiles:
        drawn = pixels[tile.y : tile.y + SIDE, tile.x : tile.x + SIDE]
        assert (drawn == colours[tile.unit]).all()


def test_an_image_of_the_right_size_is_drawn_exactly(mosaic: Mosaic) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    pixels = np.asarray(draw(mosaic, lambda _: noise))
    tile = mosaic.tiles[3]
    assert (pixels[tile.y : tile.y + SIDE, tile.x : tile.x + SIDE] == noise).all()


def test_a_missing_tile_is_a_plain_square(mosaic: Mosaic) -> None:
    white = np.full((SIDE, SIDE, 3), 255, np.uint8)
    pixels = np.asarray(draw(mosaic, lambda unit: None if unit == "u:1" else white))
    gone, there = mosaic.tiles[1], mosaic.tiles[0]
    square = pixels[gone.y : gone.y + SIDE, gone.x : gone.x + SIDE].reshape(-1, 3)
    assert len(np.unique(square, axis=0)) == 1
    assert not (square == 255).any()
    assert tuple(square[0]) != tuple(pixels[gone.y - 1, gone.x])
    assert (pixels[there.y : there.y + SIDE, there.x : there.x + SIDE] == 255).all()


@pytest.mark.parametrize("label", ["", "7", "a name far too long to fit", "WWWWWW", "Köter …"])
def test_labels_stay_under_their_tile(label: str) -> None:
    def drawn(text: str) -> np.ndarray:
        mosaic = lay_out([Panel("", [("a", text), ("b", "")], 2)], SIDE)
        return np.asarray(draw(mosaic, lambda _: None))

    tile = lay_out([Panel("", [("a", ""), ("b", "")], 2)], SIDE).tiles[0]
    changed = (drawn(label) != drawn("")).any(axis=2)
    rows, columns = np.nonzero(changed)
    assert changed.any() == bool(label)
    assert (rows >= tile.y + SIDE).all()
    assert (columns < tile.x + SIDE + 2).all()


def test_letters_that_the_typeface_lacks_are_told_apart_from_boxes() -> None:
    def drawn(label: str, heading: str) -> np.ndarray:
        return np.asarray(draw(lay_out([Panel(heading, [("a", label)], 1)], SIDE), lambda _: None))

    np.testing.assert_array_equal(drawn("7 кот", "кот · all"), drawn("7 ???", "??? · all"))
    np.testing.assert_array_equal(drawn("7 café", ""), drawn("7 cafe", ""))


@pytest.fixture
def noise(mosaic: Mosaic) -> dict[str, np.ndarray | None]:
    """A picture of each unit of the mosaic but one."""
    random = np.random.default_rng(0)
    found = {tile.unit: random.integers(0, 256, (SIDE, SIDE, 3), np.uint8) for tile in mosaic.tiles}
    return {**found, "u:1": None}


def test_the_file_is_the_canvas(mosaic: Mosaic, noise: dict, tmp_path: Path) -> None:
    write(mosaic, noise.get, LocalFolder(tmp_path), "deep/m.png")
    with Image.open(tmp_path / "deep/m.png") as found:
        assert np.array_equal(np.asarray(found), np.asarray(draw(mosaic, noise.get)))


def test_a_strip_holds_a_row_of_tiles(mosaic: Mosaic, noise: dict) -> None:
    heights = [strip.height for strip in strips(mosaic, noise.get)]
    assert sum(heights) == mosaic.height
    assert max(heights) < 2 * SIDE + 40


def test_a_sheet_is_described(mosaic: Mosaic) -> None:
    noted = json.loads(json.dumps(describe(mosaic)))
    assert (noted["width"], noted["height"]) == (mosaic.width, mosaic.height)
    assert [tile["unit"] for tile in noted["tiles"]] == [tile.unit for tile in mosaic.tiles]
    assert noted["tiles"][0]["side"] == SIDE

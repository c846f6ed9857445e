"""Tests of cuttings: which photographs, and what is cut out of them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.examples.source import GONE, READ, Picture, stamped
from pipeline.truth.cuttings import MOST, Photograph, cut, photographs, squares


def _saved(folder: Path, name: str, pixels: np.ndarray, **more) -> Picture:
    Image.fromarray(pixels).save(folder / name)
    return replace(stamped([Picture(name, str(folder / name))])[0], **more)


@pytest.mark.parametrize(
    ("width", "height", "count"),
    [(1600, 900, 25), (900, 1600, 25), (1200, 900, 19), (600, 600, 14), (9000, 900, 25)],
)
def test_a_photograph_is_cut_into_squares_of_three_sizes(
    width: int, height: int, count: int
) -> None:
    found = squares(width, height, 128)
    assert len(found) == count <= MOST
    shorter = min(width, height)
    for left, top, right, bottom in found:
        assert right - left == pytest.approx(bottom - top)
        assert (right - left) * 3 > shorter - 1
        assert min(left, top, width - right, height - bottom) > -1e-9
    assert len(set(found)) == count


def test_a_small_picture_is_not_blown_up() -> None:
    assert len(squares(32, 32, 128)) == 1
    assert len(squares(150, 150, 128)) == 5  # halves of 75 px, but no thirds of 50
    assert len(squares(192, 192, 128)) == 14


def test_cuttings_are_of_where_they_should_be(tmp_path: Path) -> None:
    pixels = np.zeros((300, 300, 3), np.uint8)
    pixels[:100, 200:, 0] = 255  # the third square of the first row of thirds
    found, state = cut(Photograph("a", (_saved(tmp_path, "a.png", pixels),)), 50)
    assert (found.shape, found.dtype, state) == ((14, 50, 50, 3), np.uint8, READ)
    red = found[:, 5:-5, 5:-5, 0].mean(axis=(1, 2))
    assert red[7] > 250
    assert np.flatnonzero(red > 200).tolist() == [7]


def test_parts_of_one_photograph_are_its_cuttings(tmp_path: Path) -> None:
    parts = [
        _saved(tmp_path, f"{n}.png", np.full((40, 60, 3), n, np.uint8), group="one")
        for n in range(3)
    ]
    [photograph] = photographs(parts, 9, 0)
    found, state = cut(photograph, 16)
    assert (len(found), state) == (3, READ)
    assert found[:, 8, 8, 0].tolist() == [0, 1, 2]


def test_what_is_gone_is_told(tmp_path: Path) -> None:
    gone = Picture("b.png", str(tmp_path / "b.png"))
    found, state = cut(Photograph("b", (gone,)), 16)
    assert (len(found), state) == (0, GONE)
    there = _saved(tmp_path, "a.png", np.zeros((8, 8, 3), np.uint8))
    assert cut(Photograph("c", (there, gone)), 16)[1] == GONE


def test_which_are_drawn_does_not_depend_on_the_others() -> None:
    pictures = [Picture(f"{n}.png", "", group="g" if n in (4, 5) else "") for n in range(60)]
    every = photographs(pictures, 1000, 7)
    assert len(every) == 59
    some = photographs(pictures, 20, 7)
    assert len(some) == 20
    assert [p for p in every if p in some] == some  # in their order
    left = [p for p in pictures if p.id != "0.png" and p.group == ""]
    again = {p.id for p in photographs(left, 20, 7)}
    assert len({p.id for p in some} & again) >= 18
    assert {p.id for p in photographs(pictures, 20, 8)} != {p.id for p in some}


def test_a_digest_changes_with_the_file(tmp_path: Path) -> None:
    before = Photograph("a", (_saved(tmp_path, "a.png", np.zeros((8, 8, 3), np.uint8)),))
    same = Photograph("a", (replace(before.pictures[0], path="elsewhere", labels=("x",)),))
    after = Photograph("a", (replace(before.pictures[0], stamp="1:2"),))
    assert before.digest == same.digest != after.digest

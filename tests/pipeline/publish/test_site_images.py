"""Tests of the page's pictures: what they show, and that their names follow from that."""

import dataclasses
import io

import numpy as np
import pytest
from PIL import Image, ImageSequence

from pipeline.publish import site_images
from pipeline.store.records import Record

COLOURS = [(200, 30, 30), (30, 200, 30), (30, 30, 200)]
RECORD = Record("mixed2", 0, 4, ("mixed2:0", "mixed2:1"), {"snapshots": "s"}, ("aa", "bb"))


@pytest.fixture
def plain() -> np.ndarray:
    """Three images of one colour each."""
    return np.stack([np.full((64, 64, 3), colour, np.uint8) for colour in COLOURS])


def _opened(content: bytes) -> Image.Image:
    found = Image.open(io.BytesIO(content))
    assert found.format == "WEBP"
    return found


def _near(pixel: object, colour: tuple[int, ...]) -> bool:
    return bool(np.abs(np.asarray(pixel, int) - colour).max() < 12)


@pytest.mark.parametrize(("size", "side"), [(512, site_images.THUMB), (75, 75)])
def test_thumbnails_are_no_larger_than_images(size: int, side: int) -> None:
    image = np.zeros((size, size, 3), np.uint8)
    with Image.open(io.BytesIO(site_images.encode_thumb(image))) as thumb:
        assert thumb.size == (side, side)


def test_a_picture_of_other_pixels_has_another_name() -> None:
    other = dataclasses.replace(RECORD, image_sha256=("bb", "aa"))
    along = dataclasses.replace(RECORD, sha256={"snapshots": "t"})
    names = [
        site_images.image("aa"), site_images.image("bb"), site_images.thumb("aa"),
        site_images.examples("aa"), site_images.sheet(RECORD).file, site_images.sheet(other).file,
        *(site_images.film_of(record, row) for record in (RECORD, along) for row in (0, 1)),
    ]  # fmt: skip
    assert len(set(names)) == len(names)
    assert [name.endswith(".png") for name in names] == [n.startswith("images/") for n in names]
    assert all(name.endswith((".png", ".webp")) for name in names)
    moved = dataclasses.replace(RECORD, chunk=3)
    assert site_images.sheet(moved) == site_images.sheet(RECORD)


def test_a_thumbnail_has_the_name_of_its_image() -> None:
    name = site_images.image("aa").split("/")[1].replace(".png", ".webp")
    assert site_images.thumb("aa") == f"thumbs/{name}"


def test_an_image_is_of_its_size(plain: np.ndarray) -> None:
    found = Image.open(io.BytesIO(site_images.encode(plain[0, :, :32])))
    assert found.format == "PNG"
    assert found.size == (32, 64)
    assert _near(found.getpixel((16, 32)), COLOURS[0])


def test_a_sheet_goes_row_by_row(plain: np.ndarray) -> None:
    found, side = _opened(site_images.encode_sheet(plain, 2)), site_images.SMALL
    assert found.size == (2 * side, 2 * side)
    for place, colour in enumerate([*COLOURS, (0, 0, 0)]):  # the last place is empty
        row, column = divmod(place, 2)
        middle = (column * side + side // 2, row * side + side // 2)
        assert _near(found.getpixel(middle), colour), place


def test_a_strip_goes_from_left_to_right(plain: np.ndarray) -> None:
    found = _opened(site_images.encode_strip(plain))
    assert found.size == (3 * 64, 64)
    assert all(_near(found.getpixel((64 * n + 32, 32)), c) for n, c in enumerate(COLOURS))


def test_a_film_has_its_frames(plain: np.ndarray) -> None:
    film = _opened(site_images.encode_film(plain))
    frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(film)]
    assert len(frames) == 3
    assert all(_near(f.getpixel((32, 32)), c) for f, c in zip(frames, COLOURS, strict=True))


def test_mean_colours_are_six_digits_each() -> None:
    images = np.array([[[[10, 20, 30], [30, 40, 50]]], [[[255, 0, 0], [255, 0, 1]]]], np.uint8)
    assert site_images.colours(images) == "141e28" + "ff0000"

"""Pictures of every kind that people have, made here."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zarr
from PIL import Image

from pipeline.errors import ConfigError
from pipeline.examples import source
from pipeline.examples.source import FOREIGN, GONE, READ, TOO_LARGE, UNREADABLE, Picture

RED, WHITE = (255, 0, 0), (255, 255, 255)


def _picture(path: Path) -> Picture:
    return Picture(path.name, str(path))


@pytest.fixture
def halves() -> Image.Image:
    """Red on the left, blue on the right, twice as wide as high."""
    image = Image.new("RGB", (64, 32), "red")
    image.paste("blue", (32, 0, 64, 32))
    return image


def test_the_middle_square_is_taken(tmp_path: Path) -> None:
    wide = Image.new("RGB", (90, 30), "red")
    wide.paste("blue", (30, 0, 60, 30))
    wide.save(tmp_path / "a.png")
    seen, state = source.load(_picture(tmp_path / "a.png"), 16)
    assert (seen.shape, seen.dtype, state) == ((16, 16, 3), np.uint8, READ)
    assert (seen[4:12, 4:12] == (0, 0, 255)).all()


def _rotated(image: Image.Image, path: Path) -> None:
    exif = image.getexif()
    exif[0x0112] = 3  # upside down
    image.save(path, exif=exif)


MAKERS: dict[str, Callable[[Image.Image, Path], None]] = {
    "a.jpg": lambda image, path: image.save(path, quality=100),
    "a.webp": lambda image, path: image.save(path, lossless=True),
    "grey.png": lambda image, path: image.convert("L").save(path),
    "bits.png": lambda image, path: image.convert("1").save(path),
    "palette.gif": lambda image, path: image.quantize(8).save(path),
    "cmyk.jpg": lambda image, path: image.convert("CMYK").save(path, quality=100),
    "cmyk.tif": lambda image, path: image.convert("CMYK").save(path),
    "lab.tif": lambda image, path: image.convert("YCbCr").save(path),
    "alpha.png": lambda image, path: image.convert("RGBA").save(path),
    "moving.gif": lambda image, path: image.save(
        path, save_all=True, append_images=[Image.new("RGB", image.size, "green")]
    ),
}


@pytest.mark.parametrize("name", MAKERS)
def test_every_mode_is_read(halves: Image.Image, tmp_path: Path, name: str) -> None:
    MAKERS[name](halves, tmp_path / name)
    seen, state = source.load(_picture(tmp_path / name), 8)
    assert state == READ
    left, right = seen[:, 1].mean(axis=0), seen[:, 6].mean(axis=0)
    assert (
        left.sum() > right.sum()
        if name in ("grey.png",)
        else (left != right).any() or "bit" in name
    )
    if name not in ("grey.png", "bits.png"):
        np.testing.assert_allclose(left, RED, atol=12)
        np.testing.assert_allclose(right, (0, 0, 255), atol=12)


def test_a_picture_stands_as_its_exif_says(halves: Image.Image, tmp_path: Path) -> None:
    _rotated(halves, tmp_path / "a.jpg")
    seen, _ = source.load(_picture(tmp_path / "a.jpg"), 8)
    assert seen[4, 1, 2] > 200  # blue is on the left now


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.full((9, 9), 40000, np.uint16), 156),
        (np.full((9, 9), 0.5, np.float32), 128),
        (np.full((9, 9), 200.0, np.float32), 200),
    ],
)
def test_deep_greys_keep_their_brightness(
    tmp_path: Path, values: np.ndarray, expected: int
) -> None:
    Image.fromarray(values).save(tmp_path / "a.tif")
    seen, state = source.load(_picture(tmp_path / "a.tif"), 8)
    assert state == READ
    assert abs(int(seen[4, 4, 0]) - expected) <= 1


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(tmp_path / "a.png")
    assert (source.load(_picture(tmp_path / "a.png"), 8)[0] == WHITE).all()
    Image.new("LA", (8, 8), (0, 0)).save(tmp_path / "b.png")
    assert (source.load(_picture(tmp_path / "b.png"), 8)[0] == WHITE).all()


def test_what_cannot_be_read_is_black_with_its_reason(halves: Image.Image, tmp_path: Path) -> None:
    halves.save(tmp_path / "whole.png")
    content = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(content[: len(content) // 2])
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.png").touch()
    for name in ("cut.png", "text.jpg", "empty.png"):
        seen, state = source.load(_picture(tmp_path / name), 8)
        assert (state, seen.sum()) == (UNREADABLE, 0), name
    assert source.load(_picture(tmp_path / "none.png"), 8)[1] == GONE
    for size in ("17800 10001", "17900 10001"):  # refused here, and by Pillow
        (tmp_path / "large.pgm").write_text(f"P5 {size} 255\n")
        assert source.load(_picture(tmp_path / "large.pgm"), 8)[1] == TOO_LARGE
    assert set(source.REASONS) == {UNREADABLE, TOO_LARGE, GONE, FOREIGN}


def test_a_huge_picture_is_read(tmp_path: Path) -> None:
    Image.new("L", (16_000, 10_000), 7).save(tmp_path / "a.png", compress_level=1)
    seen, state = source.load(_picture(tmp_path / "a.png"), 8)
    assert (state, set(seen.ravel().tolist())) == (READ, {7})


def test_a_folder_is_searched_through(halves: Image.Image, tmp_path: Path) -> None:
    for name in ("b.png", "a/z.JPG", "a/y.webp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        halves.save(tmp_path / name)
    (tmp_path / "notes.txt").touch()
    assert [p.id for p in source.found_in(tmp_path)] == ["b.png", "a/y.webp", "a/z.JPG"]


def test_a_list_of_files(halves: Image.Image, tmp_path: Path) -> None:
    halves.save(tmp_path / "a.png")
    (tmp_path / "list.txt").write_text("a.png\n\n  gone.png \n")
    one, two = source.found_in(tmp_path / "list.txt")
    assert (one.id, two.id) == ("a.png", "gone.png")
    assert source.load(one, 4)[1] == READ
    assert source.load(two, 4)[1] == GONE


def test_a_zarr_array(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8)
    zarr.create_array(tmp_path / "all.zarr", data=values)
    found = source.found_in(tmp_path / "all.zarr")
    assert [p.id for p in found] == ["0", "1", "2"]
    np.testing.assert_array_equal(source.load(found[1], 8)[0], values[1])


def test_what_holds_no_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no picture"):
        source.found_in(tmp_path)
    with pytest.raises(ConfigError, match="is not there: expected a folder of pictures"):
        source.found_in(tmp_path / "none")
    (tmp_path / "list").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read as a list of pictures"):
        source.found_in(tmp_path / "list")
    zarr.create_array(tmp_path / "grey.zarr", data=np.zeros((2, 4, 4), np.uint8))
    with pytest.raises(ConfigError, match="expected uint8 of"):
        source.found_in(tmp_path / "grey.zarr")


def test_a_part_of_a_picture() -> None:
    square = np.full((40, 40, 3), 255, np.uint8)
    square[:20, 20:] = RED
    seen = source.crop(square, (0.5, 0.0, 1.0, 0.5), 10)
    assert seen.shape == (10, 10, 3)
    assert (seen[3:7, 3:7] == RED).all()


def test_a_large_jpeg_is_decoded_at_a_part_of_its_size(tmp_path: Path) -> None:
    wave = np.sin(np.linspace(0, 40, 1600))[None, :, None] * [90, 60, 30] + 128
    image = Image.fromarray(np.repeat(wave, 900, axis=0).astype(np.uint8))
    image.save(tmp_path / "a.png")
    image.save(tmp_path / "a.jpg", quality=95)
    whole, state = source.decoded(_picture(tmp_path / "a.jpg"), 40)
    assert state == READ
    assert whole.size == (200, 113)  # an eighth; 80 is the least
    assert source.decoded(_picture(tmp_path / "a.jpg"), 500)[0].size == (1600, 900)
    small, exact = (source.load(_picture(tmp_path / f"a.{end}"), 40)[0] for end in ("jpg", "png"))
    assert np.abs(small.astype(int) - exact).max() < 12
    assert source.decoded(_picture(tmp_path / "b.jpg"), 40) == (None, GONE)

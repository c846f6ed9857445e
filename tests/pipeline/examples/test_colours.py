"""Greys of more than 8 bits, and colours of several profiles."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, TiffImagePlugin

from pipeline.examples import source
from pipeline.examples.source import READ, RESCALED, Picture


def _load(path: Path) -> tuple[list[int], int]:
    """The greys of a picture's left and right, and its state."""
    seen, state = source.load(Picture.of(path.name, path), 16)
    return [int(seen[8, 3, 0]), int(seen[8, 12, 0])], state


def _halves(left: float, right: float, kind: type) -> np.ndarray:
    values = np.full((16, 16), left, kind)
    values[:, 8:] = right
    return values


@pytest.mark.parametrize(
    ("left", "right", "kind", "expected", "state"),
    [
        (0, 65535, np.uint16, [0, 255], READ),
        (0, 255, np.uint16, [0, 255], READ),
        (1024, 4095, np.uint16, [64, 255], RESCALED),  # 12 bits in 16
        (-1024, 3071, np.int32, [0, 255], RESCALED),  # a CT's numbers
        (0, 2**31 - 1, np.int32, [0, 255], RESCALED),
        (-1.0, 1.0, np.float32, [0, 255], RESCALED),
        (250_000.0, 255_000.0, np.float32, [0, 255], RESCALED),
        (0.0, 1.0, np.float32, [0, 255], READ),
        (51.0, 255.0, np.float32, [51, 255], READ),
        (np.nan, 1.0, np.float32, [0, 255], READ),
        (np.nan, np.inf, np.float32, [0, 255], READ),
        (-7.0, -7.0, np.float32, [0, 0], RESCALED),
    ],
)
def test_the_range_of_deep_greys(
    tmp_path: Path, left: float, right: float, kind: type, expected: list[int], state: int
) -> None:
    Image.fromarray(_halves(left, right, kind)).save(tmp_path / "a.tif")
    assert _load(tmp_path / "a.tif") == (expected, state)


@pytest.mark.parametrize(
    ("tags", "expected", "state"),
    [
        ({281: 2000}, [64, 128], READ),
        ({340: 500, 341: 1000}, [0, 255], READ),
        ({281: 700}, [125, 249], RESCALED),  # it can't be true
        ({262: 0}, [130, 6], RESCALED),  # 0 is white
    ],
)
def test_a_file_says_what_its_greys_are(
    tmp_path: Path, tags: dict[int, int], expected: list[int], state: int
) -> None:
    told = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in tags.items():
        told[tag] = value
    Image.fromarray(_halves(500, 1000, np.uint16)).save(tmp_path / "a.tif", tiffinfo=told)
    if 262 in tags:  # Pillow writes its own
        _patch_tag(tmp_path / "a.tif", 262, 0)
    assert _load(tmp_path / "a.tif") == (expected, state)


def _patch_tag(path: Path, tag: int, value: int) -> None:
    content = bytearray(path.read_bytes())
    entry = content.index(tag.to_bytes(2, "little") + (3).to_bytes(2, "little"))
    content[entry + 8 : entry + 10] = value.to_bytes(2, "little")
    path.write_bytes(content)


def _swapped() -> bytes:
    """sRGB's profile with red's and blue's primaries exchanged."""
    content = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = content.index(b"rXYZ"), content.index(b"bXYZ")
    content[red : red + 4], content[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(content).replace("sRGB".encode("utf-16-be"), "BGRs".encode("utf-16-be"))


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif", "a.webp"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_a_profile_is_turned_into_srgb(tmp_path: Path, name: str, mode: str) -> None:
    if (name, mode) in {("a.jpg", "RGBA"), ("a.jpg", "P")}:
        mode = "RGB"  # a JPEG has no other
    image = Image.new("RGB", (16, 16), (255, 0, 0)).convert(mode)
    image.save(tmp_path / name, icc_profile=_swapped())
    seen, state = source.load(Picture.of(name, tmp_path / name), 8)
    assert state == READ
    np.testing.assert_allclose(seen[4, 4], (0, 0, 255), atol=6)


def test_srgb_itself_and_a_damaged_profile_change_nothing(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (None, own, own[:200], b"none"):
        Image.fromarray(noise).save(tmp_path / "a.png", icc_profile=profile)
        seen, state = source.load(Picture.of("a.png", tmp_path / "a.png"), 16)
        assert state == READ
        np.testing.assert_array_equal(seen, noise)

"""Tests of films: every frame, in order, as long as said; and nothing left of what failed."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence, features

from pipeline.errors import ConfigError
from pipeline.sheets import film


@pytest.fixture
def frames() -> np.ndarray:
    """Five frames of noise that grows brighter."""
    noise = np.random.default_rng(0).integers(0, 60, (5, 24, 32, 3), np.uint8)
    return noise + 45 * np.arange(5, dtype=np.uint8)[:, None, None, None]


@pytest.mark.parametrize("suffix", [".webp", ".gif", ".png", ".WEBP"])
def test_a_film_has_its_frames_in_order(frames: np.ndarray, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"way{suffix}"
    film.save(frames, path)
    with Image.open(path) as found:
        assert found.format == suffix[1:].upper()
        assert (found.n_frames, found.size, found.info["loop"]) == (5, (32, 24), 0)
        shown = [(np.asarray(f.convert("RGB"), int), f.info["duration"]) for f in _frames(found)]
    assert [duration for _, duration in shown] == [100, 100, 100, 100, 1500]
    for (image, _), frame in zip(shown, frames, strict=True):
        assert abs(image.mean() - frame.mean()) < 4
    if suffix == ".png":
        np.testing.assert_array_equal([image for image, _ in shown], frames)
    assert [item.name for item in tmp_path.iterdir()] == [path.name]


def _frames(found: Image.Image) -> list[Image.Image]:
    return [frame.copy() for frame in ImageSequence.Iterator(found)]


@pytest.mark.parametrize("name", ["way.mp4", "way", "way.jpg", ".webp"])
def test_another_kind_of_file_is_refused(frames: np.ndarray, tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"expected a file that ends in \.webp, \.gif, \.png"):
        film.save(frames, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_refused(frames: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"way\.gif: there is no folder .*none"):
        film.save(frames, tmp_path / "none" / "way.gif")
    assert list(tmp_path.iterdir()) == []


def test_a_film_that_fails_leaves_the_old_one(
    frames: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "way.webp"
    path.write_bytes(b"old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OSError, match="No space left"):
        film.save(frames, path)
    assert [item.name for item in tmp_path.iterdir()] == ["way.webp"]
    assert path.read_bytes() == b"old"


def test_without_webp_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "check", lambda _: False)
    with pytest.raises(ConfigError, match=r"expected a file that ends in"):
        film.check(tmp_path / "way.webp")
    film.check(tmp_path / "way.gif")

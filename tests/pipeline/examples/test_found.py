"""What is found in a folder, and what is said of the rest."""

import os
from pathlib import Path

import numpy as np
import pytest
import zarr
from PIL import Image

from pipeline.errors import ConfigError
from pipeline.examples import source
from pipeline.examples.source import FOREIGN, READ, Picture


def _jpeg(path: Path) -> None:
    Image.new("RGB", (8, 8), "red").save(path, "JPEG")


def test_no_picture_is_skipped_without_a_word(tmp_path: Path) -> None:
    for name in ("a.jfif", "b.JPE", "c", "d.heic", "e.dng"):
        _jpeg(tmp_path / name)
    (tmp_path / "d.heic").write_bytes(b"\0\0\0\x18ftypheic")
    (tmp_path / "notes.txt").touch()
    (tmp_path / "LICENSE").write_text("free")
    (tmp_path / ".DS_Store").touch()
    (tmp_path / "more").mkdir()
    _jpeg(tmp_path / "more/f.jpg")
    (tmp_path / "linked").symlink_to(tmp_path / "more")
    found = source.found_in(tmp_path)
    assert [p.id for p in found] == ["a.jfif", "b.JPE", "c", "d.heic", "e.dng", "more/f.jpg"]
    states = [source.load(picture, 4)[1] for picture in found]
    assert states == [READ, READ, READ, FOREIGN, READ, READ]
    assert source.passed_over(tmp_path) == [".DS_Store", "LICENSE", "linked", "notes.txt"]


def test_a_list_may_begin_with_a_bom(tmp_path: Path) -> None:
    _jpeg(tmp_path / "a.jpg")
    (tmp_path / "list.txt").write_text("a.jpg\n", encoding="utf-8-sig")
    [one] = source.found_in(tmp_path / "list.txt")
    assert (one.id, source.load(one, 4)[1]) == ("a.jpg", READ)


def test_what_is_like_a_source_and_none_is_told(tmp_path: Path) -> None:
    for name in ("a.jpg", "b"):
        _jpeg(tmp_path / name)
        with pytest.raises(ConfigError, match=r"is a single picture: expected.*name the folder"):
            source.found_in(tmp_path / name)
    group = zarr.create_group(tmp_path / "group.zarr")
    group.create_array("cats", data=np.zeros((2, 4, 4, 3), np.uint8))
    with pytest.raises(ConfigError, match=r"is a Zarr group, of cats: name an array in it"):
        source.found_in(tmp_path / "group.zarr")
    zarr.create_array(tmp_path / "two.zarr", data=np.zeros((2, 4, 4, 3), np.uint8), zarr_format=2)
    with pytest.raises(ConfigError, match=r"is of Zarr 2: expected.*Zarr 3"):
        source.found_in(tmp_path / "two.zarr")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/notes.txt").touch()
    with pytest.raises(ConfigError, match=r"holds no picture.*1 others are passed over, notes.txt"):
        source.found_in(tmp_path / "other")


def test_a_stamp_is_of_size_and_time(tmp_path: Path) -> None:
    _jpeg(tmp_path / "a.jpg")
    [before] = source.found_in(tmp_path)
    assert before.stamp
    assert source.stamped([before]) == [before]
    os.utime(tmp_path / "a.jpg", ns=(1, 1))
    assert source.stamped([before]) != [before]
    (tmp_path / "a.jpg").unlink()
    assert [p.stamp for p in source.stamped([before, Picture("x", "a\0b")])] == ["", ""]

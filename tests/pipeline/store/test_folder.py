"""Tests of folders: files that are whole or not there."""

import json
from pathlib import Path
from typing import IO

import pytest

from pipeline.store.folder import write_atomically
from pipeline.store.place import at


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    for content in (b"old", b"new"):
        write_atomically(path, lambda file, content=content: file.write(content))
        assert path.read_bytes() == content
    assert [item.name for item in path.parent.iterdir()] == ["file"]


def test_a_failing_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fill(file: IO[bytes]) -> None:
        file.write(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, fill)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_is_canonical(tmp_path: Path) -> None:
    folder = at(tmp_path)
    folder.write_json("1", {"b": [1], "a": "é"})
    folder.write_json("2", {"a": "é", "b": [1]})
    assert folder.read("1") == folder.read("2")
    assert json.loads(folder.read("1")) == {"a": "é", "b": [1]}

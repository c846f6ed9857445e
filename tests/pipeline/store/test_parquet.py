"""Tests of sealed Parquet files: what is written is read, and damage is seen."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import DamageError
from pipeline.store import parquet
from pipeline.store.folder import Folder
from pipeline.store.place import at

NAME = "deep/table.parquet"
PARTS = [
    pd.DataFrame({"name": ["a"], "weight": [1.5], "near": [None]}, index=[7]),
    pd.DataFrame({"name": ["b", "c"], "weight": [0.5, 2.0], "near": [["a", "c"], []]}),
]


def _write(folder: Folder, note: str = "new") -> None:
    lists = {"near": pa.list_(pa.string())}
    parquet.write(folder, NAME, PARTS, lambda: {"state": note}, lists)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder with a table in it."""
    _write(at(tmp_path))
    return at(tmp_path)


def test_parts_are_one_frame(folder: Folder) -> None:
    found = parquet.read(folder, NAME)
    assert list(found.columns) == ["name", "weight", "near"]  # no index
    assert found["name"].tolist() == ["a", "b", "c"]
    assert found["weight"].tolist() == [1.5, 0.5, 2.0]
    assert [None if near is None else list(near) for near in found["near"]] == [
        None, ["a", "c"], [],
    ]  # fmt: skip


def test_a_list_has_its_type_where_the_first_part_has_none(folder: Folder, tmp_path: Path) -> None:
    file = pq.ParquetFile(tmp_path / NAME)
    assert file.schema_arrow.field("near").type == pa.list_(pa.string())
    assert file.num_row_groups == 2


def test_notes_are_in_the_seal_and_in_the_file(folder: Folder, tmp_path: Path) -> None:
    assert parquet.notes(folder, NAME) == {"state": "new"}
    metadata = pq.ParquetFile(tmp_path / NAME).metadata.metadata
    assert metadata[b"channel_atlas.state"] == b"new"


def test_notes_are_asked_for_once_all_is_written(tmp_path: Path) -> None:
    written: list[int] = []

    def parts() -> Iterator[pd.DataFrame]:
        for part in PARTS:
            written.append(len(part))
            yield part[["name"]]

    parquet.write(at(tmp_path), NAME, parts(), lambda: {"rows": str(sum(written))})
    assert parquet.notes(at(tmp_path), NAME) == {"rows": "3"}


def test_equal_frames_with_equal_notes_give_equal_bytes(folder: Folder, tmp_path: Path) -> None:
    other, changed = at(tmp_path / "other"), at(tmp_path / "changed")
    for place, note in ((other, "new"), (changed, "old")):
        place.begin()
        _write(place, note)
    for name in (NAME, "deep/table.json"):
        assert folder.read(name) == other.read(name)
        assert folder.read(name) != changed.read(name)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (NAME, r"^deep/table\.parquet in \S+ is not as it was written$"),
        ("deep/table.json", r"^deep/table\.json in \S+ is damaged: it does not match"),
    ],
)
def test_damage_is_seen(folder: Folder, name: str, said: str) -> None:
    content = folder.read(name)
    folder.write_bytes(name, content.replace(b"state", b"stale"))
    assert folder.read(name) != content
    for ask in (parquet.notes, parquet.read):
        with pytest.raises(DamageError, match=said):
            ask(folder, NAME)


@pytest.mark.parametrize("name", [NAME, "deep/table.json"])
def test_a_file_that_is_gone(folder: Folder, name: str) -> None:
    folder.delete(name)
    with pytest.raises(FileNotFoundError):
        parquet.read(folder, NAME)

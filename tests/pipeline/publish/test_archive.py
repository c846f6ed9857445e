"""Tests of exports that are one file."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from atlases import ARCHITECTURE, show
from folders import Noting

from pipeline import Atlas, findings
from pipeline.plan.provenance import Provenance
from pipeline.publish import formats
from pipeline.store.store import Store


def test_a_spreadsheet_reads_the_index(explored: Store, tmp_path: Path) -> None:
    formats.export(explored, "csv", tmp_path / "i.csv")
    content = (tmp_path / "i.csv").read_bytes()
    assert content.startswith(b"unit,kind,layer,")  # no mark: the first column has its name
    frame, expected = pd.read_csv(io.BytesIO(content)), Atlas.open(explored.folder).index
    assert list(frame["unit"]) == list(expected["unit"])
    assert list(frame.columns) == list(expected.columns)
    assert frame["nearest"][0].split() == list(expected["nearest"][0])
    assert [float(d) for d in frame["nearest_distance"][0].split()] == pytest.approx(
        list(expected["nearest_distance"][0]), rel=1e-3
    )


def test_a_spreadsheet_runs_nothing(
    tmp_path: Path, make_provenance: Callable[..., Provenance]
) -> None:
    from dataclasses import replace

    from pipeline.plan.architecture import Architecture

    classifier = Architecture("small", 8, ARCHITECTURE.layers, 3)
    made = replace(
        make_provenance("logits:0-2"),
        architecture=classifier,
        classes=("=HYPERLINK(1)", "-1+cmd|' /C calc'!A0", "dog"),
    )
    formats.export(Store.create(tmp_path / "atlas", made), "csv", tmp_path / "i.csv")
    names = list(pd.read_csv(tmp_path / "i.csv")["class_name"])
    assert names == ["'=HYPERLINK(1)", "'-1+cmd|' /C calc'!A0", "dog"]


def test_an_archive_holds_the_whole_atlas(explored: Store, tmp_path: Path) -> None:
    explored.folder.write_bytes("build.lock", b"")
    explored.folder.write_bytes("records/mixed2/.new-1", b"half")
    formats.export(explored, "zip", tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        archive.extractall(tmp_path / "out")
    assert names == sorted(names)
    assert not any("build.lock" in name or ".new-" in name for name in names)
    there = Atlas.open(tmp_path / "out" / "atlas")
    np.testing.assert_array_equal(
        there.image("mixed2:3"), Atlas.open(explored.folder).image("mixed2:3")
    )
    assert there.index.equals(Atlas.open(explored.folder).index)
    assert len(there.similar("mixed2:3")) == 10


def test_equal_folders_give_equal_archives(explored: Store, tmp_path: Path) -> None:
    import os
    import shutil

    copy = shutil.copytree(explored.folder.path, tmp_path / "copy")
    for path in copy.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o700)
    formats.export(explored, "zip", tmp_path / "a.zip")
    formats.export(Store.open(copy), "zip", tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_what_commits_is_listed_before_what_is_committed(explored: Store, tmp_path: Path) -> None:
    """Chunks that a build writes meanwhile do no harm; a record without its chunks would."""
    show(explored, tmp_path, ["a.png", "b.png"])
    folder = Noting(explored.folder.path)
    formats.export(Store.open(folder), "zip", tmp_path / "a.zip")
    listed = folder.listed
    first_chunks = next(i for i, under in enumerate(listed) if under.startswith("atlas.zarr"))
    places = {table.records.place for table in findings.tables(explored)}
    assert {place.partition("/")[0] for place in places} == {
        "records", "responses", "circuits", "truth", "examples", "crops", "across"
    }  # fmt: skip
    for place in places:
        assert any(under.startswith(f"{place}/") for under in listed[:first_chunks]), place

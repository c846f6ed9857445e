"""Tests of exports, each read again by what it was written for."""

import io
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from atlases import ARCHITECTURE, measure
from PIL import Image

from pipeline import Atlas
from pipeline.errors import ConfigError, WorkError
from pipeline.explore import index
from pipeline.plan.provenance import Provenance
from pipeline.publish import formats
from pipeline.store.folder import LocalFolder
from pipeline.store.store import Store

Make = Callable[..., Provenance]
Build = Callable[..., Store]


@pytest.fixture
def store(tmp_path: Path, make_provenance: Make, build: Build) -> Store:
    made = build(tmp_path / "atlas", make_provenance("mixed2:0-5", "-mixed4:1", "mixed4:0-9"))
    measure(made)
    index.refresh(made)
    return made


def test_a_spreadsheet_reads_the_index(store: Store, tmp_path: Path) -> None:
    formats.export(store, "csv", tmp_path / "i.csv")
    content = (tmp_path / "i.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")  # Excel takes it for UTF-8
    frame, expected = pd.read_csv(io.BytesIO(content)), Atlas.open(store.folder).index
    assert list(frame["unit"]) == list(expected["unit"])
    assert list(frame.columns) == list(expected.columns)
    assert frame["nearest"][0].split() == list(expected["nearest"][0])
    assert [float(d) for d in frame["nearest_distance"][0].split()] == pytest.approx(
        list(expected["nearest_distance"][0]), rel=1e-3
    )


def test_a_spreadsheet_runs_nothing(tmp_path: Path, make_provenance: Make) -> None:
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


def test_an_archive_holds_the_whole_atlas(store: Store, tmp_path: Path) -> None:
    store.folder.write_bytes("build.lock", b"")
    store.folder.write_bytes("records/mixed2/.new-1", b"half")
    formats.export(store, "zip", tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        archive.extractall(tmp_path / "out")
    assert names == sorted(names)
    assert not any("build.lock" in name or ".new-" in name for name in names)
    there = Atlas.open(tmp_path / "out" / "atlas")
    np.testing.assert_array_equal(
        there.image("mixed2:3"), Atlas.open(store.folder).image("mixed2:3")
    )
    assert there.index.equals(Atlas.open(store.folder).index)
    assert len(there.similar("mixed2:3")) == 10


def test_equal_folders_give_equal_archives(store: Store, tmp_path: Path) -> None:
    import os
    import shutil

    copy = shutil.copytree(store.folder.path, tmp_path / "copy")
    for path in copy.rglob("*"):
        os.utime(path, (1, 1))
        path.chmod(0o700)
    formats.export(store, "zip", tmp_path / "a.zip")
    formats.export(Store.open(copy), "zip", tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_napari_reads_an_image_and_its_units(store: Store, tmp_path: Path) -> None:
    pytest.importorskip("ome_zarr")
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    path = tmp_path / "a.ome.zarr"
    formats.export(store, "ome-zarr", path)
    about = json.loads((path / "zarr.json").read_text())["attributes"]["ome"]
    assert about["version"] == "0.5"
    assert [axis["name"] for axis in about["multiscales"][0]["axes"]] == ["c", "y", "x"]
    nodes = list(Reader(parse_url(path))())
    image = np.asarray(nodes[0].data[0])
    labels = np.asarray(next(n for n in nodes if "units" in str(n.zarr)).data[0])
    assert image.shape[0] == 3
    assert image.shape[1:] == labels.shape
    said = json.loads((path / "labels/units/zarr.json").read_text())["attributes"]["ome"]
    properties = {p["label-value"]: p for p in said["image-label"]["properties"]}
    atlas = Atlas.open(store.folder)
    for value, about_unit in properties.items():
        rows, columns = np.nonzero(labels == value)
        tile = image[:, rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        np.testing.assert_array_equal(tile.transpose(1, 2, 0), atlas.image(about_unit["unit"]))
    assert len(properties) == len(atlas.index)


def test_a_viewer_that_zooms_reads_tiles(store: Store, tmp_path: Path) -> None:
    pytest.importorskip("pyvips")
    import xml.etree.ElementTree as ET

    formats.export(store, "dzi", tmp_path / "zoom")
    about = ET.parse(tmp_path / "zoom" / "atlas.dzi").getroot()
    size = {key: int(value) for key, value in about[0].attrib.items()}
    units = json.loads((tmp_path / "zoom" / "units.json").read_text())
    assert (size["Width"], size["Height"]) == (units["width"], units["height"])
    assert len(units["tiles"]) == 17
    levels = sorted(int(p.name) for p in (tmp_path / "zoom" / "atlas_files").iterdir())
    assert levels == list(range(max(levels) + 1))
    assert 2 ** max(levels) >= max(size["Width"], size["Height"]) > 2 ** (max(levels) - 1)
    with Image.open(tmp_path / "zoom" / "atlas_files" / str(max(levels)) / "0_0.jpg") as tile:
        assert tile.width == min(255, size["Width"])


@pytest.mark.parametrize("kind", formats.FORMATS)
def test_nothing_is_overwritten(store: Store, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "there"
    path.write_text("mine")
    with pytest.raises(ConfigError, match=r"there is there already: name another"):
        formats.export(store, kind, path)
    assert path.read_text() == "mine"


@pytest.mark.parametrize("kind", formats.FORMATS)
def test_a_failure_leaves_nothing(
    store: Store, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if module := formats.FORMATS[kind].module:
        pytest.importorskip(module)
    if kind == "zip":
        files = LocalFolder.files
        more = {"zzz": (1, "gone")}
        monkeypatch.setattr(
            LocalFolder, "files", lambda self, under: {**files(self, under), **more}
        )
    store.folder.delete("index.parquet")
    for array in ("images", "statistics"):
        store.folder.write_bytes(store.arrays.file_of("mixed4", array, 1), b"damaged")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(WorkError, match=r"cannot be read|went away while it was archived"):
        formats.export(store, kind, tmp_path / "out")
    assert sorted(tmp_path.rglob("*")) == before


def test_refusals(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no format 'png': expected ome-zarr, dzi, csv, zip"):
        formats.export(store, "png", tmp_path / "x")
    with pytest.raises(ConfigError, match="x: there is no folder"):
        formats.export(store, "csv", tmp_path / "none" / "x")


@pytest.mark.parametrize(("kind", "module"), [("ome-zarr", "ome_zarr"), ("dzi", "pyvips")])
def test_an_extra_that_is_not_here_is_named(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=rf"{kind} needs {module}.*'channel-atlas\[export\]'"):
        formats.export(store, kind, tmp_path / "x")
    assert not (tmp_path / "x").exists()

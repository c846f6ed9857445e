"""Tests of exports for viewers that zoom."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline import Atlas
from pipeline.publish import formats
from pipeline.store.store import Store


def test_napari_reads_an_image_and_its_units(explored: Store, tmp_path: Path) -> None:
    pytest.importorskip("ome_zarr")
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    path = tmp_path / "a.ome.zarr"
    formats.export(explored, "ome-zarr", path)
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
    atlas = Atlas.open(explored.folder)
    for value, about_unit in properties.items():
        rows, columns = np.nonzero(labels == value)
        tile = image[:, rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        np.testing.assert_array_equal(tile.transpose(1, 2, 0), atlas.image(about_unit["unit"]))
    assert len(properties) == len(atlas.index)


def test_the_models_of_ome_zarr_accept_it(explored: Store, tmp_path: Path) -> None:
    pytest.importorskip("ome_zarr")
    models = pytest.importorskip("ome_zarr_models.v05")
    import zarr

    path = tmp_path / "a.ome.zarr"
    formats.export(explored, "ome-zarr", path)
    root = zarr.open_group(path, mode="r")
    assert models.Image.from_zarr(root).labels is not None
    assert models.Labels.from_zarr(root["labels"]).attributes.ome.labels == ["units"]
    label = models.ImageLabel.from_zarr(root["labels/units"])
    assert label.attributes.ome.image_label.source.image == "../../"


def test_a_viewer_that_zooms_reads_tiles(explored: Store, tmp_path: Path) -> None:
    pytest.importorskip("pyvips")
    import xml.etree.ElementTree as ET

    formats.export(explored, "dzi", tmp_path / "zoom")
    about = ET.parse(tmp_path / "zoom" / "mosaic.dzi").getroot()
    size = {key: int(value) for key, value in about[0].attrib.items()}
    units = json.loads((tmp_path / "zoom" / "units.json").read_text())
    assert (size["Width"], size["Height"]) == (units["width"], units["height"])
    assert len(units["tiles"]) == 17
    levels = sorted(int(p.name) for p in (tmp_path / "zoom" / "mosaic_files").iterdir())
    assert levels == list(range(max(levels) + 1))
    assert 2 ** max(levels) >= max(size["Width"], size["Height"]) > 2 ** (max(levels) - 1)
    with Image.open(tmp_path / "zoom" / "mosaic_files" / str(max(levels)) / "0_0.jpg") as tile:
        assert tile.width == min(255, size["Width"])

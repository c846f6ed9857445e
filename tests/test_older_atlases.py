"""An atlas made by the code before the rooms opens, verifies, keeps its digests, and goes on."""

import json
import zipfile
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from builds import build
from PIL import Image

from pipeline import Atlas, verify
from pipeline.config import yaml_file
from pipeline.config.schema import AtlasConfig
from pipeline.errors import AtlasFolderError
from pipeline.explore import index
from pipeline.plan.identity import digest
from pipeline.publish import site
from pipeline.sheets import mosaics
from pipeline.store.store import Store

STORED = Path(__file__).parent / "data" / "before_the_rooms.zip"
CONFIG_HASH = "24a243d6b78da4a55af31d318acceaf118aba41f00412a6c4f36f923d26096b0"
FINGERPRINT = "c89a68f572e17fd51d3c4a4744e2665bf9cfd5f51fdddc6da7fb86b5982c7f63"
IDENTITY = "df7e76a717d247608ba36cd6442406a0927ce91f31e94f32ce83cc711097abe5"
UNITS = (
    "mixed0:0-4", "-mixed0:1", "mixed0:0-1@center", "mixed0:2@1,3#1", "deepdream:mixed0",
    "logits:3", "softmax:1",
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the stored atlas."""
    with zipfile.ZipFile(STORED) as archive:
        archive.extractall(tmp_path)
    return tmp_path / "atlas"


def _config(folder: Path, units: tuple[str, ...]) -> AtlasConfig:
    """The configuration that it was built by, with these units."""
    text = (
        f"output: {folder}\nunits: {json.dumps(units)}\nmodel: {{weights: bundled}}\n"
        "image: {size: 75}\nrecipe: {name: draft, steps: 3}\n"
        "render: {snapshots: 1, precision: float32}\nseed: 5\nbatch_size: 4\n"
        "cluster: threads\nmosaic: {tile: 24}\n"
    )
    return yaml_file.parse(text)


def _bytes(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_it_keeps_its_digests(folder: Path) -> None:
    known = Store.open(folder).provenance
    stored = json.loads((folder / "atlas.zarr/zarr.json").read_text())["attributes"]
    assert known.config_hash == CONFIG_HASH
    assert known.fingerprint.digest == FINGERPRINT
    assert known.fingerprint.to_json() == stored["channel_atlas"]["fingerprint"]
    assert digest(known.to_json()) == stored["channel_atlas_sha256"]


def test_it_is_whole_and_current(folder: Path) -> None:
    before = _bytes(folder)
    store = Store.open(folder)
    found = [finding for finding in verify.verify(store) if finding.state != "whole"]
    # Builds did not delete then what the page before the last had shown.
    assert all(f.part.startswith("site/data/") and f.state == "left over" for f in found)
    assert index.is_current(store)
    names = [mosaics.WHOLE, *(section.name for section in store.provenance.available_sections())]
    assert all(mosaics.is_current(store, name, 24) for name in names)
    assert _bytes(folder) == before


def test_it_is_read_in_every_way(folder: Path, tmp_path: Path) -> None:
    atlas = Atlas.open(folder)
    assert index.notes(atlas.folder)["identity"] == index.identity(atlas.index) == IDENTITY
    assert atlas.image("mixed0:2@1,3#1").shape == (75, 75, 3)
    assert atlas.film("deepdream:mixed0").shape == (2, 75, 75, 3)
    assert len(atlas.examples("mixed0:3")) == 6
    assert atlas.example_crops("-mixed0:1").shape == (6, 64, 64, 3)
    assert len(atlas.responses("mixed0:3")) == 256
    assert "mixed0:3" not in set(atlas.similar("mixed0:3")["unit"])
    atlas.compare(["mixed0:3", "mixed0:0@center"], tmp_path / "compared.png")
    counts = atlas.status()
    assert sum(row["done"] for row in counts.values()) == 10
    assert sum(row["unavailable"] for row in counts.values()) == 2


def test_its_mosaics_are_drawn_as_they_were(folder: Path) -> None:
    before = {path: np.asarray(Image.open(path)) for path in (folder / "mosaics").glob("*.png")}
    before[folder / "mosaic.png"] = np.asarray(Image.open(folder / "mosaic.png"))
    store = Store.open(folder)
    for path, pixels in before.items():
        path.unlink()
        mosaics.draw(store, mosaics.WHOLE if path.name == "mosaic.png" else path.stem, 24)
        np.testing.assert_array_equal(np.asarray(Image.open(path)), pixels)
    assert len(before) == 5


def test_it_goes_on(folder: Path) -> None:
    stored = Store.open(folder).provenance.fingerprint.tensorflow
    if version("tensorflow-cpu") != stored:
        pytest.skip(f"it was made with TensorFlow {stored}, and is refused with another")
    before = _bytes(folder)
    report = build(_config(folder, (*UNITS, "mixed0:7")))
    assert (report.done, report.missing, report.failed, report.unavailable) == (11, 0, 0, 2)
    after = _bytes(folder)
    kept = [name for name in before if name.startswith(("records/", "responses/", "crops/"))]
    kept += [name for name in before if "/c/" in name]
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    atlas = Atlas.open(folder)
    assert atlas.provenance.fingerprint.digest == FINGERPRINT
    assert np.ptp(atlas.image("mixed0:7")) > 0
    store = Store.open(folder)
    assert site.is_current(store)
    assert {
        f.state for f in verify.verify(store) if not f.part.startswith(("crops", "across"))
    } == {"whole"}


def test_another_configuration_is_refused_as_before(folder: Path) -> None:
    changed = _config(folder, UNITS).model_copy(update={"seed": 6})
    before = _bytes(folder)
    with pytest.raises(AtlasFolderError, match="seed: 5 there, 6 here"):
        build(changed)
    assert _bytes(folder) == before

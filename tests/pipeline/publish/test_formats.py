"""Tests of exports, each read again by what it was written for."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from pipeline.errors import ConfigError, WorkError
from pipeline.plan.provenance import Provenance
from pipeline.publish import formats
from pipeline.store.folder import LocalFolder, Stamp
from pipeline.store.store import Store

Make = Callable[..., Provenance]
Build = Callable[..., Store]


@pytest.mark.parametrize("kind", formats.FORMATS)
def test_nothing_is_overwritten(explored: Store, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "there"
    path.write_text("mine")
    with pytest.raises(ConfigError, match=r"there is there already: name another"):
        formats.export(explored, kind, path)
    assert path.read_text() == "mine"


class Fading(LocalFolder):
    """A folder with a file in it that goes away once it was listed."""

    def files(self, under: str) -> Mapping[str, Stamp]:
        return {**super().files(under), "zzz": (1, "gone")}


@pytest.mark.parametrize("kind", formats.FORMATS)
def test_a_failure_leaves_nothing(explored: Store, tmp_path: Path, kind: str) -> None:
    if module := formats.FORMATS[kind].module:
        pytest.importorskip(module)
    explored.folder.delete("index.parquet")
    for array in ("images", "statistics"):
        explored.folder.write_bytes(explored.arrays.file_of("mixed4", array, 1), b"damaged")
    before = sorted(tmp_path.rglob("*"))
    store = Store.open(Fading(explored.folder.path)) if kind == "zip" else explored
    with pytest.raises(WorkError, match=r"cannot be read|went away while it was archived"):
        formats.export(store, kind, tmp_path / "out")
    assert sorted(tmp_path.rglob("*")) == before


def test_refusals(explored: Store, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match="no format 'png': expected ome-zarr, dzi, csv, graphml, zip"
    ):
        formats.export(explored, "png", tmp_path / "x")
    with pytest.raises(ConfigError, match="x: there is no folder"):
        formats.export(explored, "csv", tmp_path / "none" / "x")


@pytest.mark.parametrize(("kind", "module"), [("ome-zarr", "ome_zarr"), ("dzi", "pyvips")])
def test_an_extra_that_is_not_here_is_named(
    explored: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=rf"{kind} needs {module}.*'channel-atlas\[export\]'"):
        formats.export(explored, kind, tmp_path / "x")
    assert not (tmp_path / "x").exists()

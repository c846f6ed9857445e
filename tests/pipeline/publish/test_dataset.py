"""Tests of sections as xarray Datasets, and of the store as xarray opens it."""

import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from atlases import measure

from pipeline import Atlas
from pipeline.errors import ConfigError, DamageError, MissingError
from pipeline.plan.provenance import Provenance
from pipeline.store.store import Store

xr = pytest.importorskip("xarray")

Make = Callable[..., Provenance]
Build = Callable[..., Store]


@pytest.fixture
def store(tmp_path: Path, make_provenance: Make, build: Build) -> Store:
    """Units 0 to 3 and 5 of six; the batch of 4 and 5 in the second chunk, with room behind it."""
    made = build(tmp_path, make_provenance("mixed2:all", "mixed4:0-1", snapshots=2))
    measure(made)
    return made


def _open(store: Store, group: str):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return xr.open_zarr(f"{store.folder}/atlas.zarr", group=group, consolidated=False)


def test_xarray_opens_a_section_as_it_is(store: Store) -> None:
    found = _open(store, "mixed2")
    assert {name: array.dims for name, array in found.items()} == {
        "images": ("row", "y", "x", "rgb"),
        "trajectory": ("row", "step"),
        "statistics": ("row", "statistic"),
        "snapshots": ("row", "snapshot", "y", "x", "rgb"),
    }
    assert found["images"].dtype == np.uint8  # a fill value of 0 masks nothing
    image = Atlas.open(store.folder).image("mixed2:3")
    np.testing.assert_array_equal(found["images"][3], image)
    assert found["statistics"].attrs["statistic"][0] == "activation"
    assert np.isnan(found["statistics"][6:]).all()  # the rows of units that there are not


def test_xarray_opens_responses_as_they_are(store: Store) -> None:
    found = _open(store, "responses/mixed4/mixed2")
    assert {name: array.dims for name, array in found.items()} == {
        "mean": ("row", "channel"), "peak": ("row", "channel")
    }  # fmt: skip
    assert found.sizes["channel"] == 10


def test_a_dataset_has_units_and_statistics_by_name(store: Store) -> None:
    atlas = Atlas.open(store.folder)
    found = atlas.dataset("mixed2")
    assert list(found["unit"].values) == [f"mixed2:{i}" for i in range(6)]
    value = found["statistics"].sel(unit="mixed2:4", statistic="activation")
    assert float(value) == atlas.row("mixed2:4")["activation"] == 5
    np.testing.assert_array_equal(found["images"].sel(unit="mixed2:5"), atlas.image("mixed2:5"))
    np.testing.assert_array_equal(
        found["trajectory"].sel(unit="mixed2:1"), atlas.trajectory("mixed2:1")
    )
    assert found["snapshots"].dims == ("unit", "snapshot", "y", "x", "rgb")
    assert found["images"].dtype == np.uint8


def test_chunks_that_changed_places_are_refused(store: Store) -> None:
    chunks = [store.folder.path / f"atlas.zarr/mixed2/images/c/{n}/0/0/0" for n in (0, 1)]
    contents = [chunk.read_bytes() for chunk in chunks]
    for chunk, content in zip(chunks, reversed(contents), strict=True):
        chunk.write_bytes(content)
    with pytest.raises(DamageError, match=r"images of batch mixed2/000000 .* SHA-256 differs"):
        Atlas.open(store.folder).dataset("mixed2")


def test_only_committed_rows_are_in_it(store: Store) -> None:
    record = store.records.one("mixed2", 0)
    assert record is not None
    store.records.drop(record)
    found = Atlas.open(store.folder).dataset("mixed2")
    assert list(found["unit"].values) == ["mixed2:4", "mixed2:5"]
    assert not np.isnan(found["statistics"]).any()


def test_refusals(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    atlas = Atlas.open(store.folder)
    with pytest.raises(ConfigError, match="has no section 'mixed3': it has mixed2, mixed4"):
        atlas.dataset("mixed3")
    for record in store.records.of("mixed4"):
        store.records.drop(record)
    with pytest.raises(MissingError, match=r"nothing of section mixed4 in .* is built yet"):
        atlas.dataset("mixed4")
    store.folder.write_bytes("atlas.zarr/mixed2/images/zarr.json", b"{}")
    with pytest.raises(DamageError, match=r"the metadata of section mixed2 in .* is damaged"):
        atlas.dataset("mixed2")
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ConfigError, match=r"needs xarray.*pip install 'channel-atlas\[xarray\]'"):
        atlas.dataset("mixed2")

"""Tests of the store: what is committed stays, what is not is absent, damage is seen."""

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import IO

import numpy as np
import pytest
import zarr

from pipeline.ascent.results import Results
from pipeline.errors import AtlasFolderError, DamageError, WorkError
from pipeline.plan.batches import Batch, Section, missing_batches
from pipeline.plan.provenance import Provenance
from pipeline.store.folder import LocalFolder
from pipeline.store.store import Store

Make = Callable[..., Provenance]
Build = Callable[..., Store]
Fake = Callable[..., Results]


def bytes_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def file_of(store: Store, name: str, chunk: int) -> Path:
    found = (store.folder.path / "atlas.zarr/mixed2" / name / "c" / str(chunk)).rglob("*")
    return next(path for path in found if path.is_file())


def test_what_is_committed_is_read(
    begun: tuple[Store, Section, list[Batch]], fake_results: Fake
) -> None:
    store, section, batches = begun
    for batch in batches:
        record = store.commit(batch, fake_results(batch))
        for name, values in fake_results(batch).arrays().items():
            np.testing.assert_array_equal(store.read(record, name), values)
            np.testing.assert_array_equal(store.read(record, name, 1), values[1])
    assert store.missing(section) == []
    assert [len(record.units) for record in store.records.of("mixed2")] == [4, 2]


def test_snapshots_are_stored_where_any_are_kept(
    tmp_path: Path, make_provenance: Make, build: Build, fake_results: Fake
) -> None:
    store = build(tmp_path / "film", make_provenance("mixed2:all", snapshots=3))
    for batch, record in zip(
        missing_batches(store.provenance.sections()[0], {}, 4),
        store.records.of("mixed2"),
        strict=True,
    ):
        expected = fake_results(batch, snapshots=3).snapshots
        assert expected.shape == (len(batch.units), 3, 8, 8, 3)
        np.testing.assert_array_equal(store.read(record, "snapshots"), expected)
        np.testing.assert_array_equal(store.read(record, "snapshots", 1), expected[1])
        assert record.sha256["snapshots"] == hashlib.sha256(expected.tobytes()).hexdigest()
    array = zarr.open_array(tmp_path / "film/atlas.zarr/mixed2/snapshots", mode="r")
    assert array.metadata.dimension_names == ("row", "snapshot", "y", "x", "rgb")
    assert array.chunks == (4, 3, 8, 8, 3)


def test_without_snapshots_there_is_no_array_of_them(
    begun: tuple[Store, Section, list[Batch]], fake_results: Fake
) -> None:
    store, _, batches = begun
    record = store.commit(batches[0], fake_results(batches[0]))
    assert sorted(record.sha256) == ["images", "statistics", "trajectory"]
    assert not (store.folder.path / "atlas.zarr/mixed2/snapshots").exists()


def test_more_variants_later_go_behind_and_groups_stay_together(
    tmp_path: Path, make_provenance: Make, build: Build
) -> None:
    def chunks(store: Store) -> list[tuple[str, ...]]:
        return [record.units for record in store.records.of("mixed2")]

    build(tmp_path / "free", make_provenance("mixed2:0-2", batch_size=2))
    before = bytes_of(tmp_path / "free/records")
    grown = make_provenance("mixed2:0-2", batch_size=2, variants=2)
    assert chunks(build(tmp_path / "free", grown))[2:] == [
        ("mixed2:0#1", "mixed2:1#1"),
        ("mixed2:2#1",),
    ]
    assert bytes_of(tmp_path / "free/records").items() >= before.items()
    kept_apart = make_provenance("mixed2:0-2", batch_size=5, variants=2, diversity=1.0)
    assert chunks(build(tmp_path / "group", kept_apart)) == [
        ("mixed2:0", "mixed2:0#1", "mixed2:1", "mixed2:1#1"),
        ("mixed2:2", "mixed2:2#1"),
    ]


class Recordless(LocalFolder):
    """A folder with no room for records."""

    def write(self, name: str, fill: Callable[[IO[bytes]], object]) -> None:
        if name.startswith("records/"):
            raise OSError(28, "No space left on device")
        super().write(name, fill)


def test_the_record_comes_last(
    begun: tuple[Store, Section, list[Batch]], fake_results: Fake
) -> None:
    store, section, batches = begun
    recordless = Store.open(Recordless(store.folder.path))
    with pytest.raises(OSError, match="No space left"):
        recordless.commit(batches[0], fake_results(batches[0]))
    assert file_of(store, "statistics", 0).is_file()
    assert store.missing(section) == batches
    store.commit(batches[0], fake_results(batches[0]))
    assert store.missing(section) == batches[1:]


def test_a_committed_batch_is_not_rewritten(
    begun: tuple[Store, Section, list[Batch]], fake_results: Fake
) -> None:
    store, _, batches = begun
    record = store.commit(batches[0], fake_results(batches[0]))
    before = bytes_of(store.folder.path)
    assert store.commit(batches[0], fake_results(batches[0], seconds=9.0)) == record
    assert bytes_of(store.folder.path) == before


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_not_finite_are_refused(
    begun: tuple[Store, Section, list[Batch]], fake_results: Fake, bad: float
) -> None:
    store, section, batches = begun
    results = fake_results(batches[0])
    results.trajectory[2, 1] = bad
    with pytest.raises(WorkError, match=r"batch mixed2/000000: trajectory .* for unit mixed2:2;"):
        store.commit(batches[0], results)
    assert store.missing(section) == batches


@pytest.mark.parametrize("name", ["images", "trajectory", "statistics"])
def test_a_flipped_byte_is_seen(
    begun: tuple[Store, Section, list[Batch]], fake_results: Fake, name: str
) -> None:
    store, _, batches = begun
    good, bad = (store.commit(batch, fake_results(batch)) for batch in batches)
    path = file_of(store, name, 1)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamageError, match=f"{name} of batch mixed2/000001 .*delete .*000001.json"):
        store.read(bad, name)
    np.testing.assert_array_equal(store.read(good, name), fake_results(batches[0]).arrays()[name])


def test_a_chunk_that_is_gone_is_seen(
    begun: tuple[Store, Section, list[Batch]], fake_results: Fake
) -> None:
    store, _, batches = begun
    record = store.commit(batches[0], fake_results(batches[0]))
    file_of(store, "images", 0).unlink()
    with pytest.raises(DamageError, match=r"images of batch mixed2/000000 .*chunk 0 of images is"):
        store.read(record, "images", 2)


def test_a_damaged_record_makes_its_batch_missing(
    begun: tuple[Store, Section, list[Batch]], fake_results: Fake
) -> None:
    store, section, batches = begun
    for batch in batches:
        store.commit(batch, fake_results(batch))
    store.folder.write_bytes(store.records.name("mixed2", 0), b"{")
    assert store.missing(section) == batches[:1]
    record = store.commit(batches[0], fake_results(batches[0]))
    assert store.records.one("mixed2", 0) == record


def test_units_added_later_go_behind(tmp_path: Path, make_provenance: Make, build: Build) -> None:
    store = build(tmp_path, make_provenance("mixed2:2-4", batch_size=2))
    before = bytes_of(tmp_path / "atlas.zarr/mixed2/images/c") | bytes_of(tmp_path / "records")
    assert [record.units for record in store.records.of("mixed2")] == [
        ("mixed2:2", "mixed2:3"),
        ("mixed2:4",),
    ]
    store = build(tmp_path, make_provenance("mixed2:all", batch_size=2))
    assert [record.units for record in store.records.of("mixed2")][2:] == [
        ("mixed2:0", "mixed2:1"),
        ("mixed2:5",),
    ]
    assert bytes_of(tmp_path).items() >= before.items()


def test_room_is_made_once(begun: tuple[Store, Section, list[Batch]], fake_results: Fake) -> None:
    store, section, batches = begun
    assert store.has_room(section, batches)
    assert store.has_room(section, [])
    assert not store.has_room(section, [dataclasses.replace(batches[0], chunk=2)])
    before = bytes_of(store.folder.path)
    store.prepare(section, batches)
    store.prepare(section, batches[:1])
    store.prepare(section, [])
    assert bytes_of(store.folder.path) == before


def test_an_atlas_is_opened_with_its_provenance(tmp_path: Path, make_provenance: Make) -> None:
    first, second = make_provenance("mixed2:1"), make_provenance("mixed4:1")
    Store.create(tmp_path, first)
    assert Store.open(tmp_path).provenance == first
    Store.create(tmp_path, second)
    assert Store.open(tmp_path).provenance == second


def test_a_folder_exists_as_an_atlas_or_not(tmp_path: Path, make_provenance: Make) -> None:
    assert not Store.exists(tmp_path / "none")
    assert not Store.exists(tmp_path)
    (tmp_path / "build.lock").touch()
    (tmp_path / "atlas.zarr").mkdir()
    assert not Store.exists(tmp_path)
    Store.create(tmp_path, make_provenance())
    (tmp_path / "index.parquet").touch()
    assert Store.exists(tmp_path)


@pytest.mark.parametrize("name", ["thesis.tex", "records", "atlas.zarr"])
def test_a_folder_of_other_things_is_refused(
    tmp_path: Path, make_provenance: Make, name: str
) -> None:
    (tmp_path / name).touch()
    with pytest.raises(AtlasFolderError, match="is there and is no atlas: expected an atlas"):
        Store.exists(tmp_path)
    with pytest.raises(AtlasFolderError, match="is there and is no atlas"):
        Store.create(tmp_path, make_provenance())


def test_a_file_is_no_atlas(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AtlasFolderError, match="file is there and is no atlas"):
        Store.exists(tmp_path / "file")


def test_opening_what_is_no_atlas(tmp_path: Path) -> None:
    with pytest.raises(AtlasFolderError, match=r"none is not there: .*`atlas build` makes one"):
        Store.open(tmp_path / "none")
    with pytest.raises(AtlasFolderError, match="holds no atlas"):
        Store.open(tmp_path)


@pytest.mark.parametrize("attributes", [{}, {"channel_atlas": 3}, {"channel_atlas": {"schema": 3}}])
def test_opening_another_zarr_group(tmp_path: Path, attributes: dict[str, object]) -> None:
    zarr.create_group(tmp_path / "atlas.zarr", attributes=attributes)
    with pytest.raises(AtlasFolderError, match=r"is no channel atlas, or its zarr.json is damaged"):
        Store.open(tmp_path)


def test_opening_an_atlas_of_another_version(tmp_path: Path) -> None:
    zarr.create_group(tmp_path / "atlas.zarr", attributes={"channel_atlas": {"schema": 1}})
    with pytest.raises(AtlasFolderError, match=r"has schema version 1, this program reads 3: use"):
        Store.open(tmp_path)


def test_opening_damaged_metadata(tmp_path: Path, make_provenance: Make) -> None:
    Store.create(tmp_path, make_provenance())
    (tmp_path / "atlas.zarr/zarr.json").write_text("{")
    with pytest.raises(AtlasFolderError, match=r"its zarr.json is damaged"):
        Store.open(tmp_path)

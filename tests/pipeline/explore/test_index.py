"""Tests of the index: one row a unit, the same for the same atlas however it was built."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from atlases import commit, measure, provenance

from pipeline.errors import DamageError
from pipeline.explore import index
from pipeline.plan.architecture import Architecture
from pipeline.plan.provenance import Provenance
from pipeline.store.records import Failure
from pipeline.store.store import Store

Make = Callable[..., Provenance]
Build = Callable[..., Store]


def statuses(frame: pd.DataFrame) -> dict[str, str]:
    return dict(zip(frame["unit"], frame["status"], strict=True))


def test_one_row_a_unit_in_the_atlas_order(
    tmp_path: Path, make_provenance: Make, build: Build
) -> None:
    made = make_provenance("mixed4:0@1,2", "mixed4:1", "-mixed2:3", "deepdream:mixed4+mixed2")
    frame = index.build(build(tmp_path, made))
    assert list(frame["unit"]) == [unit.id for unit in made.units()]
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == index.TYPES
    neuron = frame.set_index("unit").loc["mixed4:0@1,2"]
    assert tuple(neuron[["kind", "layer", "channel", "y", "x"]]) == ("neuron", "mixed4", 0, 1, 2)
    dream = frame.set_index("unit").loc["deepdream:mixed2+mixed4"]
    assert dream["layer"] == "mixed2+mixed4"
    assert dream[["channel", "y", "x", "class_index", "class_name"]].isna().all()
    assert list(frame["direction"].unique()) == ["positive", "negative"]


def test_variants_are_rows(tmp_path: Path, make_provenance: Make, build: Build) -> None:
    frame = index.build(build(tmp_path, make_provenance("mixed2:1-2", "-mixed4:0#5", variants=2)))
    rows = frame[["unit", "variant", "channel", "section"]].itertuples(index=False, name=None)
    assert list(rows) == [
        ("mixed2:1", 0, 1, "mixed2"),
        ("mixed2:1#1", 1, 1, "mixed2"),
        ("mixed2:2", 0, 2, "mixed2"),
        ("mixed2:2#1", 1, 2, "mixed2"),
        ("-mixed4:0#5", 5, 0, "negative-mixed4"),
    ]
    assert (frame["status"] == "done").all()
    assert frame["image_sha256"].is_unique


def test_numbers_come_from_the_batches(tmp_path: Path, make_provenance: Make, build: Build) -> None:
    store = build(tmp_path, make_provenance("mixed2:0-4", "-mixed4:0-2"))
    frame = index.build(store).set_index("unit")
    assert list(frame["activation"]) == [1, 2, 3, 4, 5, 1, 2, 3]
    assert list(frame["section_row"]) == [0, 1, 2, 3, 4, 0, 1, 2]
    assert frame.loc["mixed2:4", "image_sha256"] == store.records.of("mixed2")[1].image_sha256[0]
    assert (frame["recipe"] == "fourier").all()


def test_alive_is_what_went_its_way(tmp_path: Path, make_provenance: Make, build: Build) -> None:
    """The made-up ascents start at 2 and reach the channel's number plus 1."""
    frame = index.build(build(tmp_path, make_provenance("mixed2:0-2", "-mixed2:0-2")))
    alive = dict(zip(frame["unit"], frame["alive"], strict=True))
    assert [alive[f"mixed2:{i}"] for i in range(3)] == [False, False, True]
    assert [alive[f"-mixed2:{i}"] for i in range(3)] == [True, False, False]


def test_statuses(tmp_path: Path, make_provenance: Make, build: Build) -> None:
    store = build(tmp_path, make_provenance("mixed2:0-5", "logits:1", batch_size=2), most=1)
    store.records.note_failures([Failure("mixed2/000001", ("mixed2:2", "mixed2:1"), "it died")])
    assert statuses(index.build(store)) == {
        "mixed2:0": "done",
        "mixed2:1": "done",
        "mixed2:2": "failed",
        "mixed2:3": "missing",
        "mixed2:4": "missing",
        "mixed2:5": "missing",
        "logits:1": "unavailable",
    }


def test_an_atlas_of_nothing_yet(tmp_path: Path, make_provenance: Make) -> None:
    frame = index.build(Store.create(tmp_path, make_provenance("mixed2:0-1")))
    assert set(statuses(frame).values()) == {"missing"}
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == index.TYPES
    assert frame[["activation", "alive", "image_sha256", "section_row"]].isna().all(axis=None)


def test_class_names(
    tmp_path: Path, make_provenance: Make, build: Build, architecture: Architecture
) -> None:
    classifier = dataclasses.replace(architecture, classes=3)
    made = make_provenance(
        "softmax:0-2", architecture=classifier, classes=("tench", "", "great white shark")
    )
    frame = index.build(build(tmp_path, made))
    assert list(frame["class_index"]) == [0, 1, 2]
    assert list(frame["class_name"].fillna("none")) == ["tench", "none", "great white shark"]


def test_mosaic_places(tmp_path: Path, make_provenance: Make) -> None:
    frame = index.build(Store.create(tmp_path, make_provenance("mixed2:0-4", columns=2)))
    places = list(zip(frame["mosaic_row"], frame["mosaic_col"], strict=True))
    assert places == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)]


def test_parquet_and_back(tmp_path: Path, make_provenance: Make, build: Build) -> None:
    store = build(tmp_path, make_provenance("mixed2:0-4", "logits:1"), most=1)
    frame = index.build(store)
    index.refresh(store)
    pd.testing.assert_frame_equal(index.read(store.folder), frame)


@pytest.mark.parametrize(
    ("parts", "groups"),
    [
        ((3, 9_996, 1), [10_000]),
        ((9_999, 2, 10_000), [10_000, 10_000, 1]),
        ((25_000,), [10_000, 10_000, 5_000]),
    ],
)
def test_an_index_is_written_part_by_part(
    tmp_path: Path, make_provenance: Make, build: Build, parts: list[int], groups: list[int]
) -> None:
    """What is written together need not be what comes together."""
    store = build(tmp_path, make_provenance("mixed2:0-4", "logits:1", "-mixed2:0-1"), most=3)
    few = index.build(store)
    many = pd.concat([few] * (sum(parts) // len(few) + 1), ignore_index=True)[: sum(parts)]
    ends = np.cumsum(parts)
    cut = [many[end - size : end] for end, size in zip(ends, parts, strict=True)]
    index.write(cut, store.provenance, "", store.folder)
    pd.testing.assert_frame_equal(index.read(store.folder), many)
    assert index.notes(store.folder)["identity"] == index.identity(many)
    file = pq.ParquetFile(tmp_path / index.NAME)
    assert [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)] == groups
    assert file.metadata.metadata[b"channel_atlas.identity"].decode() == index.identity(many)
    assert file.schema_arrow.field("nearest").type == pa.list_(pa.string())


def test_equal_atlases_have_equal_files(
    tmp_path: Path, make_provenance: Make, build: Build
) -> None:
    one, two = (build(tmp_path / name, make_provenance()) for name in "ab")
    index.refresh(one), index.refresh(two)
    for name in ("index.parquet", "index.json"):
        assert one.folder.read(name) == two.folder.read(name)


def test_seconds_change_no_identity(tmp_path: Path, make_provenance: Make, build: Build) -> None:
    one, two = (build(tmp_path / str(s), make_provenance(), seconds=s) for s in (1.0, 2.0))
    first, second = index.build(one), index.build(two)
    assert not first.equals(second)
    assert index.identity(first) == index.identity(second)
    assert index.state_of(one) == index.state_of(two)
    changed = first.assign(activation=first["activation"] + 1)
    assert index.identity(first) != index.identity(changed)


def test_notes(tmp_path: Path, make_provenance: Make, build: Build) -> None:
    store = build(tmp_path, make_provenance())
    index.refresh(store)
    assert index.notes(store.folder) == {
        "schema_version": "3",
        "config_hash": store.provenance.config_hash,
        "identity": index.identity(index.build(store)),
        "state": index.state_of(store),
    }


def test_an_index_is_current_until_the_atlas_grows(
    tmp_path: Path, make_provenance: Make, build: Build
) -> None:
    made = make_provenance(batch_size=2)
    store = build(tmp_path, made, most=1)
    assert not index.is_current(store)
    index.refresh(store)
    assert index.is_current(store)
    build(tmp_path, made)
    assert not index.is_current(store)


@pytest.mark.parametrize("name", ["index.parquet", "index.json"])
@pytest.mark.parametrize("damage", [lambda old: old[:-9] + b"x" + old[-8:], lambda _: b""])
def test_a_damaged_index_is_not_current(
    tmp_path: Path,
    make_provenance: Make,
    build: Build,
    name: str,
    damage: Callable[[bytes], bytes],
) -> None:
    store = build(tmp_path, make_provenance())
    index.refresh(store)
    store.folder.write_bytes(name, damage(store.folder.read(name)))
    assert not index.is_current(store)
    with pytest.raises(DamageError):
        index.read(store.folder)


def test_damaged_statistics_are_not_passed_over(
    tmp_path: Path, make_provenance: Make, build: Build
) -> None:
    store = build(tmp_path, make_provenance())
    next((tmp_path / "atlas.zarr/mixed2/statistics/c").rglob("0/0")).write_bytes(b"x")
    with pytest.raises(DamageError, match="statistics of batch mixed2/000000 cannot be read"):
        index.build(store)


@pytest.mark.parametrize("fault", ["damaged", "stale", "gone"])
def test_a_file_that_will_not_do_is_made_whole_for_whoever_asks(tmp_path: Path, fault: str) -> None:
    store = commit(Store.create(tmp_path, provenance("mixed2:all", "mixed4:all")))
    measure(store)
    index.refresh(store)
    wanted = index.read(store.folder)
    if fault == "damaged":
        store.folder.write_bytes("index.parquet", b"PAR1")
    elif fault == "stale":
        store.records.note_failures([Failure("mixed2/000009", (), "it died")])
    else:
        store.folder.delete("index.parquet")
    found = index.of(store)
    assert index.identity(found) == index.identity(wanted)
    assert found["selectivity"].notna().any()

"""Circuits of an atlas: kept as the rest is kept, told as edges and in the index."""

from collections.abc import Callable
from pathlib import Path

import atlases
import numpy as np
import pytest

from pipeline import Atlas, verify
from pipeline.errors import NotMeasuredError
from pipeline.explore import circuits, index
from pipeline.plan.provenance import Provenance
from pipeline.store.store import Store

Make = Callable[..., Provenance]
Build = Callable[..., Store]


@pytest.fixture
def measured(tmp_path: Path, make_provenance: Make, build: Build) -> Store:
    """A finished atlas of two layers and an old neighbour of both, with responses."""
    units = ("mixed2:0-4", "mixed4:0-5", "-mixed4:1", "deepdream:mixed2", "logits:1")
    named = make_provenance(*units)
    store = build(tmp_path / "a", named)
    atlases.measure(store)
    return store


@pytest.fixture
def store(measured: Store) -> Store:
    return atlases.trace(measured)


def test_a_unit_is_built_from_layers_before_all_that_it_reads(measured: Store) -> None:
    known = measured.provenance
    layers = {
        text: [layer.name for layer in circuits.sources(known, known.unit(text))]
        for text in ("mixed2:1", "mixed4:1", "deepdream:mixed2", "deepdream:mixed2+mixed4")
    }
    assert layers == {
        "mixed2:1": [], "mixed4:1": ["mixed2"], "deepdream:mixed2": [],
        "deepdream:mixed2+mixed4": [],
    }  # fmt: skip
    assert [table.layer.name for table in circuits.tables(measured)] == ["mixed2"]


def test_each_image_is_traced_once(measured: Store) -> None:
    wanted = ["mixed4/000000", "mixed4/000001", "negative-mixed4/000000"]
    assert [batch.key for batch in circuits.pending(measured)] == wanted
    assert circuits.pending(atlases.trace(measured)) == []
    assert circuits.is_current(measured)


def test_edges_are_the_strongest_of_each_unit_in_order(store: Store) -> None:
    edges = circuits.edges(store)
    assert list(edges) == list(circuits.TYPES)
    of_3 = edges[edges["target"] == "mixed4:3"]
    up = of_3[of_3["attribution"] > 0]
    assert up["source"].tolist() == ["mixed2:3", "mixed2:2", "mixed2:4", "mixed2:1", "mixed2:5"]
    assert up["ablation_zero"].tolist() == [-3.0, -2.0, -2.0, -1.0, -1.0]
    np.testing.assert_allclose(up["share"], [0.3, 0.2, 0.2, 0.1, 0.1])
    assert up["weight"].iloc[0] == 1.5
    targets = list(dict.fromkeys(edges["target"]))
    assert targets == [*(f"mixed4:{n}" for n in range(6)), "-mixed4:1"]


def test_the_index_says_what_a_unit_is_built_from_and_feeds(store: Store) -> None:
    index.refresh(store)
    rows = index.read(store.folder).set_index("unit")
    assert list(rows.at["mixed4:3", "built_from"])[:2] == ["mixed2:3", "mixed2:2"]
    assert rows.at["mixed4:3", "explained"] == pytest.approx(0.8)
    assert rows.at["mixed4:3", "explained_random"] == pytest.approx(0.05)
    # By share, and in the atlas's order where that is the same.
    assert list(rows.at["mixed2:0", "feeds"])[:3] == ["mixed4:0", "mixed4:1", "-mixed4:1"]
    assert rows.at["mixed4:3", "feeds"] is None
    assert rows.at["mixed2:3", "built_from"] is None
    found = Atlas.open(store.folder.path).query("explained > 0.7")
    assert set(found["unit"]) == {*(f"mixed4:{n}" for n in range(6)), "-mixed4:1"}


def test_more_pictures_have_other_means_and_all_is_traced_anew(
    store: Store, make_provenance: Make, build: Build
) -> None:
    before = circuits.edges(store)
    more = make_provenance("mixed2:0-5", "mixed4:0-5", "-mixed4:1", "deepdream:mixed2")
    grown = build(store.folder.path, more)
    assert circuits.is_current(grown)  # what is there stays until there is more
    atlases.measure(grown)
    assert not circuits.is_of_now(grown)
    assert len(circuits.untraced(grown)) > len(circuits.pending(grown)) == 0
    pd_equal = circuits.edges(grown).equals(before)
    assert pd_equal
    circuits.begin(grown)
    assert [b.section for b in circuits.pending(grown)] == ["mixed4", "mixed4", "negative-mixed4"]
    assert circuits.edges(grown).equals(before)


def test_a_build_that_was_killed_goes_on_and_ends_alike(
    measured: Store, tmp_path: Path, make_provenance: Make, build: Build
) -> None:
    whole = atlases.trace(build(tmp_path / "b", measured.provenance))
    atlases.measure(whole)
    whole = atlases.trace(whole)
    circuits.begin(measured)
    first, *_ = circuits.pending(measured)
    for table in circuits.tables(measured):
        table.prepare_all(measured.provenance.available_sections(), [first])
    [layer] = circuits.sources(measured.provenance, first.units[0])
    circuits.commit(measured, first, {layer.name: atlases.traced(first, layer)})
    circuits.begin(Store.open(measured.folder))  # again, after the kill
    assert first.key not in [batch.key for batch in circuits.pending(measured)]
    ended = atlases.trace(measured)
    for name in (circuits.EDGES, circuits.MEANS):
        assert ended.folder.read(name) == whole.folder.read(name)


def test_damage_is_seen_and_made_again(store: Store) -> None:
    [table] = circuits.tables(store)
    assert all(f.state in ("whole", "stale") for f in verify.verify(store))
    store.folder.write_bytes(table.arrays.file_of("mixed4", "zero", 0), b"damaged")
    store.folder.write_bytes(circuits.EDGES, b"damaged")
    wrong = {f.part: f.state for f in verify.verify(store) if f.state == "damaged"}
    assert wrong == {"circuits/mixed2/mixed4/000000": "damaged", circuits.EDGES: "damaged"}
    verify.repair(store, verify.verify(store))
    assert [batch.key for batch in circuits.pending(store)] == ["mixed4/000000"]
    assert not circuits.is_current(store)


def test_units_that_left_the_configuration_have_no_edges(
    store: Store, make_provenance: Make
) -> None:
    fewer = Store.create(store.folder.path, make_provenance("mixed2:0-4", "mixed4:0-2"))
    circuits.refresh(fewer)
    assert set(circuits.edges(fewer)["target"]) == {"mixed4:0", "mixed4:1", "mixed4:2"}
    assert "mixed4:5" not in circuits.summary(fewer).index


def test_where_a_source_acts(store: Store) -> None:
    heats = circuits.heats(store, store.provenance.unit("mixed4:3"))
    assert heats["mixed2:3"].shape == (4, 5)
    assert heats["mixed2:3"].max() == 1.0
    assert circuits.heats(store, store.provenance.unit("mixed2:3")) == {}


def test_of_a_unit_that_a_build_is_still_to_trace_that_is_said(
    store: Store, make_provenance: Make
) -> None:
    more = Store.create(store.folder.path, make_provenance("mixed2:0-4", "-mixed4:1", "mixed4:0-9"))
    with pytest.raises(NotMeasuredError, match="mixed4:9 has no circuit: it is not built or not"):
        circuits.of_unit(more, more.provenance.unit("mixed4:9"))


def test_what_was_not_measured_is_said_so(measured: Store, store: Store) -> None:
    atlas = Atlas.open(store.folder.path)
    assert set(atlas.circuit("mixed2:3")["source"]) == {"mixed2:3"}
    with pytest.raises(NotMeasuredError, match=r"^unit deepdream:mixed2 has no circuit: it is bu"):
        atlas.circuit("deepdream:mixed2")
    with pytest.raises(
        NotMeasuredError, match=r"mixed4:9 has no circuit: it is not in the atlas's"
    ):
        atlas.circuit("mixed4:9")
    with pytest.raises(NotMeasuredError, match=r"logits:1 has no circuit: it is unavailable: the"):
        atlas.circuit("logits:1")
    store.folder.delete(circuits.EDGES)
    with pytest.raises(NotMeasuredError, match=r"has no circuits yet: `atlas build`"):
        atlas.circuit("mixed4:3")

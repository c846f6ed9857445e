"""Tests of what the page tells of circuits: edges each way, words, and where sources act."""

import base64
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import atlases
import numpy as np
import pytest

from pipeline.explore import circuits, index
from pipeline.plan.architecture import Architecture, Layer
from pipeline.publish.site_circuits import Told
from pipeline.store.store import Store

LAYERS = {
    "near": Layer("near", 1, 6, 2, 3, 1),
    "mid": Layer("mid", 2, 6, 20, 40, 1),
    "far": Layer("far", 3, 12, 1, 1, 1),
}
ARCHITECTURE = Architecture("small", 8, LAYERS, None)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = atlases.provenance("near:all", "mid:0-1", "far:all", architecture=ARCHITECTURE)
    return atlases.commit(Store.create(tmp_path / "atlas", made))


def told(store: Store) -> dict[str, dict[str, Any]]:
    every = Told(store, index.of(store))
    sections = store.provenance.sections()
    records = [record for s in sections for record in store.records.of(s.name)]
    return {unit: one for record in records for unit, one in every.of(record).items()}


def maps(heat: list[Any]) -> np.ndarray:
    rows, columns, text = heat
    return np.frombuffer(base64.b64decode(text), np.int8).reshape(-1, rows, columns)


def test_edges_end_at_a_unit_and_begin_at_it(store: Store) -> None:
    atlases.trace(store)
    found = told(store)
    assert found["mid:1"]["layer"] == "near"
    assert found["mid:1"]["others"] == []
    assert found["mid:1"]["sources"] == [
        ["near:1", 0.3, 1, -3.0], ["near:0", 0.2, 1, -2.0], ["near:2", 0.2, 1, -2.0],
        ["near:3", 0.1, 1, -1.0], ["near:5", -0.1, -1, 1.0],
    ]  # fmt: skip
    assert found["mid:1"]["text"] == (
        "Without the 4 that excite it, 80 % of its activation is gone; "
        "without ten drawn at random, 5 %."
    )
    assert [edge[:2] for edge in found["mid:1"]["feeds"]] == [
        ["far:1", 0.3], ["far:0", 0.2], ["far:2", 0.2], ["far:3", 0.1],
    ]  # fmt: skip
    assert {*found["near:0"]} == {"feeds"}  # nothing is before it
    assert found["near:3"]["feeds"][0] == ["far:3", 0.3, 1, -3.0]  # of a layer beyond the next
    assert "mid:1" in [edge[0] for edge in found["near:3"]["feeds"]]


def test_the_nearest_layer_is_told_of_and_the_others_are_counted(store: Store) -> None:
    atlases.trace(store)
    one = told(store)["far:3"]
    assert (one["layer"], one["others"]) == ("mid", [("near", 5)])
    assert {edge[0] for edge in one["sources"]} == {f"mid:{n}" for n in range(1, 6)}


def test_maps_are_those_of_the_sources_in_order(store: Store) -> None:
    atlases.trace(store)
    found = maps(told(store)["mid:1"]["heat"])
    assert found.shape == (5, 2, 3)
    assert found[0].tolist() == [[0, 0, 0], [127, 127, -127]]
    assert found[1].tolist() == [[127, 127, -127], [0, 0, 0]]
    assert found[4].tolist() == [[0, 0, 0], [-127, -127, 127]]  # of channel 5


def test_large_maps_are_made_smaller(store: Store) -> None:
    atlases.trace(store)
    heat = told(store)["far:0"]["heat"]
    assert maps(heat).shape == (5, 16, 16)
    assert len(heat[2]) == math.ceil(5 * 16 * 16 / 3) * 4
    row = maps(heat)[0].sum(axis=1)
    assert (row[0] > 0, row[2:].any()) == (True, False)


def test_a_score_without_shares_tells_changes(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = atlases.traced

    def below(*given: Any) -> Any:
        return replace(made(*given), score=-made(*given).score)

    monkeypatch.setattr(atlases, "traced", below)
    atlases.trace(store)
    one = told(store)["mid:0"]
    assert one["sources"][0] == ["near:0", None, 1, -3.0]
    assert one["text"] == ""


def test_nothing_is_told_where_nothing_was_traced(store: Store) -> None:
    assert told(store) == {}


def test_edges_of_another_time_are_not_told(store: Store) -> None:
    atlases.trace(store)
    [table] = [table for table in circuits.tables(store) if table.layer.name == "mid"]
    table.clear()
    assert told(store) == {}
    circuits.refresh(store)
    assert told(store)["far:0"]["layer"] == "near"

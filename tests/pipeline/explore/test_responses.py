from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipeline import verify
from pipeline.explore import index, responses, similarity
from pipeline.explore.responses import standardised, unit_rows
from pipeline.plan.batches import Batch
from pipeline.plan.provenance import Provenance
from pipeline.store.store import Store

Make = Callable[..., Provenance]
Build = Callable[..., Store]


@pytest.fixture
def store(tmp_path: Path, make_provenance: Make, build: Build) -> Store:
    """A finished atlas of two layers, of six and ten channels, without responses."""
    return build(tmp_path, make_provenance("mixed2:0-5", "mixed4:1"))


def _seen(batch: Batch, tables: list[responses.Responses]) -> dict[str, dict[str, np.ndarray]]:
    """Made-up responses: of each channel its number, and of a unit's own much more."""
    found = {}
    for table in tables:
        values = np.tile(np.arange(table.layer.channels, dtype=np.float32), (len(batch.units), 1))
        for row, unit in enumerate(batch.units):
            if unit.layers[0] == table.layer.name:
                values[row, unit.index] = 100
        found[table.layer.name] = {"mean": values, "peak": values + 1}
    return found


def _measure(store: Store) -> list[responses.Responses]:
    tables = responses.tables(store)
    batches = store.pending(tables)
    for table in tables:
        table.prepare_all(store.provenance.available_sections(), batches)
    for batch in batches:
        responses.commit(tables, batch, _seen(batch, tables))
    return tables


def test_a_table_for_each_layer_that_units_look_at(store: Store) -> None:
    assert [table.layer.name for table in responses.tables(store)] == ["mixed2", "mixed4"]


def test_every_committed_image_is_looked_at_once(store: Store) -> None:
    batches = store.pending(responses.tables(store))
    assert [batch.key for batch in batches] == ["mixed2/000000", "mixed2/000001", "mixed4/000000"]
    assert store.pending(_measure(store)) == []


def test_the_matrix_is_of_units_and_channels(store: Store) -> None:
    ids, found = responses.matrix(store, _measure(store))
    assert ids == [unit.id for unit in store.provenance.units()]
    assert {layer: values.shape for layer, values in found.items()} == {
        "mixed2": (7, 6), "mixed4": (7, 10)
    }  # fmt: skip
    assert found["mixed2"][3, 3] == 100
    _, peaks = responses.matrix(store, responses.tables(store), "peak")
    assert peaks["mixed4"][6, 1] == 101


def test_the_index_has_what_follows_from_them(store: Store) -> None:
    index.refresh(store)
    assert index.read(store.folder)[list(similarity.TYPES)].isna().all(axis=None)
    _measure(store)
    assert not index.is_current(store)
    index.refresh(store)
    frame = index.read(store.folder).set_index("unit")
    assert index.is_current(store)
    assert (frame["own_rank"] == 0).all()
    assert frame.loc["mixed2:2", "selectivity"] == pytest.approx((100 - 2) / 102)
    assert len(frame.loc["mixed2:2", "nearest"]) == 6
    assert "mixed2:2" not in frame.loc["mixed2:2", "nearest"]
    again = index.identity(index.explore(store)(index.build(store)))
    assert index.identity(index.read(store.folder)) == again


def test_a_layer_that_comes_later_leaves_the_others(
    tmp_path: Path, make_provenance: Make, build: Build
) -> None:
    _measure(build(tmp_path, make_provenance("mixed2:0-5")))
    files = [path for path in tmp_path.rglob("*") if "responses" in path.parts and path.is_file()]
    before = {path: path.read_bytes() for path in files}
    store = build(tmp_path, make_provenance("mixed2:0-5", "mixed4:1"))
    assert len(store.pending(responses.tables(store))) == 3
    _measure(store)
    assert {path: path.read_bytes() for path in files} == before
    assert store.pending(responses.tables(store)) == []


def test_responses_to_other_images_are_measured_anew(store: Store) -> None:
    tables = _measure(store)
    section, batch = store.provenance.sections()[0], store.pending([])
    assert batch == []
    record = store.records.one("mixed2", 1)
    assert record is not None
    store.records.drop(record)
    assert store.pending(tables) == []  # there is nothing to look at
    [missing] = store.missing(section)
    fewer = Batch(missing.section, missing.chunk, missing.size, missing.units[:1])
    from atlases import results

    store.commit(fewer, results(fewer))
    [again] = store.pending(tables)
    assert again.units == fewer.units
    responses.commit(tables, again, _seen(again, tables))
    assert store.pending(tables) == []


def test_damage_is_named_and_only_that_is_measured_again(store: Store) -> None:
    tables = _measure(store)
    verify.trust(store)
    name = tables[1].arrays.files_of("mixed2", 1)[0]
    path = store.folder.path / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    damaged = [finding.part for finding in verify.verify(store) if finding.state == "damaged"]
    assert damaged == ["responses/mixed4/mixed2/000001"]
    assert [finding.part for finding in verify.drop_damaged(store)] == damaged
    assert [batch.key for batch in store.pending(tables)] == ["mixed2/000001"]
    assert store.records.one("mixed2", 1) is not None


def test_a_channel_without_spread_stands_out_nowhere() -> None:
    values = np.array([[1, 5], [1, 7]], np.float32)
    assert standardised(values)[:, 0].tolist() == [0, 0]
    assert standardised(values)[:, 1].tolist() == [-1, 1]


def test_rows_are_of_length_one_and_keep_their_way() -> None:
    values = np.array([[3, 4], [0, -2], [0, 0]], np.float32)
    found = unit_rows(values)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [[0.6, 0.8], [0, -1], [0, 0]], rtol=1e-6)
    assert float(found[0] @ found[1]) == pytest.approx(-0.8)  # their cosine


@pytest.mark.parametrize("scale", [1e-38, 1.0, 1e36])
def test_spreads_are_of_one_kind_however_large(scale: float) -> None:
    values = np.array([[1, 5], [2, 7], [3, 9]], np.float32)
    found = standardised(values * np.float32(scale))
    np.testing.assert_allclose(found, standardised(values), atol=1e-6)

"""Tests of a table that is nothing more: of whatever has an id, where it is told to be."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import WorkError
from pipeline.plan.batches import Batch
from pipeline.store.layout import Layout
from pipeline.store.place import at
from pipeline.store.table import Table


@dataclass(frozen=True)
class Thing:
    """What has an id, and is no unit."""

    id: str


@dataclass(frozen=True)
class Shelf:
    """The section of the things."""

    name: str = "shelf"
    rows_are: str = "thing"


BATCH = Batch("shelf", 1, 3, (Thing("a"), Thing("b")))
WEIGHTS = np.array([[1, 2], [3, 4]], np.float32)


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """A table of things, with room for the batch."""
    made = Table(at(tmp_path), "things/of mine", {"weight": Layout((2,), "float32", 0, ("side",))})
    made.prepare(Shelf(), [BATCH])
    return made


def test_a_batch_of_things_is_committed_and_read(table: Table, tmp_path: Path) -> None:
    record = table.write(BATCH, {"weight": WEIGHTS})
    assert record.units == ("a", "b")
    assert (tmp_path / "things/of mine/shelf/000001.json").is_file()
    assert (tmp_path / "atlas.zarr/things/of mine/shelf/weight/c/1/0").is_file()
    np.testing.assert_array_equal(table.read(record, "weight"), WEIGHTS)
    np.testing.assert_array_equal(table.read(record, "weight", 1), WEIGHTS[1])
    assert table.check(record) == ""


def test_a_thing_of_no_finite_weight_is_named(table: Table) -> None:
    bad = WEIGHTS + np.array([[0], [np.inf]], np.float32)
    with pytest.raises(WorkError, match="weight has values that are not finite, first for unit b"):
        table.write(BATCH, {"weight": bad})


def test_a_table_without_a_place_is_the_stores_own(tmp_path: Path) -> None:
    table = Table(at(tmp_path), "", {"weight": Layout((2,), "float32", 0, ("side",))})
    assert table.records.place == "records"
    assert table.arrays.folder_of("shelf") == "atlas.zarr/shelf"

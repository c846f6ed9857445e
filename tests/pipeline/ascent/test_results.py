"""Tests of how a finished batch is stored; without TensorFlow, as whoever reads it."""

import numpy as np
import pytest

from pipeline.ascent.results import NAMES, Results, Statistics


@pytest.fixture
def statistics() -> Statistics:
    """Of two units: 0, 1, 2 and so on, and 100, 101, 102."""
    return Statistics(**{name: np.array([n, 100 + n]) for n, name in enumerate(NAMES)})


def test_a_table_has_a_row_a_unit_and_a_column_a_name(statistics: Statistics) -> None:
    table = statistics.table()
    assert table.dtype == np.float32
    assert table.tolist() == [list(range(len(NAMES))), list(range(100, 100 + len(NAMES)))]
    assert table[1, NAMES.index("seconds")] == statistics.seconds[1]


@pytest.mark.parametrize("snapshots", [0, 3])
def test_snapshots_are_stored_where_there_are_any(statistics: Statistics, snapshots: int) -> None:
    images = np.full((2, 4, 4, 3), 9, np.uint8)
    along = np.zeros((2, snapshots, 4, 4, 3), np.uint8)
    stored = Results(images, np.ones((2, 5)), along, statistics).arrays()
    expected = {
        "images": ((2, 4, 4, 3), "uint8"),
        "trajectory": ((2, 5), "float32"),
        "statistics": ((2, len(NAMES)), "float32"),
    }
    if snapshots:
        expected["snapshots"] = ((2, 3, 4, 4, 3), "uint8")
    assert {name: (rows.shape, str(rows.dtype)) for name, rows in stored.items()} == expected
    assert stored["images"] is images

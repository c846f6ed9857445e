from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import ConfigError, MissingError, NotMeasuredError
from pipeline.explore import index
from pipeline.plan.provenance import Provenance
from pipeline.sheets import orders
from pipeline.store.store import Store

Make = Callable[..., Provenance]
Build = Callable[..., Store]


@pytest.fixture
def store(tmp_path: Path, make_provenance: Make, build: Build) -> Store:
    return build(tmp_path / "atlas", make_provenance("mixed2:0-5", "-mixed2:0-1", "mixed4:1-3"))


def _drawn(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def _tile(mosaic: np.ndarray, row: int, column: int) -> np.ndarray:
    """A tile of 8 px of the first panel."""
    x, y = 4 + column * 12, 4 + 40 + row * 22
    return mosaic[y : y + 8, x : x + 8]


@pytest.mark.parametrize(("order", "first"), [("channel", 0), ("activation", 5)])
def test_orders_of_one_section(store: Store, tmp_path: Path, order: str, first: int) -> None:
    path = tmp_path / "a.png"
    orders.draw(store, index.build(store), order, ("mixed2",), 8, path)
    record = store.records.one("mixed2", first // 4)
    np.testing.assert_array_equal(
        _tile(_drawn(path), 0, 0), store.read(record, "images", first % 4)
    )


def test_downwards_the_lowest_comes_first(store: Store, tmp_path: Path) -> None:
    orders.draw(
        store, index.build(store), "activation", ("negative-mixed2",), 8, tmp_path / "a.png"
    )
    record = store.records.one("negative-mixed2", 0)
    np.testing.assert_array_equal(
        _tile(_drawn(tmp_path / "a.png"), 0, 0), store.read(record, "images", 0)
    )


def test_units_that_are_alike_lie_together(store: Store, tmp_path: Path) -> None:
    frame = index.build(store)
    with pytest.raises(NotMeasuredError, match="nothing is known yet of which units are alike"):
        orders.draw(store, frame, "similarity", (), 8, tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()
    frame["map_x"] = [1.0, 0.0, 0.5, 1.0, 0.0, 0.5, *[0.1, 0.9, 0.0, 0.5, 1.0]]
    frame["map_y"] = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, *[0.0] * 5]
    orders.draw(store, frame, "similarity", ("mixed2",), 8, tmp_path / "a.png")
    record = store.records.one("mixed2", 0)
    np.testing.assert_array_equal(
        _tile(_drawn(tmp_path / "a.png"), 0, 0), store.read(record, "images", 1)
    )


def test_all_sections_on_one_mosaic(store: Store, tmp_path: Path) -> None:
    orders.draw(store, index.build(store), "channel", (), 8, tmp_path / "all.png")
    orders.draw(store, index.build(store), "channel", ("mixed4",), 8, tmp_path / "one.png")
    assert _drawn(tmp_path / "all.png").shape[0] > _drawn(tmp_path / "one.png").shape[0]


def test_a_section_that_is_not_there(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no section 'mixed9': expected mixed2, mixed4, neg"):
        orders.draw(store, index.build(store), "channel", ("mixed9",), 8, tmp_path / "a.png")


def test_cells_of_an_activation_atlas_are_where_they_are(store: Store, tmp_path: Path) -> None:
    frame = index.build(store)
    with pytest.raises(MissingError, match="`atlas activations` makes cells that have one"):
        orders.draw(store, frame, "activations", (), 8, tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()
    frame.loc[frame["unit"] == "mixed2:3", ["cell_row", "cell_col", "class_name"]] = (1, 2, "cat")
    orders.draw(store, frame, "activations", (), 8, tmp_path / "a.png")
    drawn, record = _drawn(tmp_path / "a.png"), store.records.one("mixed2", 0)
    np.testing.assert_array_equal(_tile(drawn, 1, 2), store.read(record, "images", 3))
    assert (_tile(drawn, 0, 0) == drawn[0, 0]).all()  # an empty one

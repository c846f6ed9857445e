"""Tests of places: on a map, in a grid, of a mosaic."""

import numpy as np
import pytest

from pipeline.explore import places
from pipeline.explore.places import grid


@pytest.mark.parametrize("count", [2, 3, 5, 40])
def test_the_map_is_in_the_unit_square_and_the_same_each_time(count: int) -> None:
    features = np.random.default_rng(0).normal(size=(count, 6))
    first, second = places.layout(features, 3), places.layout(features, 3)
    np.testing.assert_array_equal(first, second)
    assert first.min() >= 0
    assert first.max() <= 1
    assert np.isfinite(first).all()


@pytest.mark.parametrize("count", [1, 2, 7, 100, 2500])
def test_a_grid_has_one_place_for_each(count: int) -> None:
    spots = np.random.default_rng(0).random((count, 2))
    found = places.on_grid(spots, exact=600)
    assert len({tuple(place) for place in found}) == count
    side = int(np.ceil(np.sqrt(count)))
    assert found.min() >= 0
    assert found.max() < side


def test_a_grid_keeps_what_is_near_together() -> None:
    spots = np.stack(np.meshgrid(np.linspace(0, 1, 5), np.linspace(0, 1, 5)), -1).reshape(-1, 2)
    found = places.on_grid(spots)
    np.testing.assert_array_equal(found, np.round(spots[:, ::-1] * 4))


def test_alike_features_lie_near_on_the_map() -> None:
    rng = np.random.default_rng(1)
    features = np.concatenate([rng.normal(size=(30, 8)) * 0.1 + c for c in (5 * np.eye(8)[:3])])
    groups = places.layout(features, 0).reshape(3, 30, 2)
    middles = groups.mean(axis=1)
    within = np.linalg.norm(groups - middles[:, None], axis=-1).mean()
    between = np.linalg.norm(middles[:, None] - middles[None], axis=-1)[np.triu_indices(3, 1)].min()
    assert between > 2 * within


@pytest.mark.parametrize(
    ("count", "columns", "expected"),
    [(0, 0, 1), (1, 0, 1), (12, 0, 4), (768, 0, 32), (12, 5, 5), (3, 5, 3), (0, 5, 1)],
)
def test_columns(count: int, columns: int, expected: int) -> None:
    assert grid(count, columns) == expected


@pytest.mark.parametrize("value", [0.0, 3.0])
def test_rows_that_are_all_one_lie_in_a_line(value: float) -> None:
    found = places.layout(np.full((12, 6), value, np.float32), 0)
    np.testing.assert_allclose(found[:, 0], np.linspace(0, 1, 12), rtol=1e-6)
    assert not found[:, 1].any()


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("columns", [1, 6])
def test_rows_that_are_all_but_one_have_places(groups: int, columns: int) -> None:
    """Such as images that are all grey, of a network of one channel: warnings are errors here."""
    features = np.ones((12, columns), np.float32)
    features[::2] *= 1 if groups == 1 else -1
    features[3] += np.float32(1e-7)
    found = places.layout(features, 0)
    assert np.isfinite(found).all()
    assert len({tuple(place) for place in places.on_grid(found).tolist()}) == 12


def test_places_are_spread_out_to_the_square() -> None:
    found = places.spread_out(np.array([[0.2, 0.5], [0.4, 0.5], [0.3, 0.5]]))
    np.testing.assert_allclose(found, [[0, 0], [1, 0], [0.5, 0]])
    assert len(places.spread_out(np.zeros((0, 2)))) == 0

import numpy as np
import pytest

from pipeline.explore import places, similarity
from pipeline.plan.kinds import CHANNEL, DEEPDREAM
from pipeline.plan.units import Unit


def _units(*channels: int, **more) -> list[Unit]:
    return [Unit(CHANNEL, ("a",), channel, **more) for channel in channels]


@pytest.fixture
def responses() -> dict[str, np.ndarray]:
    """Three channels and an image of each, that excites its own most; the last, two of them."""
    return {"a": np.array([[3.0, 0.0, 1.0], [0.0, 2.0, 0.0], [0.0, 4.0, 5.0]], np.float32)}


def test_own_rank_counts_channels_that_are_excited_more_for_their_spread(responses) -> None:
    found = similarity.columns(_units(0, 1, 2), responses, 0)
    assert list(found["own_rank"]) == [0, 0, 0]
    found = similarity.columns(_units(0, 1, 1), responses, 0)
    assert list(found["own_rank"]) == [0, 0, 1]


def test_a_negative_unit_is_ranked_downwards(responses) -> None:
    units = [*_units(0, 1), Unit(CHANNEL, ("a",), 0, negative=True)]
    assert similarity.columns(units, responses, 0)["own_rank"].iloc[2] == 0


def test_selectivity_is_of_the_own_image_against_those_of_other_channels(responses) -> None:
    found = similarity.columns(_units(0, 1, 2), responses, 0)["selectivity"]
    assert found.iloc[0] == pytest.approx(1.0)  # nothing else excites channel 0
    assert found.iloc[1] == pytest.approx((2 - 2) / (2 + 2))
    assert found.iloc[2] == pytest.approx((5 - 0.5) / 5.5)


def test_a_variants_own_siblings_are_no_others(responses) -> None:
    units = [Unit(CHANNEL, ("a",), 1), Unit(CHANNEL, ("a",), 1, variant=1), *_units(2)]
    found = similarity.columns(units, {"a": responses["a"][[1, 2, 0]]}, 0)["selectivity"]
    assert found.iloc[0] == pytest.approx((2 - 0) / (2 + 0))


def test_what_has_no_channel_has_no_rank(responses) -> None:
    units = [*_units(0, 1), Unit(DEEPDREAM, ("a",), 0)]
    found = similarity.columns(units, responses, 0)
    assert found["own_rank"].isna().tolist() == [False, False, True]
    assert found["selectivity"].isna().tolist() == [False, False, True]


def test_the_nearest_are_by_angle_without_oneself() -> None:
    features = np.array([[1, 0], [10, 1], [0, 1], [-1, 0]], float)
    numbers, distances = similarity.nearest(features, 10)
    assert numbers[0].tolist() == [1, 2, 3]
    assert distances[0] == pytest.approx([1 - 10 / np.sqrt(101), 1, 2])
    assert (np.diff(distances) >= 0).all()


def test_one_unit_has_no_neighbour_and_lies_somewhere() -> None:
    found = similarity.columns(_units(0), {"a": np.ones((1, 2), np.float32)}, 0)
    assert found["nearest"].iloc[0] == []
    assert (found["map_row"].iloc[0], found["map_col"].iloc[0]) == (0, 0)


@pytest.mark.parametrize("count", [2, 3, 5, 40])
def test_the_map_is_in_the_unit_square_and_the_same_each_time(count: int) -> None:
    features = np.random.default_rng(0).normal(size=(count, 6))
    first, second = places.layout(features, 3), places.layout(features, 3)
    np.testing.assert_array_equal(first, second)
    assert first.min() >= 0
    assert first.max() <= 1
    assert np.isfinite(first).all()


@pytest.mark.parametrize("count", [1, 2, 7, 100, 2500])
def test_a_grid_has_one_place_for_each(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_EXACT", 600)
    spots = np.random.default_rng(0).random((count, 2))
    found = places.on_grid(spots)
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

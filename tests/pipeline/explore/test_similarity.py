import numpy as np
import pytest

from pipeline.explore import similarity
from pipeline.plan.directions import Direction
from pipeline.plan.kinds import CHANNEL, DEEPDREAM, DIRECTION
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


def _direction(*weights: float, **more) -> Unit:
    vector = np.array(weights, np.float32)
    return Unit(DIRECTION, ("a",), direction=Direction("1*0", vector.tobytes()), **more)


def test_a_direction_is_ranked_and_selective_as_a_channel_is(responses) -> None:
    plain = similarity.columns(_units(0, 1, 2), responses, 0)
    one_hot = [_direction(1, 0, 0), _direction(0, 1, 0), _direction(0, 0, 1)]
    found = similarity.columns(one_hot, responses, 0)
    for name in ("own_rank", "selectivity"):
        assert found[name].tolist() == pytest.approx(plain[name].tolist())
    units = [*_units(0), _direction(-1, 0, 0, negative=True), _direction(0, 1, 0.1)]
    found = similarity.columns(units, responses, 0)
    assert found["own_rank"].iloc[2] == 1  # channel 2 stands out more
    assert found["selectivity"].isna().tolist() == [False, True, False]


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


def test_a_section_has_a_grid_of_its_own_and_all_have_one_together() -> None:
    units = [*_units(*range(6)), *(Unit(CHANNEL, ("b",), n) for n in range(3))]
    random = np.random.default_rng(0)
    made = {name: random.random((9, 6), np.float32) for name in "ab"}
    found = similarity.columns(units, made, 0)
    whole = similarity.cells(found, alone=False)
    assert len(set(map(tuple, whole))) == 9
    for rows, side in ((found[:6], 3), (found[6:], 2)):
        own = similarity.cells(rows, alone=True)
        assert len(set(map(tuple, own))) == len(rows)
        assert own.min() == 0
        assert own.max() < side
        older = rows.assign(grid_row=None)  # an index of before
        np.testing.assert_array_equal(similarity.cells(older, alone=True), own)

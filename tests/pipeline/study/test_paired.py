"""Tests of paired differences and their intervals, on numbers whose answers are known."""

import numpy as np
import pytest

from pipeline.study.paired import LEAST, _medians, interval, paired


def _random() -> np.random.Generator:
    return np.random.default_rng(0)


def _paired(before, after, way=1, groups=None, **how):
    before, after = np.array(before, float), np.array(after, float)
    ways = np.broadcast_to(np.array(way), before.shape)
    groups = np.arange(len(before)) if groups is None else np.array(groups)
    return paired(before, after, ways, groups, _random(), **how)


def test_a_constant_difference_has_an_interval_of_no_width() -> None:
    before = np.arange(20.0)
    found = _paired(before, before + 0.25)
    assert (found.units, found.counted, found.better) == (20, 20, 1.0)
    assert (found.change, found.low, found.high) == (0.25, 0.25, 0.25)


def test_a_constant_factor_is_one_whatever_the_scale() -> None:
    before = 10.0 ** np.arange(-4, 8)
    found = _paired(before, 1.5 * before, is_factor=True)
    assert [found.change, found.low, found.high] == pytest.approx([1.5, 1.5, 1.5])


def test_differences_are_paired() -> None:
    """Units that differ a thousand times more than the ways do."""
    before = 1000.0 * np.arange(40)
    found = _paired(before, before + np.tile([0.9, 1.1], 20))
    assert found.change == pytest.approx(1.0)
    assert 0.89 < found.low <= found.high < 1.11
    assert found.better == 1.0


def test_less_may_be_better_and_ties_count_by_half() -> None:
    found = _paired([4, 4, 4, 4], [2, 4, 6, 8], way=-1)
    assert found.better == (1 + 0.5) / 4
    assert _paired([4, 4, 4, 4], [2, 4, 6, 8]).better == (2 + 0.5) / 4
    assert _paired([1, 1], [1, 1]).better == 0.5


def test_what_is_not_known_of_both_is_no_pair() -> None:
    found = _paired([1, np.nan, 3, 4], [2, 2, np.nan, 6])
    assert (found.units, found.change) == (2, 1.5)
    none = _paired([np.nan], [1])
    assert (none.units, none.counted) == (0, 0)
    assert np.isnan([none.change, none.low, none.high, none.better]).all()


def test_no_factor_of_zero_or_less_or_of_what_is_to_be_lowered() -> None:
    found = _paired([0, 2, -1, 2, 2], [5, 4, 3, 4, 1], way=[1, 1, 1, 1, -1], is_factor=True)
    assert (found.units, found.counted) == (5, 2)
    assert found.change == pytest.approx(2)
    assert found.better == 1.0  # the last is lowered, as it is to be
    assert _paired([4, 4], [2, 2], way=-1, is_factor=True).change == pytest.approx(0.5)


@pytest.mark.parametrize(("count", "is_there"), [(LEAST - 1, False), (LEAST, True)])
def test_few_units_have_no_interval(count: int, is_there: bool) -> None:
    found = _paired(np.zeros(count), np.arange(1.0, count + 1))
    assert np.isfinite([found.low, found.high]).all() == is_there
    assert np.isfinite(found.change)


def test_the_interval_is_that_of_plain_resampling() -> None:
    values = _random().normal(3, 1, 61)
    drawn = np.random.default_rng(1).integers(61, size=(20_000, 61))
    expected = np.percentile(np.median(values[drawn], axis=1), (2.5, 97.5))
    assert interval(values, np.arange(61), _random()) == pytest.approx(expected, abs=0.06)


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    random, held = np.random.default_rng(5), 0
    for _ in range(200):
        low, high = interval(random.normal(1, 2, 30), np.arange(30), random)
        held += low <= 1 <= high
    assert 0.9 <= held / 200 <= 0.99


def test_an_interval_is_drawn_by_the_seed_and_by_no_order() -> None:
    values = _random().normal(0, 1, 50)
    assert interval(values, np.arange(50), _random()) == interval(values, np.arange(50), _random())
    doubled = np.repeat(values, 2)
    assert interval(doubled, np.repeat(np.arange(50), 2), _random()) == pytest.approx(
        interval(values, np.arange(50), _random()), abs=0.1
    )


def test_what_belongs_together_is_resampled_together() -> None:
    """Ten batches of twenty units: the interval is as wide as that of ten numbers."""
    batches = _random().normal(0, 1, 10)
    values, groups = np.repeat(batches, 20), np.repeat(np.arange(10), 20)
    together = interval(values, groups, _random())
    apart = interval(values + _random().normal(0, 1e-3, 200), np.arange(200), _random())
    alone = interval(batches, np.arange(10), _random())
    assert together[1] - together[0] > 0.9 * (alone[1] - alone[0])
    assert together[1] - together[0] > 1.5 * (apart[1] - apart[0])


def test_medians_of_values_that_are_there_so_often() -> None:
    ordered, often = np.array([1.0, 2.0, 4.0, 8.0]), _random().multinomial(4, [0.25] * 4, 50)
    expected = [np.median(np.repeat(ordered, row)) for row in often]
    assert _medians(ordered, often).tolist() == expected
    assert len(set(expected)) > 5


def test_many_units_are_held_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    values = _random().normal(0, 1, 64)
    whole = interval(values, np.arange(64), _random())
    monkeypatch.setattr("pipeline.study.paired._HELD", 64 * 7)
    assert interval(values, np.arange(64), _random()) == whole

"""Agreement of variants: known likenesses, chance, and what is left out."""

import numpy as np
import pytest

from pipeline.plan.kinds import CHANNEL, DEEPDREAM, LOGITS
from pipeline.plan.units import Unit
from pipeline.truth import agreement

CHANNELS, VARIANTS = 40, 3


def _units(count: int = 30, variants: int = VARIANTS) -> list[Unit]:
    return [Unit(CHANNEL, ("a",), n, variant=v) for v in range(variants) for n in range(count)]


def _features(units: list[Unit], alike: float, seed: int = 0) -> np.ndarray:
    """Noise of each picture, and so much of what its unit's pictures share."""
    random = np.random.default_rng(seed)
    shared = random.normal(size=(CHANNELS, CHANNELS))
    noise = random.normal(size=(len(units), CHANNELS))
    return alike * shared[[unit.index for unit in units]] + noise


def test_variants_of_one_thing_agree() -> None:
    units = _units()
    found = agreement.columns(units, {"a": _features(units, 10.0)})["agreement"]
    assert list(found.index) == [unit.id for first in units[:30] for unit in _kin(units, first)]
    assert found.between(0.9, 1.0).all()
    few = agreement.columns(
        units[:2] + units[30:32], {"a": _features(units[:2], 1.0)[[0, 1, 0, 1]]}
    )
    assert set(few["agreement"]) == {1.0}  # the same, of however few


def _kin(units: list[Unit], first: Unit) -> list[Unit]:
    return [unit for unit in units if unit.index == first.index]


@pytest.mark.parametrize("climbed", [0.0, 50.0])
def test_noise_agrees_in_nothing_however_high_each_channel_was_climbed(climbed: float) -> None:
    units, means = _units(), []
    for seed in range(40):
        features = _features(units, 0.0, seed)
        features[range(len(units)), [unit.index for unit in units]] += climbed
        found = agreement.columns(units, {"a": features})
        means.append(float(found["agreement"].mean()))
    assert np.mean(means) == pytest.approx(0, abs=0.01)


def test_a_unit_of_two_things_agrees_less_than_one_of_one() -> None:
    units = _units(variants=4)
    features = _features(units, 3.0)
    two = _units(count=1, variants=4)
    rows = [units.index(unit) for unit in two]
    features[rows[2:]] = _features(units, 3.0, seed=9)[rows[2:]]
    found = agreement.columns(units, {"a": features})["agreement"]
    assert found[two[0].id] < 0.5
    assert found.drop([unit.id for unit in two]).min() > 0.7
    assert found[[unit.id for unit in two]].nunique() == 1  # the unit's, at each of its variants


def test_where_there_is_nothing_to_compare_nothing_is_said() -> None:
    for units in (_units(variants=1), _units(count=1), [Unit(DEEPDREAM, ("a",)), *_units(1, 1)]):
        assert agreement.columns(units, {"a": _features(units, 1.0)}).empty


def test_classes_are_told_by_the_deepest_layer() -> None:
    units = [Unit(LOGITS, (), n, variant=v) for n in range(9) for v in (0, 1)]
    deep = _features(units, 10.0)
    found = agreement.columns(units, {"a": np.zeros_like(deep), "b": deep})["agreement"]
    assert len(found) == 18
    assert found.min() > 0.9


def test_where_nothing_answers_nothing_agrees() -> None:
    units = _units(count=4)
    found = agreement.columns(units, {"a": np.full((len(units), CHANNELS), 0.1)})["agreement"]
    assert set(found) == {0.0}

"""Tests of prediction: AUROCs by hand, intervals, and that other units' pictures do not tell."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.examples.telling import weighted
from pipeline.truth import prediction
from pipeline.truth.likeness import Scale, contrasted
from pipeline.truth.prediction import FEWEST, RESAMPLES, Crops, Subjects, aurocs

PHOTOGRAPHS, EACH, CHANNELS = 80, 25, 24


def _world(
    units: int, seed: int = 0, strength: float = 1.0
) -> tuple[Crops, Subjects, np.ndarray, Scale]:
    """Crops that hang together in photographs, units that see a few channels, their pictures.

    A picture has what its unit sees, `strength` times, much that all pictures have, and noise.
    """
    random = np.random.default_rng(seed)
    photograph = np.repeat(np.arange(PHOTOGRAPHS), EACH)
    of_photograph = random.normal(size=(PHOTOGRAPHS, CHANNELS))[photograph]
    features = of_photograph + random.normal(size=(len(photograph), CHANNELS))
    wanted = random.normal(size=(units, CHANNELS)) * (random.random((units, CHANNELS)) < 0.2)
    wanted[np.arange(units), random.integers(0, CHANNELS, units)] += 1.0
    activations = np.maximum(features @ wanted.T, 0.0)
    common = random.normal(size=CHANNELS) * 5
    pictures = strength * 4 * wanted + common + random.normal(size=wanted.shape)
    half = np.random.default_rng(seed + 1).permutation(PHOTOGRAPHS)[photograph] % 2 == 0
    scale = Scale.of(features)
    crops = Crops(scale.directions(features), photograph, half)
    subjects = Subjects.of(activations, half, np.arange(units))
    return crops, subjects, scale.directions(pictures), scale


def test_an_auroc_is_how_often_the_first_of_two_is_more_alike() -> None:
    random = np.random.default_rng(0)
    scores = random.integers(0, 9, (40, 3)).astype(float)  # with ties
    excites = random.random((40, 2)) < 0.3
    excites[:, 1] = False
    ranks = prediction._ranks(scores)
    found = aurocs(excites, ranks)
    for picture in range(3):
        mine, others = scores[excites[:, 0], picture], scores[~excites[:, 0], picture]
        won = (mine[:, None] > others) + 0.5 * (mine[:, None] == others)
        assert found[0, picture] == pytest.approx(won.mean())
    assert np.isnan(found[1]).all()


def test_what_excites_is_the_hundredth_of_each_half() -> None:
    half = np.arange(1000) % 2 == 0
    values = np.stack([np.arange(1000.0), np.zeros(1000), np.ones(1000)], axis=1)
    values[[3, 4], 1] = 1.0
    found = Subjects.of(values, half, np.arange(3))
    assert np.flatnonzero(found.excites[:, 0]).tolist() == list(range(990, 1000))
    assert np.flatnonzero(found.excites[:, 1]).tolist() == [3, 4]  # no silent crop is among them
    assert not found.excites[:, 2].any()
    assert found.strongest[:, :2].tolist() == [[999, 3], [998, 4]]


def test_pictures_tell_and_photographs_too() -> None:
    crops, subjects, pictures, _ = _world(200)
    found = prediction.of_pictures(crops, subjects, pictures, 0)
    assert np.median(found.auroc) > 0.9
    assert found.is_known.all()
    assert found.tells.mean() > 0.9
    assert np.median(found.middle) == pytest.approx(0.5, abs=0.02)
    strongest = prediction.strongest(crops, subjects)
    photographs = prediction.of_tried(crops, subjects, strongest, 0)
    assert np.median(photographs.auroc) > 0.7
    assert photographs.auroc.tolist() == prediction.own(crops, subjects, strongest).tolist()
    assert 0.3 < photographs.tells.mean() < found.tells.mean()


def test_no_photograph_explains_itself() -> None:
    crops, subjects, _, _ = _world(50)
    first, second = prediction.strongest(crops, subjects, lambda plain, _: plain)
    assert (first == crops.directions[subjects.strongest[1]]).all()
    assert not crops.half[subjects.strongest[0]].any()
    assert (second == crops.directions[subjects.strongest[0]]).all()


@pytest.mark.parametrize("seed", range(3))
def test_of_shuffled_pictures_one_in_forty_tells_at_most(seed: int) -> None:
    """Though crops hang together, and so do units and pictures."""
    crops, subjects, pictures, _ = _world(600, seed)
    order = np.random.default_rng(seed).permutation(600)
    found = prediction.of_pictures(crops, subjects, pictures[order], 0)
    moved = order != np.arange(600)
    assert found.tells[moved].mean() <= 0.03
    assert np.median(found.auroc[moved]) == pytest.approx(0.5, abs=0.02)


def test_over_many_ways_to_deal_pictures_out_one_in_forty_is_above_the_border() -> None:
    crops, subjects, pictures, _ = _world(120)
    above = []
    for shift in range(1, 120, 24):
        found = prediction.of_pictures(crops, subjects, np.roll(pictures, shift, axis=0), 0)
        above.append(found.auroc > found.null)
    assert 0.005 < np.mean(above) <= 0.035


def test_a_meaningless_picture_does_not_tell() -> None:
    crops, subjects, pictures, scale = _world(100)
    planted = pictures.copy()
    planted[7] = scale.directions(np.random.default_rng(5).normal(size=(1, CHANNELS)) * 9)[0]
    found = prediction.of_pictures(crops, subjects, planted, 0)
    assert not found.tells[7]
    assert prediction.of_pictures(crops, subjects, pictures, 0).tells[7]


def test_an_interval_contains_what_was_found_and_is_that_of_resampled_photographs() -> None:
    crops, subjects, pictures, _ = _world(50, strength=0.3)
    found = prediction.of_pictures(crops, subjects, pictures, 0)
    assert ((found.low <= found.auroc) & (found.auroc <= found.high)).all()
    assert (found.high - found.low > 0.01).mean() > 0.8
    tried = contrasted(pictures, subjects.number)
    halves = []
    for number, rows in enumerate(map(crops.of_half, (False, True))):
        names, of = np.unique(crops.photograph[rows], return_inverse=True)
        drawn = np.random.default_rng([0, 1, number]).multinomial(
            len(names), np.full(len(names), 1 / len(names)), RESAMPLES
        )
        scores = (crops.directions[rows] @ tried[:1].T)[:, 0]
        mine = np.flatnonzero(subjects.excites[rows, 0])
        halves.append(weighted(scores, mine, drawn.T.astype(np.uint8)[of]))
    both = np.mean(halves, axis=0)
    expected = np.percentile(both[np.isfinite(both)], (2.5, 97.5))
    assert (found.low[0], found.high[0]) == pytest.approx(tuple(expected))


def test_few_other_pictures_decide_nothing() -> None:
    crops, subjects, pictures, _ = _world(FEWEST + 1)
    assert prediction.of_pictures(crops, subjects, pictures, 0).is_known.all()
    some = np.arange(FEWEST)
    few = prediction.of_pictures(crops, subjects.part(some), pictures[some], 0)
    assert not few.is_known.any()
    assert not few.tells.any()
    assert np.isfinite(few.auroc).all()
    alone = prediction.of_pictures(crops, subjects.part(some[:1]), pictures[:1], 0)
    assert np.isnan([alone.auroc, alone.low, alone.null]).all()


def test_a_unit_that_nothing_excites_has_no_figures() -> None:
    crops, subjects, pictures, _ = _world(60)
    excites = subjects.excites.copy()
    excites[:, 3] = False
    found = prediction.of_pictures(crops, replace(subjects, excites=excites), pictures, 0)
    assert np.isnan([found.auroc[3], found.low[3], found.high[3]]).all()
    assert not found.tells[3]
    assert np.isfinite(found.auroc[[2, 4]]).all()


def test_variants_are_no_others_of_each_other() -> None:
    crops, subjects, pictures, _ = _world(60)
    twice = subjects.part(np.repeat(np.arange(60), 2))
    doubled = prediction.of_pictures(crops, twice, np.repeat(pictures, 2, axis=0), 0)
    once = prediction.of_pictures(crops, subjects, pictures, 0)
    assert np.allclose(doubled.auroc[::2], once.auroc)
    assert np.allclose(doubled.middle[::2], once.middle)


def test_it_does_not_hang_on_how_many_are_ranked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    crops, subjects, pictures, _ = _world(90)
    whole = prediction.of_pictures(crops, subjects, pictures, 0)
    monkeypatch.setattr(prediction, "_AT_ONCE", 7)
    parts = prediction.of_pictures(crops, subjects, pictures, 0)
    for name in ("auroc", "low", "high", "null", "middle"):
        assert np.allclose(getattr(parts, name), getattr(whole, name), atol=1e-6)

"""How well activations tell labels, on numbers whose answers are known."""

import itertools

import numpy as np
import pytest

from pipeline.examples import telling
from pipeline.examples.source import Picture
from pipeline.examples.telling import FALSE, LEAST, Labelled, tell, weighted


def _pictures(labels: list[tuple[str, ...]], groups: list[str] | None = None) -> list[Picture]:
    whole = groups or [""] * len(labels)
    pairs = zip(labels, whole, strict=True)
    return [Picture(f"{n}.png", "", labels=x, group=g) for n, (x, g) in enumerate(pairs)]


def _dealt(count: int, kinds: int) -> list[tuple[str, ...]]:
    return [(f"kind {number % kinds}",) for number in range(count)]


def _auroc(values: np.ndarray, has: np.ndarray) -> float:
    rest = np.setdiff1d(np.arange(len(values)), has)
    pairs = list(itertools.product(values[has], values[rest]))
    return float(np.mean([(a > b) + (a == b) / 2 for a, b in pairs]))


def _told(values: np.ndarray, pictures: list[Picture], seed: int = 0) -> telling.Told:
    return tell(lambda some: values[:, some], values.shape[1], Labelled.of(pictures), seed)


def test_labels_that_few_have_or_few_have_not_are_not_tried() -> None:
    labels = [("all", "most", "few", "two"), ("all", "most", "few", "two"), ("all", "most", "few")]
    labels += [("all", "most")] * 2 + [("all",)] * 2
    assert Labelled.of(_pictures(labels)).names == ("few",)
    assert LEAST == 3


def test_the_auroc_is_that_of_all_pairs_ties_by_half() -> None:
    values = np.random.default_rng(0).integers(0, 4, (40, 3)).astype(np.float32)
    values[:, 2] = 7  # tells nothing
    pictures = _pictures([("a", "b") if n % 5 == 0 else ("b",) * (n % 2) for n in range(40)])
    labelled, told = Labelled.of(pictures), _told(values, pictures)
    assert labelled.names == ("a", "b")
    assert labelled.counts.tolist() == [8, 24]
    for unit, (row, name) in itertools.product(range(3), enumerate(labelled.names)):
        has = np.array([n for n, p in enumerate(pictures) if name in p.labels])
        assert told.auroc[unit, row] == pytest.approx(_auroc(values[:, unit], has)), (unit, name)
    assert told.auroc[2].tolist() == [0.5, 0.5]
    assert not told.is_name[2]


def test_resampled_pictures_count_as_often_as_they_were_drawn() -> None:
    random = np.random.default_rng(1)
    values, has = random.integers(0, 5, 30), np.array([3, 4, 11, 20])
    weights = random.integers(0, 3, (30, 6), np.uint8)
    weights[has, 5] = 0
    found = weighted(values, has, weights)
    for times in range(5):
        drawn = np.repeat(np.arange(30), weights[:, times])
        repeated = np.flatnonzero(np.isin(drawn, has))
        assert found[times] == pytest.approx(_auroc(values[drawn], repeated))
    assert np.isnan(found[5])


def test_an_interval_holds_the_auroc_and_is_wider_for_fewer_pictures() -> None:
    random = np.random.default_rng(2)
    widths = []
    for count in (60, 600):
        pictures = _pictures(_dealt(count, 3))
        values = random.normal(size=(count, 2)).astype(np.float32)
        values[::3, 0] += 1
        told = _told(values, pictures)
        low, high = told.interval[0]
        assert low < told.auroc[0, 0] < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2


def test_what_is_planted_is_found_and_chance_has_no_name() -> None:
    values = np.maximum(np.random.default_rng(3).normal(size=(300, 40)), 0).astype(np.float32)
    values[2::10, 7] += 2
    told = _told(values, _pictures(_dealt(300, 10)))
    assert np.flatnonzero(told.is_name).tolist() == [7]
    assert told.best[7] == 2
    assert told.p[7, 2] < FALSE / 40
    assert told.p[:7].min() > FALSE / 40


@pytest.mark.parametrize("seed", range(4))
def test_shuffled_labels_name_hardly_any(seed: int) -> None:
    """Sparse units, rare and frequent labels, several a picture: of 200 units none or one."""
    random = np.random.default_rng(seed)
    values = np.maximum(random.normal(-1, 1, (240, 200)), 0).astype(np.float32)
    values[:, :100] += random.normal(size=(240, 1)).astype(np.float32)  # units that are alike
    often = random.random((240, 12)) < np.linspace(0.02, 0.5, 12)
    labels = [tuple(f"kind {x}" for x in np.flatnonzero(row)) for row in often]
    told = _told(values, _pictures(labels))
    assert told.is_name.sum() <= FALSE * 200
    by_chance = (told.p.min(axis=1) <= FALSE).mean()  # of units that are not alike
    assert by_chance < 0.3


def test_crops_of_one_photograph_are_not_so_many_pictures() -> None:
    """Twelve photographs of twenty crops, two of a kind: what is alike in one is no kind."""
    random = np.random.default_rng(5)
    photo = np.repeat(np.arange(12), 20)
    values = random.normal(size=(12, 50))[photo] + random.normal(size=(240, 50)) / 4
    values = values.astype(np.float32)
    labels = [(f"kind {number // 2}",) for number in photo]
    alone = _told(values, _pictures(labels))
    together = _told(values, _pictures(labels, [f"photo {number}" for number in photo]))
    assert alone.is_name.mean() > 0.9  # as if each crop were evidence of its own
    assert together.is_name.sum() <= 2
    assert np.ptp(together.interval, axis=1).mean() > 1.5 * np.ptp(alone.interval, axis=1).mean()


def test_a_name_among_many_units_is_told_from_chance_by_more_tries() -> None:
    """999 tries could not tell one unit in 200 from chance."""
    values = np.random.default_rng(6).normal(size=(120, 200)).astype(np.float32)
    values[::4, 150] += 5
    told = _told(values, _pictures(_dealt(120, 4)))
    assert np.flatnonzero(told.is_name).tolist() == [150]
    assert told.p[150, 0] == pytest.approx(1 / (1 + 200 / FALSE))


def test_the_same_seed_gives_the_same_bytes_whatever_else_is_asked() -> None:
    values = np.random.default_rng(7).normal(size=(90, 70)).astype(np.float32)
    values[::3] += np.linspace(0, 2, 70, dtype=np.float32)
    pictures = _pictures(_dealt(90, 3))
    first, again, other = (_told(values, pictures, seed) for seed in (1, 1, 2))
    assert first.interval.tobytes() == again.interval.tobytes()
    assert first.p.tobytes() == again.p.tobytes()
    assert first.interval.tobytes() != other.interval.tobytes()
    few = _told(values[:, 60:], pictures, 1)
    np.testing.assert_allclose(few.interval, first.interval[60:], rtol=1e-6)
    assert np.median(first.auroc[60:, 0]) > 0.8


def test_the_best_of_what_stands_is_the_one_of_the_highest_auroc() -> None:
    """A rare label that a unit tells perfectly, within a frequent one that it tells well."""
    random = np.random.default_rng(8)
    values = random.normal(size=(400, 1)).astype(np.float32)
    values[:200] += 2
    values[:20] += 4
    labels = [("animal", "tabby") if n < 20 else ("animal",) * (n < 200) for n in range(400)]
    told = _told(values, _pictures(labels))
    assert told.is_name[0]
    assert told.best[0] == 1
    assert told.auroc[0, 1] > told.auroc[0, 0] > 0.9

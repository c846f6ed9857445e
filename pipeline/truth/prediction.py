"""Whether a picture tells which crops of photographs excite its unit: AUROC, interval, null.

Of two crops, one of the hundredth that excites the unit most and one of the rest: how often the
first is more like the picture (Hanley and McNeil, 1982). So Zimmermann et al. (2021, 2023) and
Klindt et al. (2023) ask people, and networks in their place. The photographs are in two halves, and
figures are the mean of both: the strongest photograph of the one is a yardstick for the other.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.truth.likeness import contrasted

SHARE = 0.01
"""The part of the crops that counts as what excites a unit."""
FALSE = 0.025
"""The part of pictures of other units that may pass for the unit's own."""
FEWEST = round(1 / FALSE) - 1
"""Pictures of other units below which none can be told from them."""
NULL, RESAMPLES = 1_000, 1_000
"""Other units' pictures that are tried, at most, and resamples of the photographs."""
_INTERVAL = (2.5, 97.5)
_AT_ONCE = 256
"""Pictures that are ranked together."""
Tried = tuple[np.ndarray, np.ndarray]
"""What is held against the crops of either half for each unit: directions, (units, channels)."""


@dataclass(frozen=True)
class Crops:
    """What is seen of the crops by one layer.

    Attributes:
        directions: (crops, channels) float32, as `likeness.Scale` gives them.
        photograph: (crops,) the number of the photograph that each is of, in ascending order.
        half: (crops,) bool, which half that is in.
    """

    directions: np.ndarray
    photograph: np.ndarray
    half: np.ndarray

    def of_half(self, half: bool) -> np.ndarray:
        """The numbers of the crops of a half."""
        return np.flatnonzero(self.half == half)


@dataclass(frozen=True)
class Subjects:
    """Units of which pictures are tried, and what excites them.

    Attributes:
        excites: (crops, units) bool, the hundredth of each half that excites most.
        strongest: (2, units) the crop of either half that excites most.
        number: (units,) integers, equal for units of one thing, such as variants.
    """

    excites: np.ndarray
    strongest: np.ndarray
    number: np.ndarray

    @classmethod
    def of(cls, activations: np.ndarray, half: np.ndarray, number: np.ndarray) -> "Subjects":
        """What excites units most of two halves.

        What ties with more than fits into the hundredth does not count: of a silent unit nothing.

        Args:
            activations: (crops, units); upwards is the unit's way.
            half: (crops,) bool.
            number: (units,) integers, equal for units of one thing.
        """
        excites = np.zeros(activations.shape, bool)
        strongest = np.zeros((2, activations.shape[1]), int)
        for side in (False, True):
            rows = np.flatnonzero(half == side)
            values = activations[rows]
            count = min(int(np.ceil(SHARE * len(rows))), len(rows) - 1)
            first_beyond = np.sort(values, axis=0)[len(rows) - 1 - count]
            excites[rows] = values > first_beyond
            strongest[int(side)] = rows[values.argmax(axis=0)]
        return cls(excites, strongest, number)

    def part(self, units: np.ndarray) -> "Subjects":
        """Some of them, by their numbers here."""
        return Subjects(self.excites[:, units], self.strongest[:, units], self.number[units])


@dataclass(frozen=True)
class Predicted:
    """How well pictures tell what excites their units, each (units,) float64.

    Attributes:
        auroc: of the unit's own picture; NaN where nothing excites it, or it has no others.
        low: where 95 % of resamples of the photographs have that, from here on,
        high: up to here.
        null: what one in forty of other units' pictures exceeds; NaN where they are too few.
        middle: the median of what these come to.
    """

    auroc: np.ndarray
    low: np.ndarray
    high: np.ndarray
    null: np.ndarray
    middle: np.ndarray

    @property
    def tells(self) -> np.ndarray:
        """Whether a picture tells: above `null`, and the interval above `middle`; (units,) bool.

        Were units and pictures dealt out at random, one in forty would be above `null` at most,
        however crops and pictures hang together: a picture's rank among exchangeable ones.
        """
        return np.asarray((self.auroc > self.null) & (self.low > self.middle))

    @property
    def is_known(self) -> np.ndarray:
        """Whether it can be said whether a picture tells, (units,) bool."""
        return np.asarray(np.isfinite(self.auroc) & np.isfinite(self.null))


def of_pictures(crops: Crops, subjects: Subjects, pictures: np.ndarray, seed: int) -> Predicted:
    """How well the units' own pictures tell, and those of others.

    Args:
        crops: what a layer sees of them.
        subjects: the units.
        pictures: their directions, (units, channels).
        seed: of what is drawn.
    """
    tried = contrasted(pictures, subjects.number)
    return of_tried(crops, subjects, (tried, tried), seed)


def of_tried(crops: Crops, subjects: Subjects, tried: Tried, seed: int) -> Predicted:
    """As `of_pictures`, of whatever directions, contrasted already, in either half."""
    low, high = _interval(crops, subjects, tried, seed)
    null, middle = _others(crops, subjects, tried, seed)
    return Predicted(own(crops, subjects, tried), low, high, null, middle)


def strongest(
    crops: Crops,
    subjects: Subjects,
    contrast: Callable[[np.ndarray, np.ndarray], np.ndarray] = contrasted,
) -> Tried:
    """In the picture's place, in either half, the crop of the other that excites a unit most.

    Args:
        crops: what a layer sees of them.
        subjects: the units.
        contrast: what takes off what others are like; as `likeness.contrasted`.
    """
    first, second = (
        contrast(crops.directions[numbers], subjects.number) for numbers in subjects.strongest[::-1]
    )
    return first, second


def own(crops: Crops, subjects: Subjects, tried: Tried) -> np.ndarray:
    """The AUROC of each unit's own direction, the mean of both halves, (units,)."""
    pairs = zip((False, True), tried, strict=True)
    return np.asarray(
        np.mean([_own_of_half(crops, subjects, rows, half) for half, rows in pairs], axis=0)
    )


def aurocs(excites: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """The AUROC of every picture for every unit.

    Args:
        excites: (crops, units) bool.
        ranks: of the likeness to each picture among the crops, from 1, (crops, pictures).

    Returns:
        (units, pictures); NaN where nothing excites a unit, or all does.
    """
    first = excites.sum(axis=0).astype(float)[:, None]
    pairs = first * (len(excites) - first)
    won = excites.T.astype(ranks.dtype) @ ranks - first * (first + 1) / 2
    return np.asarray(np.divide(won, pairs, out=np.full(won.shape, np.nan), where=pairs > 0))


def _own_of_half(crops: Crops, subjects: Subjects, tried: np.ndarray, half: bool) -> np.ndarray:
    """The AUROC of each unit's own contrasted direction in one half, (units,)."""
    rows = crops.of_half(half)
    found = np.full(len(tried), np.nan)
    for some in _parts(len(tried)):
        ranks = _ranks(crops.directions[rows] @ tried[some].T)
        excites = subjects.excites[np.ix_(rows, some)]
        first = excites.sum(axis=0).astype(float)
        pairs = first * (len(rows) - first)
        won = (ranks * excites).sum(axis=0) - first * (first + 1) / 2
        found[some] = np.divide(won, pairs, out=np.full(len(some), np.nan), where=pairs > 0)
    return np.where(np.isfinite(tried).all(axis=1), found, np.nan)


def _others(
    crops: Crops, subjects: Subjects, tried: Tried, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """What one in forty of other units' pictures exceeds, and the middle of them, (units,) each."""
    count, random = len(subjects.number), np.random.default_rng([seed, 0])
    drawn = np.sort(random.permutation(count)[:NULL])
    halves = [crops.of_half(half) for half in (False, True)]
    ranks = [
        np.concatenate(
            [_ranks(crops.directions[rows] @ of[drawn[some]].T) for some in _parts(len(drawn))], 1
        )
        for rows, of in zip(halves, tried, strict=True)
    ]
    null, middle = np.full(count, np.nan), np.full(count, np.nan)
    for some in _parts(count):
        pairs = zip(halves, ranks, strict=True)
        reached = [aurocs(subjects.excites[np.ix_(rows, some)], of) for rows, of in pairs]
        found = np.mean(reached, axis=0)
        found[subjects.number[some][:, None] == subjects.number[drawn]] = np.nan
        for unit, of_others in zip(some, found, strict=True):
            null[unit], middle[unit] = _border(of_others[np.isfinite(of_others)])
    return null, middle


def _border(reached: np.ndarray) -> tuple[float, float]:
    """What one in forty exceeds, so that one more among them does so with that chance at most."""
    place = int(FALSE * (len(reached) + 1) + 1e-9)
    if not place:
        return float("nan"), float("nan")
    return float(np.sort(reached)[-place]), float(np.median(reached))


def _interval(
    crops: Crops, subjects: Subjects, tried: Tried, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Where 95 % of resamples of the photographs have each unit's AUROC, (units,) each.

    Photographs are drawn anew in either half; what excites a unit stays what was found.
    """
    halves = [
        _Half(crops, subjects, rows, np.random.default_rng([seed, 1, number]))
        for number, rows in enumerate(map(crops.of_half, (False, True)))
    ]
    count = len(subjects.number)
    low, high = np.full(count, np.nan), np.full(count, np.nan)
    for some in _parts(count):
        pairs = zip(halves, tried, strict=True)
        scores = [crops.directions[half.rows] @ of[some].T for half, of in pairs]
        for place, unit in enumerate(some):
            found = [h.resampled(unit, s[:, place]) for h, s in zip(halves, scores, strict=True)]
            both = np.mean(found, axis=0)
            both = both[np.isfinite(both)]
            if len(both):
                low[unit], high[unit] = np.percentile(both, _INTERVAL)
    return low, high


class _Half:
    """The photographs of one half, drawn anew many times."""

    def __init__(
        self, crops: Crops, subjects: Subjects, rows: np.ndarray, random: np.random.Generator
    ) -> None:
        self.rows = rows
        self._excites = subjects.excites[rows]
        names, self._starts, self._of = np.unique(
            crops.photograph[rows], return_index=True, return_inverse=True
        )
        count = len(names)
        self._drawn = random.multinomial(count, np.full(count, 1 / count), RESAMPLES).astype(float)

    def resampled(self, unit: int, scores: np.ndarray) -> np.ndarray:
        """The AUROC of scores for a unit in each resample; NaN where one of the sides is empty."""
        excites = self._excites[:, unit]
        mine = np.flatnonzero(excites)
        if not len(mine) or not np.isfinite(scores).all():
            return np.full(RESAMPLES, np.nan)
        below = (scores[mine][:, None] > scores) + 0.5 * (scores[mine][:, None] == scores)
        below[:, mine] = 0.0
        won = np.add.reduceat(below, self._starts, axis=1)  # (those that excite, photographs)
        rest = np.add.reduceat((~excites).astype(float), self._starts)
        times = self._drawn[:, self._of[mine]]
        first, others = times.sum(axis=1), self._drawn @ rest
        total = (times * (self._drawn @ won.T)).sum(axis=1)
        pairs = first * others
        return np.asarray(np.divide(total, pairs, out=np.full(RESAMPLES, np.nan), where=pairs > 0))


def _ranks(scores: np.ndarray) -> np.ndarray:
    """Ranks along the crops, from 1, ties by half; (crops, pictures)."""
    from scipy.stats import rankdata  # noqa: PLC0415, slow to import

    return np.asarray(rankdata(scores, axis=0))


def _parts(count: int) -> Iterator[np.ndarray]:
    return (np.arange(n, min(n + _AT_ONCE, count)) for n in range(0, count, _AT_ONCE))

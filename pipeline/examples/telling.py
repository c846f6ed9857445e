"""How well activations tell labels of pictures, and which do so beyond chance.

AUROC: of two pictures, one with a label and one without, how often the first has the higher
activation, ties by half (Hanley and McNeil, 1982). Chance is the best that any label comes to where
they are dealt out anew, the labels of a picture together (Westfall and Young, 1993): a label's
AUROC is measured there against what its count allows, so that rare ones do not set the bar for
all. Of all names, one in twenty is expected to be due to chance (Benjamini and Hochberg, 1995).
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.examples.source import Picture

if TYPE_CHECKING:
    from scipy.sparse import csr_array

LEAST = 3
"""Pictures that have a label, and that have it not, for it to be tried."""
FALSE = 0.05
"""The part of names that may be due to chance."""
TIMES, MOST = 999, 49_999
"""How often labels are dealt out anew; and for units that might be among few with a name."""
RESAMPLES = 1_000
"""Resamples of the pictures, for an interval."""
_INTERVAL = (2.5, 97.5)
_AT_ONCE = 64
"""Units that are ranked together."""
_HELD = 2**24
"""Weights of pictures that are held at once."""
_ROUNDING = 1e-9

Activations = Callable[[Sequence[int]], np.ndarray]
"""The activations of units by their numbers, (pictures, units); upwards is the unit's way."""


@dataclass(frozen=True)
class Labelled:
    """The labels of pictures.

    Attributes:
        names: of the labels that are tried, sorted.
        has: (labels, pictures), 1 where a picture has a label.
        group: (pictures,) a number, the same for parts of one thing.
    """

    names: tuple[str, ...]
    has: "csr_array"
    group: np.ndarray

    @classmethod
    def of(cls, pictures: Sequence[Picture]) -> "Labelled":
        """The labels that enough pictures have, and enough have not."""
        from scipy.sparse import csr_array  # noqa: PLC0415, slow to import

        counts = Counter(label for picture in pictures for label in picture.labels)
        most = len(pictures) - LEAST
        names = tuple(sorted(name for name, n in counts.items() if LEAST <= n <= most))
        number = {name: row for row, name in enumerate(names)}
        pairs = [(number[x], n) for n, p in enumerate(pictures) for x in p.labels if x in number]
        rows, columns = np.array(pairs, np.int64).reshape(-1, 2).T
        shape = len(names), len(pictures)
        has = csr_array((np.ones(len(pairs)), (rows, columns)), shape=shape)
        whole = {key: n for n, key in enumerate(dict.fromkeys(map(_whole, pictures)))}
        return cls(names, has, np.array([whole[_whole(picture)] for picture in pictures], int))

    @property
    def counts(self) -> np.ndarray:
        """Pictures a label, (labels,)."""
        return np.asarray(np.diff(self.has.indptr))

    @property
    def pairs(self) -> np.ndarray:
        """Pairs of a picture with a label and one without, (labels,) float64."""
        with_it = self.counts.astype(float)
        return np.asarray(with_it * (self.has.shape[1] - with_it))


def _whole(picture: Picture) -> tuple[str, str]:
    """What a picture is a part of, or itself."""
    return ("group", picture.group) if picture.group else ("picture", picture.id)


@dataclass(frozen=True)
class Told:
    """How well units tell labels.

    Attributes:
        auroc: (units, labels).
        p: (units, labels), how often the best of all labels comes to as much by chance.
        best: (units,) the label that is the unit's name, or would be.
        is_name: (units,) whether it stands above chance.
        interval: (units, 2), where 95 % of resamples have the best label's AUROC.
    """

    auroc: np.ndarray
    p: np.ndarray
    best: np.ndarray
    is_name: np.ndarray
    interval: np.ndarray


def tell(activations: Activations, units: int, labelled: Labelled, seed: int) -> Told:
    """Find how well each unit tells each label, and which is its name.

    Args:
        activations: of units on the pictures.
        units: how many there are.
        labelled: the pictures' labels, one at least.
        seed: of what is drawn.
    """
    shape = units, len(labelled.names)
    auroc, scores, p = np.empty(shape), np.empty(shape), np.empty(shape)
    for some in _parts(range(units)):
        ranks, spread = _ranked(activations(some.tolist()))
        scores[some] = (_weights(labelled) @ ranks).T
        share = spread[:, None] / np.sqrt(labelled.pairs * len(ranks))
        auroc[some] = 0.5 + scores[some] * share
        p[some] = _by_chance(scores[some], ranks, labelled, TIMES, seed)
    few = np.flatnonzero(_may_be_few(p.min(axis=1)))
    times = min(MOST, math.ceil(units / FALSE))
    for some in _parts(few):
        p[some] = _by_chance(
            scores[some], _ranked(activations(some.tolist()))[0], labelled, times, seed
        )
    stands = p <= _bar(p.min(axis=1))
    is_name = np.asarray(stands.any(axis=1))
    best = np.where(is_name, np.argmax(np.where(stands, auroc, -1), axis=1), scores.argmax(axis=1))
    return Told(auroc, p, best, is_name, _intervals(activations, best, labelled, seed))


def _parts(numbers: Sequence[int] | np.ndarray) -> Iterator[np.ndarray]:
    """Numbers of units, some at a time."""
    return (
        np.asarray(numbers[first : first + _AT_ONCE], int)
        for first in range(0, len(numbers), _AT_ONCE)
    )


def _ranked(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ranks from their middle against their spread, (pictures, units), and that, (units,)."""
    from scipy.stats import rankdata  # noqa: PLC0415, slow to import

    ranks = rankdata(values, axis=0) - (len(values) + 1) / 2
    spread = np.sqrt((ranks**2).sum(axis=0) / (len(values) - 1))
    return ranks / np.where(spread > 0, spread, 1), spread


def _weights(labelled: Labelled) -> "csr_array":
    """What makes standard scores of ranks: a label's sum against what its count allows."""
    allowed = np.sqrt(labelled.pairs / labelled.has.shape[1])
    return labelled.has.multiply(1 / allowed[:, None]).tocsr()


def _by_chance(
    scores: np.ndarray, ranks: np.ndarray, labelled: Labelled, times: int, seed: int
) -> np.ndarray:
    """How often the best label comes to as much as each where all are dealt out anew.

    The labels of pictures of one group stay together: groups are put into another order, and take
    the labels that lie where they come to lie.

    Returns:
        (units, labels), of 1 more than was tried, as what was found is one way to deal them out
        (Phipson and Smyth, 2010).
    """
    from scipy.sparse import csr_array  # noqa: PLC0415, slow to import

    random, weights = np.random.default_rng([seed, 0]), _weights(labelled)
    best = np.empty((times, ranks.shape[1]))
    for row in best:
        to = _dealt(labelled.group, random)
        dealt = csr_array((weights.data, to[weights.indices], weights.indptr), weights.shape)
        row[:] = (dealt @ ranks).max(axis=0)
    best.sort(axis=0)
    pairs = zip(best.T, scores, strict=True)
    below = [np.searchsorted(chance, found - _ROUNDING) for chance, found in pairs]
    return (1 + times - np.array(below)) / (1 + times)


def _dealt(group: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Whose picture's place each picture's labels go to."""
    count = int(group.max()) + 1
    if count == len(group):
        return random.permutation(count)
    before, after = (np.argsort(random.permutation(count)[group], kind="stable") for _ in range(2))
    to = np.empty_like(before)
    to[before] = after
    return to


def _may_be_few(p: np.ndarray) -> np.ndarray:
    """The units that nothing outdid, where so few are not enough for what was tried."""
    return (p <= 1 / (1 + TIMES)) & (p > _bar(p)) & (len(p) / FALSE > 1 + TIMES)


def _bar(p: np.ndarray) -> float:
    """The largest p of a name: of those up to it, `FALSE` are expected to be due to chance."""
    ordered = np.sort(p)
    held = ordered <= FALSE * np.arange(1, len(p) + 1) / len(p)
    return float(ordered[held].max(initial=0.0))


def _intervals(
    activations: Activations, best: np.ndarray, labelled: Labelled, seed: int
) -> np.ndarray:
    """The intervals of the AUROC of each unit's best label, (units, 2); groups are resampled."""
    random, group = np.random.default_rng([seed, 1]), labelled.group
    count, pictures = int(group.max()) + 1, len(group)
    at_once = max(1, min(RESAMPLES, _HELD // pictures))
    found = np.empty((len(best), RESAMPLES), np.float32)
    for first in range(0, RESAMPLES, at_once):
        times = min(at_once, RESAMPLES - first)
        drawn = random.multinomial(count, np.full(count, 1 / count), times)
        weights = drawn.T.astype(np.uint8)[group]  # nothing is drawn anywhere near 256 times
        for some in _parts(range(len(best))):
            for unit, values in zip(some, activations(some.tolist()).T, strict=True):
                has = _row(labelled.has, best[unit])
                found[unit, first : first + times] = weighted(values, has, weights)
    return np.asarray(np.nanpercentile(found, _INTERVAL, axis=1).T)


def _row(has: "csr_array", label: int) -> np.ndarray:
    """The numbers of the pictures that have a label."""
    return np.asarray(has.indices[has.indptr[label] : has.indptr[label + 1]])


def weighted(values: np.ndarray, has: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """AUROCs of activations for a label, where pictures count so often.

    Args:
        values: (pictures,) the activations.
        has: the numbers of the pictures that have the label.
        weights: (pictures, times) uint8.

    Returns:
        (times,); none where nothing of one side was drawn.
    """
    order = np.argsort(values, kind="stable")
    ordered, kept, is_mine = values[order], weights[order], np.isin(order, has)
    own = kept[is_mine].astype(np.int64)
    kept[is_mine] = 0
    sides = [np.searchsorted(ordered, ordered[is_mine], side) for side in ("left", "right")]
    edges = np.unique([0, *sides[0], *sides[1]])
    edges = edges[edges < len(order)]
    between = np.add.reduceat(kept, edges, axis=0, dtype=np.int32)
    others = np.concatenate([np.zeros_like(between[:1]), np.cumsum(between, axis=0)])
    under, up_to = (others[np.searchsorted(edges, side)] for side in sides)
    won = (own * (under + up_to)).sum(axis=0) / 2
    tried = own.sum(axis=0) * others[-1].astype(float)
    return np.asarray(np.divide(won, tried, out=np.full(len(won), np.nan), where=tried > 0))

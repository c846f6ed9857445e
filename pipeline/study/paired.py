"""Paired differences over units, with intervals by resampling them.

The middle difference, or factor, and where 95 % of resamples have it (Efron, 1979; percentiles).
Units that share something, as a batch or a channel do, are resampled together.
"""

from dataclasses import dataclass

import numpy as np

RESAMPLES = 2_000
LEAST = 6
"""Units, or groups of them, below which there is no interval: of five, 2.5 % cannot be told."""
_INTERVAL = (2.5, 97.5)
_HELD = 2**22
"""Weights of units that are held at once."""


@dataclass(frozen=True)
class Paired:
    """How a measure of some units changes from one way to another.

    Attributes:
        units: that have it by both.
        change: the middle of their differences, or of their factors; NaN where there is none.
        low: where 95 % of resamples have that, from here on,
        high: up to here; NaN where there are too few groups.
        better: the share of units that are better by the second way; ties by half.
        counted: units that the change is of: those with a factor, or all.
    """

    units: int
    change: float
    low: float
    high: float
    better: float
    counted: int


def paired(
    before: np.ndarray,
    after: np.ndarray,
    way: np.ndarray,
    groups: np.ndarray,
    random: np.random.Generator,
    *,
    is_factor: bool = False,
) -> Paired:
    """Compare a measure of units by two ways.

    Args:
        before: (units,) by the first; NaN where it is not known.
        after: (units,) by the second.
        way: (units,) 1 where more is better, -1 where less is.
        groups: (units,) numbers; units of one number are resampled together.
        random: what resampling draws from.
        is_factor: whether the change is how many times as much it is, of units where both are above
            zero and more is better, or where less is for all of them.
    """
    known = np.isfinite(before) & np.isfinite(after)
    before, after, way, groups = (values[known] for values in (before, after, way, groups))
    units = len(before)
    better = float(np.mean((np.sign(after - before) * way + 1) / 2)) if units else np.nan
    if is_factor:
        # Of a unit that is to be lowered, as to zero, a factor says nothing.
        can = (before > 0) & (after > 0) & ((way > 0) | np.all(way < 0))
        values, groups = np.log(after[can] / before[can]), groups[can]
    else:
        values = after - before
    middle = float(np.median(values)) if len(values) else np.nan
    ends = interval(values, groups, random)
    change, low, high = (
        np.exp([middle, *ends]) if is_factor else np.array([middle, *ends])
    ).tolist()
    return Paired(units, change, low, high, better, len(values))


def interval(
    values: np.ndarray, groups: np.ndarray, random: np.random.Generator
) -> tuple[float, float]:
    """Where 95 % of resamples of groups have the median of values; NaN for fewer than `LEAST`.

    Args:
        values: (units,).
        groups: (units,) numbers; units of one number are resampled together.
        random: what resampling draws from.
    """
    _, number = np.unique(groups, return_inverse=True)
    count = int(number.max()) + 1 if len(number) else 0
    if count < LEAST:
        return np.nan, np.nan
    order = np.argsort(values, kind="stable")
    ordered, member = values[order], number[order]
    at_once = max(1, _HELD // len(values))
    middles = []
    for first in range(0, RESAMPLES, at_once):
        some = min(at_once, RESAMPLES - first)
        often = random.multinomial(count, np.full(count, 1 / count), size=some)
        middles.append(_medians(ordered, often[:, member]))
    low, high = np.percentile(np.concatenate(middles), _INTERVAL)
    return float(low), float(high)


def _medians(ordered: np.ndarray, often: np.ndarray) -> np.ndarray:
    """The medians of ordered values that are each there so often, (resamples, values)."""
    seen = np.cumsum(often, axis=1)
    half = seen[:, -1:] / 2
    return np.asarray(ordered[(seen < half).sum(axis=1)] + ordered[(seen <= half).sum(axis=1)]) / 2

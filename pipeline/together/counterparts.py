"""The unit of another atlas that is nearest to a unit, where ids do not say which is which.

By how alike two units respond to the same photographs, where both atlases were shown some; else by
how alike their pictures look, which is much less: two pictures of one thing may look otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from PIL import Image

from pipeline.examples import seen
from pipeline.examples.strongest import Measured
from pipeline.explore.responses import unit_rows
from pipeline.store.store import Store
from pipeline.together.opened import Side

FEWEST = 20
"""Photographs that both atlases were shown, at least, for responses to be compared."""
_LOOK = 16
"""Side, in pixels, at which pictures are compared."""
_AT_ONCE = 1_000


@dataclass(frozen=True)
class Counterparts:
    """What is nearest to what.

    Attributes:
        measure: what likeness is, in words.
        frame: a row a unit of the first atlas: `unit`, `nearest` in the other, `likeness` from -1
            to 1, and `mutual`, whether it is the nearest of its nearest, too.
    """

    measure: str
    frame: pd.DataFrame


def find(one: Side, other: Side) -> Counterparts:
    """The units of another atlas that are nearest to those of one.

    Raises:
        DamageError: stored data is damaged.
    """
    by = photographed(one, other)
    if by is None:
        sides = [_looks(side) for side in (one, other)]
        measure = f"how alike the pictures look, at {_LOOK} × {_LOOK} px: no photographs in common"
    else:
        sides, measure = list(by.values), by.measure
    nearest, likeness, back = _nearest(*sides)
    ids = one.built["unit"].tolist(), other.built["unit"].tolist()
    frame = pd.DataFrame(
        {
            "unit": pd.array(ids[0], dtype="string"),
            "nearest": pd.array([ids[1][place] for place in nearest], dtype="string"),
            "likeness": pd.array(likeness, dtype="Float32"),
            "mutual": pd.array(back[nearest] == np.arange(len(nearest)), dtype="boolean"),
        }
    )
    return Counterparts(measure, frame)


@dataclass(frozen=True)
class Photographed:
    """The responses of two atlases to the photographs that both were shown.

    Attributes:
        measure: what their product is, in words.
        values: of each atlas (built units, photographs) float32, rows of mean 0 and length 1.
    """

    measure: str
    values: tuple[np.ndarray, np.ndarray]


def photographed(one: Side, other: Side) -> Photographed | None:
    """The responses to the photographs that both were shown; None where they are too few.

    Raises:
        DamageError: stored data is damaged.
    """
    shown = [_shown(side.store) for side in (one, other)]
    both = [name for name, stamp in shown[0].items() if _same(stamp, shown[1].get(name))]
    if len(both) < FEWEST:
        return None
    sides = [_responses(side, both) for side in (one, other)]
    measure = f"the correlation of activations over the {len(both):,} photographs that both saw"
    return Photographed(measure, (sides[0], sides[1]))


def _shown(store: Store) -> dict[str, str]:
    """By name the stamps of pictures that were shown and could be read by every layer."""
    if not seen.state_of(store):
        return {}
    lost = seen.left_out(store)
    done = set(seen.tables(store)[0].pictures())
    return {p.id: p.stamp for p in seen.listed(store) if p.id in done and p.id not in lost}


def _same(stamp: str, other: str | None) -> bool:
    """Whether a picture of one name is one picture: its size says so, where both know it."""
    sizes = stamp.partition(":")[0], (other or "").partition(":")[0]
    return other is not None and (not all(sizes) or sizes[0] == sizes[1])


def _responses(side: Side, names: Sequence[str]) -> np.ndarray:
    places = {picture.id: place for place, picture in enumerate(seen.listed(side.store))}
    columns = [places[name] for name in names]
    measured = Measured(side.store)
    units = {unit.id: unit for unit in measured.units}
    rows = [
        (-1 if units[one].negative else 1) * measured.values(units[one])[columns]
        for one in side.built["unit"]
    ]
    return _standing(np.stack(rows).astype(np.float32))


def _standing(rows: np.ndarray) -> np.ndarray:
    return unit_rows(rows - rows.mean(axis=1, keepdims=True))


def _looks(side: Side) -> np.ndarray:
    """What pictures look like, small, less what all of the atlas look like."""
    image = side.store.images()
    rows = []
    for unit in side.built["unit"]:
        small = Image.fromarray(np.asarray(image(unit))).resize(
            (_LOOK, _LOOK), Image.Resampling.BOX
        )
        rows.append(np.asarray(small, np.float32).reshape(-1) / 255)
    values = np.stack(rows)
    return unit_rows(values - values.mean(axis=0)) if len(values) > 1 else unit_rows(values)


def _nearest(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each row of one the nearest of the other and how near; for each of the other, of one."""
    nearest, likeness = np.zeros(len(one), int), np.zeros(len(one), np.float32)
    back, best = np.zeros(len(other), int), np.full(len(other), -np.inf, np.float32)
    for first in range(0, len(one), _AT_ONCE):
        alike = one[first : first + _AT_ONCE] @ other.T
        rows = slice(first, first + len(alike))
        nearest[rows] = alike.argmax(axis=1)
        likeness[rows] = alike.max(axis=1)
        better = alike.max(axis=0) > best
        back[better] = first + alike.argmax(axis=0)[better]
        best = np.maximum(best, alike.max(axis=0))
    return nearest, likeness, back

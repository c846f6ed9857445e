"""What units are called, where the user's pictures have labels: for each unit the best of them.

    ATLAS/names.parquet, names.json   how well each unit's activation tells each label

How that is found, and what a name has to stand above: `telling`.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipeline.examples import seen, telling
from pipeline.examples.strongest import Measured
from pipeline.examples.telling import Labelled
from pipeline.plan.identity import digest
from pipeline.store import parquet
from pipeline.store.folder import Folder
from pipeline.store.store import Store

NAME = "names.parquet"
TYPES = {"name": "string", "name_auroc": "Float32"}
"""The columns of the index that come from here, and their pandas types."""
_COLUMNS = {
    "unit": "string", "label": "string", "auroc": "float32", "low": "float32", "high": "float32",
    "count": "int32", "p": "float32", "is_name": "bool",
}  # fmt: skip


@dataclass(frozen=True)
class Naming:
    """The label that a unit's activation tells best, and whether that is its name.

    Attributes:
        label: the label.
        auroc: of the activation for it.
        low: where 95 % of resamples of the pictures have that, from here on,
        high: up to here.
        count: pictures that have the label.
        is_name: whether it stands above chance.
    """

    label: str
    auroc: float
    low: float
    high: float
    count: int
    is_name: bool


def write(store: Store) -> None:
    """Find and write how well each unit tells each label. Raises as `find`."""
    note = {"state": _state(store)}
    parquet.write(store.folder, NAME, [find(store)], lambda: note)


def is_current(store: Store) -> bool:
    """Whether that is of what was seen and of its labels; or there are none, and never were."""
    is_labelled = any(picture.labels for picture in seen.listed(store))
    if not is_labelled and not store.folder.has(NAME):
        return True
    return noted(store) == _state(store)


def noted(store: Store) -> str:
    """What the file was made from; empty where there is none, or it is damaged."""
    return parquet.state(store.folder, NAME)


def read(store: Store) -> pd.DataFrame:
    """What the file holds; no rows where there is none.

    Raises:
        DamageError: it is damaged.
    """
    try:
        return parquet.read(store.folder, NAME).astype(_COLUMNS)
    except FileNotFoundError:
        return _table()


def by_unit(store: Store) -> Mapping[str, Naming]:
    """By unit id the label that it tells best; empty where no pictures had labels."""
    state = noted(store)
    return _best(store.folder, state) if state else {}


@functools.lru_cache(maxsize=2)
def _best(folder: Folder, state: str) -> Mapping[str, Naming]:
    """What a file says, read once for each state of it."""
    del state
    frame = parquet.read(folder, NAME)
    best = frame[frame["low"].notna()]
    rows = best[["label", "auroc", "low", "high", "count", "is_name"]]
    plain = rows.itertuples(index=False, name=None)
    return {unit: Naming(*row) for unit, row in zip(best["unit"], plain, strict=True)}


def columns(store: Store) -> pd.DataFrame:
    """The columns of `TYPES`, a row a unit that has a name, the id as index."""
    frame = read(store) if noted(store) else _table()
    named = frame[frame["is_name"]].set_index("unit")
    return named[["label", "auroc"]].set_axis(list(TYPES), axis=1)


def find(store: Store) -> pd.DataFrame:
    """How well each unit's activation tells each label.

    Returns:
        A row a unit and label, with columns `auroc`; `count`, the label's pictures; `p`, how often
        the best of all labels comes to as much by chance; `is_name`; and, for the label that the
        unit tells best, `low` and `high`.

    Raises:
        DamageError: a chunk is damaged.
    """
    measured, pictures = Measured(store), seen.listed(store)
    units = measured.units
    layers = {unit.reads[0]: unit for unit in units}.values()
    read = np.all([measured.read(unit) for unit in layers], axis=0)
    labelled = Labelled.of([pictures[number] for number in np.flatnonzero(read)])
    count = len(labelled.names)
    if not count:
        return _table()

    def activations(some: Sequence[int]) -> np.ndarray:
        signed = [(-1.0 if units[n].negative else 1.0) * measured.values(units[n]) for n in some]
        return np.stack([values[read] for values in signed], axis=1)

    told = telling.tell(activations, len(units), labelled, store.provenance.seed % 2**32)
    best, rows = np.zeros(told.p.shape, bool), np.arange(len(units))
    best[rows, told.best] = True
    low, high = (np.where(best, ends[:, None], np.nan) for ends in told.interval.T)
    return _table(
        unit=np.repeat([unit.id for unit in units], count),
        label=np.tile(labelled.names, len(units)),
        auroc=told.auroc.ravel(),
        low=low.ravel(),
        high=high.ravel(),
        count=np.tile(labelled.counts, len(units)),
        p=told.p.ravel(),
        is_name=(best & told.is_name[:, None]).ravel(),
    )


def _table(**columns: Any) -> pd.DataFrame:
    """A table of `_COLUMNS`; without rows where nothing is given."""
    return pd.DataFrame({name: columns.get(name, []) for name in _COLUMNS}).astype(_COLUMNS)


def _state(store: Store) -> str:
    """A digest of what was seen, of its labels, and of the units that it is asked for."""
    said = [(picture.labels, picture.group) for picture in seen.listed(store)]
    return digest([seen.state_of(store), said, [unit.id for unit in store.provenance.units()]])

"""The truth record: how well each unit's picture tells which photographs excite the unit.

    ATLAS/predictions.parquet, predictions.json   a row a picture, and one a unit of several

By another network's eyes (`judge`), and by the own network's layer before the unit's, which the
picture was climbed through. How: `prediction`. Pictures of all units that look at the same layers
are held against each other, those of one variant, and the mean likeness to all of a unit's.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.plan.identity import digest
from pipeline.store import parquet
from pipeline.store.folder import Folder
from pipeline.store.store import Store
from pipeline.truth import features, trial

NAME = "predictions.parquet"
TYPES = {
    "prediction": "Float32",
    "prediction_low": "Float32",
    "prediction_high": "Float32",
    "prediction_null": "Float32",
    "prediction_photo": "Float32",
    "prediction_own": "Float32",
    "prediction_own_photo": "Float32",
    "prediction_pictures": "Int32",
    "tells": "boolean",
}
"""The columns of the index that come from here, and their pandas types."""
_BY_ITSELF = ("prediction_own", "prediction_pictures")
JUDGED = tuple(name for name in TYPES if not name.startswith(_BY_ITSELF))
"""Those of them that come from the judge."""
_COLUMNS = {"unit": "string", **TYPES, "prediction_middle": "Float32"}


@dataclass(frozen=True)
class Tried:
    """On what pictures were tried, and by whom.

    Attributes:
        judge: the network that judges, and its layer, for people; empty where none does.
        photographs: how many there are.
        crops: that were cut out of them.
    """

    judge: str
    photographs: int
    crops: int


def write(store: Store) -> None:
    """Find and write how well pictures tell. Raises as `find`."""
    note = {"state": _state(store), **_said(store)}
    parquet.write(store.folder, NAME, [find(store)], lambda: note)


def _said(store: Store) -> dict[str, str]:
    """Of what the table is, for people and programs."""
    noted = features.known(store)
    if noted is None:
        return {"photographs": "0", "crops": "0"}
    first, judge = features.cuttings_of(store, noted)[0], noted.eyes.judge
    crops = int(first.counts().sum()) if first.is_of(noted) else 0
    said = {"photographs": str(len(noted.photographs)), "crops": str(crops)}
    return said | ({"judge": str(judge), "judge_sha256": judge.sha256} if judge else {})


def is_current(store: Store) -> bool:
    """Whether that is of what was looked at; or nothing was, and never was."""
    if not features.state_of(store) and not store.folder.has(NAME):
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
        return _table([])


def tried(store: Store) -> Tried | None:
    """On what pictures were tried, if they were. Raises as `read`."""
    try:
        found = parquet.notes(store.folder, NAME)
    except FileNotFoundError:
        return None
    return Tried(found.get("judge", ""), int(found["photographs"]), int(found["crops"]))


def columns(store: Store) -> pd.DataFrame:
    """The columns of `TYPES`, a row a unit, the id as index: of all variants together, if several.

    Raises as `read`.
    """
    state = noted(store)
    return _columns(store.folder, state) if state else _table([]).set_index("unit")[list(TYPES)]


@functools.lru_cache(maxsize=2)
def _columns(folder: Folder, state: str) -> pd.DataFrame:
    """What a file says, read once for each state of it."""
    del state
    frame = parquet.read(folder, NAME).astype(_COLUMNS)
    last = frame.drop_duplicates("unit", keep="last").set_index("unit")
    return last[list(TYPES)]


def find(store: Store) -> pd.DataFrame:
    """How well each picture tells.

    Returns:
        A row a picture, with columns as in docs/truth.md; `prediction_pictures` is 1. For each
        variant of a unit of several a row more, of all of them together: it is how many.

    Raises:
        DamageError: a chunk is damaged.
    """
    return _table(list(trial.rows(store)))


def _table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)


def _state(store: Store) -> str:
    """A digest of what was looked at, and of the units that it is asked for."""
    return digest([features.state_of(store), [unit.id for unit in store.provenance.units()]])

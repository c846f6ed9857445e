"""What pictures tell of each unit: the strongest, what in them excites it, and how it is spread.

    ATLAS/examples.parquet, examples.json  the strongest pictures of each unit
    ATLAS/natural.parquet, natural.json    how each unit's activation is spread over all of them

A unit's activation on a picture is what its kind says (`Kind.on_pictures`): the mean response of
its channel; for a neuron its channel's largest value anywhere, for a class its logit or
probability, for DeepDream the sum over its layers of the mean over their channels.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from pipeline.errors import DamageError
from pipeline.examples import seen
from pipeline.examples.seen import Examples
from pipeline.examples.source import SEEN
from pipeline.plan.identity import digest
from pipeline.plan.units import Unit
from pipeline.store import parquet
from pipeline.store.folder import Folder
from pipeline.store.store import Store

BEST = 9
"""Pictures that are kept for a unit."""
_PART = 0.5
"""Side of what excites a unit, as part of the picture as the network saw it."""
BEST_NAME, SPREAD_NAME = "examples.parquet", "natural.parquet"
QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)


@dataclass(frozen=True)
class Example:
    """A picture that excites a unit.

    Attributes:
        rank: 0 for the strongest.
        picture: its name.
        activation: the unit's activation on it.
        box: left, top, right and bottom of what excites it, as parts of the picture's middle
            square, 0 to 1.
    """

    rank: int
    picture: str
    activation: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Ranking:
    """What pictures tell of each unit, before it is written.

    Attributes:
        best: the strongest pictures of each unit.
        spread: how each unit's activation is spread over all of them.
        note: what both were found in.
    """

    best: pd.DataFrame
    spread: pd.DataFrame
    note: Mapping[str, str]

    def write(self, store: Store) -> None:
        """Write both."""
        for name, frame in ((BEST_NAME, self.best), (SPREAD_NAME, self.spread)):
            parquet.write(store.folder, name, [frame], lambda: dict(self.note))

    def changed(self, store: Store) -> set[str]:
        """The units whose strongest pictures are others than those written."""
        try:
            before = _rows(parquet.read(store.folder, BEST_NAME))
        except (FileNotFoundError, DamageError):
            before = {}
        now = _rows(self.best)
        return {unit for unit in {*before, *now} if before.get(unit) != now.get(unit)}


def _rows(best: pd.DataFrame) -> dict[str, list[tuple[object, ...]]]:
    """By unit what is known of its strongest pictures; older files have no stamps."""
    best = best if "stamp" in best else best.assign(stamp="")
    plain = best[_COLUMNS].itertuples(index=False, name=None)
    rows: dict[str, list[tuple[object, ...]]] = {}
    for unit, *row in plain:
        rows.setdefault(unit, []).append(tuple(row))
    return rows


_COLUMNS = [
    "unit", "rank", "picture", "number", "activation", "left", "top", "right", "bottom", "stamp",
]  # fmt: skip


def summarise(store: Store) -> None:
    """Find and write what pictures tell of each unit. Raises as `find`."""
    find(store).write(store)


def find(store: Store) -> Ranking:
    """Find each unit's strongest pictures, and how its activation is spread over all of them.

    Raises:
        DamageError: a chunk is damaged.
    """
    pictures, measured = seen.listed(store), Measured(store)
    rows, spreads = [], []
    for unit in measured.units:
        values, numbers = measured.values(unit), np.flatnonzero(measured.read(unit))
        sign = -1.0 if unit.negative else 1.0
        order = numbers[np.argsort(-sign * values[numbers], kind="stable")[:BEST]]
        for rank, number in enumerate(order):
            box = measured.box(unit, int(number))
            about = pictures[number]
            rows.append([unit.id, rank, about.id, number, values[number], *box, about.stamp])
        spreads.append([unit.id, len(numbers), *_quantiles(values[numbers])])
    names = ["unit", "pictures", *(f"q{round(100 * q):02d}" for q in QUANTILES)]
    best, spread = pd.DataFrame(rows, columns=_COLUMNS), pd.DataFrame(spreads, columns=names)
    return Ranking(best, spread, {"state": _state(store)})


def is_current(store: Store) -> bool:
    """Whether the strongest pictures are those of what was seen."""
    state = _state(store)
    try:
        return all(
            parquet.notes(store.folder, name)["state"] == state for name in (BEST_NAME, SPREAD_NAME)
        )
    except (OSError, DamageError):
        return False


def by_unit(store: Store) -> Mapping[str, list[Example]]:
    """By unit id its strongest pictures, in order; empty where the atlas was shown none.

    Raises:
        DamageError: the file is damaged.
    """
    try:
        state = parquet.notes(store.folder, BEST_NAME)["state"]
    except FileNotFoundError:
        return {}
    return _strongest(store.folder, state)


@functools.lru_cache(maxsize=2)
def _strongest(folder: Folder, state: str) -> Mapping[str, list[Example]]:
    """What a file says, read once for each state of it."""
    del state
    found: dict[str, list[Example]] = {}
    for row in parquet.read(folder, BEST_NAME).to_dict("records"):
        box = (row["left"], row["top"], row["right"], row["bottom"])
        example = Example(int(row["rank"]), str(row["picture"]), float(row["activation"]), box)
        found.setdefault(row["unit"], []).append(example)
    return found


def spread(store: Store) -> pd.DataFrame:
    """The spread of all units' activations over the pictures. Raises as `by_unit`."""
    try:
        return parquet.read(store.folder, SPREAD_NAME)
    except FileNotFoundError:
        return pd.DataFrame({"unit": [], "pictures": []})


def noted(store: Store) -> str:
    """What the strongest pictures were found in; empty where none were."""
    return parquet.state(store.folder, SPREAD_NAME)


def standing(store: Store) -> Callable[[str, float | None], float | None]:
    """A function from a unit's id and activation to the part of the pictures that excite it less.

    For a negative unit, the part that excites it more; None where a layer of its has not seen all.
    """
    wanted = [picture.id for picture in seen.listed(store)]
    layers = {
        table.layer.name: _Layer(store, table)
        for table in seen.tables(store)
        if wanted and table.pictures() == wanted
    }
    units = {unit.id: unit for unit in store.provenance.units()}
    squash = store.provenance.architecture.squash

    def part(unit_id: str, activation: float | None) -> float | None:
        unit = units[unit_id]
        if pd.isna(activation) or not all(name in layers for name in unit.reads):
            return None
        sign = -1.0 if unit.negative else 1.0
        values = unit.kind.on_pictures(unit, layers, squash)[layers[unit.reads[0]].read]
        return float((sign * values < sign * activation).mean()) if len(values) else None

    return part


class Measured:
    """The activations of an atlas's units on all pictures, as its layers saw them.

    Attributes:
        units: those that the weights have something for, in the atlas's order.
    """

    def __init__(self, store: Store) -> None:
        known = store.provenance
        self.units = [unit for unit in known.units() if known.is_available(unit)]
        self._layers = {table.layer.name: _Layer(store, table) for table in seen.tables(store)}
        self._squash = known.architecture.squash

    def values(self, unit: Unit) -> np.ndarray:
        """A unit's activation on each picture, (pictures,) float32. Raises DamageError."""
        return unit.kind.on_pictures(unit, self._layers, self._squash)

    def read(self, unit: Unit) -> np.ndarray:
        """Which pictures could be read, (pictures,) bool. Raises DamageError."""
        return self._layers[unit.reads[0]].read

    def box(self, unit: Unit, number: int) -> tuple[float, float, float, float]:
        """What of a picture excites a unit, as parts of its sides. Raises DamageError."""
        return self._layers[unit.reads[0]].box(unit, number)


def _state(store: Store) -> str:
    """A digest of what was seen, and of the units that it is asked for."""
    return digest([seen.state_of(store), [unit.id for unit in store.provenance.units()]])


@dataclass(frozen=True)
class _Layer:
    """What a layer saw of all pictures."""

    store: Store
    table: Examples

    def _all(self, name: str) -> np.ndarray:
        records = self.table.records.of(seen.PILE.name)
        return np.concatenate([self.table.read(record, name) for record in records])

    @cached_property
    def mean(self) -> np.ndarray:
        return self._all("mean")

    @cached_property
    def peak(self) -> np.ndarray:
        return self._all("peak")

    @cached_property
    def place(self) -> np.ndarray:
        return self._all("place")

    @cached_property
    def read(self) -> np.ndarray:
        return np.isin(self._all("state")[:, 0], SEEN)

    def box(self, unit: Unit, number: int) -> tuple[float, float, float, float]:
        """What of a picture excites a unit most: a square about the channel's largest value."""
        layer = self.table.layer
        if not unit.kind.has_channel:
            return (0.0, 0.0, 1.0, 1.0)
        row, column = divmod(int(self.place[number, unit.index]), layer.width)
        left = _clip((column + 0.5) / layer.width - _PART / 2)
        top = _clip((row + 0.5) / layer.height - _PART / 2)
        return (left, top, left + _PART, top + _PART)


def _clip(start: float) -> float:
    return min(max(start, 0.0), 1.0 - _PART)


def _quantiles(values: np.ndarray) -> Iterator[float]:
    if not len(values):
        return iter([float("nan")] * len(QUANTILES))
    return iter(np.quantile(values, QUANTILES).tolist())

"""Pictures on trial: all that was looked at, put together, and what comes of it, a row a picture.

Pictures of all units that look at the same layers are held against each other, those of one variant
of each, and then the sets of all variants.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pipeline.plan.architecture import Squash
from pipeline.plan.identity import stream
from pipeline.plan.units import Unit
from pipeline.store.records import Record
from pipeline.store.store import Store
from pipeline.truth import features, prediction
from pipeline.truth.features import JUDGE, Cuttings, Pictures
from pipeline.truth.likeness import Scale, contrasted
from pipeline.truth.prediction import Crops, Predicted, Subjects


def rows(store: Store) -> Iterator[Mapping[str, Any]]:
    """The rows of predictions.parquet: `unit`, `prediction_pictures` and figures.

    Raises:
        DamageError: a chunk is damaged.
    """
    for pool in pools(store):
        yield from pool.rows()


def pools(store: Store) -> Iterator["Pool"]:
    """The units that look at the same layers, each with all that was looked at."""
    looked = Looked.of(store)
    if looked is None:
        return
    found: dict[tuple[str, ...], list[Unit]] = {}
    for unit in looked.units():
        found.setdefault(unit.reads, []).append(unit)
    for units in found.values():
        yield Pool(looked, units)


@dataclass(frozen=True)
class Looked:
    """What was looked at, and by whom.

    Attributes:
        store: the atlas.
        noted: what was noted as that began.
        shown: by layer, what it makes of the cuttings.
        eyes: by eye, what that makes of cuttings and pictures.
        half: (cuttings,) bool, which half of the photographs each is of.
    """

    store: Store
    noted: features.Noted
    shown: Mapping[str, "Shown"]
    eyes: Mapping[str, "Eye"]
    half: np.ndarray

    @classmethod
    def of(cls, store: Store) -> "Looked | None":
        """What was looked at, if all that is noted was. Raises as `Table.read`."""
        noted = features.known(store)
        tables = {table.eye: table for table in features.cuttings_of(store, noted)}
        if noted is None or not all(table.is_of(noted) for table in tables.values()):
            return None
        counts = next(iter(tables.values())).counts()
        photograph = np.repeat(np.arange(len(counts)), counts)
        half = halves(noted.names, store.provenance.seed)[photograph]
        eyes = {
            pictures.eye: Eye(tables[pictures.eye], pictures, photograph, half)
            for pictures in features.pictures_of(store, noted)
        }
        own = {table.layer: Shown(table) for table in tables.values() if not table.is_judges}
        return cls(store, noted, {name: own[name] for name in noted.eyes.own}, eyes, half)

    @property
    def seed(self) -> int:
        """Of what is drawn."""
        return self.store.provenance.seed % 2**32

    @property
    def squash(self) -> Squash:
        """What makes probabilities of the network's logits."""
        return self.store.provenance.architecture.squash

    def units(self) -> Iterator[Unit]:
        """The atlas's units whose pictures every eye has seen."""
        there = [set(eye.places) for eye in self.eyes.values()]
        for unit in self.store.provenance.units():
            is_read = all(name in self.shown for name in unit.reads)
            if there and is_read and all(unit.id in some for some in there):
                yield unit

    def before(self, reads: tuple[str, ...]) -> "Eye | None":
        """The layer before the one that units look at; nothing where they look at several."""
        layer = self.noted.eyes.own.get(reads[0]) if len(reads) == 1 else None
        found = (eye for eye in self.eyes.values() if not eye.is_judges and eye.layer == layer)
        return next(found, None)


def halves(names: Sequence[str], seed: int) -> np.ndarray:
    """Which half each photograph is in, (photographs,) bool."""
    drawn = [stream(seed, name, "half").random() for name in names]
    return np.argsort(np.argsort(drawn, kind="stable"), kind="stable") < len(names) // 2


class Shown:
    """What a layer makes of the cuttings, each (cuttings, channels) float32."""

    def __init__(self, table: Cuttings) -> None:
        self._table = table

    @cached_property
    def mean(self) -> np.ndarray:
        """The means over its maps."""
        return self._table.all("mean")

    @cached_property
    def peak(self) -> np.ndarray:
        """Their largest values."""
        return self._table.all("peak")

    @property
    def place(self) -> np.ndarray:
        """Where these are, which is not kept: -1."""
        return np.full(self.peak.shape, -1, np.int32)


class Eye:
    """What a layer makes of cuttings and of pictures."""

    def __init__(
        self, cuttings: Cuttings, pictures: Pictures, photograph: np.ndarray, half: np.ndarray
    ) -> None:
        self.layer, self.is_judges = cuttings.layer, cuttings.is_judges
        self._cuttings, self._pictures = cuttings, pictures
        self._photograph, self._half = photograph, half

    @cached_property
    def places(self) -> Mapping[str, tuple[Record, int]]:
        """By unit id the record that commits what it makes of the picture, and the row in there."""
        return self._pictures.records.places()

    @cached_property
    def _seen(self) -> tuple[Scale, Crops]:
        values = self._cuttings.all("mean")
        scale = Scale.of(values)
        return scale, Crops(scale.directions(values), self._photograph, self._half)

    @property
    def crops(self) -> Crops:
        """What it makes of the cuttings."""
        return self._seen[1]

    def directions(self, units: Sequence[Unit]) -> np.ndarray:
        """Those of the units' pictures, (units, channels)."""
        places = [self.places[unit.id] for unit in units]
        records = {(record.section, record.chunk): record for record, _ in places}
        read = {key: self._pictures.read(record, "mean") for key, record in records.items()}
        rows = [read[record.section, record.chunk][number] for record, number in places]
        return self.scaled(np.stack(rows))

    def scaled(self, features: np.ndarray) -> np.ndarray:
        """Features of whatever, on the scale of the cuttings': directions."""
        return self._seen[0].directions(features)


@dataclass(frozen=True)
class Pool:
    """Units that look at the same layers.

    Attributes:
        looked: all that was looked at.
        units: those of the pool, in the atlas's order.
    """

    looked: Looked
    units: Sequence[Unit]

    def rows(self) -> Iterator[Mapping[str, Any]]:
        """The rows of the table: a picture each, and then a set of pictures each."""
        seen = {
            eye: eye.directions(self.units) for eye in (self.judge, self.before) if eye is not None
        }
        for groups in self._groups():
            # The likeness to a set is the mean of that to its pictures.
            pictures = {
                eye: np.stack([rows[group].mean(axis=0) for group in groups])
                for eye, rows in seen.items()
            }
            part = self.subjects.part(np.array([group[0] for group in groups]))
            figures = Figures.of(self.looked.seed, part, pictures, self.judge, self.before)
            for number, group in enumerate(groups):
                row = {"prediction_pictures": len(group), **figures.row(number)}
                yield from ({"unit": self.units[member].id, **row} for member in group)

    @property
    def judge(self) -> "Eye | None":
        """The other network's, if one is to judge."""
        return self.looked.eyes.get(JUDGE)

    @property
    def before(self) -> "Eye | None":
        """The layer before the one that the units look at; nothing where they look at several."""
        return self.looked.before(self.units[0].reads)

    @cached_property
    def subjects(self) -> Subjects:
        """What excites the units."""
        values: dict[Unit, np.ndarray] = {}
        numbers: dict[tuple[object, ...], int] = {}
        for unit in self.units:
            if unit.sibling(0) not in values:
                sign = -1.0 if unit.negative else 1.0
                on = unit.kind.on_pictures(unit, self.looked.shown, self.looked.squash)
                values[unit.sibling(0)] = sign * on
        number = [numbers.setdefault(unit.subject, len(numbers)) for unit in self.units]
        columns = [values[unit.sibling(0)] for unit in self.units]
        return Subjects.of(np.stack(columns, axis=1), self.looked.half, np.array(number))

    def _groups(self) -> Iterator[list[list[int]]]:
        """Pictures that are held against each other, by number of the unit, in sets.

        Those of one variant, each by itself; and where there are several, all of each thing.
        """
        variants: dict[int, list[list[int]]] = {}
        sets: dict[Unit, list[int]] = {}
        for number, unit in enumerate(self.units):
            variants.setdefault(unit.variant, []).append([number])
            sets.setdefault(unit.sibling(0), []).append(number)
        yield from variants.values()
        if len(sets) < len(self.units):
            yield list(sets.values())


@dataclass(frozen=True)
class Figures:
    """What comes of pictures: by the judge's eyes, if any, and by the own network's, if any."""

    predicted: Predicted | None
    photo: np.ndarray | None
    own: np.ndarray | None
    own_photo: np.ndarray | None

    @classmethod
    def of(
        cls,
        seed: int,
        subjects: Subjects,
        pictures: Mapping[Eye, np.ndarray],
        judge: Eye | None,
        before: Eye | None,
    ) -> "Figures":
        """Find it."""
        predicted = photo = own = own_photo = None
        if judge is not None:
            predicted = prediction.of_pictures(judge.crops, subjects, pictures[judge], seed)
            photo = _of_strongest(judge.crops, subjects)
        if before is not None:
            tried = contrasted(pictures[before], subjects.number)
            own = prediction.own(before.crops, subjects, (tried, tried))
            own_photo = _of_strongest(before.crops, subjects)
        return cls(predicted, photo, own, own_photo)

    def row(self, number: int) -> Mapping[str, Any]:
        """The columns of one picture, or of one set."""
        found: dict[str, Any] = {
            "prediction_photo": _at(self.photo, number),
            "prediction_own": _at(self.own, number),
            "prediction_own_photo": _at(self.own_photo, number),
        }
        of = self.predicted
        if of is not None:
            found |= {
                "prediction": of.auroc[number],
                "prediction_low": of.low[number],
                "prediction_high": of.high[number],
                "prediction_null": of.null[number],
                "prediction_middle": of.middle[number],
                "tells": bool(of.tells[number]) if of.is_known[number] else None,
            }
        return found


def _of_strongest(crops: Crops, subjects: Subjects) -> np.ndarray:
    return prediction.own(crops, subjects, prediction.strongest(crops, subjects))


def _at(values: np.ndarray | None, number: int) -> float:
    return float("nan") if values is None else float(values[number])

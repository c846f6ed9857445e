"""Pictures across all that were shown: strong, middle and weak, and where a unit fires in each.

    ATLAS/atlas.zarr/across/SECTION/number      (row, place) int32, of the picture; -1: none
    ATLAS/atlas.zarr/across/SECTION/activation  (row, place) float32
    ATLAS/atlas.zarr/across/SECTION/standing    (row, place) float32, the part that is weaker
    ATLAS/atlas.zarr/across/SECTION/crops       (row, place, y, x, rgb) uint8, of middle and weak
    ATLAS/atlas.zarr/across/SECTION/heat        (row, place, y, x) int8, 127 for the largest
    ATLAS/across/SECTION/000012.json            commits chunk 12 of them

Nine places are the strongest (`strongest`), three stand in the middle of all pictures, three are
the weakest. The rows and chunks are those of the images.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from pipeline.examples import seen, source
from pipeline.examples.crops import SIZE
from pipeline.examples.source import Picture
from pipeline.examples.strongest import BEST, Measured
from pipeline.plan.batches import Batch
from pipeline.plan.identity import digest
from pipeline.plan.units import Unit
from pipeline.store.folder import Folder
from pipeline.store.layout import Layout
from pipeline.store.records import Record
from pipeline.store.store import Store
from pipeline.store.table import Table

MIDDLE = (0.6, 0.5, 0.4)
"""The parts of all pictures that the middle ones stand above."""
WEAK = 3
"""Pictures that excite a unit least."""
PLACES = BEST + len(MIDDLE) + WEAK
FINEST = 16
"""Rows and columns of what is kept of a map, at most."""
Look = Callable[[np.ndarray], np.ndarray]
"""From pictures, (pictures, size, size, 3) uint8, to a layer's maps, (pictures, y, x, channels)."""


@dataclass(frozen=True)
class Pick:
    """A picture that is shown of a unit.

    Attributes:
        place: 0 to 8 the strongest, then the middle, then the weakest.
        number: of the picture, in the list of all.
        activation: the unit's on it.
        standing: the part of all pictures that excite the unit less; of a negative unit, more.
    """

    place: int
    number: int
    activation: float
    standing: float


def picks(values: np.ndarray, read: np.ndarray, sign: float) -> list[Pick]:
    """The pictures that are shown of a unit; no picture twice.

    Args:
        values: its activation on each picture.
        read: which could be read.
        sign: -1 where the lowest is the strongest.
    """
    numbers = np.flatnonzero(read)
    order = numbers[np.argsort(-sign * values[numbers], kind="stable")]
    count, last = len(order), len(order) - 1
    wanted = [(place, place) for place in range(min(BEST, count))]
    if count > PLACES:
        middle = [round((1 - part) * last) for part in MIDDLE]
        weak = [last - WEAK + 1 + n for n in range(WEAK)]
        wanted += [(BEST + n, rank) for n, rank in enumerate([*middle, *weak]) if rank >= BEST]
    found, ranked = [], sign * values[numbers]
    for place, rank in wanted:
        number = int(order[rank])
        below = float((ranked < sign * values[number]).mean())
        found.append(Pick(place, number, float(values[number]), below))
    return list({pick.number: pick for pick in reversed(found)}.values())[::-1]


class Across(Table):
    """Strong, middle and weak pictures of each unit, and where it fires in them."""

    def __init__(self, store: Store) -> None:
        of_places, weaker = (PLACES,), PLACES - BEST
        layouts = {
            "number": Layout(of_places, "int32", -1, ("place",)),
            "activation": Layout(of_places, "float32", 0, ("place",)),
            "standing": Layout(of_places, "float32", 0, ("place",)),
            "crops": Layout((weaker, SIZE, SIZE, 3), "uint8", 0, ("place", "y", "x", "rgb")),
            "heat": Layout((PLACES, FINEST, FINEST), "int8", 0, ("place", "y", "x")),
        }
        super().__init__(store.folder, "across", layouts)
        self._store = store

    def pending(self) -> list[Batch]:
        """The batches of units of which it is not known."""
        return self._store.pending([self])

    def of(self, record: Record) -> Mapping[str, np.ndarray] | None:
        """What is kept of a batch of images, by array; None before it is known.

        Raises:
            DamageError: a chunk is damaged.
        """
        kept = self.records.one(record.section, record.chunk)
        if kept is None or kept.units != record.units:
            return None
        return {name: self.read(kept, name) for name in self._layouts}

    def forget_changed(self) -> None:
        """Take back what is of other pictures than those that are to be shown now.

        Raises:
            DamageError: a chunk is damaged.
        """
        measured = _measured(self._store.folder, seen.state_of(self._store))
        known = {unit.id: unit for unit in measured.units}
        for section in self.records.sections():
            for record in self.records.of(section):
                numbers, values = (self.read(record, name) for name in ("number", "activation"))
                units = [known.get(name) for name in record.units]
                now = [_arrays(_picks(measured, unit)) if unit else None for unit in units]
                is_same = all(
                    new is not None
                    and np.array_equal(new[0], numbers[row])
                    and np.array_equal(new[1], values[row])
                    for row, new in enumerate(now)
                )
                if not is_same:
                    self.records.drop(record)


def fill(store: Store, batch: Batch[Unit], look: Look | None, at_once: int) -> None:
    """Find and store what is kept of a batch's units.

    A picture that cannot be read any more has no crop and no heat.

    Args:
        store: the atlas.
        batch: units of one section.
        look: with the units' layer; None for units that have no map.
        at_once: pictures to look at together.

    Raises:
        DamageError: a chunk is damaged.
    """
    pictures = seen.listed(store)
    measured = _measured(store.folder, seen.state_of(store))
    shown = [_picks(measured, unit) for unit in batch.units]
    values = _empty(len(batch.units))
    for row, some in enumerate(shown):
        for name, of_row in zip(("number", "activation", "standing"), _arrays(some), strict=True):
            values[name][row] = of_row
        for pick in some:
            if pick.place >= BEST:
                box = measured.box(batch.units[row], pick.number)
                square, state = _square(pictures[pick.number])
                values["crops"][row, pick.place - BEST] = source.crop(square, box, SIZE)
                if state not in source.SEEN:
                    values["number"][row, pick.place] = -1
    if look is not None:
        _heat(store, batch, shown, pictures, look, at_once, values["heat"])
    across = Across(store)
    across.forget_others(batch)
    across.write(batch, values)


def _empty(count: int) -> dict[str, np.ndarray]:
    return {
        "number": np.full((count, PLACES), -1, np.int32),
        "activation": np.zeros((count, PLACES), np.float32),
        "standing": np.zeros((count, PLACES), np.float32),
        "crops": np.zeros((count, PLACES - BEST, SIZE, SIZE, 3), np.uint8),
        "heat": np.zeros((count, PLACES, FINEST, FINEST), np.int8),
    }


def _heat(
    store: Store, batch: Batch[Unit], shown: Sequence[Sequence[Pick]], pictures: Sequence[Picture],
    look: Look, at_once: int, heat: np.ndarray,
) -> None:  # fmt: skip
    """Fill in where units fire; each picture is looked at once for all of them."""
    wanted: dict[int, list[tuple[int, int]]] = {}
    for row, some in enumerate(shown):
        for pick in some:
            wanted.setdefault(pick.number, []).append((row, pick.place))
    fields: dict[tuple[int, int], np.ndarray] = {}
    numbers = iter(sorted(wanted))
    for some_numbers in source.in_batches(numbers, at_once):
        loaded = [source.load(pictures[number], store.provenance.size) for number in some_numbers]
        maps = look(np.stack([image for image, _ in loaded]))
        for number, seen_so, (_, state) in zip(some_numbers, maps, loaded, strict=True):
            for row, place in wanted[number] if state in source.SEEN else ():
                fields[row, place] = smaller(batch.units[row].along(seen_so))
    for row in range(len(batch.units)):
        own = {place: field for (of, place), field in fields.items() if of == row}
        top = max((float(np.abs(field).max()) for field in own.values()), default=0.0)
        for place, field in own.items() if top > 0 else ():
            high, wide = field.shape
            heat[row, place, :high, :wide] = np.rint(127 * field / top).astype(np.int8)


def smaller(field: np.ndarray) -> np.ndarray:
    """A map of at most `FINEST` rows and columns, (rows, columns) float32: means of what was."""
    rows, columns = (min(side, FINEST) for side in field.shape)
    picture = Image.fromarray(np.asarray(field, np.float32))
    return np.asarray(picture.resize((columns, rows), Image.Resampling.BOX))


def _arrays(some: Sequence[Pick]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numbers, activations and standings of picks, each (places,)."""
    number = np.full(PLACES, -1, np.int32)
    activation, standing = np.zeros(PLACES, np.float32), np.zeros(PLACES, np.float32)
    for pick in some:
        number[pick.place] = pick.number
        activation[pick.place] = pick.activation
        standing[pick.place] = pick.standing
    return number, activation, standing


def _picks(measured: Measured, unit: Unit) -> list[Pick]:
    sign = -1.0 if unit.negative else 1.0
    return picks(measured.values(unit), measured.read(unit), sign)


@functools.lru_cache(maxsize=1)
def _measured(folder: Folder, state: str) -> Measured:
    """The activations on all pictures, read once for each state of what was seen."""
    del state
    return Measured(Store.open(folder))


@functools.lru_cache(256)
def _square(picture: Picture) -> tuple[np.ndarray, int]:
    """A picture to cut from; black where it cannot be read."""
    return source.load(picture, 4 * SIZE)


def state_of(store: Store) -> str:
    """A digest of what is kept; empty where nothing is."""
    kept = Across(store).records.contents()
    return digest(kept) if kept else ""

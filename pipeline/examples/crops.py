"""Crops: what excites each unit in its strongest pictures, cut out.

    ATLAS/atlas.zarr/crops/SECTION/crops  (row, rank, y, x, rgb) uint8, the strongest first
    ATLAS/crops/SECTION/000012.json       commits chunk 12 of them

The rows and chunks are those of the images.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.errors import WorkError
from pipeline.examples import seen, source, strongest
from pipeline.examples.source import Picture
from pipeline.examples.strongest import Example
from pipeline.plan.batches import Batch
from pipeline.plan.identity import digest
from pipeline.store.layout import Layout
from pipeline.store.records import Record
from pipeline.store.store import Store
from pipeline.store.table import Table

SIZE = 64
"""Side of a crop, in pixels."""
_KEPT = 256
"""Pictures that a process keeps for the next crop, 200 kB each."""


class Crops(Table):
    """What excites each unit in its strongest pictures, cut out."""

    def __init__(self, store: Store) -> None:
        layout = Layout((strongest.BEST, SIZE, SIZE, 3), "uint8", 0, ("rank", "y", "x", "rgb"))
        super().__init__(store.folder, "crops", {"crops": layout})
        self._store = store

    def pending(self) -> list[Batch]:
        """The batches of units whose crops are not cut out."""
        return self._store.pending([self])

    def of(self, record: Record) -> np.ndarray | None:
        """The crops of a batch of images, (unit, rank, y, x, rgb); None before they are cut.

        Raises:
            DamageError: the chunk is damaged.
        """
        cut = self.records.one(record.section, record.chunk)
        return self.read(cut, "crops") if cut and cut.units == record.units else None

    def forget(self, units: set[str]) -> None:
        """Take back the commits of batches that hold one of these units."""
        for section in self.records.sections():
            for record in self.records.of(section):
                if units.intersection(record.units):
                    self.records.drop(record)

    def cut(self, batch: Batch) -> None:
        """Cut out and store what excites a batch's units.

        Raises:
            WorkError: a picture cannot be read any more; nothing is stored.
        """
        shown = {picture.id: picture for picture in seen.listed(self._store)}
        best = strongest.by_unit(self._store)
        crops = np.zeros((len(batch.units), strongest.BEST, SIZE, SIZE, 3), np.uint8)
        for row, unit in enumerate(batch.units):
            for example in best.get(unit.id, ()):
                square = _square(shown[example.picture])
                crops[row, example.rank] = source.crop(square, example.box, SIZE)
        self.forget_others(batch)
        self.write(batch, {"crops": crops})


@functools.lru_cache(_KEPT)
def _square(picture: Picture) -> np.ndarray:
    """A picture to cut from, (side, side, 3) uint8; kept by its stamp, from batch to batch."""
    square, state = source.load(picture, 4 * SIZE)
    if state not in source.SEEN:
        raise WorkError(seen.lost(picture, state))
    return square


def state_of(store: Store) -> str:
    """A digest of what is cut out; empty where nothing is."""
    cut = Crops(store).records.contents()
    return digest(cut) if cut else ""


@dataclass(frozen=True)
class Shown:
    """A unit's strongest pictures, and what in each excites it: (pictures, y, x, rgb) uint8."""

    examples: list[Example]
    crops: np.ndarray


def shown(store: Store, record: Record) -> Mapping[str, Shown]:
    """By id the examples of a batch's units; nothing before they are cut out.

    Raises:
        DamageError: a chunk is damaged.
    """
    best = strongest.by_unit(store)
    crops = Crops(store).of(record) if best else None
    if crops is None:
        return {}
    found = {unit: best.get(unit, []) for unit in record.units}
    pairs = zip(found.items(), crops, strict=True)
    return {unit: Shown(examples, cut[: len(examples)]) for (unit, examples), cut in pairs}

"""Crops: what excites each unit in its strongest pictures, cut out.

    ATLAS/atlas.zarr/crops/SECTION/crops  (row, rank, y, x, rgb) uint8, the strongest first
    ATLAS/crops/SECTION/000012.json       commits chunk 12 of them

The rows and chunks are those of the images.
"""

import functools
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from typing_extensions import override

from pipeline import examples, natural, pictures, responses
from pipeline.layout import Layout
from pipeline.records import Record
from pipeline.store import Store
from pipeline.table import Table
from pipeline.units import Batch

if TYPE_CHECKING:
    from pipeline.arrays import Arrays

SIZE = 64
"""Side of a crop, in pixels."""
_KEPT = 256
"""Pictures that are kept for the next crop, 200 kB each."""


class Crops(Table):
    """What excites each unit in its strongest pictures, cut out."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.folder, "crops")
        self._store = store

    @cached_property
    @override
    def arrays(self) -> "Arrays":
        from pipeline.arrays import Arrays  # noqa: PLC0415, slow to import

        layout = Layout((natural.BEST, SIZE, SIZE, 3), "uint8", 0, ("rank", "y", "x", "rgb"))
        return Arrays(self.folder, "crops/", {"crops": layout})

    def pending(self) -> list[Batch]:
        """The batches of units whose crops are not cut out."""
        return responses.pending(self._store, [self])

    def of(self, record: Record) -> np.ndarray | None:
        """The crops of a batch of images, (unit, rank, y, x, rgb); None before they are cut.

        Raises:
            DamageError: the chunk is damaged.
        """
        cut = self.records.one(record.section, record.chunk)
        return self.read(cut, "crops") if cut and cut.units == record.units else None

    def cut(self, batch: Batch) -> None:
        """Cut out and store what excites a batch's units."""
        shown = {picture.id: picture for picture in examples.listed(self._store)}
        strongest = natural.strongest(self._store)
        square = functools.lru_cache(_KEPT)(lambda name: pictures.load(shown[name], 4 * SIZE)[0])
        crops = np.zeros((len(batch.units), natural.BEST, SIZE, SIZE, 3), np.uint8)
        for row, unit in enumerate(batch.units):
            for example in strongest.get(unit.id, ()):
                crops[row, example.rank] = pictures.crop(square(example.picture), example.box, SIZE)
        self.forget_others(batch)
        self.write(batch, {"crops": crops})

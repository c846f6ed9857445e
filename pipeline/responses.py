"""Responses: what every channel of an atlas's layers makes of every stored image.

    ATLAS/atlas.zarr/responses/LAYER/SECTION/mean   (row, channel) float32, over the channel's map
    ATLAS/atlas.zarr/responses/LAYER/SECTION/peak   (row, channel) float32, its largest value
    ATLAS/responses/LAYER/SECTION/000012.json       commits chunk 12 of them

A table a layer, so that a layer that an atlas gains later leaves the others as they are. The rows
and chunks are those of the images.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from typing_extensions import override

from pipeline.architecture import Layer
from pipeline.layout import Layout
from pipeline.records import Record
from pipeline.store import Store
from pipeline.table import Table
from pipeline.units import Batch, folder_name

if TYPE_CHECKING:
    from pipeline.arrays import Arrays

NAMES = ("mean", "peak")


class Responses(Table):
    """How the channels of one layer respond to the stored images."""

    def __init__(self, store: Store, layer: Layer) -> None:
        super().__init__(store.folder, f"responses/{folder_name(layer.name)}")
        self.layer = layer

    @cached_property
    @override
    def arrays(self) -> "Arrays":
        from pipeline.arrays import Arrays  # noqa: PLC0415, slow to import

        layout = Layout((self.layer.channels,), "float32", float("nan"), ("channel",))
        return Arrays(self.folder, f"{self.records.place}/", dict.fromkeys(NAMES, layout))


def tables(store: Store) -> list[Responses]:
    """The tables of an atlas, one for each layer that its units look at, in the network's order."""
    known = store.provenance
    names = {name for unit in known.units() for name in unit.layers}
    layers = sorted((known.architecture.layers[name] for name in names), key=lambda la: la.depth)
    return [Responses(store, layer) for layer in layers]


def pending(store: Store, of: Sequence[Table]) -> list[Batch]:
    """The batches of images that some table has no rows for, or those for other images."""
    units = {unit.id: unit for unit in store.provenance.units()}
    found = []
    for section in store.provenance.available_sections():
        known = [_committed(table, section.name) for table in of]
        for record in store.records.of(section.name):
            if all(done.get(record.chunk) == record.units for done in known):
                continue
            members = tuple(units[unit] for unit in record.units if unit in units)
            found.append(Batch(section.name, record.chunk, record.size, members))
    return found


def commit(
    of: Sequence[Responses],
    batch: Batch,
    seen: Mapping[str, Mapping[str, np.ndarray]],
) -> None:
    """Store the responses to a batch of images.

    Args:
        of: the atlas's tables.
        batch: whose images they are.
        seen: by layer, by array name (units, channels) float32.
    """
    for table in of:
        table.forget_others(batch)
        table.write(batch, seen[table.layer.name])


def matrix(
    store: Store, of: Sequence[Responses], name: str = "mean"
) -> tuple[list[str], dict[str, np.ndarray]]:
    """The responses to all stored images.

    Returns:
        Ids of the units, in the atlas's order, and by layer (units, channels) float32. Units
        without responses, yet, are left out.

    Raises:
        DamageError: a chunk is damaged.
    """
    rows: dict[str, dict[str, np.ndarray]] = {table.layer.name: {} for table in of}
    for table in of:
        for section in store.provenance.available_sections():
            for record in table.records.of(section.name):
                values = table.read(record, name)
                rows[table.layer.name] |= zip(record.units, values, strict=True)
    everywhere = [unit.id for unit in store.provenance.units()]
    ids = [unit for unit in everywhere if all(unit in of_layer for of_layer in rows.values())]
    if not ids:
        return [], {}
    return ids, {layer: np.stack([of_layer[i] for i in ids]) for layer, of_layer in rows.items()}


def _committed(table: Table, section: str) -> dict[int, tuple[str, ...]]:
    records: list[Record] = table.records.of(section)
    return {record.chunk: record.units for record in records}

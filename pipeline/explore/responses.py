"""Responses: what every channel of an atlas's layers makes of every stored image.

    ATLAS/atlas.zarr/responses/LAYER/SECTION/mean   (row, channel) float32, over the channel's map
    ATLAS/atlas.zarr/responses/LAYER/SECTION/peak   (row, channel) float32, its largest value
    ATLAS/responses/LAYER/SECTION/000012.json       commits chunk 12 of them

A table a layer, so that a layer that an atlas gains later leaves the others as they are. The rows
and chunks are those of the images.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from pipeline.plan.architecture import Layer
from pipeline.plan.batches import Batch
from pipeline.plan.units import folder_name
from pipeline.store.layout import Layout
from pipeline.store.store import Store
from pipeline.store.table import Table

NAMES = ("mean", "peak")


class Responses(Table):
    """How the channels of one layer respond to the stored images."""

    def __init__(self, store: Store, layer: Layer) -> None:
        layout = Layout((layer.channels,), "float32", float("nan"), ("channel",))
        place = f"responses/{folder_name(layer.name)}"
        super().__init__(store.folder, place, dict.fromkeys(NAMES, layout))
        self.layer = layer


def tables(store: Store) -> list[Responses]:
    """The tables of an atlas, one for each layer that its units look at, in the network's order."""
    return [Responses(store, layer) for layer in store.provenance.layers()]


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
    if not ids or not rows:  # nothing is observed in a network whose units have no layer
        return [], {}
    return ids, {layer: np.stack([of_layer[i] for i in ids]) for layer, of_layer in rows.items()}


def standardised(values: np.ndarray) -> np.ndarray:
    """Responses against each channel's spread over the rows; zero where it has none."""
    # By a power of two, which changes no digit: squares of what is huge or tiny are no numbers.
    values = np.ldexp(values, -np.frexp(np.abs(values).max(axis=0, initial=0))[1])
    centred = values - values.mean(axis=0)
    deviation = values.std(axis=0)
    safe = np.where(deviation > 0, deviation, 1.0)
    return np.asarray(centred / safe)


def unit_rows(values: np.ndarray) -> np.ndarray:
    """Rows of length one, whose products are cosines; a row of zeros stays one.

    Args:
        values: (rows, columns).
    """
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.maximum(lengths, 1e-12))

"""What is kept: how much of its activation a unit's picture keeps when it is seen otherwise.

    ATLAS/atlas.zarr/truth/kept/SECTION/activation   (row, view) float32, under each of `VIEWS`
    ATLAS/truth/kept/SECTION/000012.json             commits chunk 12 of them

The rows and chunks are those of the images. What is stored is the plain activation, as measured;
the shares are made of it where they are told.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from pipeline.ascent.results import NAMES
from pipeline.plan.batches import Batch
from pipeline.plan.identity import digest
from pipeline.plan.provenance import Provenance
from pipeline.plan.units import Unit
from pipeline.store.layout import Layout
from pipeline.store.store import Store
from pipeline.store.table import Table
from pipeline.truth.views import VIEWS

PLACE = "truth/kept"
TYPES = {"kept": "Float32", **{f"kept_{view.name}": "Float32" for view in VIEWS}}
"""The columns of the index that come from here, and their pandas types."""
MEANINGS = {
    "kept": "the mean of these, of 0 to 1, less those that the recipe itself climbs by",
    **{f"kept_{view.name}": f"share of its gain left: {view.words}" for view in VIEWS},
}
"""What the columns say, for people."""
_DIGITS = 4
"""Digits of a share."""

See = Callable[[np.ndarray, Sequence[Unit]], np.ndarray]
"""The plain activations of pictures, (units, size, size, 3) uint8, each of its unit, (units,)."""


class Kept(Table):
    """The activation of each unit on its picture, under each view."""

    def __init__(self, store: Store) -> None:
        names = {"view": [view.name for view in VIEWS]}
        layout = Layout((len(VIEWS),), "float32", float("nan"), ("view",), names)
        super().__init__(store.folder, PLACE, {"activation": layout})


def pending(store: Store) -> list[Batch]:
    """The batches of images that were not seen otherwise, yet."""
    return store.pending([Kept(store)])


def measure(images: np.ndarray, units: Sequence[Unit], known: Provenance, see: See) -> np.ndarray:
    """The activation of units on their pictures under each view.

    Args:
        images: the units' own, (units, size, size, 3) uint8.
        units: of one section.
        known: the atlas's.
        see: what tells activations.

    Returns:
        (units, views) float32.
    """
    columns = [
        see(view.see(images, units), [view.moved(unit, known.architecture) for unit in units])
        for view in VIEWS
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def commit(store: Store, batch: Batch, activations: np.ndarray) -> None:
    """Store what was measured of a batch. Raises as `Table.write`."""
    table = Kept(store)
    table.forget_others(batch)
    table.write(batch, {"activation": activations})


def shares(
    activations: np.ndarray, start: np.ndarray, end: np.ndarray, signs: np.ndarray
) -> np.ndarray:
    """The share of what a picture gained over its start that is left under each view.

    Of the gain, since activations may begin anywhere: logits below zero, a negative unit, which is
    to be low, above. All of it, or more, is 1; none, or less, is 0.

    Args:
        activations: under each view, (units, views).
        start: before the first step, (units,).
        end: on the stored picture, (units,).
        signs: 1, or -1 of a negative unit, (units,).

    Returns:
        (units, views) float64; NaN where the picture gained nothing.
    """
    begun, gain = start.astype(np.float64), signs * (end.astype(np.float64) - start)
    left = signs[:, None] * (activations - begun[:, None])
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.clip(left / gain[:, None], 0.0, 1.0)
    return np.where(gain[:, None] > 0, found, np.nan)


def columns(store: Store) -> pd.DataFrame:
    """The columns of `TYPES`, a row a unit that was measured, the id as index.

    Raises:
        DamageError: a chunk is damaged.
    """
    known, table = store.provenance, Kept(store)
    outside = [not any(map(view.is_of, known.recipe.each)) for view in VIEWS]
    rows: dict[str, np.ndarray] = {}
    for section in known.available_sections():
        pictures = {record.chunk: record for record in store.records.of(section.name)}
        for record in table.records.of(section.name):
            of_images = pictures.get(record.chunk)
            if of_images is None or of_images.units != record.units:
                continue  # they are gone, or others, since
            statistics = store.read(of_images, "statistics")
            start, end = (statistics[:, NAMES.index(n)] for n in ("activation_start", "activation"))
            signs = np.full(len(start), -1.0 if section.units[0].negative else 1.0)
            found = shares(table.read(record, "activation"), start, end, signs)
            values = np.column_stack([found[:, outside].mean(axis=1), found])
            rows |= zip(record.units, np.round(values, _DIGITS), strict=True)
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(TYPES)).astype(TYPES)


def state_of(store: Store) -> str:
    """A digest of what was measured; empty where nothing was."""
    records = Kept(store).records
    found = [
        (section.name, record.chunk, dict(record.sha256))
        for section in store.provenance.available_sections()
        for record in records.of(section.name)
    ]
    return digest([PLACE, found]) if found else ""

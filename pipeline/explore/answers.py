"""What responses answer of one unit: which channels its image excites, and which units are like it.

A response is measured against the channel's spread over the atlas, as in `rows`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from pipeline.errors import NotMeasuredError
from pipeline.explore import responses
from pipeline.explore.responses import standardised, unit_rows
from pipeline.plan.provenance import Provenance
from pipeline.plan.units import Unit
from pipeline.store.folder import Folder
from pipeline.store.store import Store


@dataclass(frozen=True)
class Asked:
    """The responses to every image of an atlas, as they were when they were read.

    Attributes:
        ids: of the units, in the atlas's order.
        means: by layer (units, channels) float32, means over the channels' maps.
        peaks: the same, the largest values.
        provenance: of the atlas.
        folder: the atlas's.
    """

    ids: tuple[str, ...]
    means: Mapping[str, np.ndarray]
    peaks: Mapping[str, np.ndarray]
    provenance: Provenance
    folder: Folder

    @cached_property
    def spread(self) -> dict[str, np.ndarray]:
        """The means against each channel's spread over the atlas."""
        return {name: standardised(values) for name, values in self.means.items()}

    @cached_property
    def directions(self) -> np.ndarray:
        """The same of all layers side by side, (units, channels), rows of length one."""
        every = np.concatenate(list(self.spread.values()), axis=1)
        return unit_rows(every)

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each unit."""
        return {unit: row for row, unit in enumerate(self.ids)}


def read(store: Store) -> Asked:
    """The responses that a store holds now.

    Raises:
        NotMeasuredError: there are none yet.
        DamageError: a chunk of them is damaged.
    """
    tables = responses.tables(store)
    ids, means = responses.matrix(store, tables)
    if not ids:
        raise NotMeasuredError(
            f"the atlas {store.folder} has no responses yet: `atlas build`, with "
            "explore.responses, measures them"
        )
    _, peaks = responses.matrix(store, tables, "peak")
    return Asked(tuple(ids), means, peaks, store.provenance, store.folder)


def of_unit(asked: Asked, unit: Unit) -> pd.DataFrame:
    """How every channel responds to a unit's image, the strongest first.

    Returns:
        Columns `layer`, `channel`, `unit` (the channel's id), `mean`, `peak`, and `z`: the mean
        against the channel's spread over the atlas.

    Raises:
        NotMeasuredError: the unit has no responses yet.
    """
    row = _row(asked, unit)
    parts = [
        pd.DataFrame(
            {
                "layer": layer,
                "channel": np.arange(values.shape[1], dtype=np.int32),
                "unit": [f"{layer}:{channel}" for channel in range(values.shape[1])],
                "mean": values[row],
                "peak": asked.peaks[layer][row],
                "z": asked.spread[layer][row],
            }
        )
        for layer, values in asked.means.items()
    ]
    whole = pd.concat(parts, ignore_index=True).astype({"layer": "string", "unit": "string"})
    return whole.sort_values("z", ascending=False, kind="stable", ignore_index=True)


def like_unit(asked: Asked, unit: Unit, top: int) -> pd.Series:
    """The units whose responses are most like a unit's, by id, with their cosine distances."""
    row = _row(asked, unit)
    distances = 1 - asked.directions @ asked.directions[row]
    found = pd.Series(np.maximum(distances, 0), index=pd.Index(asked.ids, name="unit"))
    return found.drop(unit.id).nsmallest(top).rename("distance").astype("Float32")


def _row(asked: Asked, unit: Unit) -> int:
    try:
        return asked.rows[unit.id]
    except KeyError:
        known = asked.provenance
        why = known.absence(unit, asked.folder)
        if unit in known.units() and known.is_available(unit):
            why = "is not built or not measured yet: `atlas build` does both"
        raise NotMeasuredError(f"unit {unit.id} has no responses: it {why}") from None

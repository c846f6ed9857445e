"""What the page tells of circuits: a unit's edges, what they explain, and where sources act."""

import base64
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from pipeline.ascent.results import STRONGEST
from pipeline.errors import NotMeasuredError
from pipeline.explore import circuits
from pipeline.plan import words
from pipeline.store.records import Record
from pipeline.store.store import Store

_FINEST = 16
"""Rows and columns, at most, of a map that is laid over a picture; it is smooth there."""
_READ = ["source", "target", "source_layer", "attribution", "ablation_zero", "share"]


class Told:
    """What is told of each unit's circuit; the edges are read once.

    Args:
        store: the atlas.
        frame: its index.
    """

    def __init__(self, store: Store, frame: pd.DataFrame) -> None:
        self._tables = circuits.tables(store)
        edges = _edges(store)
        self._columns = {name: edges[name].to_numpy(object) for name in _READ}
        self._into = edges.groupby("target", sort=False).indices
        best = edges[edges["attribution"] > 0].sort_values("share", ascending=False, kind="stable")
        out = best.groupby("source", sort=False).indices
        order = best.index.to_numpy()
        self._out = {unit: order[rows[:STRONGEST]] for unit, rows in out.items()}
        self._units = {unit.id: unit for unit in store.provenance.units()}
        known = frame[frame["explained"].notna()].set_index("unit")
        figures = known[["built_from", "explained", "explained_random"]]
        self._figures = dict(zip(known.index, figures.to_dict("records"), strict=True))

    def of(self, record: Record) -> dict[str, dict[str, Any]]:
        """What is told of each of a batch's units that has a circuit, by unit id.

        Raises:
            DamageError: a chunk is damaged.
        """
        told: dict[str, dict[str, Any]] = {}
        layers = self._columns["source_layer"]
        for unit in (unit for unit in record.units if unit in self._into):
            into = self._into[unit]
            *others, (nearest, _) = Counter(layers[into]).items()
            told[unit] = {
                "layer": nearest,
                "others": others,
                "sources": self._shown("source", into[layers[into] == nearest]),
                "text": words.explained(self._units[unit], self._figures.get(unit, {})),
            }
        for unit, heat in self._heats(record, told):
            told[unit]["heat"] = _encoded(heat)
        for unit in (unit for unit in record.units if unit in self._out):
            told.setdefault(unit, {})["feeds"] = self._shown("target", self._out[unit])
        return told

    def _shown(self, end: str, rows: np.ndarray) -> list[list[Any]]:
        """Of each edge the unit at one end, the share, whether it excites, and the change."""
        names = (end, "share", "attribution", "ablation_zero")
        return [
            [str(unit), _number(share), 1 if attribution > 0 else -1, _number(zero)]
            for unit, share, attribution, zero in zip(
                *(self._columns[name][rows] for name in names), strict=True
            )
        ]

    def _heats(
        self, record: Record, told: Mapping[str, Mapping[str, Any]]
    ) -> Iterator[tuple[str, np.ndarray]]:
        """Where the sources that are told of act, (sources, rows, columns) int8, by unit."""
        nearest = {unit: one["layer"] for unit, one in told.items()}
        for table in self._tables:
            found = table.records.one(record.section, record.chunk)
            if found is None or table.layer.name not in nearest.values():
                continue
            strongest, heat = (table.read(found, name) for name in ("strongest", "heat"))
            for number, unit in enumerate(found.units):
                if nearest.get(unit) == table.layer.name:
                    yield unit, heat[number][strongest[number] >= 0]


def _edges(store: Store) -> pd.DataFrame:
    """The edges, counted through, where they are those of now."""
    try:
        if circuits.is_current(store):
            return circuits.edges(store)[_READ].reset_index(drop=True)
    except NotMeasuredError:
        pass
    return pd.DataFrame(columns=_READ)


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(f"{value:.4g}")


def _encoded(heat: np.ndarray) -> list[Any]:
    """Maps as rows, columns and the bytes of all, base64."""
    _, rows, columns = heat.shape
    rows, columns = min(rows, _FINEST), min(columns, _FINEST)
    if heat.shape[1:] != (rows, columns):
        maps = [Image.fromarray(one.astype(np.float32)) for one in heat]
        how = Image.Resampling.BOX
        smaller = [np.asarray(one.resize((columns, rows), how)) for one in maps]
        heat = np.rint(np.stack(smaller)).astype(np.int8)
    return [rows, columns, base64.b64encode(heat.tobytes()).decode("ascii")]

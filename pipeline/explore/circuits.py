"""Circuits of an atlas: which channels of earlier layers each unit is built from, measured.

    ATLAS/atlas.zarr/circuits/LAYER/SECTION/*   what a layer's channels are to a section's units,
                                                as `ascent.circuits.Traced` says
    ATLAS/circuits/LAYER/SECTION/000012.json    commits chunk 12 of them
    ATLAS/means.parquet                         the mean of each channel over the atlas's pictures
    ATLAS/edges.parquet                         a row for each unit and source that was measured

A table a layer. The rows and chunks are those of the images. All of it is of one set of pictures:
where the atlas gains some, the means are others, and circuits are measured anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipeline.ascent.results import DRAWS, STRONGEST, Traced
from pipeline.errors import NotMeasuredError
from pipeline.explore import responses
from pipeline.plan.architecture import Layer
from pipeline.plan.batches import Batch, Section
from pipeline.plan.identity import digest
from pipeline.plan.kinds import CHANNEL
from pipeline.plan.provenance import Provenance
from pipeline.plan.units import Unit, folder_name
from pipeline.store import parquet
from pipeline.store.layout import Layout
from pipeline.store.store import Store
from pipeline.store.table import Table

EDGES, MEANS = "edges.parquet", "means.parquet"
TYPES = {
    "source": "string",
    "target": "string",
    "source_layer": "string",
    "target_layer": "string",
    "attribution": "Float32",
    "ablation_zero": "Float32",
    "ablation_mean": "Float32",
    "share": "Float32",
    "weight": "Float32",
}
"""The columns of edges.parquet and their pandas types."""
PASSES = 4 * STRONGEST + DRAWS + 1
"""Passes through what lies behind a layer that measure a unit."""
SUMMARY = {
    "built_from": "object",
    "feeds": "object",
    "explained": "Float32",
    "explained_random": "Float32",
}
"""The columns of the index that circuits fill, and their pandas types."""


_EDGES = ("score", "attribution", "weight", "strongest", "zero", "mean")
"""What edges are made from."""
_SUMMARY = ("score", "strongest", "zero", "together", "random")
"""What the columns of the index are made from."""


class Circuits(Table):
    """What the channels of one layer are to the units of later ones."""

    def __init__(self, store: Store, layer: Layer) -> None:
        one, many = (2 * STRONGEST,), (layer.channels,)
        nan = float("nan")
        super().__init__(
            store.folder,
            f"circuits/{folder_name(layer.name)}",
            {
                "score": Layout((), "float32", nan, ()),
                "attribution": Layout(many, "float32", nan, ("channel",)),
                "weight": Layout(many, "float32", nan, ("channel",)),
                "strongest": Layout(one, "int32", -1, ("source",)),
                "zero": Layout(one, "float32", nan, ("source",)),
                "mean": Layout(one, "float32", nan, ("source",)),
                "together": Layout((), "float32", nan, ()),
                "random": Layout((DRAWS,), "float32", nan, ("draw",)),
                "heat": Layout((*one, layer.height, layer.width), "int8", 0, ("source", "y", "x")),
            },
        )
        self.layer = layer
        self._known = store.provenance

    def concerns(self, unit: Unit) -> bool:
        """Whether the layer stands before a unit."""
        return self.layer in sources(self._known, unit)


def tables(store: Store) -> list[Circuits]:
    """The tables of an atlas, one for each layer that some unit may be built from."""
    known = store.provenance
    each = {unit.reads: unit for unit in known.units()}.values()
    names = {layer.name for unit in each for layer in sources(known, unit)}
    return [Circuits(store, layer) for layer in known.layers() if layer.name in names]


def sources(known: Provenance, unit: Unit) -> list[Layer]:
    """The atlas's layers that stand before all that a unit reads, in the network's order."""
    if not known.is_available(unit):
        return []
    depths = [known.architecture.layers[name].depth for name in unit.layers]
    return [layer for layer in known.layers() if all(layer.depth < depth for depth in depths)]


def pending(store: Store) -> list[Batch]:
    """The batches of images whose units were not traced, yet."""
    return store.pending(tables(store), Circuits.concerns)


def untraced(store: Store) -> list[Batch]:
    """The batches of images that a build would trace: all, where pictures are new."""
    return pending(store) if is_of_now(store) else store.committed()


def size(layer: Layer) -> int:
    """Bytes that what a layer is to one unit takes, about; most of it is not compressed."""
    return 8 * layer.channels + 2 * STRONGEST * (12 + layer.height * layer.width)


def is_of_now(store: Store) -> bool:
    """Whether what is traced is so with the means over the pictures that are there now."""
    return parquet.state(store.folder, MEANS) == _state_of_pictures(store)


def begin(store: Store) -> None:
    """Forget what was traced with other means, and write those of now.

    Raises:
        DamageError: a chunk of responses is damaged.
    """
    if is_of_now(store):
        return
    for table in tables(store):
        table.clear()
    _, found = responses.matrix(store, responses.tables(store))
    none = pd.DataFrame({"layer": [], "channel": [], "mean": []})
    frames = [
        pd.DataFrame({"layer": layer, "channel": range(values.shape[1]), "mean": values.mean(0)})
        for layer, values in found.items()
    ]
    state = _state_of_pictures(store)
    parquet.write(store.folder, MEANS, [pd.concat(frames or [none])], lambda: {"state": state})


def means(store: Store) -> dict[str, np.ndarray]:
    """By layer the mean of each channel over the atlas's pictures. Raises as `parquet.notes`."""
    frame = parquet.read(store.folder, MEANS)
    return {
        str(layer): rows["mean"].to_numpy(np.float32)
        for layer, rows in frame.groupby("layer", sort=False)
    }


def commit(store: Store, batch: Batch, traced: Mapping[str, Traced]) -> None:
    """Store what a batch's units are built from, by layer."""
    for table in tables(store):
        if table.layer.name in traced:
            table.forget_others(batch)
            table.write(batch, traced[table.layer.name].arrays())


def refresh(store: Store) -> None:
    """Write edges.parquet of what is traced now. Raises as `edges`."""
    state = state_of(store)
    parquet.write(store.folder, EDGES, _frames(store), lambda: {"state": state})


def is_current(store: Store) -> bool:
    """Whether edges.parquet says what is traced now; it does where nothing can be."""
    return not tables(store) or parquet.state(store.folder, EDGES) == state_of(store)


def edges(store: Store) -> pd.DataFrame:
    """The edges: of each unit in the atlas's order those that excite it most, then inhibit it most.

    Raises:
        NotMeasuredError: nothing was traced, yet.
        DamageError: the file is damaged.
    """
    try:
        return parquet.read(store.folder, EDGES).astype(TYPES)
    except FileNotFoundError:
        raise NotMeasuredError(
            f"the atlas {store.folder} has no circuits yet: `atlas build`, with explore.responses "
            "and explore.circuits, measures them"
        ) from None


def of_unit(store: Store, unit: Unit) -> pd.DataFrame:
    """The edges that end at a unit, and then those that begin at its channel.

    Returns:
        The columns of edges.parquet; those that end there as they are there, those that begin
        there with the largest share first.

    Raises:
        NotMeasuredError: nothing was traced, or the unit was not, and feeds nothing.
        DamageError: the file is damaged.
    """
    every = edges(store)
    into = every[every["target"] == unit.id]
    out = every[every["source"] == unit.id].sort_values("share", ascending=False, kind="stable")
    found = pd.concat([into, out], ignore_index=True)
    if found.empty:
        raise NotMeasuredError(f"unit {unit.id} has no circuit: it {_why_none(store, unit)}")
    return found


def _why_none(store: Store, unit: Unit) -> str:
    known = store.provenance
    if unit not in known.units() or not known.is_available(unit):
        return known.absence(unit, store.folder)
    records = (record for table in tables(store) for record in table.records.of(unit.section))
    if sources(known, unit) and not any(unit.id in record.units for record in records):
        return "is not built or not traced yet: `atlas build` does both"
    return "is built from no other layer of the atlas, and is among the strongest of no unit"


def as_edges(unit: Unit, layer: Layer, row: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """What was traced of a unit, by the names of `Traced`, as rows of edges.parquet."""
    return pd.DataFrame(_Found(unit, layer, row).edges(), columns=list(TYPES)).astype(TYPES)


def heats(store: Store, unit: Unit) -> dict[str, np.ndarray]:
    """Where in a unit's picture each of its strongest sources acts.

    Returns:
        By the id of the source its gradient times activation, (rows, columns) float32 on the
        source's map, of which 1 is the largest; less than nothing where it inhibits.

    Raises:
        DamageError: a chunk is damaged.
    """
    found: dict[str, np.ndarray] = {}
    for table in tables(store):
        for record in table.records.of(unit.section):
            if unit.id not in record.units:
                continue
            number = record.units.index(unit.id)
            strongest, heat = (table.read(record, n, number) for n in ("strongest", "heat"))
            row = _Found(unit, table.layer, {"strongest": strongest})
            found |= {
                row.source(place): heat[place].astype(np.float32) / 127.0
                for place, channel in enumerate(strongest)
                if channel >= 0
            }
    return found


def summary(store: Store) -> pd.DataFrame:
    """The columns of the index that circuits fill, a row a unit that was traced.

    `built_from` are the channels that excite the unit most, of the nearest layer before it;
    `explained` is what share of its score goes where all of them are silent, and
    `explained_random` where as many drawn at random are. `feeds` are the units of which a channel
    is such a source, those first of which it is the largest share. Raises as `Table.read`.
    """
    rows: dict[str, dict[str, Any]] = {}
    feeds: dict[str, list[tuple[float, str]]] = {}
    known = store.provenance.available_sections()
    every = (found for section in known for found in _found(store, section, _SUMMARY))
    for found in every:
        if not found.exciting:
            continue
        names = [found.source(place) for place in found.exciting]
        rows[found.unit.id] = {  # of a nearer layer, if one comes
            "built_from": names,
            "explained": found.share(float(found.row["together"]) - found.score),
            "explained_random": found.share(float(np.mean(found.row["random"])) - found.score),
        }
        for place, name in zip(found.exciting, names, strict=True):
            share = found.share(float(found.row["zero"][place]))
            feeds.setdefault(name, []).append((share, found.unit.id))
    for name, fed in feeds.items():
        best = sorted(fed, key=lambda pair: -pair[0])[:STRONGEST]
        rows.setdefault(name, {})["feeds"] = [unit for _, unit in best]
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(SUMMARY))


@dataclass(frozen=True)
class _Found:
    """What was found of a unit and an earlier layer: its rows of the layer's table."""

    unit: Unit
    layer: Layer
    row: Mapping[str, np.ndarray]

    @property
    def score(self) -> float:
        """Of the unit on its own picture."""
        return float(self.row["score"])

    @property
    def exciting(self) -> list[int]:
        """The places, among the strongest, of those that excite the unit."""
        return [place for place in range(STRONGEST) if self.row["strongest"][place] >= 0]

    def source(self, place: int) -> str:
        """The id of the channel at a place among the strongest."""
        return Unit(CHANNEL, (self.layer.name,), int(self.row["strongest"][place])).id

    def share(self, change: float) -> float:
        """What share of the score goes with a change of it; NaN where there is none to share."""
        return -change / self.score if self.score > 0 else float("nan")

    def edges(self) -> Iterator[tuple[Any, ...]]:
        """The rows of edges.parquet."""
        row, target = self.row, "+".join(self.unit.layers) or None
        has_weights = bool(np.any(row["weight"]))
        for place, channel in enumerate(row["strongest"]):
            if channel < 0:
                continue
            zero, mean = float(row["zero"][place]), float(row["mean"][place])
            weight = float(row["weight"][channel]) if has_weights else float("nan")
            yield (
                self.source(place), self.unit.id, self.layer.name, target,
                float(row["attribution"][channel]), zero, mean, self.share(zero), weight,
            )  # fmt: skip


def _found(store: Store, section: Section, names: Sequence[str]) -> Iterator[_Found]:
    """What was found of a section, of some arrays, batch by batch, the nearest layer last."""
    units = {unit.id: unit for unit in section.units}
    for table in tables(store):
        for record in table.records.of(section.name):
            rows = {name: table.read(record, name) for name in names}
            for number, unit in enumerate(record.units):
                if unit in units:  # others have left the configuration
                    row = {name: values[number] for name, values in rows.items()}
                    yield _Found(units[unit], table.layer, row)


def _frames(store: Store) -> Iterator[pd.DataFrame]:
    """The edges, section by section, in the atlas's order of units."""
    yield pd.DataFrame(columns=list(TYPES)).astype(TYPES)
    for section in store.provenance.available_sections():
        order = {unit.id: place for place, unit in enumerate(section.units)}
        rows = [edge for found in _found(store, section, _EDGES) for edge in found.edges()]
        frame = pd.DataFrame(rows, columns=list(TYPES))
        yield frame.sort_values("target", key=lambda ids: ids.map(order), kind="stable").astype(
            TYPES
        )


def state_of(store: Store) -> str:
    """A digest of what the edges of a store would be made from; empty where nothing is traced."""
    known = store.provenance.available_sections()
    records = [
        (
            table.records.place,
            section.name,
            [dict(r.sha256) for r in table.records.of(section.name)],
        )
        for table in tables(store)
        for section in known
    ]
    return digest(records) if any(found for _, _, found in records) else ""


def state_of_file(store: Store, name: str) -> str:
    """A digest of what `EDGES` or `MEANS` of a store would be made from."""
    return state_of(store) if name == EDGES else _state_of_pictures(store)


def _state_of_pictures(store: Store) -> str:
    """A digest of what the means over the atlas's pictures would be made from."""
    known = store.provenance.available_sections()
    records = [
        (table.layer.name, section.name, [r.sha256["mean"] for r in table.records.of(section.name)])
        for table in responses.tables(store)
        for section in known
    ]
    return digest(records)

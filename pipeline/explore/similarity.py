"""What the responses tell of each unit: its rank, how selective it is, what is like it, a map.

All of it is of the mean responses to the atlas's own images. A response is measured against the
channel's spread over the atlas: less its mean, over its standard deviation.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from pipeline.explore import places
from pipeline.explore.responses import matrix, standardised, tables
from pipeline.plan.units import Unit
from pipeline.store.store import Store

NEAREST = 10
EXCITED = 10
"""Channels that are told of as excited by a unit's image."""
TYPES = {
    "own_rank": "Int32",
    "selectivity": "Float32",
    "nearest": "object",
    "nearest_distance": "object",
    "map_x": "Float32",
    "map_y": "Float32",
    "map_row": "Int32",
    "map_col": "Int32",
    "grid_row": "Int32",
    "grid_col": "Int32",
}
"""The columns that responses give, and their pandas types."""
LAID_OUT = ("map_x", "map_y", "map_row", "map_col", "grid_row", "grid_col")
"""Columns whose last bits may differ from machine to machine."""


def columns(units: Sequence[Unit], responses: Mapping[str, np.ndarray], seed: int) -> pd.DataFrame:
    """The columns of `TYPES`, a row a unit, the id as index.

    Args:
        units: whose images the responses are to.
        responses: by layer (units, channels), the mean responses.
        seed: of the map.
    """
    spread = {layer: standardised(values) for layer, values in responses.items()}
    frame = pd.DataFrame(index=pd.Index([unit.id for unit in units], name="unit"))
    frame["own_rank"] = [_rank(i, unit, spread, responses) for i, unit in enumerate(units)]
    frame["selectivity"] = _selectivity(units, responses)
    every = np.concatenate(list(spread.values()), axis=1)
    near, distances = nearest(every, NEAREST)
    frame["nearest"] = [[units[i].id for i in row] for row in near]
    frame["nearest_distance"] = [[round(float(d), 4) for d in row] for row in distances]
    found = places.layout(every, seed)
    rows_and_columns = places.on_grid(found)
    frame["map_x"], frame["map_y"] = found.T
    frame["map_row"], frame["map_col"] = rows_and_columns.T
    frame["grid_row"], frame["grid_col"] = _by_section(units, found).T
    return frame.astype(dict(TYPES))


def cells(rows: pd.DataFrame, *, alone: bool) -> np.ndarray:
    """Where units lie in the grid of what is alike: on the page, and on a mosaic.

    Args:
        rows: of the index, of measured units: all for the grid of the atlas, or those of a section.
        alone: whether they are of one section, in a grid of its own.

    Returns:
        (rows, 2) int, row and column.
    """
    names = ["grid_row", "grid_col"] if alone else ["map_row", "map_col"]
    if rows[names].notna().all(axis=None):
        return rows[names].to_numpy(dtype=int)
    lying = rows[["map_x", "map_y"]].to_numpy(dtype=float)  # an index of before there were both
    return places.on_grid(places.spread_out(lying) if alone else lying)


def _by_section(units: Sequence[Unit], lying: np.ndarray) -> np.ndarray:
    """The row and column of each unit in the grid of its section, (units, 2) int."""
    sections = np.array([unit.section for unit in units])
    found = np.zeros((len(units), 2), np.int32)
    for name in dict.fromkeys(sections.tolist()):
        members = np.flatnonzero(sections == name)
        found[members] = places.on_grid(places.spread_out(lying[members]))
    return found


def excited(store: Store, count: int = EXCITED) -> dict[str, list[tuple[str, float]]]:
    """By unit id the channels that its image excites most, its own left out, and how much.

    That is the mean response against the channel's spread over the atlas, the strongest first. Of
    images without responses nothing.

    Raises:
        DamageError: a chunk of responses is damaged.
    """
    ids, means = matrix(store, tables(store))
    if not ids:
        return {}
    channels = [f"{layer}:{n}" for layer, values in means.items() for n in range(values.shape[1])]
    every = np.concatenate([standardised(values) for values in means.values()], axis=1)
    own = {unit.id: f"{unit.layers[0]}:{unit.index}" for unit in store.provenance.units()
           if unit.kind.has_channel}  # fmt: skip
    order = np.argsort(-every, axis=1, kind="stable")[:, : count + 1]
    found = {}
    for row, unit in enumerate(ids):
        pairs = [(channels[n], round(float(every[row, n]), 2)) for n in order[row]]
        found[unit] = [(name, z) for name, z in pairs if name != own.get(unit) and z > 0][:count]
    return found


def nearest(features: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """For each row the rows most like it, itself left out, by cosine distance.

    Returns:
        (rows, count) numbers and (rows, count) distances in 0 to 2, the nearest first; fewer where
        there are no more rows.
    """
    from sklearn.neighbors import NearestNeighbors  # noqa: PLC0415, slow to import

    count = min(count, len(features) - 1)
    if count < 1:
        return np.zeros((len(features), 0), int), np.zeros((len(features), 0))
    search = NearestNeighbors(n_neighbors=count, metric="cosine", algorithm="brute").fit(features)
    distances, numbers = search.kneighbors()
    return numbers, distances


def _rank(
    number: int,
    unit: Unit,
    spread: Mapping[str, np.ndarray],
    responses: Mapping[str, np.ndarray],
) -> int | None:
    """How many channels of a unit's layer its image excites more than the unit's own, or itself."""
    if not unit.kind.has_map:
        return None
    sign, layer = -1 if unit.negative else 1, unit.layers[0]
    values = spread[layer][number] * sign
    if unit.kind.has_channel:
        return int((values > values[unit.index]).sum())
    own = standardised(unit.along(responses[layer])[:, None])[number, 0] * sign
    return int((values > own).sum())


def _selectivity(units: Sequence[Unit], responses: Mapping[str, np.ndarray]) -> list[float | None]:
    """How much more a channel responds to its own image than to others.

    Morcos et al. (2018): (own - others) / (own + others), others being the mean over the images of
    other channels; 1 where nothing else excites it. Of channels, neurons and directions, upwards.
    """
    owners: dict[object, list[int]] = {}
    for number, unit in enumerate(units):
        if unit.kind.has_map:
            owners.setdefault(unit.subject, []).append(number)
    totals = {layer: values.sum(axis=0, dtype=np.float64) for layer, values in responses.items()}
    found: list[float | None] = []
    for number, unit in enumerate(units):
        if not unit.kind.has_map or unit.negative:
            found.append(None)
            continue
        own_images = owners[unit.subject]
        values = unit.along(responses[unit.layers[0]])
        total = float(unit.along(totals[unit.layers[0]]))
        rest = len(units) - len(own_images)
        own = float(values[number])
        others = (total - values[own_images].sum()) / max(rest, 1)
        whole = own + others
        found.append((own - others) / whole if rest and whole > 0 else None)
    return found

"""What the responses tell of each unit: its rank, how selective it is, what is like it, a map.

All of it is of the mean responses to the atlas's own images. A response is measured against the
channel's spread over the atlas: less its mean, over its standard deviation.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from pipeline.units import Unit

NEAREST = 10
TYPES = {
    "own_rank": "Int32",
    "selectivity": "Float32",
    "nearest": "object",
    "nearest_distance": "object",
    "map_x": "Float32",
    "map_y": "Float32",
    "map_row": "Int32",
    "map_col": "Int32",
}
"""The columns that responses give, and their pandas types."""
LAID_OUT = ("map_x", "map_y", "map_row", "map_col")
"""Columns whose last bits may differ from machine to machine."""
_EXACT = 2000
"""The most units that are assigned to the places of a grid at once."""


def columns(units: Sequence[Unit], responses: Mapping[str, np.ndarray], seed: int) -> pd.DataFrame:
    """The columns of `TYPES`, a row a unit, the id as index.

    Args:
        units: whose images the responses are to.
        responses: by layer (units, channels), the mean responses.
        seed: of the map.
    """
    spread = {layer: standardised(values) for layer, values in responses.items()}
    frame = pd.DataFrame(index=pd.Index([unit.id for unit in units], name="unit"))
    frame["own_rank"] = [_rank(i, unit, spread) for i, unit in enumerate(units)]
    frame["selectivity"] = _selectivity(units, responses)
    every = np.concatenate(list(spread.values()), axis=1)
    near, distances = nearest(every, NEAREST)
    frame["nearest"] = [[units[i].id for i in row] for row in near]
    frame["nearest_distance"] = [[round(float(d), 4) for d in row] for row in distances]
    places = layout(every, seed)
    rows_and_columns = on_grid(places)
    frame["map_x"], frame["map_y"] = places.T
    frame["map_row"], frame["map_col"] = rows_and_columns.T
    return frame.astype(dict(TYPES))


def standardised(values: np.ndarray) -> np.ndarray:
    """Responses against each channel's spread over the atlas; zero where it has none."""
    centred = values - values.mean(axis=0)
    deviation = values.std(axis=0)
    safe = np.where(deviation > 0, deviation, 1.0)
    return np.asarray(centred / safe)


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


def layout(features: np.ndarray, seed: int) -> np.ndarray:
    """Places in the unit square, near for rows that are alike: t-SNE (van der Maaten, 2008).

    Returns:
        (rows, 2) float32 in 0 to 1.
    """
    from sklearn.decomposition import PCA  # noqa: PLC0415, slow to import
    from sklearn.manifold import TSNE  # noqa: PLC0415
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    count = len(features)
    if count < 4:
        return np.stack([np.arange(count), np.zeros(count)], axis=1).astype(np.float32) / max(
            count - 1, 1
        )
    # Rows of length one: Euclidean distance then orders as cosine distance does.
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    directions = features / np.maximum(lengths, 1e-12)
    with threadpool_limits(1):  # sums in one order
        small = PCA(min(50, *directions.shape), random_state=seed).fit_transform(directions)
        perplexity = min(30.0, (count - 1) / 3)
        found = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(small)
    low, high = found.min(axis=0), found.max(axis=0)
    return np.asarray((found - low) / np.maximum(high - low, 1e-12), np.float32)


def on_grid(places: np.ndarray) -> np.ndarray:
    """Places of a grid, each for one row only, as near as can be to where the rows lie.

    An assignment of least squared distance; of many rows in upright strips, each for itself.

    Args:
        places: (rows, 2) in 0 to 1.

    Returns:
        (rows, 2) row and column in a grid about as high as wide.
    """
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415, slow to import

    count = len(places)
    side = int(np.ceil(np.sqrt(count)))
    height = int(np.ceil(count / side)) if side else 0
    found = np.zeros((count, 2), np.int32)
    order = np.argsort(places[:, 0], kind="stable")
    wide = max(1, _EXACT // max(height, 1))  # columns of a strip
    for left in range(0, side, wide):
        members = order[left * height : (left + wide) * height]
        if not len(members):
            break
        columns_here = min(wide, int(np.ceil(len(members) / height)))
        spots = np.stack(
            np.meshgrid(np.arange(height), np.arange(left, left + columns_here), indexing="ij"), -1
        ).reshape(-1, 2)
        wanted = places[members][:, ::-1] * (max(height - 1, 1), max(side - 1, 1))
        cost = ((wanted[:, None] - spots[None]) ** 2).sum(axis=2)
        _, chosen = linear_sum_assignment(cost)
        found[members] = spots[chosen]
    return found


def _rank(number: int, unit: Unit, spread: Mapping[str, np.ndarray]) -> int | None:
    """How many channels of a unit's layer its image excites more than the unit's own."""
    if unit.kind not in ("channel", "neuron"):
        return None
    values = spread[unit.layers[0]][number] * (-1 if unit.negative else 1)
    return int((values > values[unit.index]).sum())


def _selectivity(units: Sequence[Unit], responses: Mapping[str, np.ndarray]) -> list[float | None]:
    """How much more a channel responds to its own image than to others.

    Morcos et al. (2018): (own - others) / (own + others), others being the mean over the images of
    other channels; 1 where nothing else excites it. Of channels and neurons, upwards.
    """
    owners: dict[tuple[str, int], list[int]] = {}
    for number, unit in enumerate(units):
        if unit.kind in ("channel", "neuron"):
            owners.setdefault((unit.layers[0], unit.index), []).append(number)
    totals = {layer: values.sum(axis=0, dtype=np.float64) for layer, values in responses.items()}
    found: list[float | None] = []
    for number, unit in enumerate(units):
        own_images = owners.get((unit.layers[0], unit.index)) if unit.layers else None
        if unit.kind not in ("channel", "neuron") or unit.negative or own_images is None:
            found.append(None)
            continue
        layer, channel = responses[unit.layers[0]], unit.index
        rest = len(units) - len(own_images)
        own = float(layer[number, channel])
        others = (float(totals[unit.layers[0]][channel]) - layer[own_images, channel].sum()) / max(
            rest, 1
        )
        whole = own + others
        found.append((own - others) / whole if rest and whole > 0 else None)
    return found

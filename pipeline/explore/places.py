"""Places in the plane: of a map, of a grid, of a mosaic."""

import math

import numpy as np

from pipeline.explore.responses import unit_rows


def grid(count: int, columns: int = 0) -> int:
    """Columns of a mosaic of `count` tiles: those asked for, or a sheet about 4 by 3."""
    return max(1, min(count, columns or math.ceil(math.sqrt(count * 4 / 3))))


EXACT = 2000
"""The most units that are assigned to the places of a grid at once."""


def layout(features: np.ndarray, seed: int) -> np.ndarray:
    """Places in the unit square, near for rows that are alike: t-SNE (van der Maaten, 2008).

    Few rows, or rows that are all one, lie in a line: t-SNE divides by their spread.

    Returns:
        (rows, 2) float32 in 0 to 1.
    """
    from sklearn.decomposition import PCA  # noqa: PLC0415, slow to import
    from sklearn.manifold import TSNE  # noqa: PLC0415
    from threadpoolctl import threadpool_limits  # noqa: PLC0415

    count = len(features)
    # Rows of length one: Euclidean distance then orders as cosine distance does.
    directions = unit_rows(features)
    if directions.shape[1] == 1:  # t-SNE begins in a plane
        directions = np.concatenate([directions, np.zeros_like(directions)], axis=1)
    if count < 4 or not np.ptp(directions, axis=0).any():
        line = np.arange(count, dtype=np.float32) / max(count - 1, 1)
        return np.stack([line, np.zeros_like(line)], axis=1)
    with threadpool_limits(1):  # sums in one order
        small = PCA(min(50, *directions.shape), random_state=seed).fit_transform(directions)
        perplexity = min(30.0, (count - 1) / 3)
        found = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(small)
    low, high = found.min(axis=0), found.max(axis=0)
    return np.asarray((found - low) / np.maximum(high - low, 1e-12), np.float32)


def spread_out(places: np.ndarray) -> np.ndarray:
    """Places (rows, 2), stretched so that they fill the unit square; a line stays one."""
    if not len(places):
        return places
    low, high = places.min(axis=0), places.max(axis=0)
    return np.asarray((places - low) / np.where(high > low, high - low, 1.0))


def on_grid(places: np.ndarray, exact: int = EXACT) -> np.ndarray:
    """Places of a grid, each for one row only, as near as can be to where the rows lie.

    An assignment of least squared distance; of many rows in upright strips, each for itself.

    Args:
        places: (rows, 2) in 0 to 1.
        exact: so many rows are assigned at once, at most; of more, strip by strip.

    Returns:
        (rows, 2) row and column in a grid about as high as wide.
    """
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415, slow to import

    count = len(places)
    side = int(np.ceil(np.sqrt(count)))
    height = int(np.ceil(count / side)) if side else 0
    found = np.zeros((count, 2), np.int32)
    order = np.argsort(places[:, 0], kind="stable")
    wide = max(1, exact // max(height, 1))  # columns of a strip
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

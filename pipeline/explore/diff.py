"""Two atlases, unit by unit: which units changed, and how much.

Two recipes, two seeds, or a network before and after fine-tuning. Every measure is symmetric but
for its sign, and zero for equal atlases.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from PIL import Image

from pipeline.errors import ConfigError, MissingError, NotMeasuredError
from pipeline.explore import answers, index
from pipeline.explore.answers import Asked
from pipeline.explore.responses import standardised, unit_rows
from pipeline.store.store import Store

MEASURES = ("response_distance", "image_distance", "activation_change", "robust_change")
"""The columns that say how much a unit changed."""


@dataclass(frozen=True)
class Changes:
    """How the units of two atlases differ.

    Attributes:
        frame: a row a unit that both have built, the most changed first: by responses where both
            atlases have any, else by images.
            `activation_before`, `activation_after`, `activation_change`, and the same of `robust`;
            `image_distance`, root mean square over the pixels, 0 to 1;
            `response_distance`, 1 less the cosine between the responses, each channel's against its
            spread over both atlases; missing where not both have any.
        only_before: units that only the first has built.
        only_after: units that only the second has built.
    """

    frame: pd.DataFrame
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]

    def ordered(self, by: str) -> pd.DataFrame:
        """The rows by the size of a column, either sign, the largest first.

        Raises:
            ConfigError: it is no measure of change.
        """
        if by not in MEASURES:
            raise ConfigError(f"{by!r} is no measure of change: expected {', '.join(MEASURES)}")
        order = self.frame[by].abs().sort_values(ascending=False, kind="stable").index
        return self.frame.loc[order].reset_index(drop=True)


def changes(before: Store, after: Store) -> Changes:
    """How the units of two atlases differ.

    Raises:
        MissingError: they have no unit in common that both have built.
        DamageError: stored data is damaged.
    """
    rows = {store: _built(store) for store in (before, after)}
    both = [unit for unit in rows[before].index if unit in rows[after].index]
    if not both:
        raise MissingError(
            f"{before.folder} and {after.folder} have no unit in common that both have built"
        )
    first, second = rows[before].loc[both], rows[after].loc[both]
    frame = pd.DataFrame({"unit": pd.array(both, dtype="string")})
    for name, column in (("activation", "activation"), ("robust", "activation_robust")):
        frame[f"{name}_before"] = first[column].array
        frame[f"{name}_after"] = second[column].array
        frame[f"{name}_change"] = second[column].array - first[column].array
    frame["image_distance"] = _image_distances(before, after, first, second)
    frame["response_distance"] = _response_distances(before, after, both)
    frame = frame.astype(dict.fromkeys(MEASURES, "Float32"))
    found = Changes(
        frame,
        tuple(unit for unit in rows[before].index if unit not in rows[after].index),
        tuple(unit for unit in rows[after].index if unit not in rows[before].index),
    )
    has_responses = frame["response_distance"].notna().any()
    by = "response_distance" if has_responses else "image_distance"
    return Changes(found.ordered(by), found.only_before, found.only_after)


def _built(store: Store) -> pd.DataFrame:
    frame = index.build(store)
    return frame[frame["status"] == "done"].set_index("unit")


def _image_distances(
    before: Store, after: Store, first: pd.DataFrame, second: pd.DataFrame
) -> list[float]:
    """For each unit how far its images are apart; equal digests need no look."""
    sides = before.images(), after.images()
    size = min(before.provenance.size, after.provenance.size)
    same_size = before.provenance.size == after.provenance.size
    digests = [rows["image_sha256"].to_dict() for rows in (first, second)]
    found = []
    for unit in first.index:
        if same_size and digests[0][unit] == digests[1][unit]:
            found.append(0.0)
            continue
        one, other = (_sized(image(unit), size) for image in sides)
        found.append(float(np.sqrt(np.mean((one - other) ** 2))))
    return found


def _sized(pixels: np.ndarray | None, size: int) -> np.ndarray:
    """An image in 0 to 1, at the smaller side of the two."""
    picture = Image.fromarray(np.asarray(pixels))
    if picture.width != size:
        picture = picture.resize((size, size), Image.Resampling.BOX)
    return np.asarray(picture, np.float32) / 255


def _response_distances(before: Store, after: Store, units: Sequence[str]) -> list[float | None]:
    """For each unit how far the responses to its images are apart, over what both look at."""
    try:
        sides = answers.read(before), answers.read(after)
    except NotMeasuredError:  # not measured in one of them
        return [None] * len(units)
    layers = [
        layer
        for layer, values in sides[0].means.items()
        if layer in sides[1].means and values.shape[1] == sides[1].means[layer].shape[1]
    ]
    shared = [unit for unit in units if all(unit in side.rows for side in sides)]
    if not layers or not shared:
        return [None] * len(units)
    one, other = np.split(_together(sides, layers, shared), 2)
    cosines = (unit_rows(one) * unit_rows(other)).sum(axis=1)
    is_same = (one == other).all(axis=1)
    distances = np.where(is_same, 0.0, np.maximum(1 - cosines, 0))
    by_unit = dict(zip(shared, distances.tolist(), strict=True))
    return [by_unit.get(unit) for unit in units]


def _together(
    sides: tuple[Asked, Asked], layers: Sequence[str], units: Sequence[str]
) -> np.ndarray:
    """The responses of both sides to some units, one above the other, against their spread."""
    parts = []
    for layer in layers:
        halves = [side.means[layer][[side.rows[unit] for unit in units]] for side in sides]
        parts.append(standardised(np.concatenate(halves)))
    return np.concatenate(parts, axis=1)

"""What is shown of several atlases: a row a unit, what each makes of it, and how far they differ.

The first atlas is held against each of the others. Where they have units in common by id, as
before and after fine-tuning or by two recipes, the same units stand side by side; else each unit
of the first stands beside that of the others that is nearest to it (`counterparts`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from pipeline.errors import ConfigError, MissingError
from pipeline.explore import diff
from pipeline.together import counterparts
from pipeline.together.opened import Side

WAYS = ("id", "nearest")
"""How units are put side by side."""
NAMED = (
    "unit", "kind", "layer", "channel", "y", "x", "class_index", "class_name", "direction",
    "variant", "status", "activation", "steps", "recipe", "section",
)  # fmt: skip
"""Columns that a row has of the first atlas that has the unit."""
TOLD = (
    "activation", "activation_robust", "kept", "agreement", "own_rank", "selectivity",
    "natural_quantile", "prediction", "tells", "explained", "sparsity", "alive", "name",
    "name_auroc", "called", "note",
)  # fmt: skip
"""Columns that each atlas has of its own, `activation_KEY`."""
MEANINGS = {
    "response_distance": "how differently the first network answers both pictures: 1 less a cosine",
    "image_distance": "root mean square over the pictures' pixels: 0 the same, 1 black and white",
    "activation_change": "the activation in the other atlas less that in the first",
    "robust_change": "the robust activation in the other atlas less that in the first",
    "nearest_kept": "share of the units most alike in the first that are so in the other",
    "photograph_likeness": "correlation of both units' activations over the same photographs",
    "likeness": "how alike the unit of the first atlas and the one beside it are, -1 to 1",
    "mutual": "whether each is the nearest of the other",
}
"""What the columns mean that say how far two atlases differ."""
_SMALL = {"likeness", "nearest_kept", "photograph_likeness"}
"""Those of which less is more of a change."""


@dataclass(frozen=True)
class Pairs:
    """Units of several atlases side by side.

    Attributes:
        frame: a row a unit, those of a section together.
        way: `id` or `nearest`.
        sort: the column that says what changed most, a - before it if most is first.
        measures: the columns that say how far atlases differ, in the order of their worth.
        said: what is to be known of it, a line each.
        partners: in the way `nearest`, by key the column of the unit beside it.
    """

    frame: pd.DataFrame
    way: str
    sort: str
    measures: tuple[str, ...]
    said: tuple[str, ...]
    partners: Mapping[str, str] = field(default_factory=dict)


def of(sides: Sequence[Side], way: str | None = None) -> Pairs:
    """Put units side by side.

    Args:
        sides: the atlases, two at least.
        way: one of `WAYS`; none for that by id, where all have units in common.

    Raises:
        ConfigError: there is no such way.
        MissingError: by id, an atlas has no unit in common with the first.
        DamageError: stored data is damaged.
    """
    if way not in (None, *WAYS):
        raise ConfigError(f"there is no way {way!r} to put units together: expected id or nearest")
    strangers = [side.name for side in sides[1:] if not _share(sides[0], side)]
    if way == "id" and strangers:
        said = f"{strangers[0]} has no unit in common with {sides[0].name}"
        raise MissingError(f"{said}: `--by nearest` puts the nearest beside each other")
    return _by_id(sides) if way == "id" or (way is None and not strangers) else _by_nearest(sides)


def _share(one: Side, other: Side) -> bool:
    """Whether ids mean the same in two atlases: layers of one name have one shape."""
    layers = [side.store.provenance.architecture.layers for side in (one, other)]
    common = set(one.built["unit"]) & set(other.built["unit"])
    both = set(layers[0]) & set(layers[1])
    return bool(common) and all(layers[0][n].channels == layers[1][n].channels for n in both)


def _by_id(sides: Sequence[Side]) -> Pairs:
    rows = _rows(sides)
    said, parts = [], {}
    for side in sides[1:]:
        parts[side.key], lines = _changes(sides[0], side)
        said += lines
    measures = [name for name in MEANINGS if any(name in part for part in parts.values())]
    rows = _measured(rows, parts, measures)
    rows = _told(rows, sides, lambda _, ids: ids)
    filled = [name for name in measures if rows[name].notna().any()]
    sort = next((name for name in filled if name not in _SMALL), filled[0] if filled else "")
    return Pairs(rows, "id", f"-{sort}" if sort else "", tuple(filled), tuple(said))


def _rows(sides: Sequence[Side]) -> pd.DataFrame:
    """A row for each unit that any has built, as the first that has it names it."""
    frames = [side.built.reset_index(drop=True) for side in sides]
    whole = pd.concat([frame[list(NAMED)] for frame in frames], ignore_index=True)
    rows = whole.drop_duplicates("unit")
    order = {name: place for place, name in enumerate(dict.fromkeys(rows["section"]))}
    return rows.sort_values("section", key=lambda s: s.map(order), kind="stable", ignore_index=True)


def _changes(one: Side, other: Side) -> tuple[pd.DataFrame, list[str]]:
    """How far two atlases differ, by unit id; and what is to be known of it."""
    found = diff.changes(one.store, other.store)
    frame = found.frame.set_index("unit")[list(diff.MEASURES)]
    frame["nearest_kept"] = _nearest_kept(one, other, frame.index)
    said = []
    by = counterparts.photographed(one, other)
    if by is not None:
        rows = [
            dict(zip(side.built["unit"], v, strict=True))
            for side, v in zip((one, other), by.values, strict=True)
        ]
        alike = [float(rows[0][unit] @ rows[1][unit]) for unit in frame.index]
        frame["photograph_likeness"] = pd.array(alike, dtype="Float32")
        said.append(f"photograph likeness of {other.name}: {by.measure}")
    for name, only in ((one.name, found.only_before), (other.name, found.only_after)):
        if only:
            said.append(f"{len(only):,} units are built in {name} and not in the other")
    return frame, said


def _nearest_kept(one: Side, other: Side, units: pd.Index) -> list[float | None]:
    sides = [side.built["nearest"].to_dict() for side in (one, other)]
    found: list[float | None] = []
    for unit in units:
        near = [side[unit] for side in sides]
        if any(not isinstance(some, list | tuple | np.ndarray) or not len(some) for some in near):
            found.append(None)
            continue
        found.append(len({*near[0]} & {*near[1]}) / min(map(len, near)))
    return found


def _measured(
    rows: pd.DataFrame, parts: Mapping[str, pd.DataFrame], measures: Sequence[str]
) -> pd.DataFrame:
    """The rows with what differs; of several others, each's and the largest of all."""
    for name in measures:
        columns = {
            key: rows["unit"].map(part[name]).astype("Float32")
            for key, part in parts.items()
            if name in part
        }
        every = pd.DataFrame(columns)
        largest = every.min(axis=1) if name in _SMALL else _largest(every)
        rows = rows.assign(**{name: largest.astype("Float32")})
        if len(parts) > 1:
            rows = rows.assign(**{f"{name}_{key}": column for key, column in columns.items()})
    return rows


def _largest(every: pd.DataFrame) -> pd.Series:
    """Of each row the number of the largest size, either sign."""
    top, bottom = every.max(axis=1), every.min(axis=1)
    return top.where(top.abs() >= bottom.abs(), bottom)


def _by_nearest(sides: Sequence[Side]) -> Pairs:
    rows = sides[0].built.reset_index(drop=True)[list(NAMED)]
    partners, said, likes = {}, [], {}
    for side in sides[1:]:
        found = counterparts.find(sides[0], side)
        frame = found.frame.set_index("unit")
        said.append(f"nearest in {side.name}: {found.measure}")
        partners[side.key] = f"nearest_{side.key}"
        rows = rows.assign(**{partners[side.key]: rows["unit"].map(frame["nearest"])})
        likes[side.key] = frame[["likeness", "mutual"]]
    for name, how in (("likeness", "max"), ("mutual", "max")):
        every = pd.DataFrame(
            {key: rows["unit"].map(of_side[name]) for key, of_side in likes.items()}
        )
        rows = rows.assign(**{name: getattr(every, how)(axis=1)})
        if len(likes) > 1:
            rows = rows.assign(**{f"{name}_{key}": every[key] for key in likes})
    rows = rows.astype({"likeness": "Float32", "mutual": "boolean"})
    rows = _told(
        rows, sides, lambda side, ids: rows[partners[side.key]] if side.key in partners else ids
    )
    return Pairs(rows, "nearest", "-likeness", ("likeness", "mutual"), tuple(said), partners)


def _told(
    rows: pd.DataFrame, sides: Sequence[Side], beside: Callable[[Side, pd.Series], pd.Series]
) -> pd.DataFrame:
    """The rows with what each atlas tells of its unit."""
    columns = {}
    for name in TOLD:
        for side in sides:
            column = side.built[name]
            if column.notna().any():
                found = beside(side, rows["unit"]).map(column.to_dict())
                columns[f"{name}_{side.key}"] = found.astype(side.built[name].dtype)
    return rows.assign(**columns)

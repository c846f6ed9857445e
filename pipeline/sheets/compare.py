"""Units side by side on one sheet, a column each: what they look like, and what is known of them.

From top to bottom: image and key figures, the way of the activation, the channels that respond
most, the other units of the same channel, the units most alike, and the strongest pictures of the
user's own, where the atlas has any. A part that no unit has anything for is left out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd

from pipeline.errors import ConfigError, NotMeasuredError
from pipeline.examples import crops
from pipeline.explore import answers
from pipeline.explore.answers import Asked
from pipeline.plan import words
from pipeline.plan.units import Unit
from pipeline.sheets.contact import caption, number
from pipeline.sheets.paper import Box, Item, Line, Paper, Raster, Text, fitting
from pipeline.store.records import Record
from pipeline.store.store import Store

WIDTH = 288
"""A column's width, and its image's side, in pixels."""
_GAP, _TEXT, _SMALL = 28, 15, 12
_FIGURES = (
    "class_name", "name", "activation", "activation_robust", "kept", "own_rank", "selectivity",
    "sparsity",
)  # fmt: skip
_PLOT, _BARS, _ROW = 120, 8, 20
_THUMBS, _THUMB_GAP = 4, 6
_STRONGEST = "strongest pictures"
_THUMB = (WIDTH - (_THUMBS - 1) * _THUMB_GAP) // _THUMBS


@dataclass(frozen=True)
class Thumb:
    """A small picture, and the lines under it."""

    captions: tuple[str, ...]
    pixels: Callable[[], np.ndarray | None]


@dataclass(frozen=True)
class Subject:
    """What a column shows.

    Attributes:
        unit: the unit.
        row: its row of the index.
        image: gives its image.
        trajectory: (steps,).
        responses: as `answers.of_unit`, the strongest; empty where there are none.
        relatives, nearest, examples: small pictures.
    """

    unit: Unit
    row: "pd.Series[Any]"
    image: Callable[[], np.ndarray | None]
    trajectory: np.ndarray
    responses: pd.DataFrame
    relatives: Sequence[Thumb]
    nearest: Sequence[Thumb]
    examples: Sequence[Thumb]


def lay_out(store: Store, index: pd.DataFrame, units: Sequence[str]) -> Paper:
    """Place units on a sheet.

    Args:
        store: the atlas.
        index: its index.
        units: ids, or patterns of them, in order.

    Raises:
        ConfigError: no unit is named.
        UnitError: a unit cannot be.
        MissingError: a unit is not built.
        DamageError: stored data is damaged.
    """
    if not units:
        raise ConfigError("there is nothing to compare: name a unit or more")
    known = _Known(store, index)
    subjects = [known.subject(u) for text in units for u in store.provenance.named(text)]
    ranges = _ranges(subjects)
    longest = max((s.responses["z"].max() for s in subjects if len(s.responses)), default=0.0)
    items: list[Item] = []
    bottom: float = _GAP
    parts_of: tuple[tuple[str, Callable[[Subject, float, float], list[Item]]], ...] = (
        ("", _head),
        ("activation at each step", partial(_plot, ranges)),
        ("what its image excites, z over the atlas", partial(_responses, longest)),
        ("the same channel otherwise", lambda s, x, y: _thumbs(s.relatives, x, y)),
        ("most alike, by responses", lambda s, x, y: _thumbs(s.nearest, x, y)),
        (_STRONGEST, lambda s, x, y: _thumbs(s.examples, x, y)),
    )
    for title, draw in parts_of:
        below = bottom + (_ROW + 6 if title else 0)
        parts = [draw(s, _GAP + i * (WIDTH + _GAP), below) for i, s in enumerate(subjects)]
        if not any(parts):
            continue
        for column, part in enumerate(parts):
            if part and title:
                x = _GAP + column * (WIDTH + _GAP)
                text = words.strongest(subjects[column].unit) if title is _STRONGEST else title
                items.append(Text(x, bottom, fitting(text, WIDTH, _SMALL), _SMALL, "pale"))
            items += part
        bottom = max(_lowest(item) for part in parts for item in part) + _GAP
    return Paper(_GAP + len(subjects) * (WIDTH + _GAP), round(bottom), tuple(items), scale=2)


class _Known:
    """What an atlas knows of its units; read once for all columns.

    Args:
        store: the atlas.
        index: its index.
    """

    def __init__(self, store: Store, index: pd.DataFrame) -> None:
        self._store = store
        self._rows = index.set_index("unit", drop=False)
        self._image = store.images()

    def subject(self, unit: Unit) -> Subject:
        """What is known of a unit."""
        record, offset = self._store.find(unit.id)
        row: pd.Series[Any] = self._rows.loc[unit.id]  # type: ignore[assignment]  # ids are unique
        near = row["nearest"] if isinstance(row["nearest"], list | np.ndarray) else []
        distances = row["nearest_distance"] if len(near) else []
        return Subject(
            unit=unit,
            row=row,
            image=partial(self._image, unit.id),
            trajectory=self._store.read(record, "trajectory", offset),
            responses=self._strongest(unit),
            relatives=[self._thumb(other) for other in self._relatives(unit)][:_THUMBS],
            nearest=[
                self._thumb(other, f"{distance:.2f}")
                for other, distance in zip(near, distances, strict=True)
            ][:_THUMBS],
            examples=self._examples(unit, record),
        )

    def _thumb(self, unit: str, *captions: str) -> Thumb:
        return Thumb((*_lines(unit), *captions), partial(self._image, unit))

    def _strongest(self, unit: Unit) -> pd.DataFrame:
        """The channels that respond most to a unit's image; empty before they are measured."""
        if self._asked is None or unit.id not in self._asked.rows:
            return pd.DataFrame()
        return answers.of_unit(self._asked, unit).head(_BARS)

    @cached_property
    def _asked(self) -> Asked | None:
        try:
            return answers.read(self._store)
        except NotMeasuredError:  # not measured yet
            return None

    def _relatives(self, unit: Unit) -> list[str]:
        """Built units of the same thing: its variants first, then negative ones and neurons."""
        same = [
            other
            for other in self._store.provenance.units()
            if other.subject == unit.subject and other != unit and self._is_built(other)
        ]
        return [o.id for o in sorted(same, key=lambda o: o != unit.sibling(o.variant))]

    def _is_built(self, unit: Unit) -> bool:
        return bool(self._rows.at[unit.id, "status"] == "done")

    def _examples(self, unit: Unit, record: Record) -> list[Thumb]:
        """The strongest pictures of the user's own; nothing where the atlas was shown none."""
        found = crops.shown(self._store, record).get(unit.id)
        if found is None:
            return []
        pairs = zip(found.examples, found.crops, strict=True)
        return [
            Thumb((number(example.activation),), partial(np.asarray, crop))
            for example, crop in pairs
        ][:_THUMBS]


def _lines(unit: str) -> tuple[str, ...]:
    """An id on as many lines as a small picture's width needs: a neuron's place below."""
    return tuple(unit.replace("@", "\n@").split("\n"))


def _head(subject: Subject, x: float, y: float) -> list[Item]:
    """The image, the id and the key figures."""
    items: list[Item] = [
        Text(x, y, fitting(subject.unit.id, WIDTH, 20), 20),
        Raster(x, y + 32, WIDTH, WIDTH, subject.image),
    ]
    top = y + 32 + WIDTH + 10
    for name in _FIGURES:
        value = subject.row[name]
        if pd.isna(value):
            continue
        text = caption(name, value).removeprefix(name.replace("_", " ")).strip()
        items.append(Text(x, top, name.replace("_", " "), _TEXT, "pale"))
        items.append(Text(x + WIDTH, top, fitting(text, WIDTH * 0.6, _TEXT), _TEXT, is_right=True))
        top += _ROW
    return items


def _ranges(subjects: Sequence[Subject]) -> dict[tuple[str, ...], tuple[float, float]]:
    """By what can be compared, units of one kind and layer, the lowest and highest activation."""
    found: dict[tuple[str, ...], tuple[float, float]] = {}
    for subject in subjects:
        low, high = found.get(_scale(subject.unit), (0.0, 0.0))
        values = subject.trajectory[np.isfinite(subject.trajectory)]
        if len(values):
            found[_scale(subject.unit)] = min(low, values.min()), max(high, values.max())
    return found


def _scale(unit: Unit) -> tuple[str, ...]:
    return (unit.kind.name, str(unit.negative), *unit.layers)


def _plot(
    ranges: dict[tuple[str, ...], tuple[float, float]], subject: Subject, x: float, y: float
) -> list[Item]:
    """The trajectory, on the scale of all units that can be compared with it."""
    values = subject.trajectory
    low, high = ranges.get(_scale(subject.unit), (0.0, 0.0))
    if len(values) < 2 or high <= low:
        return []
    left = x + 40

    def place(step: float, value: float) -> tuple[float, float]:
        across = (WIDTH - 40) * step / (len(values) - 1)
        return left + across, y + _PLOT * (1 - (value - low) / (high - low))

    items: list[Item] = []
    for tick in sorted({low, 0.0, high}):
        at = place(0, tick)[1]
        items.append(Line(((left, at), (x + WIDTH, at))))
        items.append(Text(left - 6, at - 8, number(tick), _SMALL, "pale", is_right=True))
    points = [place(step, float(v)) for step, v in enumerate(values) if np.isfinite(v)]
    items.append(Line(tuple(points), "accent", 2))
    items.append(Text(left, y + _PLOT + 5, "1", _SMALL, "pale"))
    items.append(Text(x + WIDTH, y + _PLOT + 5, f"{len(values)}", _SMALL, "pale", is_right=True))
    return items


def _responses(longest: float, subject: Subject, x: float, y: float) -> list[Item]:
    """A bar a channel, as long as the response is strong; the unit's own channel stands out."""
    rows = subject.responses
    if rows.empty:
        return []
    left, room = x + 96, WIDTH - 96 - 44
    own = f"{subject.unit.layers[0]}:{subject.unit.index}" if subject.unit.layers else ""
    items: list[Item] = []
    for line, row in enumerate(rows.itertuples()):
        top, name, z = y + line * _ROW, str(row.unit), float(str(row.z))
        is_own = name == own and subject.unit.kind.has_channel
        items.append(Text(x, top, fitting(name, 90, _SMALL), _SMALL, "accent" if is_own else "ink"))
        if z > 0:
            items.append(Box(left, top + 2, room * z / longest, 11, "accent" if is_own else "rule"))
        end = left + room * max(z, 0) / longest + 6
        items.append(Text(end, top, f"{z:.1f}", _SMALL, "pale"))
    return items


def _thumbs(thumbs: Sequence[Thumb], x: float, y: float) -> list[Item]:
    items: list[Item] = []
    for place, thumb in enumerate(thumbs[:_THUMBS]):
        left = x + place * (_THUMB + _THUMB_GAP)
        items.append(Raster(left, y, _THUMB, _THUMB, thumb.pixels))
        for line, text in enumerate(thumb.captions):
            top = y + _THUMB + 3 + line * 13
            items.append(Text(left, top, fitting(text, _THUMB, 10), 10, "pale"))
    return items


def _lowest(item: Item) -> float:
    match item:
        case Text():
            return item.y + item.size
        case Line():
            return max(y for _, y in item.points)
        case Raster() | Box():
            return item.y + item.height

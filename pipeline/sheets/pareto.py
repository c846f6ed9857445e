"""What variations of a study cost against what they bring, a panel a section of units.

On each panel processor seconds a unit go to the right, on a scale of factors, and a measure goes
upwards. The variations that no other beats in both stand out, joined by a line.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.errors import NotMeasuredError
from pipeline.sheets.paper import Box, Item, Line, Paper, Text, Tone, fitting, width_of
from pipeline.study import report
from pipeline.study.comparison import Study
from pipeline.study.measures import Measure

_WIDE, _HIGH = 420, 300
"""Of a panel's field."""
_LEFT, _ABOVE, _BELOW, _GAP = 58, 52, 44, 28
_ACROSS = 3
"""Panels a row."""
_TITLE, _TEXT, _SMALL = 18, 13, 11
_MARK, _ROW = 9, 15
_STEPS = (1.0, 2.0, 5.0, 10.0)
_ROOM = 0.12
"""The part of a field that stays free at each of its sides."""
_LINES: tuple[tuple[int, Tone], ...] = ((_TEXT, "ink"), (_SMALL, "pale"))
"""The sizes and tones of a label's lines."""
_FAR, _ROUND, _BESIDE = (9, 22, 40, 62, 90, 130), 16, 16
"""How far labels may be from their points, in how many directions; from where on a line leads."""


@dataclass(frozen=True)
class Point:
    """A variation on a panel.

    Attributes:
        name: of the variation.
        seconds: that a unit takes.
        value: of the measure.
        said: its change, in words; empty for what others are held against.
        is_best: whether no other is at least as good in both, and better in one.
    """

    name: str
    seconds: float
    value: float
    said: str
    is_best: bool


def lay_out(study: Study, measure: Measure) -> Paper:
    """Place a study's variations on a sheet.

    Args:
        study: the study.
        measure: what goes upwards.

    Raises:
        NotMeasuredError: it is not known of the study's units.
    """
    panels = {
        section: found
        for section in dict.fromkeys(study.summary["section"])
        if (found := points(study, str(section), measure))
    }
    if not panels:
        raise NotMeasuredError(
            f"{measure.name} is not known of these units by all of {', '.join(study.variations)}"
        )
    wide = min(_ACROSS, len(panels))
    step = (_LEFT + _WIDE + _GAP, _ABOVE + _HIGH + _BELOW + _GAP // 2)
    top = _GAP + 2 * _TITLE
    width, rows = _GAP + wide * step[0], math.ceil(len(panels) / wide)
    head = measure.title if measure.name in measure.title else f"{measure.name}: {measure.title}"
    items: list[Item] = [Text(_GAP, _GAP, fitting(head, width - 2 * _GAP, _TITLE), _TITLE)]
    for place, (section, found) in enumerate(panels.items()):
        row, column = divmod(place, wide)
        x, y = _GAP + column * step[0] + _LEFT, top + row * step[1] + _ABOVE
        items += _Panel(str(section), found, x, y).items()
    bottom = top + rows * step[1] + _GAP // 2
    for line, text in enumerate(_legend(study)):
        items.append(
            Text(_GAP, bottom + line * 18, fitting(text, width - 2 * _GAP, _TEXT), _TEXT, "pale")
        )
    return Paper(width, bottom + 2 * 18 + _GAP, tuple(items), scale=2)


def points(study: Study, section: str, measure: Measure) -> list[Point]:
    """The variations on the panel of a section; none where one of them has no value there."""
    rows = study.summary[study.summary["section"] == section]
    values, seconds = (
        rows[rows["measure"] == name].set_index("variation") for name in (measure.name, "seconds")
    )
    if values.empty or values["median"].isna().any() or not (seconds["median"] > 0).all():
        return []
    way = _way(study, section, measure)
    pairs = {
        str(name): (float(seconds["median"][name]), float(values["median"][name]))
        for name in values.index
    }
    return [
        Point(
            name,
            *pair,
            _said(values.loc[name].to_dict()),
            _is_best(pair, list(pairs.values()), way),
        )
        for name, pair in pairs.items()
    ]


def _way(study: Study, section: str, measure: Measure) -> int:
    """-1 where less of the measure is better: of activations in negative directions."""
    rows = study.units[study.units["section"] == section]
    is_low = (
        measure.name == "activation" and len(rows) > 0 and (rows["direction"] == "negative").all()
    )
    return -1 if is_low else measure.way


def _said(row: dict[Any, Any]) -> str:
    if pd.isna(row["change"]):
        return ""
    ends = report.interval(row)
    return report.change(row) + (f" ({ends})" if " to " in ends else "")


def _is_best(one: tuple[float, float], every: Sequence[tuple[float, float]], way: int) -> bool:
    return not any(
        seconds <= one[0] and way * value >= way * one[1] and (seconds, value) != one
        for seconds, value in every
    )


def _legend(study: Study) -> tuple[str, str]:
    return (
        "Medians over units. Orange: no other variation is as good in both and better in one.",
        f"Under a name: the middle change of a unit against {study.against}, its 95 % interval.",
    )


@dataclass(frozen=True)
class _Label:
    """The lines beside a point, and where."""

    lines: tuple[str, ...]
    at: "_Spot"
    x: float
    y: float
    wide: float

    @property
    def box(self) -> "_Area":
        """Left, top, right and bottom."""
        return self.x, self.y, self.x + self.wide, self.y + _ROW * len(self.lines)

    @property
    def way(self) -> "_Way":
        """From the point to what of the label is nearest."""
        left, top, right, bottom = self.box
        return self.at, (min(max(self.at[0], left), right), min(max(self.at[1], top), bottom))

    def items(self) -> Iterator[Item]:
        """Its texts, and a line to them where they are not beside the point."""
        if math.dist(*self.way) > _BESIDE:
            yield Line(self.way, "pale", 0.7)
        for line, text in enumerate(self.lines):
            size, tone = _LINES[line]
            yield Text(self.x, self.y + line * _ROW, text, size, tone)


class _Panel:
    """One field with its axes and points.

    Args:
        title: what its units are.
        found: the points.
        x: of the field's left side.
        y: of its upper side.
    """

    def __init__(self, title: str, found: Sequence[Point], x: float, y: float) -> None:
        self._title, self._found, self._x, self._y = title, found, x, y
        seconds, values = ([getattr(p, name) for p in found] for name in ("seconds", "value"))
        self._across = _powers(min(seconds), max(seconds))
        self._up = _even(min(values), max(values))

    def items(self) -> Iterator[Item]:
        """All of it."""
        yield Text(
            self._x, self._y - _ABOVE + 14, fitting(self._title, _WIDE, _TEXT + 1), _TEXT + 1
        )
        yield from self._axes()
        best = sorted((self._place(p) for p in self._found if p.is_best), key=lambda p: p[0])
        if len(best) > 1:
            yield Line(tuple(best), "accent", 1)
        labels = self._labels(list(itertools.pairwise(best)))
        for label in labels:
            yield from label.items()
        for point in self._found:
            (x, y), half = self._place(point), _MARK / 2
            yield Box(x - half, y - half, _MARK, _MARK, "accent" if point.is_best else "pale")

    def _axes(self) -> Iterator[Item]:
        right, bottom = self._x + _WIDE, self._y + _HIGH
        for tick in self._up:
            y = self._height(tick)
            yield Line(((self._x, y), (right, y)), "empty")
            yield Text(self._x - 8, y - 8, f"{tick:g}", _SMALL, "pale", is_right=True)
        for tick in self._across:
            x, text = self._side(tick), f"{tick:g}"
            yield Line(((x, self._y), (x, bottom)), "empty")
            yield Text(x - width_of(text, _SMALL) / 2, bottom + 7, text, _SMALL, "pale")
        yield Line(((self._x, self._y), (self._x, bottom), (right, bottom)))
        text = "processor seconds a unit"
        yield Text(right, bottom + 24, text, _SMALL, "pale", is_right=True)

    def _place(self, point: Point) -> tuple[float, float]:
        return self._side(point.seconds), self._height(point.value)

    def _side(self, seconds: float) -> float:
        low, high, at = map(math.log, (self._across[0], self._across[-1], seconds))
        return self._x + _within(low, high, at, _WIDE)

    def _height(self, value: float) -> float:
        return self._y + _HIGH - _within(self._up[0], self._up[-1], value, _HIGH)

    def _labels(self, lines: "Sequence[_Way]") -> list[_Label]:
        """A label a point, each where it is least in the way of what is there already."""
        marks = [_around(self._place(point), _MARK) for point in self._found]
        done: list[_Label] = []
        for point in self._found:
            texts = (point.name, *([point.said] if point.said else []))
            taken = [*marks, *(label.box for label in done)]
            places = _places(self._place(point), texts)
            done.append(min(places, key=lambda place: self._trouble(place, taken, lines)))
        return done

    def _trouble(self, label: _Label, taken: "Sequence[_Area]", lines: "Sequence[_Way]") -> float:
        """How bad a place is: off the field, over something, across a line, far."""
        left, top, right, bottom = label.box
        is_off = left < self._x or right > self._x + _WIDE
        is_off |= top < self._y or bottom > self._y + _HIGH
        over = sum(_overlap(label.box, other) for other in taken)
        across = sum(_is_crossed(label.box, line) for line in lines)
        led = sum(_is_crossed(other, label.way) for other in taken)
        return 1e6 * is_off + 1e4 * over + 400 * led + 200 * across + math.dist(*label.way)


_Spot = tuple[float, float]
_Area = tuple[float, float, float, float]
_Way = tuple[_Spot, _Spot]


def _places(at: _Spot, texts: tuple[str, ...]) -> Iterator[_Label]:
    """The places that a label of a point may have: all round it, nearer and farther."""
    wide, high = _width(texts), _ROW * len(texts)
    for far, part in itertools.product(_FAR, range(_ROUND)):
        right, down = (way(2 * math.pi * part / _ROUND) for way in (math.cos, math.sin))
        x = at[0] + right * far - wide * (1 - right) / 2
        y = at[1] + down * far - high * (1 - down) / 2
        yield _Label(texts, at, x, y, wide)


def _within(low: float, high: float, value: float, long: float) -> float:
    """Where a value is on an axis between its first and last tick, which have room outside."""
    room = _ROOM * long
    return room + (long - 2 * room) * (value - low) / (high - low)


def _width(lines: Sequence[str]) -> float:
    return max(width_of(text, size) for text, (size, _) in zip(lines, _LINES, strict=False))


def _around(at: _Spot, side: float) -> _Area:
    return at[0] - side / 2, at[1] - side / 2, at[0] + side / 2, at[1] + side / 2


def _overlap(one: _Area, other: _Area) -> bool:
    """Whether two areas come nearer than some pixels."""
    near = 3
    return (
        one[0] - near < other[2] and other[0] - near < one[2]
        and one[1] - near < other[3] and other[1] - near < one[3]
    )  # fmt: skip


def _is_crossed(area: _Area, line: _Way) -> bool:
    """Whether a line goes through an area (Liang and Barsky, 1984)."""
    first, last = 0.0, 1.0
    for axis in (0, 1):
        start, move = line[0][axis], line[1][axis] - line[0][axis]
        low, high = area[axis] - start, area[axis + 2] - start
        if move:
            ends = sorted((low / move, high / move))
            first, last = max(first, ends[0]), min(last, ends[1])
        elif not low <= 0 <= high:
            return False
    return first <= last


def _powers(low: float, high: float) -> list[float]:
    """Ticks for factors round some values: 1, 2 and 5 times powers of ten; even ones in between."""
    if high < 2.5 * low:
        return _even(low, high)
    found = [float(f"{step}e{power}") for power in range(-9, 9) for step in (1, 2, 5)]
    first = max(n for n, tick in enumerate(found) if tick <= low)
    last = min(n for n, tick in enumerate(found) if tick >= high)
    return found[first : last + 1]


def _even(low: float, high: float) -> list[float]:
    """About five even ticks round some values."""
    spread = (high - low) or abs(high) or 1.0
    rough = spread / 4
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in _STEPS if power * factor >= rough * (1 - 1e-9))
    first, last = math.floor(low / step), math.ceil(high / step)
    last += last == first
    return [round(number * step, 12) for number in range(first, last + 1)]

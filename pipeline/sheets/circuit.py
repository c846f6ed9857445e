"""One unit between the channels that it is built from and the units that it feeds, on a sheet.

On the left what excites it and below that what inhibits it, each beside the places of the unit's
picture where it acts; on the right what it excites. A line is as wide as the share of the target's
activation that goes where the source is silent, measured.
"""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from pipeline.examples.where import overlay
from pipeline.explore import circuits
from pipeline.plan import words
from pipeline.plan.units import Unit
from pipeline.sheets.contact import ABSENT, number
from pipeline.sheets.paper import Item, Line, Paper, Raster, Text, Tone, fitting
from pipeline.store.store import Store

_EACH, _FED = 5, 10
"""Sources each way, and units that it feeds, that are shown."""
_TILE, _UNIT, _GAP, _WAY = 96, 320, 28, 180
"""Sides of the small pictures and of the unit's, what is around them, and how long lines are."""
_STEP, _SMALL, _TEXT, _LARGE = _TILE + 24, 11, 14, 20
_LETTERS = 42
"""Of a line of text under the unit's picture."""
_TOP = 3 * _GAP
_WIDEST = 24
"""Pixels of a line whose source is all of the activation."""
_LEFT = _GAP + 2 * _TILE + 6
"""Where lines to the unit begin."""


def lay_out(store: Store, index: pd.DataFrame, unit: Unit) -> Paper:
    """Place a unit's circuit on a sheet.

    Args:
        store: the atlas.
        index: its index.
        unit: the unit.

    Raises:
        MissingError: the unit is not built.
        NotMeasuredError: it has no circuit.
        DamageError: stored data is damaged.
    """
    store.find(unit.id)
    found = circuits.of_unit(store, unit)
    into, out = found[found["target"] == unit.id], found[found["source"] == unit.id]
    out = out[out["attribution"] > 0].head(_FED)
    near = into[into["source_layer"] == into["source_layer"].iloc[-1]] if len(into) else into
    up, down = near[near["attribution"] > 0].head(_EACH), near[near["attribution"] < 0].head(_EACH)
    rows = max(len(up) + len(down), len(out))
    middle = _LEFT + _WAY if len(near) else _GAP
    end = middle + _UNIT + _WAY
    height = max(_TOP + rows * _STEP + (_GAP if len(up) and len(down) else 0), _TOP + _UNIT + 110)
    centre = _TOP + (height - _TOP - _UNIT - 110) / 2
    sheet = _Sheet(store, unit, circuits.heats(store, unit), centre + _UNIT / 2)
    items = [*_head(index, unit, middle), Raster(middle, centre, _UNIT, _UNIT, sheet.own)]
    items += _figures(index, unit, middle, centre + _UNIT + 12)
    items += sheet.column(up, "what excites it, and where", _GAP, _TOP, middle)
    below = _TOP + len(up) * _STEP + (_GAP if len(up) and len(down) else 0)
    items += sheet.column(down, "what inhibits it, and where", _GAP, below, middle)
    items += sheet.column(out, "what it feeds", end, _TOP, middle + _UNIT)
    width = end + _TILE + _GAP + 30 if len(out) else middle + _UNIT + _GAP
    return Paper(width, round(height) + _GAP, tuple(items), scale=2)


@dataclass(frozen=True)
class _Sheet:
    """What the columns of a sheet are drawn from.

    Attributes:
        store: the atlas.
        unit: the unit.
        heats: by source, where it acts.
        height: where lines meet the unit.
    """

    store: Store
    unit: Unit
    heats: Mapping[str, np.ndarray]
    height: float

    def own(self) -> np.ndarray | None:
        """The unit's picture."""
        return self.store.images()(self.unit.id)

    def column(
        self, edges: pd.DataFrame, title: str, x: float, y: float, meet: float
    ) -> Iterator[Item]:
        """The other ends of edges, one below the other, each with its line to the unit."""
        image = self.store.images()
        if len(edges):
            yield Text(x, y - 20, title, _SMALL, "pale")
        for row in edges.itertuples():
            is_source = row.target == self.unit.id
            other = str(row.source if is_source else row.target)
            side = _LEFT if is_source else x
            at = y + _TILE / 2
            width = max(1.0, _WIDEST * min(abs(_number(row.share)), 1.0))
            tone: Tone = "accent" if _number(row.ablation_zero) < 0 else "pale"
            points = ((side, at), (meet, self.height))
            yield Line(points, tone, width)
            yield Raster(x, y, _TILE, _TILE, partial(image, other), ABSENT)
            if is_source:
                heat = partial(self._heat, other, np.sign(_number(row.attribution)))
                yield Raster(x + _TILE + 6, y, _TILE, _TILE, heat)
            text = f"{other}  {_percent(row.share)}"
            yield Text(x, y + _TILE + 3, fitting(text, 2 * _TILE, _SMALL), _SMALL)
            y += _STEP

    def _heat(self, source: str, sign: float) -> np.ndarray | None:
        """Where in the unit's picture a source acts, which excites or inhibits."""
        picture = self.own()
        return None if picture is None else overlay(picture, sign * self.heats[source], 2 * _TILE)


def _head(index: pd.DataFrame, unit: Unit, x: float) -> Iterator[Item]:
    """The unit's id."""
    row: pd.Series[Any] = index.set_index("unit").loc[unit.id]  # type: ignore[assignment]
    name = "" if pd.isna(row["class_name"]) else f", {row['class_name']}"
    yield Text(x, _GAP, fitting(f"{unit.id}{name}", _UNIT, _LARGE), _LARGE)


def _figures(index: pd.DataFrame, unit: Unit, x: float, y: float) -> Iterator[Item]:
    """What is known of it, a line each."""
    row: pd.Series[Any] = index.set_index("unit").loc[unit.id]  # type: ignore[assignment]
    known = {str(name): value for name, value in row.dropna().items()}
    texts = [f"activation {number(float(known['activation']))}"]
    texts += textwrap.wrap(words.explained(unit, known), _LETTERS)
    for line, text in enumerate(texts):
        yield Text(x, y + line * 20, fitting(text, _UNIT, _TEXT), _TEXT)


def _number(value: Any) -> float:
    return 0.0 if pd.isna(value) else float(value)


def _percent(share: Any) -> str:
    return "" if pd.isna(share) else words.percent(float(share))

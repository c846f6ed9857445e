"""Why a picture excites units, a row each: where, by two maps, and by which earlier channels.

From left to right: the unit's own image; the picture, bright where gradient times activation is;
the same by occlusion; the channels of the nearest earlier layer that excite the unit here, and
those that hold it back, with the share of its activation that goes without each.
"""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd

from pipeline.examples.where import overlay
from pipeline.explore.why import Reason
from pipeline.plan import words
from pipeline.sheets.contact import ABSENT, number
from pipeline.sheets.paper import Item, Paper, Raster, Text, fitting
from pipeline.store.store import Store

_TILE, _SOURCE, _GAP, _EACH = 160, 96, 24, 4
_STEP = _TILE + 56
_SMALL, _TEXT = 11, 15
_SOURCES = _GAP + 3 * (_TILE + 12) + 20
"""Where the channels begin."""
_WIDTH = _SOURCES + 2 * _EACH * (_SOURCE + 8) + 30 + _GAP
_HEADS = ("the unit", "where, by gradient", "where, by occlusion")


def lay_out(store: Store, found: Sequence[Reason], picture: np.ndarray) -> Paper:
    """Place reasons on a sheet.

    Args:
        store: the atlas.
        found: what `explore.why` found.
        picture: of which, (size, size, 3) uint8.
    """
    items: list[Item] = [
        Raster(_GAP, _GAP, _TILE, _TILE, lambda: picture),
        Text(_GAP + _TILE + 16, _GAP, "the picture, as the network sees it", _TEXT, "pale"),
    ]
    top = 2 * _GAP + _TILE + 30
    for column, head in enumerate(_HEADS):
        items.append(Text(_GAP + column * (_TILE + 12), top - 18, head, _SMALL, "pale"))
    for x, head in ((_SOURCES, "what excites it here"), (_down(), "what holds it back")):
        items.append(Text(x, top - 18, head, _SMALL, "pale"))
    for row, reason in enumerate(found):
        items += _row(store, reason, picture, top + row * _STEP)
    return Paper(_WIDTH, top + len(found) * _STEP, tuple(items), scale=2)


def _row(store: Store, reason: Reason, picture: np.ndarray, y: float) -> Iterator[Item]:
    image = store.images()
    yield Raster(_GAP, y, _TILE, _TILE, partial(image, reason.unit.id), ABSENT)
    for column, values in enumerate((reason.acting, reason.occlusion), 1):
        if values.size:
            lit = partial(overlay, picture, values, 2 * _TILE)
            yield Raster(_GAP + column * (_TILE + 12), y, _TILE, _TILE, lit)
    text = f"{reason.unit.id}{_name(store, reason)}, {number(reason.activation)}"
    yield Text(_GAP, y + _TILE + 4, fitting(text, 2 * _TILE, _TEXT), _TEXT)
    yield Text(_GAP, y + _TILE + 23, fitting(_said(reason), 4 * _TILE, _SMALL), _SMALL, "pale")
    if reason.sources.empty:
        return
    for sign, x in ((1, _SOURCES), (-1, _down())):
        of_sign = reason.sources[np.sign(reason.sources["attribution"]) == sign].head(_EACH)
        for place, edge in enumerate(of_sign.itertuples()):
            left = x + place * (_SOURCE + 8)
            yield Raster(left, y, _SOURCE, _SOURCE, partial(image, str(edge.source)), ABSENT)
            share = "" if pd.isna(edge.share) else words.percent(float(str(edge.share)))
            below = y + _SOURCE + 3
            yield Text(left, below, fitting(str(edge.source), _SOURCE, _SMALL), _SMALL)
            yield Text(left, below + 14, share, _SMALL, "pale")


def _down() -> int:
    return _SOURCES + _EACH * (_SOURCE + 8) + 30


def _name(store: Store, reason: Reason) -> str:
    known = store.provenance.classes
    is_named = reason.unit.kind.needs_classifier and reason.unit.index < len(known)
    return f" {known[reason.unit.index]}" if is_named else ""


def _said(reason: Reason) -> str:
    """How far above its usual it is, and how well the two maps agree."""
    told = []
    if not np.isnan(reason.high):
        way = "below" if reason.unit.negative else "above"
        told.append(f"usually {number(reason.usual)}, one in a hundred {way} {number(reason.high)}")
    if not np.isnan(reason.agreement):
        told.append(f"the maps agree by {round(reason.agreement, 2) + 0.0:.2f}")
    return "; ".join(told)

"""Galleries: the units that a search finds, as pictures in a grid."""

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from pipeline.notebook.cards import Card, thumbnail

if TYPE_CHECKING:
    import pandas as pd

_FIGURE = "activation"
"""What stands under a picture, where nothing else is asked for."""
_GRID = "display:grid;grid-template-columns:repeat(auto-fill,minmax(128px,1fr));gap:12px 10px"
_CUT = "overflow:hidden;text-overflow:ellipsis;white-space:nowrap"
_WHOLE = "overflow-wrap:anywhere"
_NONE = f"{_CUT};height:128px;line-height:128px;text-align:center;border:1px dashed #8888"


@dataclass(frozen=True, eq=False, repr=False)
class Gallery(Sequence[Card]):
    """Units that were found; a notebook shows the first of them as pictures in a grid.

    It is a sequence of cards; a slice, as in `gallery[24:48]`, is a gallery of what comes next.

    Attributes:
        query: what was asked for.
        rows: their rows of the index, in order.
        shown: how many pictures are shown; the others are counted.
        figure: the column whose value stands under a picture.
        card: gives a unit's card, by its id.
    """

    query: str
    rows: "pd.DataFrame"
    shown: int
    figure: str
    card: Callable[[str], Card]

    @property
    def units(self) -> list[str]:
        """The ids of all that were found."""
        return [str(unit) for unit in self.rows["unit"]]

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, place: int) -> Card: ...

    @overload
    def __getitem__(self, place: slice) -> "Gallery": ...

    def __getitem__(self, place: int | slice) -> "Card | Gallery":
        if isinstance(place, slice):
            return replace(self, rows=self.rows.iloc[place])
        return self.card(self.units[place])

    def __repr__(self) -> str:
        """A line a unit, of those that are shown."""
        lines = [f"{card.unit:24} {_said(card, self.figure)}".rstrip() for card in self._first()]
        more = self._more()
        return "\n".join([f"Gallery({self._heading()})", *lines, *([more] if more else [])])

    def _repr_html_(self) -> str:
        cells = "".join(_cell(card, self.figure) for card in self._first())
        more = f'<div style="margin-top:10px">{self._more()}</div>' if self._more() else ""
        return (
            f'<div><b>{html.escape(self._heading())}</b><div style="{_GRID};margin-top:8px">'
            f"{cells}</div>{more}</div>"
        )

    def _first(self) -> list[Card]:
        return [self.card(unit) for unit in self.units[: self.shown]]

    def _heading(self) -> str:
        count = f"{len(self):,} unit{'' if len(self) == 1 else 's'}"
        return f"{self.query}: {count}" if self.query else count

    def _more(self) -> str:
        left = len(self) - self.shown
        return f"and {left:,} more" if left > 0 else ""


def figure_of(sort: str | None) -> str:
    """The column that stands under pictures which are sorted so."""
    return sort.removeprefix("-") if sort else _FIGURE


def _cell(card: Card, figure: str) -> str:
    """A picture, its name and a figure, in a place of the grid."""
    name, said = html.escape(_name(card)), html.escape(_said(card, figure))
    return (
        f'<figure style="margin:0;min-width:0" title="{name}">{_face(card)}'
        f'<figcaption style="font-size:12px;text-align:left"><div style="{_WHOLE}">{name}</div>'
        f'<div style="{_CUT};opacity:.75">{said}</div></figcaption></figure>'
    )


def _face(card: Card) -> str:
    if card.image is None:
        return f'<div style="{_NONE}">{html.escape(str(card.row["status"]))}</div>'
    return (
        f'<img src="{thumbnail(card.image)}" alt="{html.escape(card.described)}" '
        'style="display:block;width:100%;aspect-ratio:1;object-fit:cover">'
    )


def _name(card: Card) -> str:
    """A unit's id, and its class or what labels call it."""
    called = card.row.get("class_name") or card.row.get("name")
    return f"{card.unit} {called}" if called else card.unit


def _said(card: Card, figure: str) -> str:
    value: Any = card.row.get(figure)
    if value is None:
        return "" if card.image is not None else str(card.row["status"])
    return (
        f"{figure} {value:.4g}" if isinstance(value, float | np.floating) else f"{figure} {value}"
    )

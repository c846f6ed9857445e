"""How atlases and their units look in a notebook: HTML with pictures in it, and no scripts."""

import base64
import html
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

_SHOWN = (
    "kind", "class_name", "status", "activation", "activation_robust", "own_rank", "selectivity",
    "natural_quantile", "sparsity", "alive", "steps", "recipe",
)  # fmt: skip
"""The figures of a card, where its row has them."""


@dataclass(frozen=True)
class Card:
    """A unit at a glance.

    Attributes:
        unit: its id.
        row: its row of the index, less what does not apply.
        image: (size, size, 3) uint8 RGB, or None where it is not done.
    """

    unit: str
    row: Mapping[str, Any]
    image: np.ndarray | None

    def __repr__(self) -> str:
        return f"Card({self.unit!r}, {_text(self.row.get('activation', self.row['status']))})"

    def _repr_html_(self) -> str:
        lines = [(name, self.row[name]) for name in _SHOWN if name in self.row]
        picture = _picture(self.image, self.unit, 192) if self.image is not None else ""
        table = _table([(html.escape(name), _text(value)) for name, value in lines])
        return (
            '<div style="display:flex;gap:20px;align-items:flex-start">'
            f"{picture}<div><b>{html.escape(self.unit)}</b>{table}</div></div>"
        )


def overview(
    heading: str, status: Mapping[str, Mapping[str, int]], images: Iterable[tuple[str, np.ndarray]]
) -> str:
    """An atlas at a glance.

    Args:
        heading: what it is.
        status: as `Atlas.status` gives it.
        images: some units, as (id, (size, size, 3) uint8 RGB).
    """
    strip = "".join(_picture(image, unit, 72) for unit, image in images)
    lines = [
        (
            html.escape(name),
            ", ".join(f"{count:,} {word}" for word, count in counts.items() if count),
        )
        for name, counts in status.items()
    ]
    return (
        f"<div><b>{html.escape(heading)}</b>"
        f'<div style="display:flex;flex-wrap:wrap;gap:4px;margin:8px 0">{strip}</div>'
        f"{_table(lines)}</div>"
    )


def _picture(image: np.ndarray, unit: str, side: int) -> str:
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="PNG")
    data = base64.b64encode(file.getvalue()).decode("ascii")
    name = html.escape(unit)
    return (
        f'<img src="data:image/png;base64,{data}" alt="What excites {name}" title="{name}" '
        f'width="{side}" height="{side}">'
    )


def _table(lines: Iterable[tuple[str, str]]) -> str:
    """A table of names and texts, both escaped already."""
    rows = "".join(f"<tr><th>{name}</th><td>{text}</td></tr>" for name, text in lines)
    return f"<table>{rows}</table>"


def _text(value: Any) -> str:
    """A value for people, escaped."""
    is_number = isinstance(value, float | np.floating)
    return html.escape(f"{value:.4g}" if is_number else str(value))

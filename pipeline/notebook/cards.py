"""How atlases and their units look in a notebook: HTML with pictures in it, and no scripts."""

import base64
import html
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipeline.errors import MissingError
from pipeline.plan import words
from pipeline.publish import site_images
from pipeline.sheets import png

_SHOWN = (
    "kind", "class_name", "name", "name_auroc", "called", "note", "status", "activation",
    "activation_robust", "kept", "agreement", "own_rank", "selectivity", "natural_quantile",
    "prediction", "tells", "sparsity", "alive", "steps", "recipe", "built_from",
)  # fmt: skip
"""The figures of a card, where its row has them."""


@dataclass(frozen=True, eq=False, repr=False)
class Card:
    """A unit of an atlas at a glance; a notebook shows its image and key figures.

    Attributes:
        unit: its id.
        row: its row of the index, less what does not apply.
        image: (size, size, 3) uint8 RGB, or None where it is not done.
        trajectory: the plain activation seen at each step, (steps,) float32, or None.
        explained: what becomes of it without the channels that it is built from, in words.
    """

    unit: str
    row: Mapping[str, Any]
    image: np.ndarray | None = None
    trajectory: np.ndarray | None = None
    explained: str = ""

    @property
    def described(self) -> str:
        """What its image is, in words."""
        return words.pictured(self.unit, bool(self.row.get("alive", True)))

    def save(self, path: str | Path) -> None:
        """Write the image as a .png.

        Raises:
            MissingError: the unit is not done.
            ConfigError: a file that cannot be.
        """
        if self.image is None:
            raise MissingError(
                f"unit {self.unit} has no image: it is {self.row['status']}; `atlas status` tells"
            )
        png.save(self.image, path)

    def __repr__(self) -> str:
        return f"Card({self.unit!r}, {_text(self.row.get('activation', self.row['status']))})"

    def _repr_html_(self) -> str:
        figures = {name: self.row[name] for name in _SHOWN if name in self.row}
        if self.explained:
            figures["explained"] = self.explained
        return glance(self.unit, self.image, figures)


def glance(unit: str, image: np.ndarray | None, figures: Mapping[str, Any]) -> str:
    """A unit's image, if there is one, and figures beside it.

    Args:
        unit: its id.
        image: (size, size, 3) uint8 RGB.
        figures: by name.
    """
    what = words.pictured(unit, bool(figures.get("alive", True)))
    picture = _picture(_whole(image), unit, what, 192) if image is not None else ""
    table = _table([(html.escape(name), _text(value)) for name, value in figures.items()])
    return (
        '<div style="display:flex;gap:20px;align-items:flex-start">'
        f"{picture}<div><b>{html.escape(unit)}</b>{table}</div></div>"
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
    strip = "".join(
        _picture(thumbnail(image), unit, f"Image of {unit}", 72) for unit, image in images
    )
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


def thumbnail(image: np.ndarray) -> str:
    """A small picture of an image, as the address of its own bytes.

    Args:
        image: (size, size, 3) uint8 RGB.
    """
    return _address("webp", site_images.encode_thumb(image))


def _whole(image: np.ndarray) -> str:
    """An image to the last bit, as the address of its own bytes."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="PNG")
    return _address("png", file.getvalue())


def _address(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _picture(address: str, unit: str, what: str, side: int) -> str:
    return (
        f'<img src="{address}" alt="{html.escape(what)}" title="{html.escape(unit)}" '
        f'width="{side}" height="{side}">'
    )


def _table(lines: Iterable[tuple[str, str]]) -> str:
    """A table of names and texts, both escaped already."""
    rows = "".join(f"<tr><th>{name}</th><td>{text}</td></tr>" for name, text in lines)
    return f"<table>{rows}</table>"


def _text(value: Any) -> str:
    """A value for people, escaped; the items of a list side by side."""
    if isinstance(value, list | np.ndarray):
        return " ".join(map(_text, value))
    is_number = isinstance(value, float | np.floating)
    return html.escape(f"{value:.4g}" if is_number else str(value))

"""How arrays are laid out behind their rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ARRAYS = "atlas.zarr"
"""The Zarr store of an atlas folder."""


@dataclass(frozen=True)
class Layout:
    """An array, behind its rows.

    Attributes:
        shape: of a row.
        dtype: as NumPy names it.
        fill: what stands in rows that nobody wrote.
        axes: the names of the dimensions of a row.
        attributes: what the array says of itself.
    """

    shape: tuple[int, ...]
    dtype: str
    fill: float
    axes: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)

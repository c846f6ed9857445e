"""What the user says is in pictures: labels, from a table of paths and labels.

Where no table is given, a folder's pictures have their subfolder's name (`source.found_in`).
"""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import ConfigError
from pipeline.examples.source import Picture

_COUNTED = re.compile(r"(.*?)(?:[ ._-]?\d+)?(?:\.\w+)?", re.DOTALL)
"""A name, less the number that it ends in and its suffix."""


@dataclass(frozen=True)
class Labels:
    """What is said of pictures.

    Attributes:
        file: the table; None where labels are as they come.
        crops: whether names that differ in their last number alone are of one photograph.
    """

    file: Path | None = None
    crops: bool = False

    def put(self, pictures: Sequence[Picture]) -> list[Picture]:
        """The pictures with what is said of them.

        Raises:
            ConfigError: the table cannot be read, or names pictures that are none of these.
        """
        found = _from_table(pictures, self.file) if self.file else list(pictures)
        return [replace(p, group=p.group or _stem(p.id)) for p in found] if self.crops else found


def table(file: Path, columns: Sequence[str], more: Sequence[str] = ()) -> pd.DataFrame:
    """Columns of a user's table, as texts; what is empty is an empty text.

    Args:
        file: a .csv, UTF-8 and with commas, or a .parquet.
        columns: those that it has to have.
        more: those that it may have.

    Raises:
        ConfigError: it cannot be read, has no such column, or no row.
    """
    suffix = file.suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise ConfigError(f"{file}: expected a .csv or a .parquet, with columns {_and(columns)}")
    try:
        found = _csv(file) if suffix == ".csv" else pq.read_table(file).to_pandas()
    except (OSError, ValueError, pa.ArrowException) as error:  # pandas' own are ValueErrors
        said = str(error).splitlines()[0]
        raise ConfigError(f"{file} cannot be read as a table: {said}") from error
    for name in columns:
        if name not in found.columns:
            there = ", ".join(map(str, found.columns))
            raise ConfigError(
                f"{file} has no column {name!r}: expected {_and(columns)}, it has {there}"
            )
    if found.empty:
        raise ConfigError(f"{file} has no rows: expected {_and(columns)} in each")
    return found[[*columns, *(name for name in more if name in found.columns)]]


def _csv(file: Path) -> pd.DataFrame:
    return pd.read_csv(
        file, dtype=str, keep_default_na=False, encoding="utf-8-sig", skipinitialspace=True
    )


def _and(columns: Sequence[str]) -> str:
    return " and ".join(map(repr, columns))


def text(cell: Any) -> str:
    """A cell of a table as a text of one line; what is missing is empty."""
    missing = cell is None or (pd.api.types.is_scalar(cell) and pd.isna(cell))
    return "" if missing else " ".join(str(cell).split())


def _from_table(pictures: Sequence[Picture], file: Path) -> list[Picture]:
    """The pictures with the labels and groups of a table."""
    frame = table(file, ("path", "label"), ("group",))
    found: dict[int, dict[str, None]] = {}
    groups: dict[int, str] = {}
    place, strange = _places(pictures), []
    for row in frame.to_dict("records"):
        name = text(row["path"])
        number = _number(name, place, file.parent)
        if number is None:
            strange.append(name)
            continue
        found.setdefault(number, {}).update(dict.fromkeys(_split(row["label"])))
        groups[number] = text(row.get("group")) or groups.get(number, "")
    if strange:
        count = len(set(strange))
        raise ConfigError(
            f"{file} names {count:,} picture{'s' * (count > 1)} that the {len(pictures):,} lack, "
            f"{strange[0]!r} first: expected names as {pictures[0].id!r}, below the folder, or "
            "paths"
        )
    if not any(found.values()):
        raise ConfigError(f"{file} has no label: expected one in each row's column 'label'")
    return [
        replace(picture, labels=tuple(found.get(number, ())), group=groups.get(number, ""))
        for number, picture in enumerate(pictures)
    ]


def _places(pictures: Sequence[Picture]) -> dict[str, int]:
    """The numbers of pictures by path and by name; a name goes first."""
    files = {os.path.normpath(p.path): number for number, p in enumerate(pictures) if p.row is None}
    return files | {picture.id: number for number, picture in enumerate(pictures)}


def _number(name: str, places: dict[str, int], beside: Path) -> int | None:
    """The number of the picture that a table names: below its folder, anywhere, or beside it."""
    absolute = os.path.normpath((beside / name).absolute())
    names = (name, os.path.normpath(name), absolute)
    return next((places[one] for one in names if one in places), None)


def _split(cell: Any) -> Iterable[str]:
    """The labels in a cell: a list, or texts with `;` between them."""
    is_list = isinstance(cell, list | tuple | np.ndarray)
    parts = cell if is_list else text(cell).split(";")
    return [label for label in map(text, parts) if label]


def _stem(name: str) -> str:
    """A picture's name without its last number; empty where nothing is left."""
    counted = _COUNTED.fullmatch(name)
    return counted[1] if counted and not counted[1].endswith("/") else ""

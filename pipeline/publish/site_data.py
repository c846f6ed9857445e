"""The page's data: the index by columns, what is told of a batch's units, and where both came from.

Browsers block `fetch` on file://, so data goes into scripts, as JSON that no markup can leave.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd

from pipeline.examples.source import Picture
from pipeline.plan import words
from pipeline.plan.batches import Section
from pipeline.plan.kinds import KINDS
from pipeline.plan.provenance import Provenance
from pipeline.publish import render_command
from pipeline.sheets import mosaics
from pipeline.truth import agreement, kept

_APART = ("image_sha256",)
"""Columns that are told with a unit, and not of all."""
_WAYS = {"positive": "", "negative": "-"}
_TRUTH = kept.MEANINGS | agreement.MEANINGS
"""What columns of the index say that are of no kind and direction."""
_SAFE = 2**53
"""What JavaScript counts to."""


def script(function: str, *arguments: Any) -> bytes:
    """A script that calls a function of the page with JSON; ASCII, and without a `<`."""
    texts = [json.dumps(value, separators=(",", ":"), allow_nan=False) for value in arguments]
    return f"{function}({','.join(texts)})\n".replace("<", "\\u003c").encode("ascii")


def columns(frame: pd.DataFrame) -> dict[str, Any]:
    """An index by columns, less what is told with a unit.

    A column has its `kind`, empty where it has no value, and `{"all": value}` where its
    values are equal, `{"names": [...], "codes": "[...]"}` where few texts come again and again,
    `{"floats": "..."}` where they are of 32 bits (little-endian in base64, NaN where there is
    none), else `{"values": "[...]"}`: lists as JSON in a text, read when they are asked for.
    """
    shown = [name for name in frame.columns if name not in _APART and not _is_nested(frame[name])]
    return {name: _column(frame[name]) for name in shown}


def more(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """What `columns` leaves out, row by row."""
    apart = [name for name in frame.columns if name in _APART or _is_nested(frame[name])]
    values = {name: plain(frame[name]) for name in apart}
    return [{name: values[name][row] for name in apart} for row in range(len(frame))]


def plain(column: pd.Series) -> list[Any]:
    """A column's values for JSON; what is missing is None, float32 has its shortest digits."""
    return [_plain(value, str(column.dtype).lower()) for value in column]


def section(shown: Section) -> dict[str, Any]:
    """What the page says of a section."""
    heading = mosaics.heading(shown).rpartition(" (")[0]
    return {"name": shown.name, "heading": heading, "count": len(shown.units)}


def about(known: Provenance) -> dict[str, Any]:
    """Where an atlas came from, for people; the paths of the machine that made it left out."""
    render, recipe = known.render, known.recipe
    facts = {
        "network": known.architecture.name,
        "weights": known.weights.source,
        "weights SHA-256": known.weights.sha256,
        "recipe": f"{recipe.name}, {recipe.steps} steps",
        "image size": f"{known.size} px",
        "seed": str(known.seed),
        "precision of the ascent": render.precision,
        "device": known.device,
        "configuration": known.config_hash,
        "made with": ", ".join(f"{name} {text}" for name, text in known.versions.items()),
    }
    layers = known.architecture.layers.values()
    return {
        "network": known.architecture.name,
        "made_of": known.fingerprint.digest,
        "facts": list(facts.items()),
        "options": render_command.options(known),
        "size": known.size,
        "snapshots": render.snapshots,
        "centers": {layer.name: f"{layer.height // 2},{layer.width // 2}" for layer in layers},
        "kinds": {kind.name: kind.words for kind in KINDS.values()},
        "meanings": {
            kind.name: {way: words.meanings(kind, way == "negative") | _TRUTH for way in _WAYS}
            for kind in KINDS.values()
        },
        "terms": words.TERMS,
        "fingerprint": known.config_hash,
        "pictured": {
            way: [words.pictured(f"{sign}{{unit}}", alive) for alive in (False, True)]
            for way, sign in _WAYS.items()
        },
    }


def shown(pictures: Sequence[Picture]) -> str:
    """Whose photographs an atlas was shown: how many, and the bare name of their folder.

    Where on the machine that built it the folder was is nobody's business.
    """
    if not pictures:
        return ""
    ends = {(p.place if p.row is not None else p.place.removesuffix(p.id)) for p in pictures}
    count = f"{len(pictures):,} picture{'s' if len(pictures) > 1 else ''}"
    if len(ends) > 1:
        return f"{count} from several places"
    return f"{count} of {PurePath(ends.pop()).name}"


def trajectory(values: np.ndarray) -> list[float]:
    """A trajectory, five digits each."""
    return [float(f"{value:.5g}") for value in values.tolist()]


def _column(column: pd.Series) -> Mapping[str, Any]:
    values = plain(column)
    kind = next((_SAID[type(value)] for value in values if value is not None), "")
    return {"kind": kind, **_encoded(values, str(column.dtype).lower() == "float32")}


def _encoded(values: Sequence[Any], are_floats: bool) -> Mapping[str, Any]:
    if len(set(values)) == 1:
        return {"all": values[0]}
    if are_floats:
        return {"floats": base64.b64encode(np.array(values, "<f4").tobytes()).decode("ascii")}
    if any(isinstance(value, str) for value in values):
        names = {value: code for code, value in enumerate(dict.fromkeys(values))}
        if len(names) <= len(values) // 2:
            return {"names": list(names), "codes": _listed([names[value] for value in values])}
    return {"values": _listed(values)}


def _listed(values: Sequence[Any]) -> str:
    return json.dumps(values, separators=(",", ":"), allow_nan=False)


def _is_nested(column: pd.Series) -> bool:
    return any(isinstance(value, list | tuple | np.ndarray) for value in column)


def _plain(value: Any, kind: str) -> Any:
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(item, str(getattr(item, "dtype", ""))) for item in value]
    if value is None or pd.isna(value):
        return None
    return _KINDS.get(kind, _other)(value)


def _integer(value: Any) -> int | str:
    return int(value) if abs(int(value)) <= _SAFE else str(int(value))


def _float(value: Any) -> float | None:
    return float(str(np.float32(value))) if np.isfinite(value) else None


def _other(value: Any) -> Any:
    """A number or a text of a type that says itself what it is."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return _integer(value)
    return _float(value) if isinstance(value, float | np.floating) else str(value)


_SAID = {bool: "truth", int: "number", float: "number", str: "text"}
"""What the page calls the values of a column."""
_KINDS: Mapping[str, Callable[[Any], Any]] = {
    "float32": _float,
    "int32": _integer,
    "int64": _integer,
    "boolean": bool,
    "string": str,
}

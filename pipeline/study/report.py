"""A study as text: the rows of its table, and a Markdown page."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from pipeline.study.comparison import Study, ranking

_NONE = "–"


def heads(study: Study) -> tuple[str, ...]:
    """The names of a table's columns."""
    against = f"against {study.against}"
    return "section", "measure", "variation", "units", "median", against, "95 %", "better"


def rows(study: Study) -> Iterator[tuple[str, ...]]:
    """The rows of a table, as texts; what is as in the row above is left out."""
    above: tuple[str, str] = ("", "")
    for row in study.summary.to_dict("records"):
        begins = str(row["section"]), str(row["measure"])
        section = begins[0] if begins[0] != above[0] else ""
        measure = begins[1] if begins != above else ""
        above = begins
        yield section, measure, *_figures(row, study.against)


def _figures(row: dict[Any, Any], against: str) -> tuple[str, ...]:
    named, middle = str(row["variation"]), number(row["median"])
    if named == against:
        return named, f"{row['units']:,}", middle, "", "", ""
    better = _NONE if pd.isna(row["better"]) else f"{100 * row['better']:.0f} %"
    return named, f"{row['pairs']:,}", middle, change(row), interval(row), better


def change(row: dict[Any, Any]) -> str:
    """A change, as in ×1.24 or +0.031."""
    return _changed(row["change"], row["kind"])


def interval(row: dict[Any, Any]) -> str:
    """Where 95 % of resamples have it, as in 1.18 to 1.31."""
    low, high = (_changed(row[end], row["kind"]) for end in ("low", "high"))
    return _NONE if _NONE in (low, high) else f"{low} to {high}".replace("×", "")


def _changed(value: Any, kind: str) -> str:
    if pd.isna(value):
        return _NONE
    return f"×{number(value)}" if kind == "factor" else f"{value:+.3f}"


def number(value: Any) -> str:
    """A number with three digits."""
    if pd.isna(value):
        return _NONE
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:#.3g}".rstrip(".")


def markdown(study: Study, picture: str = "") -> str:
    """The page of a study.

    Args:
        study: the study.
        picture: the file of its plot, beside the page; none where it is empty.
    """
    others = ", ".join(name for name in study.variations if name != study.against)
    names = heads(study)
    lines = [names, ["---"] * 3 + ["---:"] * (len(names) - 3), *rows(study)]
    table = "\n".join(f"| {' | '.join(_cell(text) for text in line)} |" for line in lines)
    parts = [f"# {others} against {study.against}", table]
    parts += [f"![Seconds against {ranking(study).name}]({picture})"] if picture else []
    parts += ["\n".join(f"- {note}" for note in study.notes)]
    return "\n\n".join(parts) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", r"\|")

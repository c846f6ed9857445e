"""How the command prints: tables, frames, reports, files."""

import enum
import json
import math
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from PIL import Image

    from pipeline.findings import Finding
    from pipeline.plan.provenance import Provenance
    from pipeline.study.comparison import Study
    from tasks.build.estimate import Estimate
    from tasks.build.examples import Shown
    from tasks.build.run import Report
    from tasks.command.doctor import Finding as Checked

_WIDEST = 1_000
"""Columns of a table that is not to be cut."""

out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)


class Format(enum.StrEnum):
    """How `query` prints."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


def show_json(value: object) -> None:
    """Print a document; a number that is none, which JSON has not, as null."""
    print(json.dumps(_plain(value), indent=1, ensure_ascii=False))  # noqa: T201


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | int | bool):
        return value
    if hasattr(value, "tolist"):  # NumPy's, and lists of the index
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return None if type(value).__name__ == "NAType" else str(value)


def table(first: str, *numbers: str) -> Table:
    """A table of a name and numbers."""
    made = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    made.add_column(first)
    for name in numbers:
        made.add_column(name, justify="right")
    return made


def unavailable(count: int) -> list[str]:
    """The line that says how many units the weights have nothing for, if any."""
    if not count:
        return []
    from pipeline.plan.kinds import KINDS  # noqa: PLC0415, slow to import

    kinds = " and ".join(kind.name for kind in KINDS.values() if kind.needs_classifier)
    return [
        f"{count:,} {kinds} units are unavailable: these weights have no classifier. "
        "`make classes` shows real ones, of another network; `model.weights: imagenet`, or a model "
        "file of yours, in another atlas folder, has them too"
    ]


def range_of(known: "Provenance") -> str:
    """What black and white are to an atlas's network, and what tells that."""
    from pipeline.plan.pixels import said  # noqa: PLC0415, slow to import

    found, taken = known.architecture, known.reading.range
    by = "model.range" if taken != found.range else found.told
    return f"{said(taken)} ({by})" if by else said(taken)


def show_report(report: "Report") -> None:
    """Say how a build ended, and where its mosaic, index and page are."""
    from pipeline.explore import index  # noqa: PLC0415, slow to import
    from pipeline.publish import site  # noqa: PLC0415, slow to import
    from pipeline.sheets import mosaics  # noqa: PLC0415, slow to import
    from tasks.progress import duration  # noqa: PLC0415

    parts = [f"{report.done:,} units done"]
    parts += [f"{report.failed:,} failed"] if report.failed else []
    parts += [f"{report.missing:,} missing"] if report.missing else []
    parts += [f"{report.unavailable:,} unavailable"] if report.unavailable else []
    out.print(f"{', '.join(parts)}, in {duration(report.seconds)}")
    mosaic = f"{report.folder}/{mosaics.name_of(mosaics.WHOLE)}"
    out.print(f"mosaic  {mosaic}\nindex   {report.folder}/{index.NAME}", highlight=False)
    if report.folder.has(site.NAME):
        out.print(f"page    {report.folder}/{site.NAME}", highlight=False)


def show_elsewhere(known: "Provenance") -> None:
    """Say where an atlas was computed otherwise than this machine does, if it was."""
    from pipeline.plan.machine import tensorflow  # noqa: PLC0415
    from tasks.pool.cluster import gpus  # noqa: PLC0415, slow to import

    there, here = known.fingerprint.tensorflow, tensorflow()
    differs = [f"by TensorFlow {there}, here is {here}"] if there != here else []
    differs += ["on a GPU, here is none"] if known.device == "gpu" and not gpus() else []
    if differs:
        err.print(f"the atlas was computed {' and '.join(differs)}: bits may differ")


def show_findings(findings: "Sequence[Finding]", *, as_json: bool = False) -> None:
    """Say how the parts of an atlas are: how many are whole, and each that is not."""
    if as_json:
        show_json([vars(finding) for finding in findings])
        return
    from pipeline.findings import State  # noqa: PLC0415, slow to import

    states: tuple[State, ...] = get_args(State)
    counts = Counter((_group(finding), finding.state) for finding in findings)
    shown = table("part", *states)
    for group in dict.fromkeys(group for group, _ in counts):
        shown.add_row(group, *(f"{counts[group, state]:,}" for state in states))
    out.print(shown)
    for finding in findings:
        if finding.state != "whole":
            out.print(f"{finding.state}: {finding.part}: {finding.reason}", markup=False)


def show_checked(checked: "Checked") -> None:
    """Say what `doctor` found of one thing, and how to mend it."""
    colours = {"ok": "green", "note": "yellow", "wrong": "red"}
    out.print(f"[{colours[checked.state]}]{checked.state:>5}[/]  {checked.what}: ", end="")
    out.print(checked.found, markup=False, highlight=False)
    if checked.remedy:
        out.print(f"       → {checked.remedy}", markup=False, highlight=False)


def _group(finding: "Finding") -> str:
    section, slash, _ = finding.part.rpartition("/")
    return section if slash and finding.state in ("whole", "damaged", "lost") else "the atlas"


def show_study(found: "Study") -> None:
    """Print a study's table, and what has to be known of it."""
    from pipeline.study import report  # noqa: PLC0415, slow to import

    shown = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for number, name in enumerate(report.heads(found)):
        shown.add_column(name, justify="right" if number > 2 else "left", no_wrap=True)
    for row in report.rows(found):
        shown.add_row(*map(escape, row))
    # On a narrow terminal lines are wrapped, rather than their texts cut.
    Console(soft_wrap=True, width=_WIDEST).print(shown)
    for note in found.notes:
        out.print(note, markup=False, highlight=False)


def show_left_out(pictures: int, left_out: "Mapping[str, str]") -> None:
    """Say how many pictures were seen, and name those that could not be read."""
    out.print(f"{pictures - len(left_out):,} pictures seen, {len(left_out):,} left out")
    for name, reason in left_out.items():
        out.print(f"left out: {name}: {reason}", markup=False)


def show_labelled(shown: "Shown") -> None:
    """Say how many pictures have labels, and how many units names, where any might have."""
    if not shown.labels:
        return
    out.print(
        f"{shown.labelled:,} of {shown.pictures:,} pictures have labels, {shown.labels:,} in all; "
        f"{shown.named:,} units have one for a name"
    )


def show_tried(shown: "Shown") -> None:
    """Say on what pictures were tried, and what came of it; or why they were not."""
    if not shown.photographs:
        out.print(
            "no picture was tried on photographs: that takes ten that could be read, and "
            "truth.photographs above 0"
        )
        return
    on = f"pictures were tried on {shown.crops:,} crops of {shown.photographs:,} photographs"
    if not shown.judge:
        out.print(f"{on}; no other network judged (truth.judge)")
        return
    told = f"{shown.tell:,} of {shown.told:,} tell what excites their units"
    known = told if shown.told else "of none can be said whether it tells, with so few units"
    out.print(f"{on}, by the eyes of {shown.judge}: {known}", markup=False)


def show_page(shown: "Shown") -> None:
    """Say what of the pictures whoever gets the page sees."""
    if not shown.on_page:
        return
    whole = f"small copies of {shown.whole:,} whole pictures of yours and " if shown.whole else ""
    rest = " (--no-whole keeps it to crops)" if shown.whole else ""
    out.print(f"the page has {whole}crops of them: who has the folder site/ sees them{rest}")


def show_some(what: str, names: Sequence[str], most: int = 5) -> None:
    """Count names, if there are any, and say the first of them."""
    if names:
        more = ", …" if len(names) > most else ""
        out.print(f"{len(names):,} {what}: {', '.join(names[:most])}{more}", markup=False)


def show_frame(frame: "pd.DataFrame", form: Format) -> None:
    """Write rows of an index to standard output; lists as they are where the format has any."""
    from pipeline.explore.query import flat  # noqa: PLC0415, pandas is slow to import

    if form is Format.CSV:
        flat(frame).to_csv(sys.stdout, index=False)
    elif form is Format.JSON:
        frame.to_json(sys.stdout, orient="records", indent=1, force_ascii=False)
        sys.stdout.write("\n")
    elif form is Format.PARQUET:
        sys.stdout.buffer.write(frame.to_parquet(index=False))
    else:
        texts = {name: [text_of(value) for value in frame[name]] for name in frame.columns}
        text = type(frame)(texts).to_string(index=False)
        sys.stdout.write(f"{text}\n" if len(frame) else "no unit\n")


def text_of(value: Any) -> str:
    """A value of the index for people: four digits, lists joined by spaces, – for none."""
    import numpy as np  # noqa: PLC0415, slow to import
    import pandas as pd  # noqa: PLC0415

    if isinstance(value, Iterable) and not isinstance(value, str):
        return " ".join(map(text_of, value))
    if pd.isna(value):
        return "–"
    return f"{value:.4g}" if isinstance(value, float | np.floating) else str(value)


def save(image: "Image.Image", path: Path) -> None:
    """Write a picture as PNG.

    Raises:
        ConfigError: the path does not end in .png, or cannot be written.
    """
    from pipeline.sheets import png  # noqa: PLC0415, slow to import

    try:
        image.save(png.check(path), format="PNG")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error


def save_film(frames: "np.ndarray", path: Path) -> None:
    """Write a film. Raises as `save`."""
    from pipeline.sheets import film  # noqa: PLC0415

    try:
        film.save(frames, path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error


def show_plan(
    sections: "Mapping[str, tuple[int, Estimate]]", later: "Mapping[str, Estimate]"
) -> None:
    """Print what a build costs: a row a section, with its units, and a row for what follows."""
    from tasks.build import estimate  # noqa: PLC0415, slow to import

    shown = table("section", "units", "missing", "batches", "TFLOP", "time", "MB")
    for name, (units, cost) in sections.items():
        add_cost(shown, name, units, cost)
    shown.add_section()
    for name, cost in later.items():
        add_cost(shown, name, None, cost)
    shown.add_section()
    every = estimate.total([*(cost for _, cost in sections.values()), *later.values()])
    add_cost(shown, "all", sum(units for units, _ in sections.values()), every)
    out.print(shown)


def add_cost(table: Table, name: str, units: int | None, cost: "Estimate") -> None:
    """Add a row to the table of a plan: of a section's units, or of what follows on rendering."""
    from tasks.progress import duration  # noqa: PLC0415

    counts = () if units is None else (units, cost.units, cost.batches)
    table.add_row(
        name,
        *(f"{count:,}" for count in counts),
        *("" for _ in range(3 - len(counts))),
        f"{cost.operations / 1e12:,.1f}",
        "–" if cost.seconds is None else duration(cost.seconds),
        f"{cost.stored / 1e6:,.1f}",
    )

"""The commands that ask a finished atlas: query, similar, compare, sheets, diff, export."""

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.errors import ConfigError, MissingError, UnitError
from tasks.command import options, printing
from tasks.command.options import AsJson, Columns, Form, Sort, TakesUnits

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.atlas import Atlas

app = typer.Typer()
FEW = [
    "unit",
    "status",
    "activation",
    "activation_robust",
    "alive",
    "class_name",
    "name",
    "called",
    "note",
]
"""The columns of a table."""
PAIRS = 24
"""The pairs on a sheet of `diff`, where --top says nothing else."""

Top = Annotated[int | None, typer.Option(min=1, help="Keep the first rows.")]
Tile = Annotated[int, typer.Option(min=16, max=2048, help="Side of an image, in pixels.")]
Across = Annotated[int, typer.Option(min=0, help="Images a row (a sheet about 4 by 3).")]
_SHEET = "FILE.png|FILE.pdf"


@app.command(cls=TakesUnits)
def query(
    arguments: Annotated[list[str], typer.Argument(metavar="[DIR] EXPR")],
    sort: Sort = None,
    top: Top = None,
    columns: Columns = None,
    form: Form = printing.Format.TABLE,
    as_json: AsJson = False,
    sheet: Annotated[
        Path | None, typer.Option(metavar=_SHEET, help="Draw the units found.")
    ] = None,
) -> None:
    """Show the units for which an expression holds, as in 'layer == "mixed4" and activation > 8'.

    Or as the page's search: mixed4:42,mixed2:7 or 'layer:mixed4 activation > 12'.
    --top without --sort sorts by activation, strongest first. Columns of lists: 'TEXT in nearest'.
    'kept < 0.4': pictures that lose most of what they gained when they are seen otherwise.
    """
    form = printing.Format.JSON if as_json else form
    folder, expression = options.folder_and(arguments, "EXPR")
    atlas = options.open_atlas(folder)
    found = _found(atlas, expression, sort, top)
    shown = options.chosen(found, columns, [*FEW, *_named(found, expression, sort)], form)
    if sheet is not None:
        _save_sheet(atlas, list(found["unit"]), sheet, expression)
    printing.show_frame(shown, form)
    if form is printing.Format.TABLE:
        printing.err.print(f"{len(found):,} of {len(atlas):,} units", highlight=False)
    if found.empty:
        _why_none(atlas, expression)


@app.command(cls=TakesUnits)
def similar(
    arguments: Annotated[list[str], typer.Argument(metavar="[DIR] UNIT")],
    top: Annotated[int, typer.Option(min=1, help="How many.")] = 10,
    columns: Columns = None,
    form: Form = printing.Format.TABLE,
    as_json: AsJson = False,
) -> None:
    """Show the units whose images excite the same channels as a unit's, the nearest first.

    The distance is 1 less the cosine between the responses of all channels of the atlas's layers,
    each measured against its spread over the atlas: 0 for the same, 1 for nothing in common.
    """
    form = printing.Format.JSON if as_json else form
    folder, unit = options.folder_and(arguments, "UNIT")
    found = options.open_atlas(folder).similar(unit, top)
    few = ["unit", "distance", "activation", "selectivity", "class_name", "name"]
    printing.show_frame(options.chosen(found, columns, few, form), form)


@app.command(cls=TakesUnits)
def circuit(
    arguments: Annotated[list[str], typer.Argument(metavar="[DIR] UNIT")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar=_SHEET, help="Draw it on a sheet.")
    ] = None,
    columns: Columns = None,
    form: Form = printing.Format.TABLE,
    as_json: AsJson = False,
) -> None:
    """Show what a unit is built from, and what it feeds: measured by taking channels away.

    A row an edge. ablation_zero: by how much the target changes where the source is silent;
    ablation_mean: where it is at its mean over the atlas's pictures; share: what part of the
    target's activation goes; attribution: gradient times activation, the guess by which these were
    chosen; weight: the weights' own word, were all between linear.
    """
    form = printing.Format.JSON if as_json else form
    folder, unit = options.folder_and(arguments, "UNIT")
    atlas = options.open_atlas(folder)
    if output is not None:
        atlas.circuit_sheet(unit, output)
        printing.out.print(f"saved {output}", markup=False, highlight=False)
        return
    few = ["source", "target", "attribution", "ablation_zero", "ablation_mean", "share"]
    printing.show_frame(options.chosen(atlas.circuit(unit), columns, few, form), form)


@app.command()
def why(
    arguments: Annotated[list[str], typer.Argument(metavar="[DIR] PICTURE")],
    unit: Annotated[
        list[str] | None,
        typer.Option(help="These units, rather than those that it excites most; repeatable."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many channels.")] = 6,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar=_SHEET, help="Draw it on a sheet.")
    ] = None,
    form: Form = printing.Format.TABLE,
    as_json: AsJson = False,
) -> None:
    """Say why a picture excites units: how far above their usual, where, and by which channels.

    excess: 0 for the middle of what is usual, 1 for what one picture in a hundred exceeds, of those
    of `atlas examples` or, without any, of the atlas's own. agreement: of two maps of where, one by
    gradient, one by occlusion; where it is low, believe neither.
    """
    from pipeline.network import device  # noqa: PLC0415, before TensorFlow

    device.use("cpu")
    from pipeline.explore.why import table  # noqa: PLC0415, pandas is slow to import

    form = printing.Format.JSON if as_json else form
    folder, picture = options.folder_and(arguments, "PICTURE")
    atlas = options.open_atlas(folder)
    if output is not None:
        found = atlas.why_sheet(picture, output, unit or (), top)
    else:
        found = atlas.why(picture, unit or (), top)
    printing.show_frame(table(found), form)
    if output is not None and form is printing.Format.TABLE:
        printing.out.print(f"saved {output}", markup=False, highlight=False)


@app.command(cls=TakesUnits)
def note(
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[DIR] [UNIT [TEXT]]")] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE.csv",
            help="Notes of many, columns unit and note, or called, or both; all or nothing.",
        ),
    ] = None,
    called: Annotated[
        str | None, typer.Option("--called", metavar="NAME", help="Your name for the unit.")
    ] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Take the unit's note away.")] = False,
    as_json: AsJson = False,
) -> None:
    """Note a text of yours on a unit; without a text show the note, without a unit all of them.

    Notes are kept beside the atlas, and are in its index, on its page and in what is exported; so
    are your names for units, --called. Both can be typed on the page too (`atlas view`).
    """
    folder, words = options.folder_and_units(arguments or [])
    if (
        len(words) > 2
        or (table and (words or called is not None))
        or (delete and (len(words) != 1 or called is not None))
        or (called is not None and not words)
    ):
        raise ConfigError(
            "expected [DIR] UNIT TEXT, with TEXT in quotes; UNIT --called NAME; UNIT --delete; or "
            "--from FILE.csv"
        )
    atlas = options.open_atlas(folder)
    if table is not None:
        atlas.annotate(*_noted_in(table))
    elif delete:
        atlas.annotate({words[0]: ""}, {words[0]: ""})
    elif len(words) == 2 or called is not None:
        text = words[1] if len(words) == 2 else None
        if text is not None and not text.strip():
            raise ConfigError(f"the note on {words[0]} is empty: --delete takes one away")
        atlas.annotate(
            {} if text is None else {words[0]: text}, {} if called is None else {words[0]: called}
        )
    _show_notes(atlas, atlas.unit(words[0]).id if words else None, as_json)


def _show_notes(atlas: "Atlas", unit: str | None, as_json: bool) -> None:
    """Show what is noted on a unit, or on all of them."""
    notes, called = atlas.notes, atlas.called
    units = [unit] if unit else sorted({*notes, *called})
    if as_json:
        texts = {one: notes.get(one, "") for one in units}
        named = {one: {"note": texts[one], "called": called[one]} for one in units if one in called}
        printing.show_json(texts | named)
        return
    for one in units:
        name = f"{called[one]!r}: " if one in called else ""
        text = f"{one}: {name}{notes.get(one) or 'no note'}"
        printing.out.print(text, markup=False, highlight=False)


def _noted_in(table: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The notes and the names in a table of a user's; what is empty is passed over.

    What stands after a ' that keeps a spreadsheet from running it is taken without.
    """
    from pipeline.examples import labels  # noqa: PLC0415, pandas is slow to import

    frame = labels.table(table, ("unit",), ("note", "called"))
    texts = [frame[name].map(labels.text) for name in ("unit", "note", "called") if name in frame]
    if len(texts) == 1:
        there = ", ".join(map(str, frame.columns))
        raise ConfigError(f"{table} has no column 'note' or 'called': it has {there}")
    units = [_unquoted(unit) for unit in texts[0]]
    found = {
        str(column.name): {
            unit: _unquoted(text) for unit, text in zip(units, column, strict=True) if text
        }
        for column in texts[1:]
    }
    if not any(found.values()):
        raise ConfigError(f"{table} has no note: expected one in a row's column 'note' or 'called'")
    return found.get("note", {}), found.get("called", {})


def _unquoted(text: str) -> str:
    return text[1:] if re.match(r"'+[=+@-]", text) else text


@app.command(cls=TakesUnits)
def compare(
    arguments: Annotated[list[str], typer.Argument(metavar="[DIR] UNIT...")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar=_SHEET, help="The sheet.")
    ] = Path("compare.png"),
) -> None:
    """Draw units side by side: image, figures, trajectory, top responses, variants, nearest."""
    folder, units = options.folder_and_units(arguments)
    options.open_atlas(folder).compare(units, output)
    printing.out.print(f"saved {output}", markup=False, highlight=False)


@app.command(cls=TakesUnits)
def sheet(
    arguments: Annotated[list[str], typer.Argument(metavar="[DIR] EXPR")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar=f"{_SHEET}|FILE.webp", help="The sheet.")
    ],
    caption: Annotated[
        str, typer.Option(help="Columns, a line each under an image; '' for none.")
    ] = "unit",
    heading: Annotated[str, typer.Option(help="A line above.")] = "",
    columns: Across = 0,
    tile: Tile = 128,
    sort: Sort = None,
    top: Top = None,
) -> None:
    """Draw a contact sheet, for a paper, of the units for which an expression holds.

    As a .webp or .gif it is a film, one after the other: of `mixed4:42>7/9`, from 42 to 7. --top
    without --sort takes the strongest by activation. In a PDF text is text.
    """
    folder, expression = options.folder_and(arguments, "EXPR")
    atlas = options.open_atlas(folder)
    found = _found(atlas, expression, sort, top)
    if found.empty:
        raise MissingError(f"there is no unit for which {expression!r} holds")
    captions = options.listed(caption) if caption else []
    atlas.sheet(list(found["unit"]), output, heading, tile, columns, captions)
    printing.out.print(f"saved {output}, {len(found):,} units", markup=False, highlight=False)


@app.command()
def mosaic(
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.png", help="The PNG.")],
    folder: options.Folder = None,
    order: Annotated[
        str,
        typer.Option(
            help="channel, activation (the strongest first), similarity or activations (atlases)."
        ),
    ] = "similarity",
    section: Annotated[
        list[str] | None, typer.Option(help="Only this section; repeatable.")
    ] = None,
    tile: Tile = 64,
) -> None:
    """Draw all finished units on one sheet, in an order of choice."""
    options.open_atlas(folder).mosaic(output, order, section or (), tile)
    printing.out.print(f"saved {output}", markup=False, highlight=False)


@app.command()
def diff(
    before: Annotated[str, typer.Argument(metavar="DIR", help="The first atlas folder.")],
    after: Annotated[str, typer.Argument(metavar="DIR", help="The second.")],
    by: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Largest change first: response_distance, image_distance, activation_change or "
            "robust_change (the first that there is).",
        ),
    ] = None,
    top: Top = None,
    columns: Columns = None,
    form: Form = printing.Format.TABLE,
    as_json: AsJson = False,
    sheet: Annotated[
        Path | None,
        typer.Option(metavar=_SHEET, help=f"Draw them side by side, --top or {PAIRS} of them."),
    ] = None,
    tile: Tile = 128,
) -> None:
    """Show which units two atlases differ in most, as by recipe or fine-tuning.

    Units that only one has built are counted on standard error.
    """
    from pipeline.atlas import Atlas  # noqa: PLC0415

    form = printing.Format.JSON if as_json else form
    atlases = Atlas.open(before), Atlas.open(after)
    changes = atlases[0].diff(atlases[1])
    rows = changes.frame if by is None else changes.ordered(by)
    shown = rows if top is None else rows.head(top)
    few = ["unit", "activation_before", "activation_after", "robust_change"]
    few += ["image_distance", "response_distance"]
    frame = options.chosen(shown, columns, few, form)
    if sheet is not None:
        heading = f"{before} and {after}"
        atlases[0].diff_sheet(atlases[1], rows.head(top or PAIRS), sheet, heading, tile)
        printing.err.print(f"sheet: {sheet}", markup=False, highlight=False)
    printing.show_frame(frame, form)
    printing.err.print(
        f"{len(rows):,} units in both, {len(changes.only_before):,} only in {before}, "
        f"{len(changes.only_after):,} only in {after}",
        markup=False, highlight=False,
    )  # fmt: skip


@app.command()
def export(
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="PATH", help="Where; nothing may be there.")
    ],
    form: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="ome-zarr, dzi, csv, graphml or zip.")
    ],
    folder: options.Folder = None,
) -> None:
    """Write the atlas as what other programs read, all or nothing.

    ome-zarr: the mosaic and its units, for napari. dzi: the mosaic for a viewer that zooms.
    csv: the index for a spreadsheet. graphml: circuits as a graph, for Gephi and NetworkX.
    zip: the whole folder, equal bytes for equal folders.
    """
    options.open_atlas(folder).export(form, output)
    printing.out.print(f"saved {output}", markup=False, highlight=False)


def _found(atlas: "Atlas", expression: str, sort: str | None, top: int | None) -> "pd.DataFrame":
    """The units for which an expression holds; the strongest, where so many of no order are asked.

    The strongest negative units are those of the least activation.
    """
    if sort is not None or top is None:
        return atlas.query(expression, sort, top)
    found = atlas.query(expression)
    way = found["direction"].map({"positive": -1, "negative": 1}).astype("Int32")
    order = (found["activation"] * way).sort_values(kind="stable")
    return found.loc[order.index].head(top)


def _named(found: "pd.DataFrame", expression: str, sort: str | None) -> list[str]:
    """The columns of numbers that an expression names, or an order, but for those of `FEW`."""
    words = {*re.findall(r"\w+", expression), (sort or "").removeprefix("-")}
    numbers = found.select_dtypes("number")
    return [str(name) for name in numbers if name in words and name not in FEW]


def _why_none(atlas: "Atlas", expression: str) -> None:
    """Say why a unit is not there, where nothing but its id was asked for."""
    with contextlib.suppress(UnitError):
        unit = atlas.unit(expression)
        why = atlas.provenance.absence(unit, atlas.folder)
        printing.err.print(f"unit {unit.id} {why}", markup=False, highlight=False)


def _save_sheet(atlas: "Atlas", units: list[str], path: Path, heading: str) -> None:
    if not units:
        raise MissingError(f"there is no unit for which {heading!r} holds: nothing to draw")
    atlas.sheet(units, path, heading)
    printing.err.print(f"sheet of {len(units)} units: {path}", markup=False, highlight=False)

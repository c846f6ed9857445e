"""The command `atlas`. Each command checks its words, calls the library, and prints.

Exit codes: 0 done; 1 work failed; 2 wrong usage or configuration; 3 incomplete (`status`).
Nothing here imports TensorFlow but `render`; the heavy parts are imported where they are used.
"""

import contextlib
import errno
import importlib.metadata
import logging
import os
import re
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from pipeline.errors import AtlasError, ConfigError, MissingError, UsageError
from tasks.command import activations, ask, dictionary, options, pages, pictured, printing, study
from tasks.command.options import (
    INTERRUPTED,
    AsJson,
    Config,
    Folder,
    Only,
    Output,
    Settings,
    TakesUnits,
)

FAILED, WRONG, INCOMPLETE = 1, 2, 3
HUNG_UP = 128 + 13
"""Where who reads the output has enough of it, as `head` has: what SIGPIPE makes of other tools."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
FRAMES = 24
"""Snapshots of a film that `render` makes."""

app = typer.Typer(
    help="An atlas of what every channel of a convolutional network sees.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _say_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"atlas {importlib.metadata.version('channel-atlas')}")
        raise typer.Exit


@app.callback()
def _options(
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Say more.")] = False,
    version: Annotated[  # noqa: ARG001, it ends before
        bool,
        typer.Option(
            "--version", help="Say which version this is.", callback=_say_version, is_eager=True
        ),
    ] = False,
) -> None:
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.WARNING,
        format="%(name)s: %(message)s" if verbose else "%(message)s",
        stream=sys.stderr,
        force=True,
    )
    if verbose:
        for name in ("asyncio", "fsspec", "PIL", "h5py", "numcodecs"):
            logging.getLogger(name).setLevel(logging.INFO)


@app.command()
def init(
    config: Config = None,
    network: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A model file of yours, .keras or .h5 (InceptionV3)."),
    ] = None,
) -> None:
    """Write a configuration to begin with, commented; nothing that is there is replaced."""
    from tasks.command import init as starting  # noqa: PLC0415

    path = config or options.DEFAULT_CONFIG
    starting.write(path, network)
    printing.out.print(f"saved {path}: `atlas plan` says what it costs", markup=False)


@app.command()
def build(
    config: Config = None,
    output: Output = None,
    settings: Settings = None,
    only: Only = None,
    as_json: AsJson = False,
) -> None:
    """Build the atlas, or what is missing of it. Stop it at any moment; it goes on where it was."""
    _load_dask()
    from tasks import planning, progress  # noqa: PLC0415
    from tasks.build import run  # noqa: PLC0415

    plan = planning.make(options.load_config(config, output, settings), only or ())
    said = printing.err if as_json else printing.out
    for line in printing.unavailable(len(plan.unavailable())):
        said.print(line)
    with progress.show(said) as display:
        try:
            report = run.run(plan, display)
        except KeyboardInterrupt:
            printing.err.print(
                f"stopped: {display.done:,} units were added and are kept in {plan.folder}; "
                "the same command goes on from there"
            )
            raise typer.Exit(INTERRUPTED) from None
    if as_json:
        printing.show_json(vars(report))
    else:
        printing.show_report(report)
    if report.failed:
        raise typer.Exit(FAILED)


@app.command()
def plan(
    config: Config = None,
    output: Output = None,
    settings: Settings = None,
    only: Only = None,
    as_json: AsJson = False,
) -> None:
    """Show what would be built: units, batches, estimated time and bytes. Writes nothing."""
    _load_dask()
    from tasks import planning  # noqa: PLC0415
    from tasks.build import estimate  # noqa: PLC0415

    made = planning.make(options.load_config(config, output, settings), only or ())
    rate = estimate.real_rate(made)
    missing = made.missing()
    sections = {
        section.name: (len(section.units), estimate.estimate(made, batches, rate))
        for section, batches in missing
    }
    later = estimate.later(made, [batch for _, some in missing for batch in some], rate)
    known = made.provenance
    if as_json:
        printing.show_json(
            {
                "sections": {n: {"units": u, "missing": vars(c)} for n, (u, c) in sections.items()},
                "later": {name: vars(cost) for name, cost in later.items()},
                "unavailable": len(made.unavailable()),
                "folder": made.folder,
                "weights": vars(known.weights),
                "range": known.reading.range,
                "range_told": known.architecture.told,
                "precision": known.render.precision,
            }
        )
        return
    printing.show_plan(sections, later)
    for line in printing.unavailable(len(made.unavailable())):
        printing.out.print(line)
    if rate is not None:
        printing.out.print(
            f"times are for this machine, by steps of this network timed now; {rate.workers} "
            "workers"
        )
    printing.out.print(
        f"into {made.folder}; weights {known.weights.source}, black and white "
        f"{printing.range_of(known)}, {known.render.precision}"
    )


@app.command()
def status(folder: Folder = None, as_json: AsJson = False) -> None:
    """Show per section how many units are done, missing, failed and unavailable."""
    atlas = options.open_atlas(folder)
    sections = atlas.status()
    failures = atlas.failures()
    if as_json:
        printing.show_json({"sections": sections, "failures": failures})
    else:
        table = printing.table("section", "done", "missing", "failed", "unavailable")
        for name, counts in sections.items():
            table.add_row(name, *(f"{count:,}" for count in counts.values()))
        printing.out.print(table)
        for batch, reason in failures.items():
            printing.out.print(f"batch {batch} failed: {reason}", markup=False)
    if any(counts["failed"] for counts in sections.values()):
        raise typer.Exit(FAILED)
    if any(counts["missing"] for counts in sections.values()):
        raise typer.Exit(INCOMPLETE)


@app.command()
def verify(
    folder: Folder = None,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Take away what is damaged, to be made again."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read everything and compare it with its digests. Exit code 1 where anything is damaged."""
    from pipeline import verify as whole  # noqa: PLC0415
    from pipeline.findings import Finding  # noqa: PLC0415
    from pipeline.store import lock  # noqa: PLC0415
    from pipeline.store.store import ROOT, Store  # noqa: PLC0415

    place = folder or options.load_config().output
    if Store.is_lost(place):
        lost = Finding(
            ROOT, "lost", "what the atlas is made of: it, or what it names in directions/"
        )
        printing.show_findings([lost], as_json=as_json)
        printing.err.print("made again by the next `atlas build`; the rest can be read then")
        raise typer.Exit(FAILED)
    store = Store.open(place)
    with lock.held(store.folder) if repair else contextlib.nullcontext():
        findings = list(whole.verify(store))
        damaged = [finding for finding in findings if finding.is_loss]
        if repair:
            whole.repair(store, findings)
        elif damaged:
            with contextlib.suppress(OSError):  # a folder that is only read
                whole.distrust(store)
    printing.show_findings(findings, as_json=as_json)
    if damaged:
        gone = "what is damaged was taken away, and is " if repair else ""
        makers = " and ".join(sorted({f"`{finding.maker}`" for finding in damaged}))
        printing.err.print(f"{len(damaged)} damaged or lost: {gone}made again by the next {makers}")
        raise typer.Exit(FAILED)


@app.command()
def examples(
    pictures: Annotated[
        Path | None,
        typer.Argument(help="A folder, a list of files or a Zarr array; if none, the former ones."),
    ] = None,
    config: Config = None,
    output: Output = None,
    settings: Settings = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Forget what it was shown, labels too, and see all."),
    ] = False,
    labels: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv|FILE.parquet",
            help="Their labels, columns path and label (the names of their subfolders).",
        ),
    ] = None,
    crops: Annotated[
        bool,
        typer.Option("--crops", help="Names alike up to a last number are of one photograph."),
    ] = False,
    whole: Annotated[
        bool | None,
        typer.Option(
            "--whole/--no-whole",
            help="Small whole copies of them on the page, or crops alone (as before; whole).",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the atlas pictures of yours, and keep for each unit those that excite it most.

    Where they have labels, a unit whose activation tells one beyond chance has it for a name. Of
    ten photographs and more, each picture is tried: does it tell, by another network's eyes
    (truth.judge), which crops of them excite its unit? See `prediction` and `tells` in the index.
    Crops of them, and small whole copies, are on the page: whoever has the folder site/ sees them.
    """
    _load_dask()
    from pipeline.examples.labels import Labels  # noqa: PLC0415
    from pipeline.examples.source import found_in, passed_over  # noqa: PLC0415
    from tasks import planning, progress  # noqa: PLC0415
    from tasks.build import examples as showing  # noqa: PLC0415

    made = planning.existing(options.load_config(config, output, settings))
    found = found_in(pictures) if pictures else []
    said = Labels(labels, crops) if labels or crops else None
    with progress.show(printing.err) as display:
        try:
            shown = showing.show(made, found, display, replace=replace, labels=said, whole=whole)
        except KeyboardInterrupt:
            printing.err.print("stopped: what was seen is kept; `atlas examples` goes on")
            raise typer.Exit(INTERRUPTED) from None
    passed = passed_over(pictures) if pictures else []
    if as_json:
        printing.show_json({**vars(shown), "passed_over": passed})
        return
    printing.show_left_out(shown.pictures, shown.left_out)
    printing.show_some("rescaled by the range of their own greys", shown.rescaled)
    printing.show_some("passed over, no pictures by name", passed)
    printing.show_labelled(shown)
    printing.show_tried(shown)
    printing.show_page(shown)


@app.command(cls=TakesUnits)
def where(
    arguments: Annotated[list[str], typer.Argument(metavar="[DIR] UNIT")],
    picture: Annotated[
        Path | None, typer.Option(help="A picture of yours (the unit's own image).")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The PNG.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show where in a picture a unit fires: fully bright is its largest value on its own image."""
    folder, unit = options.folder_and(arguments, "UNIT")
    atlas = options.open_atlas(folder)
    from pipeline.network import device  # noqa: PLC0415

    device.use("cpu")
    found = atlas.where(unit, picture)
    name = re.sub(r"[^\w.@+-]", "-", re.sub("^-", "negative-", unit))
    path = output or Path(f"{name}-where.png")
    printing.save(found.image, path)
    if as_json:
        field, (row, column) = found.field, found.peak
        told = {
            "unit": unit, "mean": field.mean(), "peak": field.max(), "row": row, "column": column,
            "rows": field.shape[0], "columns": field.shape[1], "own_peak": found.own, "file": path,
        }  # fmt: skip
        printing.show_json(told)
        return
    printing.out.print(repr(found))
    printing.err.print(f"saved {path}")


@app.command(cls=TakesUnits)
def show(
    arguments: Annotated[list[str], typer.Argument(metavar="[DIR] UNIT")],
    save: Annotated[Path | None, typer.Option(help="Write the image as a PNG.")] = None,
    film: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write its way as a .webp, .gif or .png.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show one unit: its image, its statistics, its trajectory; or its film (render.snapshots).

    The image is drawn in the terminal's colours, where it has any; --save keeps it. kept: the share
    of its gain that it keeps under views that the ascent has not seen, the mean of kept_noise,
    kept_jpeg and the others. agreement: how alike its variants are, 0 as pictures of different
    units, 1 the same. Where pictures were tried on photographs (`atlas examples`), it says whether
    this one tells what excites the unit, by whose eyes.
    """
    from PIL import Image  # noqa: PLC0415

    from pipeline.plan import words  # noqa: PLC0415, slow to import
    from tasks.command import terminal  # noqa: PLC0415

    folder, unit = options.folder_and(arguments, "UNIT")
    atlas = options.open_atlas(folder)
    if film is not None:
        printing.save_film(atlas.film(unit), film)
    image, row, trajectory = atlas.image(unit), atlas.row(unit), atlas.trajectory(unit)
    if save is not None:
        printing.save(Image.fromarray(image), save)
    judged = {"judge": atlas.judge} if "tells" in row else {}
    if as_json:
        printing.show_json({**row, **judged, "trajectory": trajectory})
        return
    if printing.out.is_terminal and printing.out.color_system and not printing.out.no_color:
        printing.out.print(terminal.picture(image))
    lines = {str(name): printing.text_of(value) for name, value in row.items()}
    said = words.trial(atlas.unit(unit), dict(row), atlas.judge)
    lines |= {"trajectory": terminal.curve(trajectory.tolist())}
    for name, text in (lines | ({"photographs": said} if said else {})).items():
        printing.out.print(f"{name:<18} {text}".rstrip(), markup=False, highlight=False)
    for path in (save, film):
        if path is not None:
            printing.out.print(f"saved {path}")


@app.command(cls=TakesUnits)
def render(
    arguments: Annotated[
        list[str], typer.Argument(metavar="[DIR] UNIT", help="An atlas, and an id as in mixed4:42.")
    ],
    config: Config = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The PNG (the unit's id).")
    ] = None,
    film: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help=f"Write its way too, {FRAMES} snapshots or render.snapshots."
        ),
    ] = None,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Render one unit alone: equal to the tile of the atlas in DIR, or of the configuration's.

    With -c or --set, or where there is no atlas, as the configuration says; none is needed.
    """
    from PIL import Image  # noqa: PLC0415

    from pipeline import single  # noqa: PLC0415
    from pipeline.config.schema import AtlasConfig  # noqa: PLC0415
    from pipeline.sheets import film as films  # noqa: PLC0415

    folder, unit = options.folder_and(arguments, "UNIT")
    path = output or Path(re.sub(r"[^\w.@+-]", "_", unit) + ".png")
    if not path.absolute().parent.is_dir():
        raise ConfigError(f"-o {path}: there is no folder {path.absolute().parent}")
    if film is not None:
        films.check(film)
    by = options.rendered_by(folder, config, settings)
    known = single.planned(by, unit) if isinstance(by, AtlasConfig) else by.provenance
    said = "as configured" if isinstance(by, AtlasConfig) else f"as the atlas {by.folder} has it"
    rendered = single.render(unit, single.filmed(known, FRAMES) if film else known)
    printing.save(Image.fromarray(rendered.image), path)
    if film is not None:
        printing.save_film(rendered.film, film)
    if as_json:
        figures = ("unit", "start", "activation", "robust", "seconds")
        plain = {name: getattr(rendered, name) for name in figures}
        printing.show_json({**plain, "by": said, "file": path, "film": film})
        return
    printing.show_elsewhere(known)
    printing.out.print(
        f"{rendered.unit}: activation {rendered.start:.4g} at the start, "
        f"{rendered.activation:.4g} at the end ({rendered.robust:.4g} robust), "
        f"{rendered.seconds:.1f} s, {said}\nsaved {path}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    if film is not None:
        printing.out.print(f"saved {film}")


@app.command()
def doctor(
    config: Config = None,
    settings: Settings = None,
    layers: Annotated[
        bool, typer.Option("--layers", help="List all layers that units may be of.")
    ] = False,
    network: Annotated[
        Path | None,
        typer.Option("--network", help="Look into this model file, and at nothing else."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check versions, devices, weights, and what else a build needs; say how to mend it."""
    _load_dask()
    from tasks.command.doctor import examine, look_into  # noqa: PLC0415

    found = []
    for finding in (
        look_into(network, layers)
        if network
        else examine(options.config_or_default(config, settings), layers)
    ):
        found.append(finding)
        if not as_json:  # as it is found: some take their time
            printing.show_checked(finding)
    if as_json:
        printing.show_json([vars(finding) for finding in found])
    if any(finding.state == "wrong" for finding in found):
        raise typer.Exit(FAILED)


app.add_typer(ask.app)
app.add_typer(dictionary.app)
app.add_typer(activations.app)
app.add_typer(pictured.app)
app.add_typer(study.app)
app.add_typer(pages.app)


def main() -> None:
    """Run the command; one line and an exit code for whatever is wrong."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        _run()
    except AtlasError as error:
        _say(f"{error}")
        sys.exit(WRONG if isinstance(error, UsageError | MissingError) else FAILED)
    except BrokenPipeError:
        _give_up_output()
        sys.exit(HUNG_UP)
    except OSError as error:
        if error.filename is not None or error.errno not in _FULL:
            raise
        _give_up_output()
        _say(f"the output cannot be written: {error.strerror}")
        sys.exit(FAILED)


def _run() -> None:
    """Run the command and see that all it said is out, so that nothing is wrong afterwards."""
    try:
        app()
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # what prints made an exit of it
            raise end.__context__ from None
        raise
    finally:
        sys.stdout.flush()


def _say(text: str) -> None:
    printing.err.print(f"atlas: {text}", style="red", markup=False, highlight=False)


def _give_up_output() -> None:
    """Let nothing more be tried with an output that takes nothing."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _load_dask() -> None:
    from tasks.pool import library  # noqa: PLC0415, slow to import

    library.load()


def _interrupt(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()

"""The command that compares recipes: `atlas study`."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import ConfigError
from tasks.command import options, printing
from tasks.command.options import INTERRUPTED, AsJson, Settings

app = typer.Typer()


@app.command()
def study(
    configs: Annotated[
        list[Path] | None, typer.Argument(metavar="CONFIG", help="A variation a file.")
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option("-c", "--config", help=f"What --vary changes ({options.DEFAULT_CONFIG})."),
    ] = None,
    settings: Settings = None,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE[;KEY=VALUE]...",
            help="A variation: what changes in the configuration; repeatable.",
        ),
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(help="Show all atlases these pictures, as `atlas examples` does."),
    ] = None,
    output: Annotated[
        str, typer.Option("-o", "--output", help="The folder of the study.")
    ] = "study",
    against: Annotated[
        str | None, typer.Option(metavar="NAME", help="Hold the others against it (the first).")
    ] = None,
    measure: Annotated[
        str | None,
        typer.Option(help="What is plotted: prediction, kept or activation (the first there is)."),
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option(metavar="FILE.png|FILE.pdf", help="Save the plot there too.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare recipes on the same units: what pictures are worth, and what they cost.

    Each variation is an atlas of its own below the study's folder, built as `atlas build` does:
    stop it at any moment, the same command goes on. It is called after its file, or what differs.

    activation: as a factor, since layers have scales of their own. kept: what a picture
    keeps under views whose kind no ascent used. prediction: how well pictures tell
    photographs, with --pictures. seconds: a processor's, of rendering a unit. Changes are the
    middle one over units, with 95 % intervals. Beside the atlases: summary.parquet,
    units.parquet, study.md and pareto.png.
    """
    _check(configs, base, vary, output)
    from tasks.pool import library  # noqa: PLC0415, slow to import

    library.load()
    from pipeline.study import variations  # noqa: PLC0415
    from tasks import progress  # noqa: PLC0415
    from tasks.build import study as studying  # noqa: PLC0415

    said = settings or []
    named = variations.of_files(configs or [], said)
    changed = variations.of_changes(base or options.DEFAULT_CONFIG, vary, said) if vary else {}
    wish = studying.Wish(Path(output), against, pictures, measure, sheet)
    with progress.show(printing.err) as display:
        try:
            found = studying.study(variations.joined(named, changed), wish, display)
        except KeyboardInterrupt:
            printing.err.print(
                "stopped: what was built is kept; the same command goes on from there"
            )
            raise typer.Exit(INTERRUPTED) from None
    if as_json:
        printing.show_json(
            {
                "against": found.against,
                "notes": found.notes,
                "summary": found.summary.to_dict("records"),
            }
        )
        return
    printing.show_study(found)
    printing.out.print(f"saved {output}", markup=False, highlight=False)


def _check(
    configs: list[Path] | None, base: Path | None, vary: list[str] | None, output: str
) -> None:
    """Raise where what was asked for is no study."""
    if not configs and not vary:
        raise ConfigError(
            "there is nothing to compare: name configurations, or changes to one, as in "
            "`atlas study --vary recipe=draft --vary recipe=fourier`"
        )
    if base and not vary:
        raise ConfigError(
            f"-c {base}: it is what --vary changes; name files of variations without -c"
        )
    if "://" in output:
        raise ConfigError(f"-o {output}: a study is in a folder of this machine")

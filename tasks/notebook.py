"""Whole atlases from a notebook or a script: builds as the command's, as functions."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import luigi
from rich.console import Console

from pipeline.atlas import Atlas
from pipeline.config.given import Given, configuration
from pipeline.errors import WorkError
from pipeline.network.apart import unseen_script
from pipeline.study.comparison import Study
from tasks import planning, progress
from tasks.build import run
from tasks.build import study as studying
from tasks.build.run import Report
from tasks.planning import Plan
from tasks.pool.dispatch import Note
from tasks.progress import Display, Progress


def build_atlas(
    config: Given,
    settings: Mapping[str, Any] | None = None,
    *,
    only: Sequence[str] = (),
    progress: bool | Callable[[Progress], object] = True,
) -> Atlas:
    """Build an atlas, or what is missing of it, as `atlas build` does.

    >>> build_atlas("atlas_config.yaml")
    >>> build_atlas("atlas_config.yaml", {"output": "data/large", "image.size": 224})
    >>> build_atlas({"output": "data/small", "units": ["mixed4:0-3"], "recipe": "draft"})

    Stop it at any moment, by Ctrl-C or by interrupting the kernel: what is committed is kept, and
    the same call goes on from there. It works where an event loop runs, as in Jupyter, and in any
    thread; it sets no signal handlers. Workers are processes that do not run your script again.

    Args:
        config: a configuration, the path of its YAML file, or what such a file says, as a mapping.
        settings: changes by key, as in `{"image.size": 64}`.
        only: patterns of the units to compute now; none for all of the configuration's.
        progress: whether to show how far it is, on the terminal or in the notebook; or a function
            to tell, at the start and with every batch.

    Returns:
        The atlas, opened.

    Raises:
        UsageError: anything that cannot be; nothing was written.
        WorkError: batches failed, or the build could not go on; what is committed stays.
    """
    made = configuration(config, settings)
    with unseen_script(), _no_handlers():
        plan = planning.make(made, only)
        with _display(progress) as display:
            _warn(plan, display)
            report = run.run(plan, display)
    atlas = Atlas.open(plan.folder)
    if report.failed:
        raise _failed(report, atlas)
    return atlas


def build_study(
    variations: Mapping[str, Given],
    output: str | Path = "study",
    settings: Mapping[str, Any] | None = None,
    *,
    against: str | None = None,
    pictures: str | Path | None = None,
    measure: str | None = None,
    progress: bool | Callable[[Progress], object] = True,
) -> Study:
    """Build an atlas of each variation, or what is missing of it, and compare them: `atlas study`.

    >>> base = {"units": ["mixed4:0-31"]}
    >>> study = build_study({name: {**base, "recipe": name} for name in ("draft", "fourier")})
    >>> study.summary.query("section == 'mixed4'")

    Args:
        variations: configurations by name, each as of `build_atlas`; their atlases are called so.
        output: the folder of the study: the atlases, the tables, a page and a plot.
        settings: changes to all of them by key.
        against: the variation that the others are held against; the first, if nothing is said.
        pictures: a folder of pictures to show all atlases, as `atlas examples` does.
        measure: what the plot holds against seconds: `prediction`, `kept` or `activation`; the
            first that is measured, if nothing is said.
        progress: as of `build_atlas`.

    Returns:
        The study; what it holds is in its folder too.

    Raises:
        UsageError: anything that cannot be; nothing was written.
        NotMeasuredError: `measure` is not measured of these units; all but the plot is written.
        WorkError: batches failed, or a build could not go on; what is committed stays.
    """
    made = {name: configuration(given, settings) for name, given in variations.items()}
    shown = Path(pictures).expanduser() if pictures is not None else None
    wish = studying.Wish(Path(output).expanduser(), against, shown, measure)
    with unseen_script(), _no_handlers(), _display(progress) as display:
        return studying.study(made, wish, display)


def _display(wanted: bool | Callable[[Progress], object]) -> Display:
    if callable(wanted):
        return progress.told(wanted)
    return progress.show(Console(soft_wrap=True)) if wanted else progress.silent()


def _warn(plan: Plan, display: Display) -> None:
    """Say that the weights have nothing for some units, if so."""
    count = len(plan.unavailable())
    if count:
        text = f"{count:,} units are unavailable: {plan.provenance.weights.path} has no classifier"
        display.update(Note(text))


def _failed(report: Report, atlas: Atlas) -> WorkError:
    batch, reason = next(iter(atlas.failures().items()))
    return WorkError(
        f"{report.failed:,} units failed, first of batch {batch}: {reason}; {report.done:,} are "
        f"done and kept in {report.folder}: the same call tries again"
    )


@contextlib.contextmanager
def _no_handlers() -> Iterator[None]:
    """Keep Luigi from handling a signal: that is for the program, and for its main thread only."""
    config = luigi.configuration.get_config()
    key = ("worker", "no_install_shutdown_handler")
    before = config.get(*key, "false")
    config.set(*key, "true")
    try:
        yield
    finally:
        config.set(*key, before)

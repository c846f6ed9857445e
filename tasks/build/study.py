"""A study: an ordinary build for each variation, one after the other, and their comparison.

STUDY/VARIATION/            the atlas of each
STUDY/units.parquet         a row a unit and variation
STUDY/summary.parquet       the table: a row a section, measure and variation
STUDY/study.md, pareto.png  the same to read, and as a plot
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.schema import AtlasConfig
from pipeline.errors import AtlasFolderError, ConfigError, WorkError
from pipeline.examples.source import found_in
from pipeline.explore import index
from pipeline.sheets import paper, pareto
from pipeline.store.folder import LocalFolder
from pipeline.store.store import ROOT, Store
from pipeline.study import measures, report, variations
from pipeline.study.comparison import Study, checked, compare, ranking
from pipeline.study.measures import Measure
from pipeline.truth import features
from tasks import planning
from tasks.build import examples, run
from tasks.planning import Plan
from tasks.pool.dispatch import Display, Note
from tasks.pool.work import STEPS, Steps

UNITS, SUMMARY, PAGE, PLOT = "units.parquet", "summary.parquet", "study.md", "pareto.png"
"""What a study's folder holds beside its atlases."""


@dataclass(frozen=True)
class Wish:
    """What is wanted of a study.

    Attributes:
        folder: where it goes.
        against: the variation that the others are held against; the first, if nothing is said.
        pictures: what all atlases are shown, as `atlas examples` shows it; nothing, if none.
        measure: what the plot holds against seconds; what says most, if nothing is said.
        sheet: where the plot goes too, a .png or a .pdf.
    """

    folder: Path
    against: str | None = None
    pictures: Path | None = None
    measure: str | None = None
    sheet: Path | None = None


def study(
    configs: Mapping[str, AtlasConfig], wish: Wish, display: Display, steps: Steps = STEPS
) -> Study:
    """Build an atlas of each variation, or what is missing of it, and compare them.

    Args:
        configs: by the variation's name; where their atlases go is the study's to say.
        wish: what is wanted.
        display: told of every outcome.
        steps: what workers do.

    Raises:
        UsageError: anything that cannot be; nothing was written.
        WorkError: batches of a variation failed; what is committed stays.
    """
    plans = _planned(configs, wish)
    measure = measures.ranked_by(wish.measure) if wish.measure else None
    pictures = found_in(wish.pictures) if wish.pictures else None
    for number, (name, plan) in enumerate(plans.items(), 1):
        display.update(Note(f"{name}, {number} of {len(plans)}"))
        _insist(name, run.run(plan, display, steps))
        if pictures is not None:
            examples.show(planning.existing(plan.config), pictures, display, steps=steps)
    stores = {name: Store.open(plan.folder) for name, plan in plans.items()}
    found = compare(
        {name: index.of(store) for name, store in stores.items()},
        {name: store.provenance.recipe for name, store in stores.items()},
        wish.against,
        next(iter(stores.values())).provenance.seed,
        {name: features.trial(store) for name, store in stores.items()},
    )
    write(found, wish.folder, measure)
    if wish.sheet:
        paper.save(pareto.lay_out(found, measure or ranking(found)), wish.sheet)
    return found


def _planned(configs: Mapping[str, AtlasConfig], wish: Wish) -> dict[str, Plan]:
    """The plan of each variation; all is checked, and nothing written."""
    named = variations.several(configs)
    checked(list(named), wish.against)
    if wish.sheet:
        paper.check(wish.sheet)
    if LocalFolder(wish.folder).has(ROOT):
        raise AtlasFolderError(f"{wish.folder} is an atlas: a study needs a folder of its own (-o)")
    placed = variations.placed(named, wish.folder)
    plans = {name: planning.make(config) for name, config in placed.items()}
    variations.refuse_other_judges(placed)
    variations.refuse_unlike({name: plan.provenance for name, plan in plans.items()})
    return plans


def _insist(name: str, ended: run.Report) -> None:
    """Stop where batches failed: what is missing of one variation says nothing of the others."""
    if ended.failed:
        raise WorkError(
            f"{ended.failed:,} units of {name} failed: `atlas status {ended.folder}` says why; "
            f"{ended.done:,} are done and kept, and the same command tries again"
        )


def write(found: Study, folder: Path, measure: Measure | None = None) -> None:
    """Write a study's tables, page and plot, each whole or not at all.

    Args:
        found: the study.
        folder: where they go.
        measure: what the plot holds against seconds; what says most, if nothing is said.

    Raises:
        ConfigError: the folder cannot be written.
    """
    place = LocalFolder(folder)
    try:
        place.begin()
        for name, frame in ((UNITS, found.units), (SUMMARY, found.summary)):
            place.write(name, functools.partial(frame.to_parquet, index=False))
        page = report.markdown(found, PLOT)
        place.write_bytes(PAGE, page.encode())
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error.strerror or error}") from error
    paper.save(pareto.lay_out(found, measure or ranking(found)), folder / PLOT)

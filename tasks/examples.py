"""Showing an atlas a user's own pictures, on the pool that builds: resumable as a build is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline import examples, index, natural, site
from pipeline.crops import Crops
from pipeline.errors import ConfigError, WorkError
from pipeline.pictures import Picture
from pipeline.records import Failure
from pipeline.store import Store
from pipeline.units import Batch
from tasks import cluster, lock, work
from tasks.dispatch import Work, dispatch
from tasks.planning import Plan
from tasks.progress import Display


@dataclass(frozen=True)
class Shown:
    """How that ended.

    Attributes:
        pictures: how many there are.
        left_out: those that could not be read, with the reason.
    """

    pictures: int
    left_out: dict[str, str]


def show(
    plan: Plan, pictures: Sequence[Picture], display: Display, *, replace: bool = False
) -> Shown:
    """Show an atlas pictures, those that it has not seen, and find each unit's strongest.

    Args:
        plan: of the atlas, for its cluster.
        pictures: all of them; none for those that it was shown before.
        display: told of every outcome.
        replace: forget other pictures that it was shown before.

    Raises:
        AtlasFolderError: there is no atlas, or a build is at it.
        ConfigError: it was shown other pictures before; or none are given, and none were.
        WorkError: a batch failed.
    """
    Store.open(plan.folder)  # raises where there is none
    with lock.held(plan.folder, plan.config.build.lease) as check, cluster.sharing():
        store = Store.open(plan.folder)
        if pictures:
            examples.begin(store, pictures, replace=replace)
        known = examples.listed(store)
        if not known:
            raise ConfigError(
                f"the atlas {store.folder} was shown no pictures yet: name a folder of them"
            )
        tables = examples.tables(store)
        batches = examples.pending(store, tables)
        examples.prepare(tables, batches)
        missing = sum(len(batch.units) for batch in batches)
        display.start(len(known) - missing, missing, "pictures")
        _run(plan, batches, work.look, display, check)
        crops = Crops(store)
        if not natural.is_current(store):
            crops.clear()
            natural.summarise(store)
        batches = crops.pending()
        crops.prepare_all(store.provenance.available_sections(), batches)
        display.start(0, sum(len(batch.units) for batch in batches))
        _run(plan, batches, work.crop, display, check)
        index.refresh(store)
        if plan.config.site:
            site.write(store)
        return Shown(len(known), examples.left_out(store))


def _run(
    plan: Plan, batches: Sequence[Batch], do: Work, display: Display, check: Callable[[], None]
) -> None:
    if not batches:
        return
    with cluster.pool(plan.config) as client:
        for outcome in dispatch(client, plan, batches, do):
            check()
            if isinstance(outcome, Failure):
                raise WorkError(f"{outcome.batch}: {outcome.reason}; what was done stays")
            display.update(outcome)

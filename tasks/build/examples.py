"""Showing an atlas a user's own pictures, on the pool that builds: resumable as a build is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.examples import seen, strongest
from pipeline.explore import index
from pipeline.publish import site
from pipeline.examples.crops import Crops
from pipeline.errors import NotMeasuredError, WorkError
from pipeline.examples.source import Picture
from pipeline.store.records import Failure
from pipeline.store.store import Store
from pipeline.plan.batches import Batch
from tasks.build import lock
from tasks.pool import cluster, work
from tasks.pool.dispatch import Work, dispatch
from tasks.planning import Plan
from tasks.pool.dispatch import Display


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
        ConfigError: it was shown other pictures before.
        NotMeasuredError: none are given, and it was shown none.
        WorkError: a batch failed.
    """
    Store.open(plan.folder)  # raises where there is none
    with lock.held(plan.folder, plan.config.build.lease) as check, cluster.sharing():
        store = Store.open(plan.folder)
        if pictures:
            seen.begin(store, pictures, replace=replace)
        known = seen.listed(store)
        if not known:
            raise NotMeasuredError(
                f"the atlas {store.folder} was shown no pictures yet: name a folder of them"
            )
        tables = seen.tables(store)
        batches = seen.pending(store, tables)
        seen.prepare(tables, batches)
        missing = sum(len(batch.units) for batch in batches)
        display.start(len(known) - missing, missing, "pictures")
        _run(plan, batches, work.look, display, check)
        crops = Crops(store)
        if not strongest.is_current(store):
            crops.clear()
            strongest.summarise(store)
        batches = crops.pending()
        crops.prepare_all(store.provenance.available_sections(), batches)
        display.start(0, sum(len(batch.units) for batch in batches))
        _run(plan, batches, work.crop, display, check)
        index.refresh(store)
        if plan.config.site:
            site.write(store)
        return Shown(len(known), seen.left_out(store))


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

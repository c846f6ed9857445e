"""Showing an atlas a user's own pictures, on the pool that builds: resumable as a build is."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.errors import NotMeasuredError, WorkError
from pipeline.examples import seen, strongest
from pipeline.examples.crops import Crops
from pipeline.examples.source import Picture
from pipeline.explore import index
from pipeline.plan.batches import Batch
from pipeline.publish import site
from pipeline.store.records import Failure
from pipeline.store.store import Store
from tasks.build import lock
from tasks.build.running import Running
from tasks.planning import Plan
from tasks.pool.dispatch import Display, dispatch
from tasks.pool.work import STEPS, Do, Member, Steps


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
    plan: Plan,
    pictures: Sequence[Picture],
    display: Display,
    *,
    replace: bool = False,
    steps: Steps = STEPS,
) -> Shown:
    """Show an atlas pictures, those that it has not seen, and find each unit's strongest.

    Args:
        plan: of the atlas, for its cluster.
        pictures: all of them; none for those that it was shown before.
        display: told of every outcome.
        replace: forget other pictures that it was shown before.
        steps: what workers do.

    Raises:
        AtlasFolderError: there is no atlas, or a build is at it.
        ConfigError: it was shown other pictures before.
        NotMeasuredError: none are given, and it was shown none.
        WorkError: a batch failed.
    """
    Store.open(plan.folder)  # raises where there is none
    with (
        lock.held(plan.folder, plan.config.build.lease) as check,
        Running(plan, display, check, steps=steps) as running,
    ):
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
        _run(running, batches, running.steps.see)
        crops = Crops(store)
        if not strongest.is_current(store):
            crops.clear()
            strongest.summarise(store)
        uncut = crops.pending()
        crops.prepare_all(store.provenance.available_sections(), uncut)
        display.start(0, sum(len(batch.units) for batch in uncut))
        _run(running, uncut, running.steps.cut)
        index.refresh(store)
        if plan.config.site:
            site.write(store)
        return Shown(len(known), seen.left_out(store))


def _run(running: Running, batches: Sequence[Batch[Member]], do: Do[Member]) -> None:
    if not batches:
        return
    with running.pool() as client:
        for outcome in dispatch(client, running.plan, batches, do):
            if isinstance(outcome, Failure):
                raise WorkError(f"{outcome.batch}: {outcome.reason}; what was done stays")
            running.tell(outcome)

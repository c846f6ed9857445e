"""Running a build: the lock, Luigi, the display, and the truth at the end."""

import contextlib
import shlex
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline import verify
from pipeline.errors import DamageError
from pipeline.explore import index
from pipeline.plan.batches import Batch
from pipeline.publish import site
from pipeline.store import lock
from pipeline.store.folder import Folder
from pipeline.store.store import Store
from tasks.build import estimate
from tasks.build.graph import BuildAtlas, GivenUpError
from tasks.build.refresh import Refresher
from tasks.build.running import Running
from tasks.build.schedule import schedule
from tasks.planning import Plan
from tasks.pool.dispatch import Display, Note
from tasks.pool.work import STEPS, Steps


@dataclass(frozen=True)
class Report:
    """How a build ended.

    Attributes:
        done: units that are committed, of those planned.
        missing: planned units that are not.
        failed: units of batches that were given up.
        unavailable: units that the weights have nothing for.
        seconds: what it took.
        folder: the atlas folder.
    """

    done: int
    missing: int
    failed: int
    unavailable: int
    seconds: float
    folder: Folder


def run(plan: Plan, display: Display, steps: Steps = STEPS) -> Report:
    """Build an atlas, or what is missing of it.

    Args:
        plan: what to build.
        display: told of every outcome.
        steps: what workers do.

    Raises:
        AtlasFolderError: another build is at it.
        WorkError: the build could not go on; what was committed stays.
    """
    began = time.monotonic()
    with begun(plan, display, steps) as running:
        ended = schedule(BuildAtlas.of(running), plan.config.build)
    ended.insist(GivenUpError)
    failed = sum(len(f.units) for f in Store.open(plan.folder).records.failures())
    missing = _missing(plan)
    return Report(
        done=sum(len(section.units) for section in plan.sections()) - missing,
        missing=missing - failed,
        failed=failed,
        unavailable=len(plan.unavailable()),
        seconds=time.monotonic() - began,
        folder=plan.folder,
    )


@contextlib.contextmanager
def begun(plan: Plan, display: Display, steps: Steps = STEPS) -> Iterator[Running]:
    """A build that has the atlas folder to itself, looked after, until the end.

    Args:
        plan: what to build.
        display: told what there is and what is missing; then of every outcome.
        steps: what workers do.

    Raises:
        AtlasFolderError: another build is at it.
    """
    with lock.held(plan.folder, plan.config.build.lease) as check:
        if Store.is_lost(plan.folder):
            verify.restore(plan.folder, plan.provenance)
            display.update(Note("what the atlas is made of was lost, and is written anew"))
        if Store.exists(plan.folder):
            _look_after(Store.open(plan.folder), display)
        batches = [batch for _, missing in plan.missing() for batch in missing]
        missing = sum(len(batch.units) for batch in batches)
        there = sum(len(s.units) for s in plan.sections()) - missing
        display.start(there, missing, later=_later(plan, batches) if missing else 0.0)
        page = {"refresh": Refresher(plan.folder)} if plan.config.site else {}
        with Running(plan, display, check, steps=steps, **page) as running:
            yield running
        if Store.exists(plan.folder):
            site.tidy(plan.folder)
            verify.trust(Store.open(plan.folder))
            _tell_dead(plan, display)


def _look_after(store: Store, display: Display) -> None:
    """Forget what failed before, and take back what was damaged since."""
    store.records.note_failures([])
    found = verify.drop_damaged(store)
    page = [finding.part for finding in found if site.is_of_page(finding.part)]
    for damaged in found:
        again = "made again" if damaged.maker == "atlas build" else f"left to `{damaged.maker}`"
        if damaged.part not in page:
            display.update(Note(f"{damaged.part} is damaged and {again}: {damaged.reason}"))
    if page:
        display.update(Note(f"{len(page)} files of the page are damaged and made again"))


def _missing(plan: Plan) -> int:
    return sum(len(batch.units) for _, batches in plan.missing() for batch in batches)


def _later(plan: Plan, batches: Sequence[Batch]) -> float:
    """Seconds that follow on rendering batches, about, on this machine."""
    stages = estimate.later(plan, batches, estimate.quick_rate(plan))
    return sum(cost.seconds or 0.0 for cost in stages.values())


def _tell_dead(plan: Plan, display: Display) -> None:
    """Say how many units did not move their way, if any, and how to see which."""
    try:
        dead = index.dead(plan.folder)
    except (OSError, DamageError):
        return  # the build ended before it was written
    if dead:
        where = shlex.quote(str(plan.folder))
        text = "1 unit is dead, with an image that does not excite it"
        if dead > 1:
            text = f"{dead:,} units are dead, with images that do not excite them"
        display.update(Note(f"{text}: atlas query {where} 'not alive'"))

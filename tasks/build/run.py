"""Running a build: the lock, Luigi, the display, and the truth at the end."""

import contextlib
import logging
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import luigi
from luigi.rpc import RPCError

from pipeline import verify
from pipeline.errors import AtlasError, WorkError
from pipeline.store.folder import Folder
from pipeline.store.store import Store
from pipeline.plan.batches import Batch
from tasks.build import graph as graph
from tasks.build import lock
from tasks.pool import cluster
from tasks.pool.dispatch import Note, Outcome
from tasks.planning import Plan
from tasks.pool.dispatch import Display
from tasks.build.refresh import Refresher

_LOG = logging.getLogger(__name__)


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


def run(plan: Plan, display: Display) -> Report:
    """Build an atlas, or what is missing of it.

    Args:
        plan: what to build.
        display: told of every outcome.

    Raises:
        AtlasFolderError: another build is at it.
        WorkError: the build could not go on; what was committed stays.
    """
    began = time.monotonic()
    with lock.held(plan.folder, plan.config.build.lease) as check:
        if Store.exists(plan.folder):
            _look_after(Store.open(plan.folder), display)
        missing = _missing(plan)
        display.start(sum(len(s.units) for s in plan.sections()) - missing, missing)
        errors: list[BaseException] = []
        refresh = Refresher(plan.folder) if plan.config.site else None
        listening = _listening(display, errors, check, refresh)
        with graph.remembering(), cluster.sharing(), listening:
            succeeded = _luigi(plan)
        if Store.exists(plan.folder):
            verify.trust(Store.open(plan.folder))
    if errors:
        raise _readable(errors[0]) from errors[0]
    failed = sum(len(f.units) for f in Store.open(plan.folder).records.failures())
    if not succeeded and not failed:
        raise WorkError("Luigi did not run every task: another build of this folder may be at it")
    missing = _missing(plan)
    return Report(
        done=sum(len(section.units) for section in plan.sections()) - missing,
        missing=missing - failed,
        failed=failed,
        unavailable=len(plan.unavailable()),
        seconds=time.monotonic() - began,
        folder=plan.folder,
    )


def _look_after(store: Store, display: Display) -> None:
    """Forget what failed before, and take back what was damaged since."""
    store.records.note_failures([])
    for damaged in verify.drop_damaged(store):
        again = "made again" if damaged.maker == "atlas build" else f"left to `{damaged.maker}`"
        display.update(Note(f"batch {damaged.part} is damaged and {again}: {damaged.reason}"))


def _missing(plan: Plan) -> int:
    return sum(len(batch.units) for _, batches in plan.missing() for batch in batches)


def _luigi(plan: Plan) -> bool:
    build = plan.config.build
    task = graph.BuildAtlas(folder=str(plan.folder), plan=plan.to_json())
    logging.getLogger("luigi").setLevel(logging.WARNING)
    logging.getLogger("luigi-interface").setLevel(logging.CRITICAL)
    place = {
        "local_scheduler": build.scheduler_host is None,
        "scheduler_host": build.scheduler_host or "localhost",
        "scheduler_port": build.scheduler_port,
    }
    # The command's own logging stays.
    luigi.configuration.get_config().set("core", "no_configure_logging", "true")
    if build.scheduler_host is not None:
        _greet(build.scheduler_host, build.scheduler_port)
    try:
        result = luigi.build([task], workers=1, detailed_summary=True, **place)
    except RPCError as error:
        raise WorkError(f"luigid went away: {error}; what was committed stays") from error
    return result.status in (
        luigi.execution_summary.LuigiStatusCode.SUCCESS,
        luigi.execution_summary.LuigiStatusCode.SUCCESS_WITH_RETRY,
    )


def _greet(host: str, port: int) -> None:
    """Make sure that a luigid listens; Luigi itself would try for minutes."""
    try:
        socket.create_connection((host, port), 5).close()
    except OSError as error:
        raise WorkError(
            f"no luigid answers at {host}:{port} ({error}): start it, or leave out "
            "build.scheduler_host"
        ) from error


@contextlib.contextmanager
def _listening(
    display: Display,
    errors: list[BaseException],
    check: Callable[[], None],
    refresh: Refresher | None,
) -> Iterator[None]:
    """Have outcomes told to the display, and errors noted, but for the verdict's own.

    `check` raises where the build may not go on; it is asked with every outcome. `refresh` is
    called with every batch.
    """

    def hear(outcome: Outcome) -> None:
        check()
        display.update(outcome)
        if refresh is not None and isinstance(outcome, Batch):
            refresh()

    def failure(task: luigi.Task, error: BaseException) -> None:
        _LOG.debug("%s failed", task, exc_info=error)
        if not (isinstance(task, graph.BuildAtlas) and isinstance(error, WorkError)):
            errors.append(error)

    events = (luigi.Event.FAILURE, luigi.Event.BROKEN_TASK)
    for event in events:
        luigi.Task.event_handler(event)(failure)
    token = graph.LISTENER.set(hear)
    try:
        yield
    finally:
        graph.LISTENER.reset(token)
        for event in events:
            luigi.Task.remove_event_handler(event, failure)


def _readable(error: BaseException) -> AtlasError:
    """What stopped a build, for a person."""
    if isinstance(error, AtlasError):
        return error
    return WorkError(f"the build stopped: {type(error).__name__}: {error}")

"""Having Luigi run a task and all that it requires, in this process, and hearing what failed."""

import contextlib
import logging
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import luigi
from luigi.execution_summary import LuigiStatusCode
from luigi.rpc import RPCError

from pipeline.config.schema import Build
from pipeline.errors import AtlasError, WorkError

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ended:
    """How that ended.

    Attributes:
        succeeded: whether every task is complete.
        errors: what stopped tasks, in order.
    """

    succeeded: bool
    errors: tuple[BaseException, ...]

    def insist(self, expected: type[BaseException] | tuple[()] = ()) -> None:
        """Raise the first error, for a person, if there is any but those that are expected.

        Raises:
            AtlasError: a task raised it, or what it raised is told by it.
            WorkError: no task raised anything, and yet not all is done.
        """
        error = next((e for e in self.errors if not isinstance(e, expected)), None)
        if isinstance(error, AtlasError):
            raise error
        if error is not None:
            raise WorkError(f"the build stopped: {type(error).__name__}: {error}") from error
        if not self.succeeded and not self.errors:
            raise WorkError(
                "Luigi did not run every task: another build of this folder may be at it"
            )


def schedule(task: luigi.Task, build: Build) -> Ended:
    """Run a task, and what it requires, by Luigi's own scheduler or by a `luigid`.

    Args:
        task: the task.
        build: which of them.

    Raises:
        WorkError: the `luigid` does not answer.
        KeyboardInterrupt: somebody pressed Ctrl-C; Luigi passes that on.
    """
    logging.getLogger("luigi").setLevel(logging.WARNING)
    logging.getLogger("luigi-interface").setLevel(logging.CRITICAL)
    # The command's own logging stays.
    luigi.configuration.get_config().set("core", "no_configure_logging", "true")
    where = {
        "local_scheduler": build.scheduler_host is None,
        "scheduler_host": build.scheduler_host or "localhost",
        "scheduler_port": build.scheduler_port,
    }
    if build.scheduler_host is not None:
        _greet(build.scheduler_host, build.scheduler_port)
    with _noting() as errors:
        try:
            result = luigi.build([task], workers=1, detailed_summary=True, **where)
        except RPCError as error:
            raise WorkError(f"luigid went away: {error}; what was committed stays") from error
    good = (LuigiStatusCode.SUCCESS, LuigiStatusCode.SUCCESS_WITH_RETRY)
    return Ended(result.status in good, tuple(errors))


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
def _noting() -> Iterator[list[BaseException]]:
    """What tasks raise from here on, or are asked for and raise."""
    errors: list[BaseException] = []

    def failure(task: luigi.Task, error: BaseException) -> None:
        _LOG.debug("%s failed", task, exc_info=error)
        errors.append(error)

    events = (luigi.Event.FAILURE, luigi.Event.BROKEN_TASK)
    for event in events:
        luigi.Task.event_handler(event)(failure)
    try:
        yield errors
    finally:
        for event in events:
            luigi.Task.remove_event_handler(event, failure)

"""A build that goes on: what its tasks share, as one object that Luigi hands on as it is."""

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import luigi
from luigi.parameter import ParameterVisibility
from luigi.task_register import Register

from pipeline.plan.batches import Batch
from pipeline.truth.judge import Eyes
from tasks.planning import Plan
from tasks.pool import cluster
from tasks.pool.dispatch import Display, Outcome
from tasks.pool.work import STEPS, Steps

if TYPE_CHECKING:
    from distributed import Client


def _nothing() -> None:
    """Nobody forbids it, and nobody looks on."""


class Running:
    """What the tasks of a build share while it goes on; a context manager.

    Attributes:
        plan: the build.
        display: told how it goes.
        steps: what workers do.
        eyes: who looks at pictures and photographs, if anybody is to try the ones on the others.
    """

    eyes: Eyes | None = None

    def __init__(
        self,
        plan: Plan,
        display: Display,
        check: Callable[[], None] = _nothing,
        refresh: Callable[[], None] = _nothing,
        steps: Steps = STEPS,
    ) -> None:
        """Begin.

        Args:
            plan: the build.
            display: told of every outcome.
            check: raises where the build may not go on; asked with every outcome.
            refresh: called with every batch that is committed and told of.
            steps: what workers do.
        """
        self.plan = plan
        self.display = display
        self.steps = steps
        self._check = check
        self._refresh = refresh
        self._opened = contextlib.ExitStack()
        self._client: Client | None = None
        self._done: set[str] = set()

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the pool, if it is open."""
        self._client = None
        self._opened.close()

    @contextlib.contextmanager
    def pool(self) -> "Iterator[Client]":
        """The build's pool: opened for the first task that asks, and closed with the build.

        Where the work on it fails, nobody else has any for it: it is closed at once.
        """
        if self._client is None:
            self._client = self._opened.enter_context(cluster.pool(self.plan.config))
        try:
            yield self._client
        except BaseException:
            self.close()
            raise

    def tell(self, outcome: Outcome) -> None:
        """Take in what became of a batch. Not a Luigi event: those swallow a Ctrl-C.

        Raises:
            WorkError: the build may not go on.
        """
        self._check()
        self.display.update(outcome)
        if isinstance(outcome, Batch):
            self._refresh()

    def once(self, task: str, is_complete: Callable[[], bool]) -> bool:
        """Whether a task is complete; not asked again once it is: nobody else writes meanwhile."""
        if task in self._done:
            return True
        answer = is_complete()
        if answer:
            self._done.add(task)
        return answer


class Fresh(Register):  # type: ignore[misc]
    """Makes tasks that Luigi does not keep.

    It keeps every other, for good, to give it again to whoever asks for an equal one: these would
    keep their build.
    """

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:  # noqa: N805, of a metaclass
        """A task of its own for everybody who asks."""
        return super(Register, cls).__call__(*args, **kwargs)


class RunningParameter(luigi.Parameter):  # type: ignore[misc]
    """A parameter that is the running build, and no part of what identifies a task."""

    def __init__(self) -> None:
        super().__init__(
            significant=False,
            visibility=ParameterVisibility.PRIVATE,
            positional=False,
            description="the build that goes on; not to be had from a command line",
        )

    def parse(self, x: str) -> Any:
        """Refuse: it is an object.

        Raises:
            luigi.parameter.ParameterException: always.
        """
        raise luigi.parameter.ParameterException(
            f"{x!r} is no running build: use `luigi --module tasks.build.atlas Atlas`"
        )

    def serialize(self, x: Running) -> str:
        """Nothing: whoever reads of a task knows the build by its atlas."""
        del x
        return ""

"""Having a pool compute batches: submission, waiting with a bound, what failed and why."""

import contextlib
import itertools
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol

from distributed import Client, Future
from distributed.scheduler import KilledWorker

from pipeline.config.schema import Threads
from pipeline.errors import StorageError, WorkError
from pipeline.patience import Answer, within
from pipeline.plan.batches import Batch, Named, half_of
from pipeline.store.records import Failure
from tasks.planning import Plan
from tasks.pool import arrival, cluster, work
from tasks.pool.arrival import Arrival, Refused
from tasks.pool.work import Do, Member

_NO_ANSWER = "the Dask scheduler has not answered"
_TICK = 1.0
_WINDOW = 2000
"""Batches that a pool has been given at a time."""


@dataclass(frozen=True)
class Note:
    """Something that a person should know, and that stops nothing."""

    text: str


Outcome = Batch[Named] | Failure | Note | None
"""A batch that was committed, one that was given up, a note, or None: a second passed."""


class Display(Protocol):
    """What a build tells how it goes."""

    def start(self, before: int, missing: int, what: str = "units", later: float = 0.0) -> None:
        """So many are there and so many are to come; what follows takes `later` seconds."""

    def stage(self, what: str, total: int | None = None, later: float = 0.0) -> None:
        """Something else begins, of which so many are to come, if it is counted."""

    def advance(self, count: int) -> None:
        """So many more of that are done."""

    def update(self, outcome: Outcome) -> None:
        """Something happened, or a second passed."""


def dispatch(
    client: Client,
    plan: Plan,
    batches: Sequence[Batch[Member]],
    do: Do[Member],
    window: int = _WINDOW,
) -> Iterator[Outcome]:
    """Have a pool do something with batches.

    Where workers die over a batch, most likely for want of memory, it and all that nobody has
    begun are rendered by halves, once; that changes no pixel.

    Args:
        client: of the pool.
        plan: the build.
        batches: with what.
        do: what to do with each, as `work.compute`.
        window: batches that the pool is given at a time.

    Yields:
        Each batch as it is committed or given up, in no order, notes, and None about once a second.

    Raises:
        WorkError: there was no worker, or no scheduler, for longer than `build.patience`, or no
            batch ended for longer than `build.longest_batch`.
        StorageError: the atlas folder cannot be written or read.
    """
    submitted = _Submitted(client, plan, do, window)
    refused: queue.SimpleQueue[Refused] = queue.SimpleQueue()
    patience = plan.config.build.patience
    _ask(patience, lambda: arrival.attend(client, _arrival(plan), refused.put))
    todo = iter(batches)
    submitted.fill(todo)
    watch = _Watch(client, patience, plan.config.build.longest_batch)
    while submitted.waiting:
        yield from watch.hear(refused)
        try:
            future = submitted.finished.get(timeout=_TICK)
        except queue.Empty:
            watch.look()
            yield None
            continue
        watch.ended()
        yield from submitted.take(future)
        submitted.fill(todo)


def _ask(patience: float, ask: Callable[[], Answer]) -> Answer:
    """What the scheduler answers, if it does in time."""
    try:
        return within(patience, ask)
    except TimeoutError as error:
        raise _gave_up(_NO_ANSWER, patience) from error


def _gave_up(who: str, patience: float, why: str = "") -> WorkError:
    return WorkError(
        f"{who} for {patience:g} seconds (build.patience){why}: what was committed stays; mend the "
        "cluster and build again"
    )


def _arrival(plan: Plan) -> Arrival:
    fingerprint = plan.provenance.fingerprint.digest
    return Arrival(str(plan.folder), fingerprint, isinstance(plan.config.cluster, Threads))


class _Submitted(Generic[Member]):
    """The batches that a pool has been given.

    Attributes:
        waiting: those that did not end yet, each with the number of images to render at once.
        finished: the futures as they end.
    """

    def __init__(self, client: Client, plan: Plan, do: Do[Member], window: int = _WINDOW) -> None:
        self._do = do
        self._window = window
        self.waiting: dict[Future, tuple[Batch[Member], int | None]] = {}
        self.finished: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self._client = client
        self._plan = plan
        self._fingerprint = plan.provenance.fingerprint.digest
        self._most: int | None = None
        self._count = 0

    def fill(self, todo: Iterator[Batch[Member]]) -> None:
        """Submit so many that no worker waits, and no more: a scheduler remembers each."""
        for batch in itertools.islice(todo, max(0, self._window - len(self.waiting))):
            self.add(batch)

    def add(self, batch: Batch[Member], is_again: bool = False) -> None:
        """Submit a batch; one that died is tried once more."""
        self._count += 1
        mark = f"-by-{self._most}" if self._most else "-again" if is_again else ""
        future = self._client.submit(
            work.run, self._do, str(self._plan.folder), batch, self._fingerprint, self._most,
            key=f"{self._do.__name__}-{batch.key}{mark}",
            pure=False, retries=self._plan.config.build.retries, priority=-self._count,
            resources=cluster.resources(self._plan.config),
        )  # fmt: skip
        self.waiting[future] = (batch, self._most or (batch.size if is_again else None))
        future.add_done_callback(self.finished.put)

    def take(self, future: Future) -> Iterator[Outcome]:
        """What an ended future means."""
        batch, tried = self.waiting.pop(future, (None, None))
        if batch is None:  # withdrawn
            return
        if future.status == "cancelled":
            raise WorkError(
                "the Dask scheduler went away: what was committed stays; start it, and build again"
            )
        if future.status in ("finished", "lost"):
            most = self._result(future)
            if most is not None and self._most is None:
                self._most = most
                yield _by_halves(batch, most)
            yield batch
        elif tried is None and self._was_killed(future):
            yield from self._again(batch)
        else:
            self._refuse_storage(future)
            yield _failure(future, batch, self._plan.config.build.deaths)
        future.release()

    @staticmethod
    def _refuse_storage(future: Future) -> None:
        """Stop where nothing can be stored: every other batch would be rendered for nothing."""
        error = future.exception(timeout=10) if future.status == "error" else None
        if isinstance(error, StorageError):
            raise error

    @staticmethod
    def _was_killed(future: Future) -> bool:
        return future.status == "error" and isinstance(future.exception(timeout=10), KilledWorker)

    @staticmethod
    def _result(future: Future) -> int | None:
        """What the worker said; None where it is gone since: its batch is committed."""
        if future.status == "lost":
            return None
        try:
            most: int | None = future.result(timeout=10)
        except Exception:  # whatever Dask raises for a worker that is gone
            return None
        return most

    def _again(self, killed: Batch[Member]) -> Iterator[Outcome]:
        """Submit a batch again, by halves, and those that nobody has begun.

        One that has no half may have died for a larger one at the same worker.
        """
        if self._most is None:
            self._most = half_of(killed.size, self._plan.provenance.render.group)
            if self._most is None:
                self.add(killed, is_again=True)
                return
            yield _by_halves(killed, self._most)
        patience = self._plan.config.build.patience
        processing = _ask(patience, self._client.processing)
        begun = {key for keys in processing.values() for key in keys}
        idle = [
            future
            for future, (_, tried) in self.waiting.items()
            if tried is None and future.key not in begun
        ]
        again = [killed, *(self.waiting.pop(future)[0] for future in idle)]
        _ask(patience, lambda: self._client.cancel(idle))
        for batch in again:
            self.add(batch)


def _by_halves(batch: Batch[Named], most: int | None) -> Note:
    return Note(
        f"batch {batch.key} did not fit in memory: from here on {most} images are rendered at "
        "once, which changes no pixel and takes a little longer"
    )


def _failure(future: Future, batch: Batch[Named], deaths: int) -> Failure:
    error = future.exception(timeout=10) if future.status == "error" else None
    if isinstance(error, KilledWorker):
        died = "a worker" if deaths == 0 else f"{deaths + 1} workers"
        reason = (
            f"{died} died over it, most likely for want of memory: "
            "lower batch_size or image.size, or use fewer workers"
        )
    else:
        reason = " ".join(str(error or f"it was {future.status}").split()) or repr(error)
    return Failure(batch.key, tuple(unit.id for unit in batch.units), reason)


class _Watch:
    """Sees to it that somebody is working."""

    def __init__(self, client: Client, patience: float, longest: float) -> None:
        self._client = client
        self._patience = patience
        self._longest = longest
        self._alive = self._ended = time.monotonic()
        self._refused: dict[str, str] = {}

    def hear(self, refused: "queue.SimpleQueue[Refused]") -> Iterator[Note]:
        """A note for each worker that was refused since."""
        with contextlib.suppress(queue.Empty):
            while True:
                found = refused.get_nowait()
                if self._refused.get(found.worker) != found.reason:
                    self._refused[found.worker] = found.reason
                    yield Note(f"the worker {found.worker} is not used: {found.reason}")

    def _why(self) -> str:
        if not self._refused:
            return ""
        worker, reason = next(reversed(self._refused.items()))
        return f"; {len(self._refused)} were refused, the last at {worker}, since {reason}"

    def ended(self) -> None:
        """Note that a batch ended."""
        self._ended = time.monotonic()

    def look(self) -> None:
        """Raise WorkError where nobody has been working, or no batch ended, for too long."""
        if self._client.status == "running":
            info = _ask(self._patience, lambda: self._client.scheduler_info(n_workers=1))
            if info["n_workers"]:
                self._alive = time.monotonic()
                self._insist_on_an_end()
                return
            self.ended()  # the time without workers does not count
            who = "there has been no worker"
        else:
            who = _NO_ANSWER
        if time.monotonic() - self._alive > self._patience:
            raise _gave_up(who, self._patience, self._why())

    def _insist_on_an_end(self) -> None:
        if time.monotonic() - self._ended > self._longest:
            raise WorkError(
                f"no batch ended for {self._longest:g} seconds (build.longest_batch), though there "
                "are workers: one that hangs, or batches that take longer; what was committed "
                "stays: look at the workers, or allow more, and build again"
            )

"""Having a pool compute batches: submission, waiting with a bound, what failed and why."""

import queue
import time
from collections.abc import Iterator, Sequence

from distributed import Client, Future
from distributed.scheduler import KilledWorker

from pipeline.errors import WorkError
from pipeline.provenance import digest
from pipeline.records import Failure
from pipeline.units import Batch
from tasks import cluster, work
from tasks.planning import Plan

_TICK = 1.0
Outcome = Batch | Failure | None
"""A batch that was committed, one that was given up, or None: a second passed."""


def dispatch(client: Client, plan: Plan, batches: Sequence[Batch]) -> Iterator[Outcome]:
    """Compute batches on a pool.

    Args:
        client: of the pool.
        plan: the build.
        batches: what to compute.

    Yields:
        Each batch as it is committed or given up, in no order, and None about once a second.

    Raises:
        WorkError: there was no worker, or no scheduler, for longer than `build.patience`.
    """
    build = plan.config.build
    fingerprint = digest(plan.provenance.fingerprint)
    finished: queue.SimpleQueue[Future] = queue.SimpleQueue()
    waiting: dict[Future, Batch] = {}
    for number, batch in enumerate(batches):
        future = client.submit(
            work.compute, str(plan.folder), batch, fingerprint,
            key=f"batch-{batch.key}", pure=False, retries=build.retries, priority=-number,
            resources=cluster.resources(plan.config),
        )  # fmt: skip
        waiting[future] = batch
        future.add_done_callback(finished.put)
    watch = _Watch(client, build.patience)
    while waiting:
        try:
            future = finished.get(timeout=_TICK)
        except queue.Empty:
            watch.look()
            yield None
            continue
        batch = waiting.pop(future)
        yield _outcome(future, batch, build.deaths)
        future.release()


def _outcome(future: Future, batch: Batch, deaths: int) -> Outcome:
    if future.status == "finished":
        return batch
    error = future.exception(timeout=10) if future.status == "error" else None
    if isinstance(error, KilledWorker):
        reason = (
            f"{deaths + 1} workers died over it, most likely for want of memory: "
            "lower batch_size or image.size, or use fewer workers"
        )
    else:
        reason = " ".join(str(error or f"it was {future.status}").split()) or repr(error)
    return Failure(batch.key, tuple(unit.id for unit in batch.units), reason)


class _Watch:
    """Sees to it that somebody is working."""

    def __init__(self, client: Client, patience: float) -> None:
        self._client = client
        self._patience = patience
        self._alive = time.monotonic()

    def look(self) -> None:
        """Raise WorkError where nobody has been working for too long."""
        if self._client.status == "running":
            if self._client.scheduler_info(n_workers=1)["n_workers"]:
                self._alive = time.monotonic()
                return
            who = "there has been no worker"
        else:
            who = "the Dask scheduler has not answered"
        if time.monotonic() - self._alive > self._patience:
            raise WorkError(
                f"{who} for {self._patience:g} seconds (build.patience): what was committed "
                "stays; mend the cluster and build again"
            )

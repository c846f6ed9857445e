import os
import uuid
from pathlib import Path
from unittest.mock import Mock

import pytest
from builds import begun, outcomes_of
from distributed import LocalCluster
from distributed.scheduler import KilledWorker
from processes import wait

from pipeline.errors import WorkError
from pipeline.plan.batches import Batch
from pipeline.store.records import Failure
from pipeline.store.store import Store
from tasks.planning import Plan
from tasks.pool import cluster, dispatch, work
from tasks.pool.dispatch import Note

pytestmark = pytest.mark.usefixtures("cpu")


def _ended(
    plan: Plan, batches: list[Batch], window: int = 2000, **how: object
) -> dispatch._Submitted:
    """Batches given to a pool, in which each ends at once, as said."""
    client = Mock()
    client.submit.side_effect = lambda *_, key, **__: Mock(key=key, **how)
    client.processing.return_value = {}
    submitted = dispatch._Submitted(client, plan, work.compute, window)
    for batch in batches:
        submitted.add(batch)
    return submitted


def test_every_batch_is_committed(configure) -> None:
    plan, batches = begun(configure(units=("relu:0-5", "-relu:0-1", "logits:0-2")))
    assert set(outcomes_of(plan, batches)) == set(batches)
    assert not any(batches for _, batches in plan.missing())


def test_a_batch_that_raises_is_tried_again_and_then_given_up(configure, tmp_path: Path) -> None:
    plan, batches = begun(configure("build.retries=2", units=("relu:0-7",)))

    def fail(store: Store, batch: Batch, most: int | None) -> int | None:
        (tmp_path / f"{batch.chunk} {uuid.uuid4()}").touch()
        raise WorkError("no luck\n today")

    outcomes = outcomes_of(plan, batches, fail)
    assert sorted(path.name[0] for path in tmp_path.glob("? *")) == ["0"] * 3 + ["1"] * 3
    assert {(o.batch, o.reason) for o in outcomes if isinstance(o, Failure)} == {
        ("relu/000000", "no luck today"), ("relu/000001", "no luck today")
    }  # fmt: skip


def test_a_batch_that_kills_its_workers_is_given_up(configure) -> None:
    plan, batches = begun(
        configure("cluster={kind: local, workers: 1}", "build.deaths=1", units=("relu:0-1",))
    )
    [failure] = outcomes_of(plan, batches, lambda *_: os._exit(1))
    assert isinstance(failure, Failure)
    assert failure.units == ("relu:0", "relu:1")
    assert failure.reason.startswith("2 workers died over it, most likely for want of memory")


def test_a_batch_that_kills_its_workers_is_rendered_by_halves(configure, tmp_path: Path) -> None:
    local = ("cluster={kind: local, workers: 1}", "build.deaths=1", "batch_size=9")
    plan, batches = begun(configure(*local, units=("relu:0-7",)))

    def die(store: Store, batch: Batch, most: int | None) -> int | None:
        (tmp_path / f"{most} {uuid.uuid4()}").touch()
        return most or os._exit(1)

    note, batch = outcomes_of(plan, batches, die)
    assert [batch] == batches
    assert note == Note(
        "batch relu/000000 did not fit in memory: from here on 4 images are rendered at once, "
        "which changes no pixel and takes a little longer"
    )
    tried = sorted(path.name.split()[0] for path in tmp_path.glob("* *"))
    assert tried == ["4", "None", "None"]


def test_a_batch_that_kills_both_workers_is_rendered_by_halves_and_all_is_done(
    configure, tmp_path: Path
) -> None:
    local = ("cluster={kind: local, workers: 2}", "build.deaths=1", "batch_size=8")
    units = ("relu:0-7", "-relu:0-7", "relu:0-7@center", "relu:0-7@3,3")
    plan, batches = begun(configure(*local, units=units))

    def die(store: Store, batch: Batch, most: int | None) -> int | None:
        if batch.section == "relu":
            (tmp_path / f"{most} {uuid.uuid4()}").touch()
            return most or os._exit(1)
        return most

    outcomes = outcomes_of(plan, batches, die)
    [note] = [outcome for outcome in outcomes if isinstance(outcome, Note)]
    assert "from here on 4 images are rendered at once" in note.text
    assert sorted(outcome.key for outcome in outcomes if isinstance(outcome, Batch)) == sorted(
        batch.key for batch in batches
    )
    tried = sorted(path.name.split()[0] for path in tmp_path.glob("* *"))
    assert tried == ["4", "None", "None"]


def test_a_batch_that_died_beside_a_larger_one_is_not_given_up(configure) -> None:
    """The smaller, which has no half, waited at the same worker; of it the news comes first."""
    plan, batches = begun(configure("batch_size=8", units=("relu:0-7", "deepdream:deep")))
    killed = {"exception.return_value": KilledWorker("it", None, 1)}
    submitted = _ended(plan, batches, status="error", **killed)
    large, small = submitted.waiting
    outcomes = [*submitted.take(small), *submitted.take(large)]
    assert not [outcome for outcome in outcomes if isinstance(outcome, Failure)]


def test_a_batch_is_done_though_its_worker_died_just_after(configure) -> None:
    """Dask calls what such a worker had finished lost, and computes it again."""
    plan, batches = begun(configure(units=("relu:0-3",)))
    submitted = _ended(plan, batches, status="lost", **{"result.side_effect": TimeoutError})
    [future] = submitted.waiting
    assert list(submitted.take(future)) == batches


def test_a_batch_whose_halves_kill_workers_too_is_given_up(configure) -> None:
    local = ("cluster={kind: local, workers: 1}", "build.deaths=0", "batch_size=8")
    plan, batches = begun(configure(*local, units=("relu:0-1",)))
    note, failure = outcomes_of(plan, batches, lambda *_: os._exit(1))
    assert isinstance(note, Note)
    assert isinstance(failure, Failure)
    assert failure.reason.startswith("a worker died over it, most likely for want of memory")


def test_a_worker_that_halves_its_batches_is_told_of_once(configure) -> None:
    plan, batches = begun(configure(units=("relu:0-7", "deep:0-3")))
    outcomes = outcomes_of(plan, batches, lambda *_: 4)
    [note] = [outcome for outcome in outcomes if isinstance(outcome, Note)]
    assert "from here on 4 images are rendered at once" in note.text
    assert set(outcomes) == {note, *batches}


def test_without_workers_it_gives_up(configure, scheduler: LocalCluster) -> None:
    pool = f"cluster={{kind: address, address: '{scheduler.scheduler_address}'}}"
    plan, batches = begun(configure(pool, "build.patience=2", units=("relu:0",)))
    with cluster.pool(plan.config) as client:
        running = dispatch.dispatch(client, plan, batches, work.compute)
        assert next(running) is None
        with pytest.raises(WorkError, match=r"no worker for 2 seconds \(build.patience\)"):
            list(running)


def test_a_worker_that_hangs_ends_the_build(configure, tmp_path: Path) -> None:
    plan, batches = begun(configure("build.longest_batch=2", units=("relu:0-7",)))
    over = tmp_path / "over"

    def hang(store: Store, batch: Batch, most: int | None) -> None:
        if batch.chunk:
            wait(over.exists, None)

    with cluster.pool(plan.config) as client:
        running = dispatch.dispatch(client, plan, batches, hang)
        try:
            with pytest.raises(WorkError, match=r"no batch ended for 2 seconds \(build.longest_"):
                list(running)
        finally:
            over.touch()


def test_a_pool_is_given_some_batches_at_a_time(configure) -> None:
    plan, batches = begun(configure("batch_size=1", units=("relu:all",)))
    submitted = _ended(plan, [], window=2)
    todo = iter(batches)
    submitted.fill(todo)
    submitted.fill(todo)
    assert [batch for batch, _ in submitted.waiting.values()] == batches[:2]
    list(submitted.take(next(iter(submitted.waiting))))
    submitted.fill(todo)
    assert [batch for batch, _ in submitted.waiting.values()] == batches[1:3]
    assert set(outcomes_of(plan, batches, window=2)) == set(batches)

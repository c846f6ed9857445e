import os
import uuid
from pathlib import Path

import pytest

from pipeline.config import AtlasConfig
from pipeline.errors import WorkError
from pipeline.records import Failure
from pipeline.store import Store
from pipeline.units import Batch
from tasks import cluster, dispatch, planning, work
from tasks.planning import Plan


def _begun(config: AtlasConfig) -> tuple[Plan, list[Batch]]:
    """A plan, its store, and its batches."""
    plan = planning.make(config)
    store = Store.create(plan.folder, plan.provenance)
    for section, batches in plan.missing():
        store.prepare(section, batches)
    return plan, [batch for _, batches in plan.missing() for batch in batches]


def _outcomes(plan: Plan, batches: list[Batch]) -> list[Batch | Failure]:
    with cluster.pool(plan.config) as client:
        return [outcome for outcome in dispatch.dispatch(client, plan, batches) if outcome]


def test_every_batch_is_committed(configure) -> None:
    plan, batches = _begun(configure())
    assert set(_outcomes(plan, batches)) == set(batches)
    assert not any(batches for _, batches in plan.missing())


def test_a_batch_that_raises_is_tried_again_and_then_given_up(
    configure, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plan, batches = _begun(configure("build.retries=2", units=("relu:0-7",)))

    def fail(folder: str, batch: Batch, fingerprint: str) -> str:
        (tmp_path / f"{batch.chunk} {uuid.uuid4()}").touch()
        raise WorkError("no luck\n today")

    monkeypatch.setattr(work, "compute", fail)
    outcomes = _outcomes(plan, batches)
    assert sorted(path.name[0] for path in tmp_path.glob("? *")) == ["0"] * 3 + ["1"] * 3
    assert {(o.batch, o.reason) for o in outcomes if isinstance(o, Failure)} == {
        ("relu/000000", "no luck today"), ("relu/000001", "no luck today")
    }  # fmt: skip


def test_a_batch_that_kills_its_workers_is_given_up(
    configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, batches = _begun(
        configure("cluster={kind: local, workers: 1}", "build.deaths=1", units=("relu:0-1",))
    )
    monkeypatch.setattr(work, "compute", lambda *_: os._exit(1))
    [failure] = _outcomes(plan, batches)
    assert isinstance(failure, Failure)
    assert failure.units == ("relu:0", "relu:1")
    assert failure.reason.startswith("2 workers died over it, most likely for want of memory")


def test_without_workers_it_gives_up(configure, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, batches = _begun(configure("build.patience=2", units=("relu:0",)))
    monkeypatch.setattr(cluster, "resources", lambda _: {"nobody has it": 1})
    with cluster.pool(plan.config) as client:
        running = dispatch.dispatch(client, plan, batches)
        assert next(running) is None
        monkeypatch.setattr(client, "scheduler_info", lambda n_workers: {"n_workers": 0})
        with pytest.raises(WorkError, match=r"no worker for 2 seconds \(build.patience\)"):
            list(running)


def test_a_folder_of_another_atlas_is_refused_by_the_worker(configure) -> None:
    plan, batches = _begun(configure(units=("relu:0",)))
    with pytest.raises(WorkError, match="is another atlas here than where the build runs"):
        work.compute(str(plan.folder), batches[0], "other")

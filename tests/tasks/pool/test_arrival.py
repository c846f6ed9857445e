"""Tests of what a worker must be, with workers that come, differ, die and come again."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import Mock

import distributed
import pytest
from builds import begun
from distributed import Client, LocalCluster
from processes import scheduler_of, wait

from pipeline.config.schema import AtlasConfig
from pipeline.errors import WorkError
from pipeline.plan.batches import Batch
from tasks.planning import Plan
from tasks.pool import arrival, cluster, dispatch, work
from tasks.pool.arrival import Arrival
from tasks.pool.dispatch import Note

OTHER_KERAS = """
from pathlib import Path
installed = Path("keras-2.0.dist-info")
installed.mkdir(exist_ok=True)  # Dask loads a preload twice
(installed / "METADATA").write_text("Name: keras\\nVersion: 2.0\\n")
"""
Start = Callable[..., subprocess.Popen]


@pytest.fixture
def start(scheduler: LocalCluster, tmp_path: Path) -> Iterator[Start]:
    """A function that starts a worker host: a process with a working folder of its own."""
    with contextlib.ExitStack() as running:

        def worker(*options: str, preload: str = "") -> subprocess.Popen:
            place = tmp_path / f"host {len(list(tmp_path.glob('host *')))}"
            place.mkdir()
            (place / "preload.py").write_text(preload)
            command = [
                sys.executable, "-m", "distributed.cli.dask_worker", scheduler.scheduler_address,
                "--no-nanny", "--no-dashboard", "--local-directory", str(place), "--preload",
                str(place / "preload.py"), *(options or ("--nthreads", "1")),
            ]  # fmt: skip
            path = os.pathsep.join([str(Path(arrival.__file__).parents[2]), os.environ["PATH"]])
            with (place / "log").open("w") as log:
                host = running.enter_context(
                    subprocess.Popen(
                        command, cwd=place, env={**os.environ, "PYTHONPATH": path},
                        stdout=subprocess.DEVNULL, stderr=log,
                    )
                )  # fmt: skip
            running.callback(host.kill)
            return host

        yield worker


@pytest.fixture
def addressed(configure, scheduler: LocalCluster) -> AtlasConfig:
    """A configuration that uses the scheduler."""
    address = scheduler.scheduler_address
    return configure(f"cluster={{kind: address, address: '{address}'}}", units=("relu:0-7",))


@pytest.fixture
def profilers():
    """What profiles a worker: no function that it would have to import by its name."""
    return lambda dask_worker: sorted(n for n in dask_worker.periodic_callbacks if "profile" in n)


def test_a_worker_that_fits_may_have_batches(configure) -> None:
    plan, batches = begun(configure(units=("relu:0-3",)))
    arrived = Arrival(str(plan.folder), plan.provenance.fingerprint.digest)
    assert arrived.refusal(1) == ""
    with cluster.pool(plan.config) as client:
        outcomes = [o for o in dispatch.dispatch(client, plan, batches, work.compute) if o]
    assert outcomes == batches


def test_a_worker_of_other_versions_is_refused(configure) -> None:
    plan, _ = begun(configure(units=("relu:0",)))
    wanted = {**arrival.versions(), "numpy": "1.0"}
    arrived = Arrival(str(plan.folder), plan.provenance.fingerprint.digest, wanted=wanted)
    assert "it runs other versions: numpy 1.0 where the build runs, " in arrived.refusal(1)
    assert " there; install the same ones" in arrived.refusal(1)


@pytest.mark.usefixtures("without_onednn")
def test_a_worker_that_computes_by_other_convolutions_is_refused(configure) -> None:
    plan, _ = begun(configure(units=("relu:0",)))
    arrived = Arrival(str(plan.folder), plan.provenance.fingerprint.digest)
    assert "TensorFlow was imported here with oneDNN switched off" in arrived.refusal(1)


def test_a_worker_that_cannot_tell_what_it_runs_is_refused(configure) -> None:
    plan, _ = begun(configure(units=("relu:0",)))
    wanted = {"what it knows nothing of": "1.0"}
    arrived = Arrival(str(plan.folder), plan.provenance.fingerprint.digest, wanted=wanted)
    worker = Mock(address="tcp://somewhere", state=Mock(nthreads=1))
    asyncio.run(arrived.setup(worker))
    leave, _, reason = worker.loop.add_callback.call_args.args
    assert leave == arrived._leave
    assert reason.startswith("it cannot tell what it runs: KeyError('what it knows")
    arrival._REFUSED.discard(worker.address)


def test_the_profiler_of_a_worker_that_arrives_is_ended(
    addressed: AtlasConfig, start: Start, profilers
) -> None:
    plan, _ = begun(addressed)
    start()
    with cluster.pool(plan.config) as client:
        client.wait_for_workers(1, timeout=60)
        assert list(client.run(profilers).values()) == [["profile", "profile-cycle"]]
        fingerprint = plan.provenance.fingerprint.digest
        arrival.attend(client, Arrival(str(plan.folder), fingerprint), Mock())
        assert list(client.run(profilers).values()) == [[]]
        start()
        client.wait_for_workers(2, timeout=60)
        assert list(client.run(profilers).values()) == [[], []]


@pytest.mark.parametrize("kind", ["threads", "{kind: local, workers: 1}"])
def test_workers_of_this_machine_are_not_profiled(configure, profilers, kind: str) -> None:
    with cluster.pool(configure(f"cluster={kind}")) as client:
        client.wait_for_workers(1, timeout=60)
        assert list(client.run(profilers).values()) == [[]]


def test_a_worker_that_sees_another_folder_is_refused(configure, tmp_path: Path) -> None:
    plan, _ = begun(configure(units=("relu:0",)))
    fingerprint = plan.provenance.fingerprint.digest
    assert "is not there" in Arrival(str(tmp_path / "none"), fingerprint).refusal(1)
    assert "is another atlas there" in Arrival(str(plan.folder), "other").refusal(1)


def test_a_worker_without_the_weights_is_refused(configure, tiny_model: Path) -> None:
    plan, _ = begun(configure(units=("relu:0",)))
    arrived = Arrival(str(plan.folder), plan.provenance.fingerprint.digest)
    content = tiny_model.read_bytes()
    try:
        tiny_model.write_bytes(content + b"x")
        assert "are not those of the atlas: expected SHA-256" in arrived.refusal(1)
        tiny_model.unlink()
        assert str(tiny_model) in arrived.refusal(1)
    finally:
        tiny_model.write_bytes(content)
    assert arrived.refusal(1) == ""


def test_a_worker_of_several_threads_is_sent_away(
    addressed: AtlasConfig, start: Start, scheduler: LocalCluster
) -> None:
    build = addressed.build.model_copy(update={"patience": 2.0})
    plan, batches = begun(addressed.model_copy(update={"build": build}))
    host = start("--nthreads", "2")
    with Client(scheduler, set_as_default=False) as client:
        client.wait_for_workers(1, timeout=60)
        running = dispatch.dispatch(client, plan, batches, work.compute)
        note = next(outcome for outcome in running if outcome)
        assert isinstance(note, Note)
        assert "is not used: it has 2 threads: start workers with `dask worker --nth" in note.text
        with pytest.raises(WorkError, match=r"1 were refused, the last at .*, since it has 2 thr"):
            list(running)
        host.wait(60)


@pytest.mark.slow
def test_workers_that_come_late_are_used_and_strange_ones_are_not(
    addressed: AtlasConfig, start: Start
) -> None:
    plan, batches = begun(addressed)
    outcomes = []
    with cluster.pool(plan.config) as client:
        running = dispatch.dispatch(client, plan, batches, work.compute)
        assert next(running) is None  # nobody is there yet
        start()
        strange = start(preload=OTHER_KERAS)
        outcomes = [outcome for outcome in running if outcome]
    assert set(batches) <= set(outcomes)
    notes = [outcome for outcome in outcomes if isinstance(outcome, Note)]
    assert all("it runs other versions: keras" in note.text for note in notes)
    assert strange.wait(60) is not None


@pytest.mark.slow
def test_a_host_that_disappears_costs_its_batch_alone(
    configure, scheduler: LocalCluster, start: Start
) -> None:
    address = scheduler.scheduler_address
    plan, batches = begun(
        configure(
            f"cluster={{kind: address, address: '{address}'}}", "recipe.steps=60",
            "batch_size=1", units=("relu:all", "deep:all"),
        )
    )  # fmt: skip
    first = start()
    done = []
    with cluster.pool(plan.config) as client:
        for outcome in dispatch.dispatch(client, plan, batches, work.compute):
            if isinstance(outcome, Batch):
                done.append(outcome)
                if len(done) == 1:
                    first.kill()
                    start()
    assert sorted(batch.key for batch in done) == sorted(batch.key for batch in batches)
    assert not any(missing for _, missing in plan.missing())


def test_a_scheduler_that_goes_away_ends_the_build(
    configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scheduler_of(0) as scheduler:
        address = scheduler.scheduler_address
        plan, batches = _begun_at(configure, address, 2)
        with cluster.pool(plan.config) as client:
            running = dispatch.dispatch(client, plan, batches, work.compute)
            assert next(running) is None
            closing = threading.Thread(target=scheduler.close, kwargs={"timeout": 5})
            closing.start()
            with pytest.raises(WorkError, match="the Dask scheduler went away: what was comm"):
                list(running)
            closing.join(60)


@pytest.mark.slow
def test_a_scheduler_that_is_started_anew_ends_the_build(configure, tmp_path: Path) -> None:
    port = _free_port()
    plan, batches = _begun_at(configure, f"tcp://127.0.0.1:{port}", 60)
    first = _scheduler(port, tmp_path)
    try:
        with cluster.pool(plan.config) as client:
            running = dispatch.dispatch(client, plan, batches, work.compute)
            assert next(running) is None
            first.kill()
            first.wait(30)
            second = _scheduler(port, tmp_path)
            try:
                with pytest.raises(WorkError, match="the Dask scheduler went away"):
                    list(running)
            finally:
                second.kill()
                second.wait(30)
    finally:
        first.kill()


@pytest.mark.slow
def test_a_scheduler_that_freezes_ends_the_build(configure, tmp_path: Path) -> None:
    """It keeps its connections, and answers nothing."""
    port = _free_port()
    plan, batches = _begun_at(configure, f"tcp://127.0.0.1:{port}", 5)
    frozen = _scheduler(port, tmp_path)
    try:
        with cluster.pool(plan.config, cluster.Bounds(close=2)) as client:
            running = dispatch.dispatch(client, plan, batches, work.compute)
            assert next(running) is None
            frozen.send_signal(signal.SIGSTOP)
            with pytest.raises(WorkError, match="has not answered for 5 seconds"):
                list(running)
    finally:
        frozen.kill()
        frozen.wait(30)


def _begun_at(configure, address: str, patience: float) -> tuple[Plan, list[Batch]]:
    """What `begun` gives, of a build of one unit by a scheduler."""
    pool = f"cluster={{kind: address, address: '{address}'}}"
    return begun(configure(pool, f"build.patience={patience}", units=("relu:0",)))


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _scheduler(port: int, place: Path) -> subprocess.Popen[bytes]:
    """A scheduler's process on loopback, that answers."""
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard"]
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", str(port)], cwd=place,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip

    def answers() -> bool:
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", port)) == 0

    wait(answers, process)
    return process


@pytest.mark.slow
@pytest.mark.parametrize("jump", [86_400.0, -86_400.0])
def test_a_clock_that_jumps(configure, monkeypatch: pytest.MonkeyPatch, jump: float) -> None:
    """The scheduler may think that its workers have been silent for a day."""
    settings = ("cluster={kind: local, workers: 2}", "batch_size=1")
    plan, batches = begun(configure(*settings, units=("relu:all",)))
    done = []
    with cluster.pool(plan.config) as client:
        for outcome in dispatch.dispatch(client, plan, batches, work.compute):
            if not isinstance(outcome, Batch):
                continue
            done.append(outcome)
            if len(done) == 1:
                _set_clock(monkeypatch, jump)
                client.run_on_scheduler(_look_for_the_silent)
    assert sorted(batch.key for batch in done) == sorted(batch.key for batch in batches)
    assert not any(missing for _, missing in plan.missing())


def _set_clock(monkeypatch: pytest.MonkeyPatch, jump: float) -> None:
    """What setting this process's clock does: in `time`, and wherever Dask has taken it from."""
    real = time.time
    for name, module in list(sys.modules.items()):
        if name.startswith("distributed.") and getattr(module, "time", None) is real:
            monkeypatch.setattr(module, "time", lambda: real() + jump)
    monkeypatch.setattr("time.time", lambda: real() + jump)


async def _look_for_the_silent(dask_scheduler: distributed.Scheduler) -> None:
    await dask_scheduler.check_worker_ttl()

import os
import signal
import threading
from pathlib import Path

import dask.config
import psutil
import pytest
from dask.system import CPU_COUNT
from distributed import SpecCluster
from processes import scheduler_of, wait

from pipeline.config.schema import Address, Slurm
from pipeline.errors import ConfigError, WorkError
from tasks.pool import cluster


@pytest.fixture
def look():
    """What a worker says of itself: no function that it would have to import by its name."""
    return lambda: (os.getpid(), dict(os.environ))


def test_local_workers_are_processes_of_one_thread(configure, look) -> None:
    with cluster.pool(configure("cluster={kind: local, workers: 2}")) as client:
        client.wait_for_workers(2, timeout=60)
        found = client.run(look)
        threads = set(client.nthreads().values())
    pids = {pid for pid, _ in found.values()}
    assert len(pids) == 2
    assert os.getpid() not in pids
    assert threads == {1}
    assert all(env["CUDA_VISIBLE_DEVICES"] == "-1" for _, env in found.values())
    assert all(address.startswith("tcp://127.0.0.1") for address in found)


BREAKING = {
    "distributed.comm.require-encryption": True,
    "distributed.comm.default-scheme": "tls",
    "distributed.comm.tls.ca-file": "none.pem",
    "distributed.worker.preload": ["a_module_that_is_missing"],
    "distributed.nanny.preload": ["a_module_that_is_missing"],
    "distributed.scheduler.preload": ["a_module_that_is_missing"],
    "distributed.scheduler.dashboard.bokeh-application.port": "none",
    "distributed.scheduler.http.routes": ["a_module_that_is_missing"],
    "distributed.worker.http.routes": ["a_module_that_is_missing"],
    "distributed.worker.memory.terminate": 0.0001,
    "distributed.nanny.environ.OMP_NUM_THREADS": 7,
    "temporary-directory": "/proc/none",
    "scheduler-address": "tcp://127.0.0.1:9",
}
"""What a user may have said to Dask for a cluster, and what breaks a pool of this machine."""


@pytest.mark.parametrize(
    "kind", ["threads", "{kind: local, workers: 1}", "{kind: local-gpu, gpus: [0]}"]
)
def test_pools_of_this_machine_do_not_heed_a_users_dask(
    configure, look, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in BREAKING.items():  # for processes to come
        name = key.replace(".", "__").replace("-", "_").upper()
        monkeypatch.setenv(f"DASK_{name}", repr(value))
    with dask.config.set(BREAKING):
        with cluster.pool(configure(f"cluster={kind}")) as client:
            [(_, environment)] = client.run(look).values()
            assert client.submit(int, 3, pure=False, resources={}).result(timeout=60) == 3
        assert dask.config.get("distributed.comm.default-scheme") == "tls"
    if kind != "threads":
        assert environment["OMP_NUM_THREADS"] == "1"


def test_a_cluster_of_the_users_heeds_it(configure) -> None:
    config = configure("cluster={kind: address, address: 'tcp://127.0.0.1:9'}")
    with (
        dask.config.set({"distributed.comm.require-encryption": True}),
        pytest.raises(WorkError, match="encryption"),
        cluster.pool(config, cluster.Bounds(connect=1)),
    ):
        pass


KILLED = """
import os, signal, sys
if "--multiprocessing-fork" in sys.orig_argv:
    for number in range({deaths}):
        try:
            os.close(os.open(f"{folder}/{{number}}", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            continue
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("deaths", [1, 2, 9])
def test_a_worker_that_dies_as_it_starts_is_tried_again(
    configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deaths: int
) -> None:
    (tmp_path / "sitecustomize.py").write_text(KILLED.format(deaths=deaths, folder=tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    config = configure("cluster={kind: local, workers: 1}", "build.deaths=2")
    if deaths <= 2:
        with cluster.pool(config) as client:
            assert client.submit(int, 3, pure=False).result(timeout=60) == 3
    else:
        said = (
            r"does not start \(cluster.kind: local; tried 3 times, build.deaths: 2\): Nanny failed"
        )
        with pytest.raises(WorkError, match=said), cluster.pool(config):
            pass
    assert all((tmp_path / str(number)).exists() for number in range(min(deaths, 3)))


@pytest.mark.parametrize("kind", ["threads", "{kind: local, workers: 1}"])
def test_a_pool_of_this_machine_is_reached_from_it_alone(configure, kind: str) -> None:
    before = _listening()
    with cluster.pool(configure(f"cluster={kind}")) as client:
        client.wait_for_workers(1, timeout=60)
        opened = _listening() - before
    assert opened
    assert {host for host, _ in opened} == {"127.0.0.1"}


def _listening() -> set[tuple[str, int]]:
    """Where this process and those below it accept connections."""
    here = psutil.Process()
    return {
        tuple(connection.laddr)
        for process in (here, *here.children(recursive=True))
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }


@pytest.mark.usefixtures("without_onednn")
def test_threads_of_a_process_that_computes_otherwise_are_refused(configure) -> None:
    said = "cluster.kind: threads computes in this process, which cannot: .* oneDNN switched off"
    with pytest.raises(ConfigError, match=said), cluster.pool(configure()):
        pass


def test_threads_are_this_process(configure, look) -> None:
    with cluster.pool(configure()) as client:
        assert [pid for pid, _ in client.run(look).values()] == [os.getpid()]


def test_each_gpu_has_a_worker_of_its_own_also_after_a_restart(configure, look) -> None:
    with cluster.pool(configure("cluster={kind: local-gpu, gpus: [0, 3]}")) as client:
        client.wait_for_workers(2, timeout=60)
        before = client.run(look)
        client.restart(timeout=60)
        after = client.run(look)
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        resources = [worker["resources"] for worker in workers]
    assert {pid for pid, _ in before.values()}.isdisjoint(pid for pid, _ in after.values())
    for found in (before, after):
        assert {env["CUDA_VISIBLE_DEVICES"] for _, env in found.values()} == {"0", "3"}
    assert resources == [{"GPU": 1}] * 2


def test_a_killed_worker_comes_back_to_its_gpu(configure, look) -> None:
    with cluster.pool(configure("cluster={kind: local-gpu, gpus: [0, 3]}")) as client:
        client.wait_for_workers(2, timeout=60)
        before = {env["CUDA_VISIBLE_DEVICES"]: pid for pid, env in client.run(look).values()}
        os.kill(before["3"], signal.SIGKILL)

        def after() -> dict[str, int]:
            found = client.run(look, on_error="ignore")
            now = {env["CUDA_VISIBLE_DEVICES"]: pid for pid, env in found.values()}
            return now if now.keys() == before.keys() and now["3"] != before["3"] else {}

        assert wait(after, None)["0"] == before["0"]
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        assert [worker["resources"] for worker in workers] == [{"GPU": 1}] * 2


def test_batches_for_gpus_ask_for_one(configure) -> None:
    assert cluster.resources(configure("cluster={kind: local-gpu, gpus: [0]}")) == {"GPU": 1}
    assert cluster.resources(configure()) == {}


def test_no_gpu_here(configure, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cluster.gpus() == ()
    with (
        pytest.raises(ConfigError, match="nvidia-smi lists no GPU: install the driver"),
        cluster.pool(configure("cluster=local-gpu")),
    ):
        pass


def test_gpus_are_those_that_nvidia_smi_lists(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = tmp_path / "nvidia-smi"
    fake.write_text("#!/bin/sh\necho 0\necho 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert cluster.gpus() == (0, 1)


@pytest.mark.parametrize("by", ["address", "scheduler_file"])
def test_a_running_cluster_is_used_and_stays(configure, tmp_path: Path, by: str) -> None:
    with scheduler_of(1) as running:
        file = tmp_path / "scheduler.json"
        file.write_text(f'{{"address": "{running.scheduler_address}"}}')
        value = running.scheduler_address if by == "address" else str(file)
        with cluster.pool(configure(f"cluster={{kind: address, {by}: '{value}'}}")) as client:
            assert client.submit(int, 3, pure=False).result(timeout=30) == 3
        assert running.scheduler_info["address"] == running.scheduler_address


def test_a_pool_that_does_not_close_is_left(
    configure, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    over, close = threading.Event(), SpecCluster.close
    monkeypatch.setattr(SpecCluster, "close", lambda _: over.wait(60))
    with cluster.pool(configure(), cluster.Bounds(close=0.1)) as client:
        left = client.cluster
    assert "SpecCluster did not close in 0.1 seconds" in caplog.text
    over.set()
    close(left, timeout=60)


def test_an_address_or_a_file_is_needed(configure) -> None:
    with (
        pytest.raises(ConfigError, match="needs either `address`"),
        cluster.pool(configure().model_copy(update={"cluster": Address()})),
    ):
        pass


def test_a_scheduler_that_is_not_there(configure) -> None:
    config = configure("cluster={kind: address, address: 'tcp://127.0.0.1:9'}")
    with (
        pytest.raises(WorkError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9"),
        cluster.pool(config, cluster.Bounds(connect=1)),
    ):
        pass


def test_the_slurm_script() -> None:
    pytest.importorskip("dask_jobqueue")
    spec = Slurm(
        queue="gpu", account="lab", device="gpu", memory="8GiB", directives=("--gres=gpu:1",)
    )
    with cluster.slurm_cluster(spec) as found:
        script = found.job_script()
        assert found.scheduler.http_server.address == "127.0.0.1"
    for line in ("#SBATCH -p gpu", "#SBATCH -A lab", "#SBATCH --gres=gpu:1", "#SBATCH -t 04:00:00"):
        assert line in script
    assert "export OMP_NUM_THREADS=1" in script
    assert "--resources GPU=1" in script
    assert "--nthreads 1" in script


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SLURM's commands, of a queue that runs every job at once, on this machine."""
    commands = {
        "sbatch": 'cp "$1" "$0.$$"; setsid bash "$0.$$" >/dev/null 2>&1 & echo "submitted $!"',
        "scancel": 'kill -- "-$1"',
    }
    for name, command in commands.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{command}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)


@pytest.mark.slow
@pytest.mark.usefixtures("queue")
@pytest.mark.parametrize("least", [None, 0])
def test_jobs_are_scheduled_and_adapted(configure, least: int | None) -> None:
    pytest.importorskip("dask_jobqueue")
    more = "" if least is None else f", least_jobs: {least}"
    with cluster.pool(configure(f"cluster={{kind: slurm, jobs: 2{more}}}")) as client:
        assert client.submit(int, 3, pure=False).result(timeout=90) == 3
        assert set(client.nthreads().values()) == {1}


@pytest.mark.parametrize(("wanted", "expected"), [(3, 3), ("auto", None)])
def test_the_number_of_local_workers(wanted: int | str, expected: int | None) -> None:
    found = cluster.local_workers(wanted)
    assert found == expected if expected else 1 <= found <= (os.cpu_count() or 1)


@pytest.mark.parametrize(("gigabytes", "expected"), [(0, 1), (1, 1), (3, 1), (1_000_000, None)])
def test_workers_are_as_many_as_memory_allows(gigabytes: int, expected: int | None) -> None:
    found = cluster.local_workers("auto", gigabytes * 1024**3)
    assert found == (expected or int(CPU_COUNT))

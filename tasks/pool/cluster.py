"""The pool that computes batches: one function a kind of cluster.

Workers are processes of one thread each. They are chosen by resources and their environment,
never by name, so that a restarted worker is as good as the first.
"""

import contextlib
import logging
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

import dask.config
from dask.system import CPU_COUNT
from distributed import Client, Nanny, Scheduler, SpecCluster, Worker
from distributed.system import MEMORY_LIMIT

from pipeline.config.schema import Address, AtlasConfig, Cluster, Local, LocalGpu, Slurm, Threads
from pipeline.errors import ConfigError, WorkError
from pipeline.network import device
from pipeline.patience import within

_MEMORY_A_WORKER = 2 * 1024**3
_LOOPBACK = "127.0.0.1"
_QUIET = {"dashboard": False, "dashboard_address": f"{_LOOPBACK}:0"}
"""What Dask's schedulers and workers serve over HTTP is to be had on their own machine alone."""

_LOG = logging.getLogger(__name__)
_Closable = TypeVar("_Closable", bound=Client | SpecCluster)


@dataclass(frozen=True)
class Bounds:
    """Seconds until a scheduler must answer, and until what was opened must have closed."""

    connect: float = 30.0
    close: float = 60.0


BOUNDS = Bounds()
"""Those of a build."""


@contextlib.contextmanager
def pool(config: AtlasConfig, bounds: Bounds = BOUNDS) -> Iterator[Client]:
    """A Dask client of the workers that a configuration asks for; closed at the end.

    Args:
        config: the configuration.
        bounds: how long its scheduler and its end may take.

    Raises:
        ConfigError: the cluster is not there, or cannot be had on this machine.
        WorkError: no scheduler answers, or workers do not start.
    """
    _quiet()
    patience = config.build.patience
    with (
        dask.config.set(_settings(config)),
        contextlib.ExitStack() as stack,
        _closed(
            Client(_opened(config, bounds, stack), timeout=patience, set_as_default=False), bounds
        ) as client,
    ):
        yield client


def _opened(config: AtlasConfig, bounds: Bounds, stack: contextlib.ExitStack) -> Any:
    """The pool, which the stack closes; one whose workers die as they start is tried again."""
    tries = config.build.deaths + 1
    for left in reversed(range(tries)):
        try:
            return stack.enter_context(_POOLS[type(config.cluster)](config.cluster, bounds))
        except (RuntimeError, OSError) as error:  # Dask's Nanny and SpecCluster
            if not left:
                raise WorkError(
                    f"the pool does not start (cluster.kind: {config.cluster.kind}; tried {tries} "
                    f"times, build.deaths: {tries - 1}): {_reason(error)}; what was committed "
                    "stays: see whether memory is short, or use fewer workers, and build again"
                ) from error
    raise AssertionError  # the last try returns or raises


def _reason(error: BaseException) -> str:
    """What began a chain of errors, in a line."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return " ".join(str(error).split()) or type(error).__name__


@contextlib.contextmanager
def _closed(opened: _Closable, bounds: Bounds) -> Iterator[_Closable]:
    """Something that is closed at the end, or left to the end of this process if that hangs."""
    try:
        yield opened
    finally:
        try:
            within(bounds.close, opened.close)
        except TimeoutError:
            _LOG.warning("%s did not close in %g seconds", type(opened).__name__, bounds.close)


def resources(config: AtlasConfig) -> dict[str, int]:
    """What a worker must have to be given a batch."""
    return {"GPU": 1} if config.device == "gpu" else {}


def local_workers(wanted: int | str, memory: int = MEMORY_LIMIT) -> int:
    """Worker processes for this machine: those asked for, or one a core that memory allows.

    Args:
        wanted: how many, or `auto`.
        memory: bytes that there are, in the container where this runs in one.
    """
    if isinstance(wanted, int):
        return wanted
    return max(1, min(cores(), memory // _MEMORY_A_WORKER))


def cores() -> int:
    """The cores that this process may use."""
    return int(CPU_COUNT)


def gpus() -> tuple[int, ...]:
    """The numbers of the GPUs that nvidia-smi lists; none where there is no driver."""
    try:
        command = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
        answer = subprocess.run(  # noqa: S603, a constant
            command, capture_output=True, text=True, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(int(line) for line in answer.stdout.split())


def _settings(config: AtlasConfig) -> dict[str, Any]:
    """Dask's settings, also those of the workers that are started here.

    A user's own are for clusters: the pools of this machine need none, and TLS without keys, a
    module or a folder that is not there would keep them from starting.
    """
    is_users = isinstance(config.cluster, Address | Slurm)
    plain = {} if is_users else dask.config.merge(*dask.config.defaults)
    memory = "distributed.worker.memory"
    return plain | {
        "distributed.scheduler.allowed-failures": config.build.deaths,
        # Batches are small and hold nothing that could be spilled; a paused worker would hang.
        f"{memory}.target": False, f"{memory}.spill": False, f"{memory}.pause": False,
        # Dask's profiler freezes a process for good now and then, see `arrival.end_profile`.
        "distributed.worker.profile.enabled": False,
    }  # fmt: skip


def _quiet() -> None:
    """Dask tells of every worker that comes and goes; failures are told by the build."""
    for name in ("distributed", "bokeh", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _local(cluster: Local, bounds: Bounds) -> AbstractContextManager[SpecCluster]:
    environments = [device.environment("cpu")] * local_workers(cluster.workers)
    return _closed(_processes(environments, {}), bounds)


def _local_gpu(cluster: LocalGpu, bounds: Bounds) -> AbstractContextManager[SpecCluster]:
    numbers = gpus() if cluster.gpus == "auto" else cluster.gpus
    if not numbers:
        raise ConfigError(
            "cluster.kind: local-gpu, but nvidia-smi lists no GPU: install the driver, or set "
            "`cluster.kind: local`"
        )
    common = device.environment("gpu")
    environments = [{**common, "CUDA_VISIBLE_DEVICES": str(number)} for number in numbers]
    return _closed(_processes(environments, {"GPU": 1}), bounds)


def _processes(environments: list[dict[str, str]], resources: dict[str, int]) -> SpecCluster:
    """Worker processes on this machine, one for each environment, reachable from it alone."""
    common = {
        "host": _LOOPBACK, "nthreads": 1, "resources": resources,
        "memory_limit": 1 / len(environments), "silence_logs": logging.CRITICAL,
    }  # fmt: skip
    workers = [{**common, "env": environment} for environment in environments]
    return _here({"host": _LOOPBACK, "port": 0, "protocol": "tcp://"}, Nanny, workers)


@contextlib.contextmanager
def _threads(cluster: Threads, bounds: Bounds) -> Iterator[SpecCluster]:
    if reason := device.refusal():
        raise ConfigError(f"cluster.kind: threads computes in this process, which cannot: {reason}")
    worker = {"protocol": "inproc://", "nthreads": cluster.workers, "memory_limit": 0}
    with (
        device.borrowed(),
        _closed(_here({"protocol": "inproc://"}, Worker, [worker]), bounds) as it,
    ):
        yield it


def _here(scheduler: dict[str, Any], kind: type, workers: list[dict[str, Any]]) -> SpecCluster:
    """A pool of this machine."""
    return SpecCluster(
        scheduler={"cls": Scheduler, "options": {**scheduler, **_QUIET}},
        workers={
            number: {"cls": kind, "options": {**worker, **_QUIET}}
            for number, worker in enumerate(workers)
        },
        silence_logs=False,
    )


@contextlib.contextmanager
def _address(cluster: Address, bounds: Bounds) -> Iterator[str]:
    if (cluster.address is None) == (cluster.scheduler_file is None):
        raise ConfigError(
            "cluster.kind: address needs either `address`, as in tcp://host:8786, or "
            "`scheduler_file`"
        )
    try:
        client = Client(
            address=cluster.address, scheduler_file=cluster.scheduler_file, timeout=bounds.connect,
            set_as_default=False,
        )  # fmt: skip
        with _closed(client, bounds):
            address = client.scheduler.address
    except (OSError, ValueError) as error:
        where = cluster.address or cluster.scheduler_file
        raise WorkError(f"no Dask scheduler answers at {where}: {error}") from error
    yield address


@contextlib.contextmanager
def _slurm(cluster: Slurm, bounds: Bounds) -> Iterator[Any]:
    with _closed(slurm_cluster(cluster), bounds) as found:
        if cluster.least_jobs is None:
            found.scale(jobs=cluster.jobs)
        else:
            found.adapt(minimum_jobs=cluster.least_jobs, maximum_jobs=cluster.jobs)
        yield found


def slurm_cluster(cluster: Slurm) -> Any:
    """A dask-jobqueue cluster without jobs yet; its `job_script()` is what would be submitted.

    Raises:
        ConfigError: dask-jobqueue is not installed.
    """
    try:
        from dask_jobqueue import SLURMCluster  # noqa: PLC0415, an extra
    except ImportError as error:
        raise ConfigError(
            "cluster.kind: slurm needs dask-jobqueue: pip install 'channel-atlas[slurm]'"
        ) from error
    exports = [
        f"export {name}={value}" for name, value in device.environment(cluster.device).items()
    ]
    gpu = ["--resources", "GPU=1"] if cluster.device == "gpu" else []
    return SLURMCluster(
        cores=cluster.workers_per_job, processes=cluster.workers_per_job, memory=cluster.memory,
        queue=cluster.queue, account=cluster.account, walltime=cluster.walltime,
        job_extra_directives=list(cluster.directives), job_script_prologue=exports,
        worker_extra_args=gpu, scheduler_options={**_QUIET},
    )  # fmt: skip


_POOLS: dict[type[Cluster], Callable[[Any, Bounds], AbstractContextManager[Any]]] = {
    Local: _local,
    LocalGpu: _local_gpu,
    Threads: _threads,
    Address: _address,
    Slurm: _slurm,
}

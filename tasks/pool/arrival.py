"""What a worker must be before it is given batches; looked at on every arrival.

One that does not fit is told to leave, and the driver why. So workers may come at any time, and a
restarted one is looked at again.
"""

import asyncio
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from distributed import Client, Reschedule, WorkerPlugin, get_worker

from pipeline.errors import AtlasError
from pipeline.network import device
from pipeline.plan import machine
from pipeline.store.store import Store

_TOPIC = "channel-atlas"
_REFUSED: set[str] = set()
"""The addresses of this process's workers that were refused."""
_SAME = ("channel-atlas", "tensorflow", "keras", "numpy", "zarr")


@dataclass(frozen=True)
class Refused:
    """A worker that is not used, and the reason."""

    worker: str
    reason: str


class Arrival(WorkerPlugin):  # type: ignore[misc]
    """Looks at a worker as it arrives.

    Args:
        folder: the atlas folder.
        fingerprint: digest of the fingerprint that the driver works by.
        is_threads: whether workers may have several threads, as those of `cluster.kind: threads`.
        wanted: the versions that they must run; those of this process, if nothing is said.
    """

    name = "channel-atlas"

    def __init__(
        self,
        folder: str,
        fingerprint: str,
        is_threads: bool = False,
        wanted: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = folder
        self._fingerprint = fingerprint
        self._is_threads = is_threads
        self._wanted = versions() if wanted is None else wanted

    async def setup(self, worker: Any) -> None:
        """Look at a worker; where it does not fit, tell why and have it leave."""
        end_profile(worker)
        try:
            reason = await asyncio.to_thread(self.refusal, worker.state.nthreads)
        except Exception as error:  # whatever keeps it from looking keeps it from working
            reason = f"it cannot tell what it runs: {error!r}"
        if reason:
            _REFUSED.add(worker.address)
            worker.loop.add_callback(self._leave, worker, reason)
        else:
            _REFUSED.discard(worker.address)

    async def _leave(self, worker: Any, reason: str) -> None:
        worker.log_event(_TOPIC, {"worker": worker.address, "reason": reason})
        await worker.close_gracefully(restart=False, reason=f"channel-atlas: {reason}")

    def refusal(self, threads: int) -> str:
        """Why this process cannot work for the driver's; empty where it can."""
        if threads != 1 and not self._is_threads:
            return (
                f"it has {threads} threads: start workers with `dask worker --nthreads 1` (and "
                "`--nworkers` for more of them)"
            )
        here = versions()
        differing = [name for name, wanted in self._wanted.items() if here[name] != wanted]
        if differing:
            listed = ", ".join(
                f"{name} {self._wanted[name]} where the build runs, {here[name]} there"
                for name in differing
            )
            return f"it runs other versions: {listed}; install the same ones"
        try:
            known = Store.open(self._folder).provenance
            if known.fingerprint.digest != self._fingerprint:
                return (
                    f"{self._folder} is another atlas there than where the build runs; let the "
                    "workers see the same folder"
                )
            known.locate_weights()
        except AtlasError as error:
            return str(error)
        return device.refusal(known.device)


def end_profile(worker: Any) -> None:
    """Stop a worker's profiler, which asks every 10 ms for the frames of all threads.

    Before Python 3.11.9 and 3.12 that can lock the interpreter for good, where another thread ends
    at that moment (https://github.com/dask/distributed/issues/8616). Workers that are started here
    never begin with it.
    """
    for name in ("profile", "profile-cycle"):
        if callback := worker.periodic_callbacks.pop(name, None):
            callback.stop()


def versions() -> dict[str, str]:
    """What must be the same everywhere: Python, and the libraries that compute and store."""
    installed = machine.versions()
    installed["tensorflow"] = installed.get("tensorflow") or installed.get("tensorflow-cpu", "none")
    python = ".".join(platform.python_version_tuple()[:2])
    return {"python": python} | {name: installed.get(name, "none") for name in _SAME}


def insist() -> None:
    """Give a batch back that came to this worker before it left.

    Raises:
        distributed.Reschedule: this worker was refused.
    """
    try:
        address = get_worker().address
    except ValueError:
        return  # not in a worker
    if address in _REFUSED:
        raise Reschedule


def attend(client: Client, arrival: Arrival, tell: Callable[[Refused], None]) -> None:
    """Look at every worker of a pool, those to come too; `tell` hears of those refused."""

    def hear(event: tuple[float, dict[str, str]]) -> None:
        _, said = event
        tell(Refused(said["worker"], said["reason"]))

    client.subscribe_topic(_TOPIC, hear)
    client.register_plugin(arrival)

"""Processes that tests start, watch and kill."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from distributed import LocalCluster

_SETTINGS = (
    "units=[relu:all, -relu:0-3, deep:all, 'relu:all@center', 'logits:0-2']", "recipe.steps=30",
    "batch_size=2", "cluster={kind: local, workers: 2}",
)  # fmt: skip
"""What takes some seconds to build, in a dozen batches, by two processes."""


def _command(*settings: str) -> list[str]:
    given = [word for setting in (*_SETTINGS, *settings) for word in ("--set", setting)]
    return [sys.executable, "-m", "tasks.command.main", "build", *given]


def run_build(folder: Path, *settings: str) -> subprocess.CompletedProcess[str]:
    """Build by the command, in a working folder with a configuration."""
    return subprocess.run(
        _command(*settings), cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )


def start_build(folder: Path, *settings: str) -> subprocess.Popen[str]:
    """Begin to build by the command; its words all go to standard output."""
    return subprocess.Popen(
        _command(*settings), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, start_new_session=True, preexec_fn=heed_ctrl_c,  # noqa: PLW1509
    )  # fmt: skip


def heed_ctrl_c() -> None:
    """Shells start what is in the background deaf to SIGINT; here it must be heard."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def scheduler_of(workers: int) -> LocalCluster:
    """Somebody's scheduler with so many workers, each a thread; its HTTP port is a free one."""
    return LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=False, protocol="tcp",
        dashboard_address="127.0.0.1:0", host="127.0.0.1",
    )  # fmt: skip


def wait(ready, process: subprocess.Popen[str] | None, seconds: float = 90):
    """What `ready` gives once it gives something true."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not (found := ready()):
        assert time.monotonic() < deadline, "it took too long"
        assert process is None or process.poll() is None, process.communicate()[0]
        pause.wait(0.05)
    return found


def children_of(pid: int) -> list[int]:
    """The processes below a process."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            child = int(path.parent.name)
            found += [child, *children_of(child)]
    return found


def is_running(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False

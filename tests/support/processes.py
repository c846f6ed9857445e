"""Processes that tests start, watch and kill."""

import signal
import subprocess
import threading
import time
from pathlib import Path


def heed_ctrl_c() -> None:
    """Shells start what is in the background deaf to SIGINT; here it must be heard."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


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

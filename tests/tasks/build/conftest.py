"""A luigid of the test's own."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def luigid(tmp_path: Path) -> Iterator[int]:
    """The port of a running luigid."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = Path(sys.executable).parent / "luigid"
    command = [program, "--address", "127.0.0.1", "--port", str(port), "--state-path", "state"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        ready = threading.Event()
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                ready.set()
                break
            except OSError:
                assert server.poll() is None
                ready.wait(0.1)
        assert ready.is_set()
        yield port
        server.terminate()
        server.wait(30)

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import AtlasFolderError
from pipeline.folder import at
from tasks import lock

HOLD = """
import sys
from pipeline.folder import at
from tasks import lock
with lock.held(at(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_build_is_refused_and_told_who_is_first(tmp_path: Path) -> None:
    with lock.held(at(tmp_path / "atlas")):
        expected = rf"is being built by process {os.getpid()} on .+ since .+: wait for it"
        with pytest.raises(AtlasFolderError, match=expected), lock.held(at(tmp_path / "atlas")):
            pass


def test_the_lock_is_free_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with lock.held(at(tmp_path)):
            pass


def test_a_killed_holder_leaves_it_free(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(AtlasFolderError, match=f"process {holder.pid}"),
            lock.held(at(tmp_path)),
        ):
            pass
        holder.kill()
        holder.wait(30)
        with lock.held(at(tmp_path)):
            pass


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(AtlasFolderError, match="cannot be written: Not a directory; choose"),
        lock.held(at(tmp_path / "file" / "atlas")),
    ):
        pass

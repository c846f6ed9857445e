import dataclasses
import json
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import AtlasFolderError, WorkError
from pipeline.store import lock
from pipeline.store.folder import Folder
from pipeline.store.lock import Note
from pipeline.store.place import at
from pipeline.store.store import LOCK

HOLD = """
import sys
from pipeline.store.place import at
from pipeline.store import lock
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


def _foreign(folder: Folder, beat: int = 1, **more: object) -> bytes:
    """What the holder on another machine writes."""
    note = Note(host="elsewhere", pid=7, machine="another", beat=beat)
    content = json.dumps(dataclasses.asdict(note) | more).encode()
    folder.begin()
    folder.write_bytes(LOCK, content)
    return content


@pytest.fixture(params=["disk", "object store"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    """A folder on a disk, and one in an object store."""
    if request.param == "disk":
        return at(tmp_path / "atlas")
    request.getfixturevalue("door")
    return at(f"s3://bucket/locks/{uuid.uuid4()}")


def test_a_build_of_another_machine_that_beats_is_refused(folder: Folder) -> None:
    _foreign(folder)
    stop = threading.Event()

    def beat() -> None:
        number = 1
        while not stop.wait(0.1):
            number += 1
            path = getattr(folder, "path", None)
            content = json.dumps(
                dataclasses.asdict(Note(host="elsewhere", pid=7, machine="another", beat=number))
            ).encode()
            path.joinpath(LOCK).write_bytes(content) if path else folder.write_bytes(LOCK, content)

    beating = threading.Thread(target=beat)
    beating.start()
    try:
        with pytest.raises(AtlasFolderError, match="built by process 7 on elsewhere"):
            lock.held(folder, lease=60).__enter__()
    finally:
        stop.set()
        beating.join()


def test_a_build_of_another_machine_that_is_dead_is_taken_over(folder: Folder) -> None:
    _foreign(folder)
    with lock.held(folder, lease=1):
        assert json.loads(folder.read(LOCK))["pid"] == os.getpid()
    assert folder.read(LOCK) == b""


def test_a_holder_beats(folder: Folder) -> None:
    with lock.held(folder, lease=0.3):
        first, ready = folder.read(LOCK), threading.Event()
        assert any(ready.wait(0.05) or folder.read(LOCK) != first for _ in range(200))


def _until_it_raises(check: Callable[[], None]) -> None:
    ready = threading.Event()
    for _ in range(200):
        check()
        ready.wait(0.05)


def test_a_lock_that_was_taken_over_is_told_and_left_alone(folder: Folder) -> None:
    with lock.held(folder, lease=0.3) as check:
        check()
        other = _foreign(folder) if not hasattr(folder, "path") else b""
        if not other:  # in place: the file itself is what is locked
            other = Note(host="elsewhere", machine="another").to_bytes()
            with (folder.path / LOCK).open("r+b") as file:
                file.write(other)
                file.truncate()
        with pytest.raises(WorkError, match="another build took over the lock"):
            _until_it_raises(check)
    assert folder.read(LOCK) == other


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": 3}', b"\xff"])
def test_a_damaged_lock_of_nobody_is_no_obstacle(folder: Folder, content: bytes) -> None:
    folder.begin()
    folder.write_bytes(LOCK, content)
    with lock.held(folder, lease=0.5):
        pass


def test_a_second_build_in_an_object_store_is_refused(door: object) -> None:
    folder = at(f"s3://bucket/locks/{uuid.uuid4()}")
    with (
        lock.held(folder, lease=1.5),
        pytest.raises(AtlasFolderError, match=f"is being built by process {os.getpid()}"),
        lock.held(folder, lease=30),
    ):
        pass

"""One writer an atlas folder at a time, on one machine or on several.

The lock is a file of the folder that says who holds it, and beats: its holder writes it anew every
few seconds. On a disk the holder also has the operating system's lock on it, which ends with the
process, however that ends. Whoever finds the file without that lock, or in an object store, watches
it: while it beats somebody is at work; if it does not for `lease` seconds its holder is dead, and
the lock is taken over. No clock of one machine is compared with another's.
"""

import contextlib
import fcntl
import json
import os
import socket
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from pipeline.errors import AtlasFolderError, WorkError
from pipeline.store.folder import Folder, LocalFolder
from pipeline.store.store import LOCK

if TYPE_CHECKING:
    from pipeline.store.object_store import RemoteFolder

_BEATS = 6
"""Beats in a lease."""


def _machine() -> str:
    """This machine, as long as it runs, and this container in it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()


@dataclass
class Note:
    """What the file says: who, since when, and a number that grows."""

    host: str = field(default_factory=socket.gethostname)
    pid: int = field(default_factory=os.getpid)
    since: str = field(default_factory=lambda: time.strftime("%Y-%m-%d %H:%M:%S %Z"))
    machine: str = field(default_factory=_machine)
    token: str = field(default_factory=lambda: uuid.uuid4().hex)
    beat: int = 0

    def to_bytes(self) -> bytes:
        """The file's content, of nearly constant length."""
        return json.dumps(asdict(self)).encode()


@contextlib.contextmanager
def held(folder: Folder, lease: float = 30.0) -> Iterator[Callable[[], None]]:
    """Hold the lock of an atlas folder, making the folder if need be.

    Args:
        folder: the atlas folder.
        lease: seconds without a beat until a holder counts as dead.

    Yields:
        A function that raises WorkError where the lock was lost: another build has begun since.

    Raises:
        AtlasFolderError: another build holds it, naming that; or the folder cannot be written.
    """
    try:
        folder.begin()
        lock = _lock(folder)
        lock.take(lease)
    except OSError as error:
        raise AtlasFolderError(
            f"the atlas folder {folder} cannot be written: {error.strerror or error}; choose "
            "another with -o DIR, or mend its permissions"
        ) from error
    heart = _Heart(lock, lease / _BEATS)
    try:
        yield lambda: heart.check(folder)
    finally:
        heart.stop()
        with contextlib.suppress(OSError):
            lock.free()


class _Lock(ABC):
    """A lock file; `note` is what this process writes there."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.note = Note()

    @abstractmethod
    def take(self, lease: float) -> None:
        """Take the lock, or raise AtlasFolderError."""

    @abstractmethod
    def beat(self) -> bool:
        """Write a sign of life; False where the lock is another's now."""

    @abstractmethod
    def free(self) -> None:
        """Give the lock back, if it is still this process's."""

    def refuse(self, content: bytes) -> AtlasFolderError:
        """The error that names a holder."""
        return AtlasFolderError(
            f"the atlas folder {self.folder} is being built by {_holder(content)}: wait for it, or "
            "stop it"
        )

    def is_dead(self, read: Callable[[], bytes | None], lease: float) -> bool:
        """Whether a file does not change for so long."""
        first, until = read(), time.monotonic() + lease
        pause = threading.Event()
        while time.monotonic() < until:
            pause.wait(min(0.5, lease / _BEATS))
            if read() != first:
                return False
        return True


class _Disk(_Lock):
    """On a disk, perhaps one that several machines share."""

    def __init__(self, folder: LocalFolder) -> None:
        super().__init__(folder)
        self._path: Path = folder.path / LOCK
        self._file: BinaryIO | None = None

    def take(self, lease: float) -> None:
        self._file = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644), "r+b", 0)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            content = self._read()
            self._file.close()
            raise self.refuse(content) from None
        content = self._read()
        # Locks of some shared folders reach no further than the machine.
        if _is_elsewhere(content) and not self.is_dead(self._read, lease):
            self._file.close()
            raise self.refuse(content)
        self.beat()

    def _read(self) -> bytes:
        assert self._file is not None  # noqa: S101, taken before
        return os.pread(self._file.fileno(), 4096, 0)

    def beat(self) -> bool:
        assert self._file is not None  # noqa: S101, taken before
        if self.note.beat and _token(self._read()) != self.note.token:
            return False
        self.note.beat += 1
        content = self.note.to_bytes()
        os.pwrite(self._file.fileno(), content, 0)
        os.ftruncate(self._file.fileno(), len(content))
        return True

    def free(self) -> None:
        if self._file is None or self._file.closed:
            return
        with self._file:
            if _token(self._read()) == self.note.token:
                os.ftruncate(self._file.fileno(), 0)


class _Object(_Lock):
    """In an object store, by writes that only happen where nobody else wrote."""

    def __init__(self, folder: "RemoteFolder") -> None:
        super().__init__(folder)
        self._store = folder

    def take(self, lease: float) -> None:
        content, version = self._read()
        is_held = content is not None and _token(content) is not None
        if is_held and not self.is_dead(lambda: self._read()[0], lease):
            raise self.refuse(content or b"")
        if not self._write(version):
            raise self.refuse(self._read()[0] or b"")

    def _read(self) -> tuple[bytes | None, str | None]:
        return self._store.version(LOCK)

    def beat(self) -> bool:
        content, version = self._read()
        if content is None or _token(content) != self.note.token:
            return False
        return self._write(version)

    def _write(self, version: str | None) -> bool:
        """Write the note where nobody wrote since; whether it is there."""
        self.note.beat += 1
        content = self.note.to_bytes()
        # A write whose answer was lost is tried again, and finds itself in the way.
        return self._store.swap(LOCK, version, content) or self._read()[0] == content

    def free(self) -> None:
        content, version = self._read()
        if content is not None and _token(content) == self.note.token:
            self._store.swap(LOCK, version, b"")


def _lock(folder: Folder) -> _Lock:
    if isinstance(folder, LocalFolder):
        return _Disk(folder)
    return _Object(cast("RemoteFolder", folder))


class _Heart:
    """Beats in a thread of its own until it is stopped, or the lock is lost."""

    def __init__(self, lock: _Lock, every: float) -> None:
        self._lock = lock
        self._every = every
        self._stop = threading.Event()
        self._is_lost = False
        self._thread = threading.Thread(target=self._run, name="lock", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            try:
                self._is_lost = not self._lock.beat()
            except OSError:
                continue  # a store that does not answer for a while; the lease may outlast it
            if self._is_lost:
                return

    def check(self, folder: Folder) -> None:
        if self._is_lost:
            raise WorkError(
                f"another build took over the lock of {folder}, since this one gave no sign of "
                "life for too long: what was committed stays; see to it that only one runs"
            )

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(60)


def _plain(content: bytes) -> dict[str, Any]:
    try:
        plain = json.loads(content)
    except ValueError:
        return {}
    return plain if isinstance(plain, dict) else {}


def _token(content: bytes) -> str | None:
    return _plain(content).get("token")


def _is_elsewhere(content: bytes) -> bool:
    """Whether a note is there and is not of this machine."""
    return bool(content) and _plain(content).get("machine") != _machine()


def _holder(content: bytes) -> str:
    plain = _plain(content)
    try:
        return f"process {plain['pid']} on {plain['host']} since {plain['since']}"
    except KeyError:
        return "another process"

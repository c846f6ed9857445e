"""Where an atlas lives: a folder on a disk, or a prefix of an object store, behind one interface.

Files have names relative to the folder, with slashes. A reader, at any moment, finds an old file or
a new one, whole.
"""

import contextlib
import errno
import hashlib
import io
import json
import os
import re
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, cast

from typing_extensions import override

Stamp = tuple[int, str]
"""A file's size and version: equal stamps, equal content."""
_DIGESTS: dict[tuple[str, str], tuple[Stamp, str]] = {}
_HALF_WRITTEN = re.compile(r"(.*/)?(\.new-[^/]*|[^/]*\.partial)", re.DOTALL)
"""Names that writing goes by until it is done: this project's, and Zarr's."""


class Folder(ABC):
    """A place of files that are whole or not there; `str` of it is its address."""

    @abstractmethod
    def read(self, name: str) -> bytes:
        """A file's content.

        Raises:
            OSError: it is not there (FileNotFoundError), or cannot be read.
        """

    @abstractmethod
    def write(self, name: str, fill: Callable[[IO[bytes]], object]) -> None:
        """Write or replace a file with what a function writes; durable when this returns.

        Raises:
            OSError: it cannot be written; what was there stays.
        """

    @abstractmethod
    def delete(self, name: str) -> None:
        """Delete a file, if it is there."""

    @abstractmethod
    def has(self, name: str) -> bool:
        """Whether a file is there."""

    @abstractmethod
    def files(self, under: str) -> Mapping[str, Stamp]:
        """The stamps of the files right under a folder of this one, by name, sorted."""

    @abstractmethod
    def stamps(self, under: str, names: Iterable[str]) -> dict[str, Stamp | None]:
        """The stamps of files somewhere below a folder of this one; None for what is not there."""

    @abstractmethod
    def settle(self, names: Iterable[str]) -> None:
        """Make files durable that others wrote here."""

    @abstractmethod
    def folders(self, under: str) -> list[str]:
        """The names of the folders right under one, sorted."""

    @abstractmethod
    def begin(self) -> None:
        """Make sure that files can be written here.

        Raises:
            OSError: they cannot.
        """

    @abstractmethod
    def is_there(self) -> bool:
        """Whether there is such a folder."""

    def is_a_file(self) -> bool:
        """Whether the address is a file's."""
        return False

    @abstractmethod
    def walk(self) -> list[str]:
        """The names of all files, at any depth, sorted."""

    @abstractmethod
    def zarr(self, name: str) -> Any:
        """The Zarr store under a name."""

    def read_all(self, names: Iterable[str]) -> Iterator[tuple[str, bytes | OSError]]:
        """The contents of files, or why they cannot be read, in the order of their names."""
        for name in names:
            yield name, or_error(self.read, name)

    def digest(self, name: str) -> str:
        """A file's SHA-256; read once, until its stamp changes. Raises as `read`."""
        stamp = self.stamps(name.rpartition("/")[0], [name])[name]
        known = _DIGESTS.get((str(self), name))
        if stamp is None or known is None or known[0] != stamp:
            known = stamp or (0, ""), hashlib.sha256(self.read(name)).hexdigest()
            _DIGESTS[str(self), name] = known
        return known[1]

    def write_digested(self, name: str, fill: Callable[[IO[bytes]], object]) -> str:
        """Write a file as `write`, front to back; its SHA-256, taken on the way."""
        found = hashlib.sha256()
        self.write(name, lambda file: fill(cast(IO[bytes], _Digesting(file, found))))
        stamp = self.stamps(name.rpartition("/")[0], [name])[name]
        _DIGESTS[str(self), name] = stamp or (0, ""), found.hexdigest()
        return found.hexdigest()

    def write_json(self, name: str, value: Any) -> None:
        """Write canonical JSON."""
        encoder = json.JSONEncoder(sort_keys=True, indent=1, ensure_ascii=False)

        def fill(file: IO[bytes]) -> None:
            for piece in encoder.iterencode(value):
                file.write(piece.encode())
            file.write(b"\n")

        self.write(name, fill)

    def write_bytes(self, name: str, content: bytes) -> None:
        """Write a content."""
        self.write(name, lambda file: file.write(content))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Folder) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class _Digesting(io.RawIOBase):
    """A file that is written front to back, and digested on the way."""

    def __init__(self, file: IO[bytes], found: "hashlib._Hash") -> None:
        self._file = file
        self._found = found

    @override
    def writable(self) -> bool:
        return True

    @override
    def write(self, data: Any) -> int:
        self._found.update(data)
        return self._file.write(data)

    @override
    def tell(self) -> int:
        return self._file.tell()


class LocalFolder(Folder):
    """A folder on a disk. `path` is absolute."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()

    def __str__(self) -> str:
        return str(self.path)

    @override
    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()

    @override
    def write(self, name: str, fill: Callable[[IO[bytes]], object]) -> None:
        if not self.path.is_dir():  # perhaps no longer mounted: nothing is put in its place
            raise FileNotFoundError(errno.ENOENT, "the folder is gone", str(self.path))
        write_atomically(self.path / name, fill)

    @override
    def delete(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)

    @override
    def has(self, name: str) -> bool:
        return (self.path / name).is_file()

    @override
    def files(self, under: str) -> Mapping[str, Stamp]:
        found = {}
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), self._scan(under) as items:
            for item in items:
                with contextlib.suppress(FileNotFoundError):  # gone since
                    if item.is_file():
                        found[item.name] = _stamp(item.stat())
        return dict(sorted(found.items()))

    @override
    def stamps(self, under: str, names: Iterable[str]) -> dict[str, Stamp | None]:
        return {name: self._stamp(name) for name in names}

    def _stamp(self, name: str) -> Stamp | None:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return _stamp((self.path / name).stat())
        return None

    @override
    def settle(self, names: Iterable[str]) -> None:
        paths = [self.path / name for name in names]
        for path in [*paths, *{path.parent for path in paths}]:
            _sync(path)

    @override
    def folders(self, under: str) -> list[str]:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), self._scan(under) as items:
            return sorted(item.name for item in items if item.is_dir())
        return []

    def _scan(self, under: str) -> Any:
        return os.scandir(self.path / under)

    @override
    def begin(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)

    @override
    def is_there(self) -> bool:
        return self.path.is_dir()

    @override
    def is_a_file(self) -> bool:
        return self.path.exists() and not self.path.is_dir()

    @override
    def walk(self) -> list[str]:
        return sorted(
            (Path(place) / file).relative_to(self.path).as_posix()
            for place, _, files in os.walk(self.path)
            for file in files
        )

    @override
    def zarr(self, name: str) -> Any:
        return self.path / name


def write_atomically(path: Path, fill: Callable[[IO[bytes]], object]) -> None:
    """Write a file of the local disk so that any reader finds the old one or the new one, whole.

    Raises:
        OSError: it cannot be written; what was there stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-", delete=False) as file:
        temporary = Path(file.name)
        try:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
            temporary.chmod(0o644)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    _sync(path.parent)


def is_half_written(name: str) -> bool:
    """Whether a file's name is one that a writer gives it until it is whole; nobody reads it."""
    return _HALF_WRITTEN.fullmatch(name) is not None


def _stamp(about: os.stat_result) -> Stamp:
    return about.st_size, f"{about.st_ino} {about.st_mtime_ns}"


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def or_error(read: Callable[[str], bytes], name: str) -> bytes | OSError:
    """What a function reads, or the error that it raises."""
    try:
        return read(name)
    except OSError as error:
        return error

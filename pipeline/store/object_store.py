"""An atlas folder in an object store: a prefix of s3://, gs://, az://, https:// or memory://.

Reached through obstore, an extra, which takes credentials from the environment alone, and tries
again what fails for a moment. Errors never repeat a request's address, which may be signed.
"""

import concurrent.futures
import contextlib
import functools
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import IO, Any, cast
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import from_url
from typing_extensions import override

from pipeline.errors import ConfigError
from pipeline.store.folder import Folder, Stamp, or_error

_AT_ONCE = 32
"""Requests on their way together."""
_ENDPOINTS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT")


class RemoteFolder(Folder):
    """A prefix of an object store."""

    def __init__(self, address: str) -> None:
        """Find the store.

        Raises:
            ConfigError: the address is of no store, or holds credentials.
        """
        parts = urlsplit(address)
        if parts.username or parts.password or parts.query:
            raise ConfigError(
                f"output: an object store's address, at {parts.hostname}, holds credentials or a "
                "query: leave them out, and set the environment instead"
            )
        self.address = address.rstrip("/")
        self.store = _store(self.address)

    def __str__(self) -> str:
        return self.address

    @override
    def read(self, name: str) -> bytes:
        with _as_os_errors(self, name):
            return bytes(obstore.get(self.store, name).bytes())

    @override
    def write(self, name: str, fill: Callable[[IO[bytes]], object]) -> None:
        with tempfile.SpooledTemporaryFile(max_size=1 << 26) as file:
            fill(cast(IO[bytes], file))
            file.seek(0)
            with _as_os_errors(self, name):
                obstore.put(self.store, name, file)

    @override
    def delete(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError), _as_os_errors(self, name):
            obstore.delete(self.store, name)

    @override
    def has(self, name: str) -> bool:
        try:
            with _as_os_errors(self, name):
                obstore.head(self.store, name)
        except FileNotFoundError:
            return False
        return True

    @override
    def files(self, under: str) -> Mapping[str, Stamp]:
        found = {
            item["path"].rpartition("/")[2]: (item["size"], str(item["e_tag"]))
            for item in self._listed(under)["objects"]
        }
        return dict(sorted(found.items()))

    @override
    def stamps(self, under: str, names: Iterable[str]) -> dict[str, Stamp | None]:
        with _as_os_errors(self, under):
            found = {
                item["path"]: (item["size"], str(item["e_tag"]))
                for page in obstore.list(self.store, under or None)
                for item in page
            }
        return {name: found.get(name) for name in names}

    @override
    def walk(self) -> list[str]:
        with _as_os_errors(self, ""):
            return sorted(item["path"] for page in obstore.list(self.store) for item in page)

    @override
    def settle(self, names: Iterable[str]) -> None:
        """Nothing: an object is durable when it is there."""

    @override
    def folders(self, under: str) -> list[str]:
        found = self._listed(under)["common_prefixes"]
        return sorted(name.rstrip("/").rpartition("/")[2] for name in found)

    def _listed(self, under: str) -> Any:
        with _as_os_errors(self, under):
            return obstore.list_with_delimiter(self.store, under or None)

    @override
    def read_all(self, names: Iterable[str]) -> Iterator[tuple[str, bytes | OSError]]:
        listed = list(names)
        with concurrent.futures.ThreadPoolExecutor(_AT_ONCE) as threads:
            read = functools.partial(or_error, self.read)
            yield from zip(listed, threads.map(read, listed), strict=True)

    def version(self, name: str) -> tuple[bytes | None, str | None]:
        """A file's content and version; (None, None) where it is not there."""
        try:
            with _as_os_errors(self, name):
                found = obstore.get(self.store, name)
                return bytes(found.bytes()), found.meta["e_tag"]
        except FileNotFoundError:
            return None, None

    def swap(self, name: str, version: str | None, content: bytes) -> bool:
        """Write a file if it still has a version, or is still not there; whether it was written."""
        with _as_os_errors(self, name):
            try:
                mode: Any = "create" if version is None else {"e_tag": version}
                obstore.put(self.store, name, content, mode=mode)
            except (AlreadyExistsError, PreconditionError):
                return False
        return True

    @override
    def begin(self) -> None:
        """Nothing: a prefix is there when something has it."""

    @override
    def is_there(self) -> bool:
        with _as_os_errors(self, ""):
            return any(obstore.list(self.store, chunk_size=1))

    @override
    def zarr(self, name: str) -> Any:
        from zarr.storage import ObjectStore  # noqa: PLC0415, slow to import

        return ObjectStore(_store(f"{self.address}/{name}"))


@functools.lru_cache(maxsize=8)
def _store(address: str) -> Any:
    """An obstore store, with its pool of connections."""
    # Without TLS only where the environment names such a server.
    is_plain = any(os.environ.get(name, "").startswith("http://") for name in _ENDPOINTS)
    try:
        return from_url(
            address,
            client_options={"connect_timeout": "10s", "timeout": "60s", "allow_http": is_plain},
            retry_config={"max_retries": 8, "retry_timeout": timedelta(seconds=120)},
        )
    except Exception as error:  # a bad address raises many types
        raise ConfigError(f"output: {address} is no address of an object store: {error}") from None


@contextlib.contextmanager
def _as_os_errors(folder: RemoteFolder, name: str) -> Iterator[None]:
    """An object store's errors as a disk's, for those who know only disks."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise PermissionError(
            f"{folder} refuses ({name}): check the credentials in the environment: {_first(error)}"
        ) from None
    except BaseError as error:
        raise OSError(f"{folder} does not answer as it should ({name}): {_first(error)}") from None


def _first(error: BaseException) -> str:
    """The first line of a store's message, without the addresses of requests."""
    line = (str(error).splitlines() or [type(error).__name__])[0]
    return re.sub(r"https?://\S+", "…", line)

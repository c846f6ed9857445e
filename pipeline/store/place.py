"""The folder at an address: a path, or an object store's."""

import re
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.store.folder import Folder, LocalFolder

_REMOTE = re.compile(r"[a-z][a-z0-9+]+://")


def at(address: "str | Path | Folder") -> Folder:
    """The folder at an address: a path, or an object store's.

    Raises:
        ConfigError: the address is of a kind that is not known, or needs obstore.
    """
    if isinstance(address, Folder):
        return address
    if isinstance(address, str) and _REMOTE.match(address):
        try:
            from pipeline.store.object_store import RemoteFolder  # noqa: PLC0415, an extra
        except ImportError as error:
            raise ConfigError(
                f"the atlas folder {address} is in an object store, which needs obstore: "
                "pip install 'channel-atlas[object-store]'"
            ) from error
        return RemoteFolder(address)
    return LocalFolder(Path(address))

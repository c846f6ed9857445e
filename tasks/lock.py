"""One build an atlas folder at a time."""

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from pipeline.errors import AtlasFolderError


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the lock of an atlas folder, making the folder if need be.

    The operating system frees it when its holder ends, however that ends.

    Raises:
        AtlasFolderError: another build holds it, naming that; or the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "build.lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise AtlasFolderError(
            f"the atlas folder {folder} cannot be written: {error.strerror}; choose another with "
            "-o DIR, or mend its permissions"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AtlasFolderError(
                f"the atlas folder {folder} is being built by {_holder(file)}: wait for it, or "
                "stop it"
            ) from error
        file.truncate(0)
        note = {"host": socket.gethostname(), "pid": os.getpid(), "since": _now()}
        file.write(json.dumps(note))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def _holder(file: TextIO) -> str:
    file.seek(0)
    try:
        note = json.loads(file.read())
        return f"process {note['pid']} on {note['host']} since {note['since']}"
    except (ValueError, KeyError, TypeError):
        return "another process"


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S %Z")

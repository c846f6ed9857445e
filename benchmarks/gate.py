"""A gate that processes wait at until all of them are ready, so that they begin together."""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

_PATIENCE = 300.0
"""Seconds until a process must be ready."""


class Gate:
    """The side of the process that opens the gate.

    Args:
        folder: an empty folder that all processes see.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open_for(self, running: Sequence[subprocess.Popen[str]]) -> None:
        """Open the gate when all wait at it, or one of them ended."""
        began = time.monotonic()
        while len(list(self.folder.iterdir())) < len(running):
            ended = any(process.poll() is not None for process in running)
            if ended or time.monotonic() - began > _PATIENCE:
                break
            time.sleep(0.02)
        (self.folder / "open").touch()


def wait(place: Path | None) -> None:
    """Say that this process is ready, and wait for the others; None does not wait.

    Args:
        place: this process's own file in the gate's folder.
    """
    if place is None:
        return
    place.touch()
    began = time.monotonic()
    while not (place.parent / "open").exists() and time.monotonic() - began < _PATIENCE:
        time.sleep(0.002)

"""Exports that are one file: the index as CSV, and the whole atlas as a zip archive."""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.errors import WorkError
from pipeline.explore import index, query
from pipeline.store.folder import Folder
from pipeline.store.store import LOCK, Store

_ROOT = "atlas/"
"""The folder in the archive that everything is in."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time of a file in a zip archive."""
_TRIGGERS = ("=", "+", "@", "\t", "\r")
"""What a text begins with that a spreadsheet would take for a formula."""
_FREE = ("class_name", "name", "note", "called")
"""Columns of texts that may be any."""


def write_csv(store: Store, path: Path) -> None:
    """Write the index as CSV: lists joined by spaces, UTF-8 without a mark, as `query` writes it.

    A text that a spreadsheet would run as a formula gets a ' before it. An id such as -mixed4:3 is
    none: it stays as it is.
    """
    frame = index.of(store)
    frame = query.flat(frame)
    for name in frame.columns:
        if frame[name].dtype == "string":
            first = (*_TRIGGERS, "-") if name in _FREE else _TRIGGERS
            frame[name] = frame[name].map(lambda text, first=first: _harmless(text, first))
    frame.to_csv(path, index=False, encoding="utf-8", lineterminator="\n")


def _harmless(text: Any, first: tuple[str, ...]) -> Any:
    return f"'{text}" if isinstance(text, str) and text.startswith(first) else text


def write_zip(store: Store, path: Path) -> None:
    """Write everything in an atlas folder into an archive; equal folders give equal bytes.

    Nothing is compressed again. Records are listed before the chunks that they commit, so that what
    the archive commits is in it, even while the atlas grows.

    Raises:
        WorkError: a file went away meanwhile.
    """
    folder = store.folder
    first = ("records", "responses", "circuits", "truth", "examples", "crops", "across")
    names = [name for top in first for name in _below(folder, top)]
    names += [name for name in _below(folder, "") if name.split("/")[0] not in first]
    with zipfile.ZipFile(path, "x", zipfile.ZIP_STORED, strict_timestamps=True) as archive:
        for name in sorted(names):
            entry = zipfile.ZipInfo(_ROOT + name, _EPOCH)
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            try:
                archive.writestr(entry, folder.read(name))
            except FileNotFoundError as error:
                raise WorkError(
                    f"{name} in {folder} went away while it was archived: export again when no "
                    "build is running"
                ) from error


def _below(folder: Folder, under: str) -> Iterator[str]:
    """The files below a folder, those apart that a build is about to write or holds."""
    place = f"{under}/" if under else ""
    for name in folder.files(under):
        if name != LOCK and not name.startswith(".new-") and not name.endswith(".partial"):
            yield place + name
    for name in folder.folders(under):
        yield from _below(folder, place + name)

"""An atlas written as what other programs read: a registry of formats, and all or nothing.

| format | written | for |
| --- | --- | --- |
| ome-zarr | a folder: the mosaic as an OME-Zarr 0.5 image with its units as labels | napari |
| dzi | a folder: the mosaic as a Deep Zoom Image, and where each unit is on it | OpenSeadragon |
| csv | a file: the index | a spreadsheet |
| graphml | a file: which unit is built from which, measured | Gephi, NetworkX |
| zip | a file: the whole atlas folder, in equal bytes for equal atlases | an archive |
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.extras import need
from pipeline.publish.archive import write_csv, write_zip
from pipeline.publish.graph import write_graphml
from pipeline.publish.zoom import write_dzi, write_ome_zarr
from pipeline.store.store import Store


@dataclass(frozen=True)
class Format:
    """How an atlas is exported.

    Attributes:
        write: writes it at a path that is not there.
        module: the library of an extra that it needs, if any.
    """

    write: Callable[[Store, Path], None]
    module: str = ""


def export(store: Store, kind: str, path: Path) -> None:
    """Write an atlas in a format; a failure leaves nothing at the path, and nothing beside it.

    Args:
        store: the atlas.
        kind: a name in `FORMATS`.
        path: where; there may be nothing yet.

    Raises:
        ConfigError: there is no such format, something is there, its folder is not there, it
            cannot be written, or the format's library is not here.
        WorkError: stored data is damaged, or changed meanwhile.
    """
    if kind not in FORMATS:
        raise ConfigError(f"there is no format {kind!r}: expected {', '.join(FORMATS)}")
    found, place = FORMATS[kind], path.expanduser().absolute()
    if os.path.lexists(place):
        raise ConfigError(f"{path} is there already: name another, or take it away")
    if not place.parent.is_dir():
        raise ConfigError(f"{path}: there is no folder {place.parent}")
    if found.module:
        need(found.module, f"the format {kind}")
    try:
        # Beside the place, so that the last step is a rename within one file system.
        with tempfile.TemporaryDirectory(prefix=".new-", dir=place.parent) as folder:
            found.write(store, Path(folder) / place.name)
            _put(Path(folder) / place.name, place)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error


def _put(written: Path, place: Path) -> None:
    """Move what was written to its place, in one step, unless something came there meanwhile."""
    if written.is_dir():
        written.rename(place)  # fails where anything but an empty folder is
        return
    try:
        os.link(written, place)  # fails where anything is
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        shutil.move(written, place)


FORMATS: Mapping[str, Format] = {
    "ome-zarr": Format(write_ome_zarr, "ome_zarr"),
    "dzi": Format(write_dzi, "pyvips"),
    "csv": Format(write_csv),
    "graphml": Format(write_graphml, "networkx"),
    "zip": Format(write_zip),
}
"""The formats, by name."""

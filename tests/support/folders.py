"""Folders on a disk that note what they are asked for."""

from collections.abc import Mapping
from pathlib import Path

from pipeline.store.folder import LocalFolder, Stamp


class Noting(LocalFolder):
    """A folder on a disk.

    Attributes:
        read_names: the files that were read, in order.
        listed: the folders whose files were listed, in order.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.read_names: list[str] = []
        self.listed: list[str] = []

    def read(self, name: str) -> bytes:
        self.read_names.append(name)
        return super().read(name)

    def files(self, under: str) -> Mapping[str, Stamp]:
        self.listed.append(under)
        return super().files(under)

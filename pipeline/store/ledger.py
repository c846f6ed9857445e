"""What an atlas held when a build last ended, and how that lay on the disk.

ATLAS/whole.json

A cache: without it a build reads everything once more. Yet what it lists and is gone is a loss.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from pipeline.errors import DamageError
from pipeline.store.folder import Folder
from pipeline.store.seal import seal, sealed

NAME = "whole.json"


@dataclass(frozen=True)
class Ledger:
    """What was there.

    Attributes:
        stamps: by record, as `RECORD DIGEST`, how its chunks lay on the disk when they were found
            whole; empty where they were not looked at.
        files: the same of files that are made from what is committed, by name.
        config_hash: of the configuration that the atlas was built by.
    """

    stamps: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    config_hash: str = ""

    def names(self) -> set[str]:
        """The files that were there."""
        return {key.rpartition(" ")[0] for key in self.stamps} | set(self.files)


def read(folder: Folder) -> Ledger:
    """The ledger of an atlas folder.

    Raises:
        OSError: it is not there, or cannot be read.
        DamageError: it is damaged.
    """
    with sealed(folder, NAME) as found:
        ledger = Ledger(**found)
        if not all(isinstance(part, dict) for part in (ledger.stamps, ledger.files)):
            raise DamageError(f"{NAME} in {folder} is not what was noted there")
    return ledger


def known(folder: Folder) -> Ledger:
    """The ledger of an atlas folder; an empty one where there is none, or it is damaged."""
    try:
        return read(folder)
    except (OSError, DamageError):
        return Ledger()


def write(folder: Folder, ledger: Ledger) -> None:
    """Write a ledger, where it is another than that which is there."""
    if ledger != known(folder):
        folder.write_json(NAME, seal(asdict(ledger)))

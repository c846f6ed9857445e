"""A user's own words on units, kept beside the atlas and in its index.

    ATLAS/notes.json   by unit id a text, sealed

Nothing makes them again. So nothing takes them away: where the file is lost or damaged, they are
taken from the index, which has them too; and one that somebody wrote by hand is taken as it is.
"""

import contextlib
import json
from collections.abc import Callable, Mapping

from pipeline.errors import ConfigError, DamageError
from pipeline.plan.identity import digest
from pipeline.store.folder import Folder
from pipeline.store.seal import seal, sealed

NAME = "notes.json"
LONGEST = 2_000
"""Characters of a note."""


def line(text: str) -> str:
    """A note as it is kept: one line, blanks once.

    Raises:
        ConfigError: it is too long.
    """
    plain = " ".join(text.split())
    if len(plain) > LONGEST:
        raise ConfigError(
            f"a note has up to {LONGEST:,} characters, this one has {len(plain):,}: {plain[:40]!r}…"
        )
    return plain


def read(folder: Folder) -> dict[str, str]:
    """By unit id its note, of units that the atlas no longer names too; none if there is no file.

    Raises:
        DamageError: the file is damaged.
    """
    with contextlib.suppress(FileNotFoundError), sealed(folder, NAME) as found:
        return _checked(found)
    return {}


def known(folder: Folder) -> dict[str, str]:
    """As `read`; none where the file is damaged."""
    try:
        return read(folder)
    except DamageError:
        return {}


def state_of(folder: Folder) -> str:
    """A digest of the notes; empty where there are none."""
    found = known(folder)
    return digest(found) if found else ""


def write(folder: Folder, notes: Mapping[str, str]) -> None:
    """Replace the notes; what has no text has none."""
    kept = {unit: text for unit, text in sorted(notes.items()) if text}
    folder.write_json(NAME, seal({"notes": kept}))


def mend(folder: Folder, indexed: Callable[[], Mapping[str, str]]) -> None:
    """Write the file anew where it is lost or damaged.

    Args:
        folder: the atlas's.
        indexed: gives the notes that the index has, from before.
    """
    try:
        if folder.has(NAME):
            read(folder)
            return
    except DamageError:
        by_hand = _unsealed(folder)
        if by_hand is not None:
            write(folder, by_hand)
            return
    kept = indexed()
    if kept:
        write(folder, kept)


def _unsealed(folder: Folder) -> dict[str, str] | None:
    """What a file holds whose seal is not its own; None where that is not to be read."""
    try:
        return _checked(json.loads(folder.read(NAME)))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _checked(document: Mapping[str, object]) -> dict[str, str]:
    """The notes of a document. Raises what a document that is none raises."""
    notes = document["notes"]
    if not isinstance(notes, dict) or not all(isinstance(text, str) for text in notes.values()):
        raise TypeError("expected a text for each unit")
    return notes

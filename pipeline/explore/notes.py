"""A user's own words on units, kept beside the atlas and in its index.

    ATLAS/notes.json   by unit id a text, and by unit id what the user calls it; sealed

Nothing makes them again. So nothing takes them away: where the file is lost or damaged, they are
taken from the index, which has them too; and one that somebody wrote by hand is taken as it is.
"""

import contextlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.errors import ChangedError, ConfigError, DamageError
from pipeline.plan.identity import digest
from pipeline.store.folder import Folder
from pipeline.store.seal import seal, sealed

NAME = "notes.json"
LONGEST = 5_000
"""Characters of a note."""
LONGEST_NAME = 200
"""Characters of what a user calls a unit."""


@dataclass(frozen=True)
class Said:
    """What a user says of units.

    Attributes:
        notes: by unit id a text.
        called: by unit id the user's name for it.
    """

    notes: Mapping[str, str]
    called: Mapping[str, str]

    @property
    def is_any(self) -> bool:
        """Whether anything is said."""
        return bool(self.notes or self.called)

    def on(self, unit: str) -> tuple[str, str]:
        """What a unit is called, and the note on it; empty where there is none."""
        return self.called.get(unit, ""), self.notes.get(unit, "")

    def check(self, before: Mapping[str, tuple[str, str]]) -> None:
        """See that units are called, and noted on, as somebody thinks that they are.

        Raises:
            ChangedError: one is not.
        """
        for unit, thought in before.items():
            if self.on(unit) != tuple(thought):
                raise ChangedError(
                    f"what is noted on {unit} was changed meanwhile: it is not what is replaced"
                )

    def also(self, notes: Mapping[str, str], called: Mapping[str, str]) -> "Said":
        """The same with other words on some units."""
        return Said({**self.notes, **notes}, {**self.called, **called})


NOTHING = Said({}, {})


def line(text: str, longest: int = LONGEST, what: str = "a note") -> str:
    """A note as it is kept: one line, blanks once, nothing that a terminal would obey.

    Raises:
        ConfigError: it is too long.
    """
    plain = " ".join(_UNSEEN.sub(" ", text).split())
    if len(plain) > longest:
        raise ConfigError(
            f"{what} has up to {longest:,} characters, this one has {len(plain):,}: {plain[:40]!r}…"
        )
    return plain


_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
)
"""What terminals obey, breaks lines, or has the words around it read from the other side."""


def name_line(text: str) -> str:
    """A user's name for a unit as it is kept. Raises as `line`."""
    return line(text, LONGEST_NAME, "what a unit is called")


def said(folder: Folder) -> Said:
    """All that a user said of units, of those that the atlas no longer names too.

    Raises:
        DamageError: the file is damaged.
    """
    with contextlib.suppress(FileNotFoundError), sealed(folder, NAME) as found:
        return _checked(found)
    return NOTHING


def read(folder: Folder) -> dict[str, str]:
    """By unit id the note on it; none if there is no file. Raises as `said`."""
    return dict(said(folder).notes)


def known(folder: Folder) -> Said:
    """As `said`; nothing where the file is damaged."""
    try:
        return said(folder)
    except DamageError:
        return NOTHING


def state_of(folder: Folder) -> str:
    """A digest of what is said; empty where nothing is."""
    found = known(folder)
    return digest(_plain(found)) if found.is_any else ""


def write(folder: Folder, words: Said) -> None:
    """Replace what is said; what has no text is not."""
    folder.write_json(NAME, seal(_document(words)))


def _plain(words: Said) -> object:
    """What is said, as older atlases have it where no unit is called anything."""
    return [words.notes, words.called] if words.called else words.notes


def _document(words: Said) -> dict[str, dict[str, str]]:
    both = {"notes": words.notes, "called": words.called}
    kept = {name: {u: text for u, text in sorted(of.items()) if text} for name, of in both.items()}
    return kept if kept["called"] else {"notes": kept["notes"]}


def mend(folder: Folder, indexed: Callable[[], Said]) -> None:
    """Write the file anew where it is lost or damaged.

    Args:
        folder: the atlas's.
        indexed: gives what the index has, from before.
    """
    try:
        if folder.has(NAME):
            said(folder)
            return
    except DamageError:
        by_hand = _unsealed(folder)
        if by_hand is not None:
            write(folder, by_hand)
            return
    kept = indexed()
    if kept.is_any:
        write(folder, kept)


def _unsealed(folder: Folder) -> Said | None:
    """What a file holds whose seal is not its own; None where that is not to be read."""
    try:
        return _checked(json.loads(folder.read(NAME)))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _checked(document: Mapping[str, Any]) -> Said:
    """What a document says. Raises what a document that is none raises."""
    said = Said(document["notes"], document.get("called", {}))
    for of in (said.notes, said.called):
        if not isinstance(of, dict) or not all(isinstance(text, str) for text in of.values()):
            raise TypeError("expected a text for each unit")
    return said

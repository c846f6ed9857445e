"""Patterns of unit ids, taken apart: `mixed4:0-63,100@center#1` is a head, a selection, a place.

A *pattern* is an id whose number may be `all`, ranges and lists; patterns may be joined by commas.
A configuration and `--only` are lists of patterns; one that names no variant names as many as the
atlas has. What the parts mean is for the kinds of unit to say (`kinds`).
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.errors import UnitError
from pipeline.plan.architecture import Architecture, Layer

WORDS = frozenset({"deepdream", "logits", "softmax"})
"""What stands before a colon and is no layer; `:logits:3` is of a layer of such a name."""


def split(text: str) -> list[str]:
    """The patterns of a list such as `mixed4:42,mixed2:7-9,11`: a comma and a head begin one."""
    found: list[str] = []
    for part in re.split(r",(?=[^,]*:)", str(text)):
        if found and ":" not in found[-1].strip().lstrip("-:"):  # the name of a layer has a comma
            found[-1] = f"{found[-1]},{part}"
        else:
            found.append(part)
    return found


@dataclass(frozen=True)
class Pattern:
    """A pattern, before it is held against a network.

    Attributes:
        text: as it was given.
        negative: whether a minus leads it.
        head: what stands before the last colon: a layer, or a word such as `deepdream`.
        selection: what stands behind it.
        place: what stands behind the @, or None.
        variant: the number behind the #, or None.
        is_layer: whether a leading colon says that the head is a layer, whatever its name.
    """

    text: str
    negative: bool
    head: str
    selection: str
    place: str | None
    variant: int | None
    is_layer: bool = False

    @classmethod
    def parse(cls, text: str, forms: str) -> "Pattern":
        """Read a pattern.

        Args:
            text: the pattern.
            forms: what ids look like, for the error.

        Raises:
            UnitError: the text has not the form of an id.
        """
        if not isinstance(text, str) or len(text) > 4096:
            raise UnitError(f"unit {str(text)[:60]!r} is not an id: expected {forms}")
        body = text.strip()
        negative = body.startswith("-")
        body = body.removeprefix("-")
        is_layer = body.startswith(":") and ":" in body[1:]
        head, colon, rest = body.removeprefix(":" if is_layer else "").rpartition(":")
        rest, hash_, variant = rest.partition("#")
        selection, at, place = rest.partition("@")
        malformed = not (head and colon and selection) or (at and not place)
        if malformed or (hash_ and not re.fullmatch(r"\d{1,4}", variant, re.ASCII)):
            raise UnitError(f"unit {text!r} is not an id: expected {forms}")
        number = int(variant) if hash_ else None
        return cls(text, negative, head, selection, place if at else None, number, is_layer)

    def is_of(self, word: str) -> bool:
        """Whether the head is a word, and not a layer of that name."""
        return self.head == word and not self.is_layer

    def refuse_place(self) -> None:
        """Raise where a position is named that this head has not."""
        if self.place is not None:
            raise UnitError(f"unit {self.text!r}: {self.head} units have no position, drop `@…`")

    def layer(self, architecture: Architecture, name: str) -> Layer:
        """The layer of a name.

        Raises:
            UnitError: the network has none; the message names the nearest, or says where it ends.
        """
        layer = architecture.layers.get(name)
        if layer is not None:
            return layer
        raise UnitError(
            f"unit {self.text!r}: the network has no layer {name!r} with channels"
            f"{_hint(name, architecture)}"
        )

    def numbers(self, count: int, owner: str) -> list[int]:
        """The numbers of a selection such as `0-63,100`, sorted, each below `count`.

        Args:
            count: how many there are.
            owner: whose they are, for the error, as in `layer mixed4 has channels`.

        Raises:
            UnitError: a number that is none, or is not below `count`.
        """
        if self.selection == "all":
            return list(range(count))
        chosen: set[int] = set()
        for part in self.selection.split(","):
            match = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", part.strip(), re.ASCII)
            if match is None:
                raise UnitError(
                    f"unit {self.text!r}: {part!r} is no number or range; "
                    "expected `all`, 42, 0-63 or 0-63,100"
                )
            first, last = int(match[1]), int(match[2] or match[1])
            if first > last:
                raise UnitError(f"unit {self.text!r}: the range {part!r} runs backwards")
            if last >= count:
                raise UnitError(f"unit {self.text!r}: {owner} 0 to {count - 1}, not {last}")
            chosen.update(range(first, last + 1))
        return sorted(chosen)

    def position(self, layer: Layer, image_size: int) -> tuple[int, int]:
        """Row and column of a layer's map that the place names.

        Raises:
            UnitError: it is no place, or is not on the map.
        """
        if self.place == "center":
            return layer.height // 2, layer.width // 2
        match = re.fullmatch(r"(\d{1,6}),(\d{1,6})", self.place or "", re.ASCII)
        if match is None:
            raise UnitError(
                f"unit {self.text!r}: expected a position as in @2,3 (row, column) or @center, "
                f"not @{self.place}"
            )
        row, column = int(match[1]), int(match[2])
        if row >= layer.height or column >= layer.width:
            raise UnitError(
                f"unit {self.text!r}: at an image size of {image_size} px the map of "
                f"{layer.name} is {layer.height} x {layer.width}: rows 0 to {layer.height - 1}, "
                f"columns 0 to {layer.width - 1}"
            )
        return row, column


_NUMBERED = re.compile(r"(.*?)(\d{1,6})(?:_\d+)?", re.ASCII)


def _hint(name: str, known: Architecture) -> str:
    """What may have been meant by the name of a layer that is not there."""
    ended = _last_before(name, known.layers)
    if ended and known.name == "inception_v3" and known.classes is None:
        return (
            f": these weights end at {known.deepest!r}; `model.weights: imagenet`, in another "
            "atlas folder, has the rest"
        )
    near = difflib.get_close_matches(name, known.layers, n=1)
    meant = f"; {ended!r} is the last of that name" if ended else ""
    meant = meant or (f"; did you mean {near[0]!r}?" if near else "")
    return f"{meant} (its last one is {known.deepest!r}; `atlas doctor --layers` lists them all)"


def _last_before(name: str, layers: Iterable[str]) -> str | None:
    """The last of the layers that are numbered as a name is, where its number is beyond it."""
    numbered = _NUMBERED.fullmatch(name)
    if numbered is None:
        return None
    alike = {
        int(match[2]): layer
        for layer in layers
        if (match := _NUMBERED.fullmatch(layer)) and match[1] == numbered[1]
    }
    return alike[max(alike)] if alike and max(alike) < int(numbered[2]) else None

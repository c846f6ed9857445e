"""Directions: vectors in a layer's space, and what a pattern says of them.

    mixed4:7+42-0.5*120    a weighted sum of channels
    mixed4:42>7/5          five steps from one to another; `mixed4:42>7/5/2` is the middle one
    mixed4@dir/sae:3       row 3 of a matrix of the user's, called `sae` (`config.vectors`)
    mixed4:42+7~2          climbed by dot product × cosine²
    mixed4:42+7@2,3        at one place of the map

Sums and steps are of rows of a matrix, too: `mixed4@dir/sae:3+5`, `mixed4@dir/sae:3>5/9`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

import numpy as np

from pipeline.config.vectors import Vectors
from pipeline.errors import UnitError
from pipeline.plan.patterns import Pattern

_OF_FILE = re.compile(r"(.+)@dir/([A-Za-z0-9][\w.-]*(?:/[\w.-]+)*)", re.ASCII)
_TERM = re.compile(r"([+-]?)(?:(\d{1,7}(?:\.\d{1,6})?)\*)?(\d{1,9})", re.ASCII)
_SUM = re.compile(rf"{_TERM.pattern}(?:[+-](?:\d{{1,7}}(?:\.\d{{1,6}})?\*)?\d{{1,9}})*", re.ASCII)
_PATH = re.compile(r"([^>/]+)>([^>/]+)/(\d{1,4})(?:/(\d{1,4}))?", re.ASCII)
_POWER = re.compile(r"\d{1,2}(?:\.\d{1,2})?", re.ASCII)
_MARKS = "+*>~"
"""What a selection has where it is of directions, and not of channels."""
_MOST_STEPS, _MOST_POWER = 256, 16
_DIGITS = 7
"""Of a weight, before the point."""
_SHORTEST, _LONGEST = 1e-6, 1e6
"""Lengths of vectors."""

Sum = tuple[tuple[int, Decimal], ...]
"""Numbers of channels or rows, in order, and their weights, none of them zero."""


@dataclass(frozen=True, slots=True)
class Direction:
    """A vector in a layer's space.

    Attributes:
        said: what stands behind the colon, as in `7+42-0.5*120`.
        values: the vector, float32, as bytes.
        basis: what the matrix is called whose rows make it; empty where channels do.
        power: that of the cosine by which the dot product is multiplied; 0 for none.
        begins: what stands behind the layer in the name of what begins as it does.
        order: what it is sorted by.
        facts: what the matrix says of it, by the names of the index.
    """

    said: str
    values: bytes
    basis: str = ""
    power: float = 0.0
    begins: str = field(default="", compare=False)
    order: tuple[object, ...] = field(default=(), compare=False, repr=False)
    facts: Mapping[str, object] = field(default_factory=dict, compare=False, repr=False)

    @property
    def vector(self) -> np.ndarray:
        """The vector, (channels,) float32."""
        return np.frombuffer(self.values, np.float32)

    @property
    def nearest(self) -> tuple[int, float]:
        """The channel that it is most like, and the cosine between the two."""
        cosines = self.vector / np.linalg.norm(self.vector)
        channel = int(cosines.argmax())
        return channel, float(cosines[channel])


@dataclass(frozen=True)
class Said:
    """What a selection says of one direction, before it is a vector.

    Attributes:
        start: the sum, or where a path begins.
        end: where a path ends, or None.
        steps: of the path.
        step: which of these.
    """

    start: Sum
    end: Sum = ()
    steps: int = 1
    step: int = 0

    @property
    def path(self) -> str:
        """The path, whichever the step; empty where there is none."""
        return f"{_text(self.start)}>{_text(self.end)}/{self.steps}" if self.end else ""

    @property
    def text(self) -> str:
        """What is said, in one way for all that is the same."""
        return f"{self.path}/{self.step}" if self.end else _text(self.start)

    @property
    def channel(self) -> int | None:
        """The one channel that is meant, as it is, if it is one."""
        ((number, weight), *more) = self.start
        return number if weight == 1 and not more and not self.end else None

    def vector(self, count: int, rows: np.ndarray | None) -> np.ndarray:
        """The vector, float32.

        Args:
            count: channels of the layer.
            rows: (rows, count), what the numbers are of; None for the channels themselves.
        """
        start = _combined(self.start, count, rows)
        if not self.end:
            return start.astype(np.float32)
        share = self.step / (self.steps - 1)
        end = _combined(self.end, count, rows)
        return np.asarray((1.0 - share) * start + share * end).astype(np.float32)


def is_of(pattern: Pattern) -> bool:
    """Whether a pattern is of directions."""
    return bool(_OF_FILE.fullmatch(pattern.head)) or any(m in pattern.selection for m in _MARKS)


def basis_of(head: str, layers: Mapping[str, object]) -> tuple[str, str]:
    """The layer that a pattern's head names, and the matrix, or an empty text."""
    found = _OF_FILE.fullmatch(head)
    return (head, "") if found is None or head in layers else (found[1], found[2])


def read(pattern: Pattern, count: int, owner: str) -> Iterator[tuple[Said, float]]:
    """What a pattern's selection says, and the power of the cosine.

    Args:
        pattern: of directions.
        count: how many channels, or rows, there are.
        owner: whose they are, as for `Pattern.numbers`.

    Raises:
        UnitError: it has not the form, or names a number that is not there.
    """
    selection, tilde, behind = "".join(pattern.selection.split()).partition("~")
    power = _power(pattern, behind) if tilde else 0.0
    for text in selection.split(","):
        part = replace(pattern, selection=text)
        if ">" in text:
            yield from ((said, power) for said in _path(part, count, owner))
        elif _SUM.fullmatch(text) and any(mark in text for mark in "+*"):
            yield Said(_sum(part, text, count, owner)), power
        elif any(mark in text for mark in "+*"):
            raise UnitError(
                f"unit {pattern.text!r}: {text!r} is no weighted sum: expected as in 42+7-0.5*120, "
                "with weights of seven digits, and six behind the point, at most"
            )
        else:
            numbers = part.numbers(count, owner)
            yield from ((Said(((number, Decimal(1)),)), power) for number in numbers)


def direction(
    pattern: Pattern, said: Said, power: float, count: int, rows: Vectors | None
) -> Direction:
    """The direction that is meant.

    Args:
        pattern: whose it is.
        said: what it says.
        power: of the cosine.
        count: channels of the layer.
        rows: the matrix, if one is named.

    Raises:
        UnitError: it points nowhere, or is no length that can be climbed.
    """
    vector = said.vector(count, None if rows is None else rows.values)
    length = float(np.linalg.norm(vector.astype(np.float64)))
    if not vector.any():
        where = f" of {rows.file}" if rows else ""
        raise UnitError(f"unit {pattern.text!r}: {said.text}{where} is zero: it points nowhere")
    if not _SHORTEST <= length <= _LONGEST:
        raise UnitError(
            f"unit {pattern.text!r}: {said.text} has a length of {length:.3g}: expected one from "
            f"{_SHORTEST:g} to {_LONGEST:g}"
        )
    basis = f"@dir/{rows.name}" if rows else ""
    begins = f"{basis}:{said.path or said.text}"
    (alone,) = np.flatnonzero(vector) if np.count_nonzero(vector) == 1 else (None,)
    if alone is not None and not said.path:
        begins = f":{alone}"
    exponent = f"~{power:g}" if power else ""
    return Direction(
        said=f"{said.text}{exponent}",
        values=vector.tobytes(),
        basis=rows.name if rows else "",
        power=power,
        begins=begins,
        order=(bool(said.path), said.start, said.end, said.steps, said.step, power),
        facts=rows.facts(said.channel) if rows and said.channel is not None else {},
    )


def _power(pattern: Pattern, text: str) -> float:
    power = float(text) if _POWER.fullmatch(text) else float("nan")
    if not 0 <= power <= _MOST_POWER:
        raise UnitError(
            f"unit {pattern.text!r}: expected the power of the cosine behind the ~, from 0 to "
            f"{_MOST_POWER}, as in 42+7~2, not {text!r}"
        )
    return power


def _path(pattern: Pattern, count: int, owner: str) -> Iterator[Said]:
    text = pattern.selection
    match = _PATH.fullmatch(text)
    if match is None or not all(_SUM.fullmatch(match[end]) for end in (1, 2)):
        raise UnitError(
            f"unit {pattern.text!r}: {text!r} is no path: expected as in 42>7/5, five steps from "
            "the channel 42 to 7, or 42>7/5/2, the third of them"
        )
    start, end = (_sum(pattern, match[number], count, owner) for number in (1, 2))
    steps = int(match[3])
    if start == end:
        raise UnitError(f"unit {pattern.text!r}: the path {text!r} ends where it begins")
    if not 2 <= steps <= _MOST_STEPS:
        raise UnitError(
            f"unit {pattern.text!r}: expected 2 to {_MOST_STEPS} steps behind the /, not {steps}"
        )
    if match[4] and int(match[4]) >= steps:
        raise UnitError(f"unit {pattern.text!r}: the steps are 0 to {steps - 1}, not {match[4]}")
    for step in [int(match[4])] if match[4] else range(steps):
        yield Said(start, end, steps, step)


def _sum(pattern: Pattern, text: str, count: int, owner: str) -> Sum:
    """The terms of a sum that has its form, each number once.

    Raises:
        UnitError: a number is not below `count`, or nothing is left.
    """
    weights: dict[int, Decimal] = {}
    for sign, factor, digits in _TERM.findall(text):
        number = int(digits)
        if number >= count:
            raise UnitError(f"unit {pattern.text!r}: {owner} 0 to {count - 1}, not {number}")
        weight = Decimal(factor or 1) * (-1 if sign == "-" else 1)
        weights[number] = weights.get(number, Decimal(0)) + weight
    left = tuple((number, weight) for number, weight in sorted(weights.items()) if weight)
    if not left:
        raise UnitError(f"unit {pattern.text!r}: {text} is zero: it points nowhere")
    if any(abs(weight) >= 10**_DIGITS for _, weight in left):
        raise UnitError(f"unit {pattern.text!r}: the weights of {text} add up to too much")
    return left


def _text(terms: Sum) -> str:
    """A sum as an id has it: by number, each with its weight if that is not 1."""
    said = (f"{'-' if w < 0 else '+'}{_factor(abs(w), w)}{number}" for number, w in terms)
    return "".join(said).removeprefix("+")


def _factor(size: Decimal, weight: Decimal) -> str:
    """A weight before its number; 7-42 is a range, so that a minus has one always."""
    return "" if weight == 1 else f"{size.normalize():f}*"


def _combined(terms: Sum, count: int, rows: np.ndarray | None) -> np.ndarray:
    """A sum as a vector, (count,) float64."""
    vector = np.zeros(count)
    for number, weight in terms:
        if rows is None:
            vector[number] = float(weight)
        else:
            vector += float(weight) * rows[number].astype(np.float64)
    return vector

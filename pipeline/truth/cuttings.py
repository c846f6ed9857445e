"""Photographs, cut into squares of several sizes: what pictures of units are tried on.

A photograph is a picture of the user's, or those that are said to be parts of one (`group`). One
picture is cut into squares of its shorter side, of half of it and of a third, side by side, as far
as these are not blown up to more than twice their size. Parts of a photograph are cuttings already:
of each the middle square is taken.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pipeline.examples import source
from pipeline.examples.source import Picture
from pipeline.plan.identity import digest, stream

MOST = 25
"""Cuttings of a photograph: those of one of 16 to 9."""
LEAST = 10
"""Photographs below which nothing is tried."""
_PARTS = (1, 2, 3)
"""Squares across the shorter side."""
_LONGEST = 16 / 9
"""Of a longer picture the middle is cut."""
_LARGER = 2
"""How far a cutting may be blown up."""
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Photograph:
    """A photograph of the user's.

    Attributes:
        id: its name: the picture's, or that of the group.
        pictures: what there is of it.
    """

    id: str
    pictures: tuple[Picture, ...]

    @property
    def digest(self) -> str:
        """Of what may be another when it is looked at again."""
        return digest([(picture.id, picture.row, picture.stamp) for picture in self.pictures])


def photographs(pictures: Iterable[Picture], most: int, seed: int) -> list[Photograph]:
    """The photographs that pictures are of, in their order; if there are more, some of them.

    Which do not depend on what others there are: each has a place of its own in a draw by the seed.
    """
    groups: dict[tuple[bool, str], list[Picture]] = {}
    for picture in pictures:
        key = (True, picture.group) if picture.group else (False, picture.id)
        groups.setdefault(key, []).append(picture)
    every = [
        Photograph(f"group {name}" if is_group else name, tuple(some[:MOST]))
        for (is_group, name), some in groups.items()
    ]
    drawn = sorted(every, key=lambda one: stream(seed, one.id, "photograph").random())[:most]
    names = {one.id for one in drawn}
    return [one for one in every if one.id in names]


def cut(photograph: Photograph, size: int) -> tuple[np.ndarray, int]:
    """A photograph's cuttings.

    Args:
        photograph: which.
        size: side of a cutting, in pixels.

    Returns:
        (cuttings, size, size, 3) uint8, `MOST` at most, and how the first of its pictures that
        cannot be read is (`source.READ` where all can).
    """
    if len(photograph.pictures) > 1:
        loaded = [source.load(picture, size) for picture in photograph.pictures]
        states = [state for _, state in loaded]
        bad = [state for state in states if state not in source.SEEN]
        return np.stack([image for image, _ in loaded]), (bad or states)[0]
    image, state = source.decoded(photograph.pictures[0], max(_PARTS) * size)
    if image is None:
        return np.zeros((0, size, size, 3), np.uint8), state
    boxes = squares(image.width, image.height, size)
    return np.stack([source.resized(image, box, size) for box in boxes]), state


def squares(width: int, height: int, size: int) -> list[Box]:
    """The squares that a picture is cut into, row by row: left, top, right and bottom, in pixels.

    Args:
        width: of the picture, in pixels.
        height: of it.
        size: side of a cutting, in pixels.
    """
    shorter = min(width, height)
    found: list[Box] = []
    for parts in _PARTS:
        side = shorter / parts
        if parts > 1 and side * _LARGER < size:
            break
        lefts, tops = _starts(width, shorter, side), _starts(height, shorter, side)
        found += [(left, top, left + side, top + side) for top in tops for left in lefts]
    return found


def _starts(length: int, shorter: int, side: float) -> list[float]:
    """Where squares begin along a side of a picture, evenly spread over its middle."""
    covered = min(length, _LONGEST * shorter)
    count = max(1, round(covered / side))
    first, room = (length - covered) / 2, covered - side
    if count == 1:
        return [first + room / 2]
    return [first + room * number / (count - 1) for number in range(count)]

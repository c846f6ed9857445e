"""The user's pictures on the page: crops of those that excite a unit, and small whole ones.

What of them is on the page: crops of 64 px, for each unit up to 15; and of at most `MOST` pictures
a copy of `SIDE` px along the longer side, unless `atlas examples --no-whole` keeps these away.
Their names and labels are told, their places on the disk are not.
"""

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.examples import across, crops, seen, source
from pipeline.examples.across import Across
from pipeline.examples.source import Picture
from pipeline.examples.strongest import BEST
from pipeline.plan import words
from pipeline.plan.identity import digest
from pipeline.plan.units import Unit
from pipeline.store.records import Record
from pipeline.store.store import Store

SIDE = 320
"""The longer side of a whole picture, in pixels."""
MOST = 2_000
"""Whole pictures on a page, at most. They take 6 kB each in the mean, 20 kB are much: 40 MB."""
_QUALITY = 70
_LOOK = 1
"""Counts up when whole pictures are to be drawn anew."""
_ALIKE = 9.0
"""Crops whose coarse pixels differ by less, of 255, root mean square, are one picture twice."""
_COARSE = 8


@dataclass(frozen=True)
class Shown:
    """What is shown of a unit's pictures.

    Attributes:
        told: what the page knows, less the file of the crops.
        crops: (pictures, y, x, rgb) uint8.
    """

    told: dict[str, Any]
    crops: np.ndarray


class Photographs:
    """What is shown of the user's pictures, for each unit.

    Args:
        store: the atlas.
        records: its committed batches.
    """

    def __init__(self, store: Store, records: Sequence[Record]) -> None:
        self._store = store
        self._across = Across(store)
        self._pictures = seen.listed(store)
        self._by_id = {picture.id: number for number, picture in enumerate(self._pictures)}
        self._layers = store.provenance.architecture.layers
        is_whole = bool(self._pictures) and seen.shows_whole(store)
        chosen = self._chosen(records) if is_whole else []
        self.wholes = {number: whole(self._pictures[number]) for number in chosen}
        """By the picture's number the file of the whole; made by `encode`."""

    def encode(self, number: int) -> bytes | None:
        """A whole picture as a small WebP; None where it is gone, or another than was seen."""
        picture = self._pictures[number]
        [now] = source.stamped([picture])
        image = source.decoded(picture, SIDE)[0] if now.stamp == picture.stamp else None
        if image is None:
            return None
        small = image.convert("RGB")
        small.thumbnail((SIDE, SIDE))
        file = io.BytesIO()
        small.save(file, format="WEBP", quality=_QUALITY, method=4)
        return file.getvalue()

    def of(self, record: Record, units: Mapping[str, Unit], there: set[str]) -> dict[str, Shown]:
        """What is shown of each of a batch's units, by id.

        Args:
            record: the batch.
            units: by id.
            there: the files of whole pictures that the page has.

        Raises:
            DamageError: a chunk is damaged.
        """
        found = {}
        strong, more = crops.shown(self._store, record), self._across.of(record)
        for row, name in enumerate(record.units):
            if name not in units or name not in strong or not strong[name].examples:
                continue
            of_row = {key: values[row] for key, values in more.items()} if more else None
            found[name] = self._one(units[name], strong[name], of_row, there)
        return found

    def _one(
        self,
        unit: Unit,
        strong: crops.Shown,
        more: Mapping[str, np.ndarray] | None,
        there: set[str],
    ) -> Shown:
        numbers = [self._by_id.get(example.picture, -1) for example in strong.examples]
        values = [example.activation for example in strong.examples]
        cut, places = list(strong.crops), list(range(len(numbers)))
        for place in _weaker(more):
            numbers.append(int(more["number"][place]))  # type: ignore[index]
            values.append(float(more["activation"][place]))  # type: ignore[index]
            cut.append(more["crops"][place - BEST])  # type: ignore[index]
            places.append(place)
        standings = _standings(numbers, places, more)
        names = [example.picture for example in strong.examples]
        names += [self._pictures[number].id for number in numbers[len(names) :]]
        alike = folded(cut, [_band(place) for place in places])
        items = [
            {
                "name": name,
                "activation": value,
                "standing": standing,
                "band": _band(place),
                "alike": same,
                "labels": list(self._pictures[number].labels) if number >= 0 else [],
                "whole": self._file(number, there),
            }
            for name, value, standing, place, same, number in zip(
                names, values, standings, places, alike, numbers, strict=True
            )
        ]
        told = {
            "items": items,
            "text": words.examples(unit, values[: len(strong.examples)]),
            "count": len(self._pictures),
            "heat": self._heat(unit, numbers, places, more),
        }
        return Shown(told, np.stack(cut))

    def _file(self, number: int, there: set[str]) -> str | None:
        name = self.wholes.get(number)
        return name if name in there else None

    def _heat(
        self, unit: Unit, numbers: Sequence[int], places: Sequence[int],
        more: Mapping[str, np.ndarray] | None,
    ) -> list[Any] | None:  # fmt: skip
        """Maps as rows, columns and the bytes of all, base64; of negative units turned."""
        if more is None or not unit.kind.has_map or not more["heat"].any():
            return None
        layer = self._layers[unit.layers[0]]
        rows, columns = min(layer.height, across.FINEST), min(layer.width, across.FINEST)
        is_same = [more["number"][p] == n for p, n in zip(places, numbers, strict=True)]
        maps = more["heat"][places, :rows, :columns] * np.array(is_same, np.int8)[:, None, None]
        turned = -maps if unit.negative else maps
        return [rows, columns, base64.b64encode(turned.tobytes()).decode("ascii")]

    def _chosen(self, records: Sequence[Record]) -> list[int]:
        """The pictures that are shown whole: of all units the strongest first, `MOST` at most."""
        ranked: list[dict[int, None]] = [{} for _ in range(across.PLACES)]
        for record in records:
            strong, more = crops.shown(self._store, record), self._across.of(record)
            for row, name in enumerate(record.units):
                for example in strong[name].examples if name in strong else ():
                    ranked[example.rank][self._by_id.get(example.picture, -1)] = None
                for place in _weaker({k: v[row] for k, v in more.items()} if more else None):
                    ranked[place][int(more["number"][row][place])] = None  # type: ignore[index]
        every = dict.fromkeys(number for of_rank in ranked for number in of_rank if number >= 0)
        return list(every)[:MOST]


def whole(picture: Picture) -> str:
    """The file of a whole picture, by its name and stamp, which are not to be read from it."""
    return f"photographs/{digest([_LOOK, SIDE, picture.id, picture.stamp, picture.row])[:20]}.webp"


def folded(cut: Sequence[np.ndarray], bands: Sequence[int]) -> list[int]:
    """For each crop the first of its band that it is a copy of, nearly; itself where of none."""
    coarse = [_small(crop) for crop in cut]
    found: list[int] = []
    for number, (own, band) in enumerate(zip(coarse, bands, strict=True)):
        same = (
            other
            for other in range(number)
            if bands[other] == band
            and found[other] == other
            and np.sqrt(np.mean((coarse[other] - own) ** 2)) < _ALIKE
        )
        found.append(next(same, number))
    return found


def _small(crop: np.ndarray) -> np.ndarray:
    """A crop's means over a coarse grid, (8, 8, 3) float."""
    step = max(1, len(crop) // _COARSE)
    count = len(crop) // step
    cells = crop[: count * step, : count * step].reshape(count, step, count, step, 3)
    return np.asarray(cells.mean(axis=(1, 3), dtype=np.float64))


def _band(place: int) -> int:
    """0 for strong pictures, 1 for middle, 2 for weak ones."""
    return 0 if place < BEST else 1 if place < BEST + len(across.MIDDLE) else 2


def _weaker(more: Mapping[str, np.ndarray] | None) -> Iterator[int]:
    """The places behind the strongest that have a picture."""
    for place in range(BEST, across.PLACES) if more else ():
        if more is not None and more["number"][place] >= 0:
            yield place


def _standings(
    numbers: Sequence[int], places: Sequence[int], more: Mapping[str, np.ndarray] | None
) -> list[float | None]:
    """The part of all pictures that each exceeds, where that is known of the same picture."""
    if more is None:
        return [None] * len(numbers)
    return [
        round(float(more["standing"][place]), 4) if more["number"][place] == number else None
        for number, place in zip(numbers, places, strict=True)
    ]

"""The dataset examples that a page shows, where an atlas has any."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipeline import natural
from pipeline.crops import Crops
from pipeline.natural import Example
from pipeline.records import Record
from pipeline.store import Store


@dataclass(frozen=True)
class Shown:
    """A unit's strongest pictures, and what in each excites it: (pictures, y, x, rgb) uint8."""

    examples: list[Example]
    crops: np.ndarray


def of(store: Store, record: Record) -> Mapping[str, Shown]:
    """By id the examples of a batch's units; nothing before they are cut out.

    Raises:
        DamageError: a chunk is damaged.
    """
    strongest = natural.strongest(store)
    crops = Crops(store).of(record) if strongest else None
    if crops is None:
        return {}
    found = {unit: strongest.get(unit, []) for unit in record.units}
    pairs = zip(found.items(), crops, strict=True)
    return {unit: Shown(examples, cut[: len(examples)]) for (unit, examples), cut in pairs}

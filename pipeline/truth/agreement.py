"""Agreement: whether the variants of a unit are pictures of one thing, or of several.

Variants begin elsewhere and climb to the same end. What they have in common is told by the other
channels of the unit's layer: where its variants excite the same ones, they are alike; where each
excites others, the unit has several things that it answers to, or its pictures tell nothing. The
channels that pictures were climbed for are left out, two by two: each excites its own.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from pipeline.plan.units import Unit

TYPES = {"agreement": "Float32"}
"""The columns of the index that come from here, and their pandas types."""
MEANINGS = {"agreement": "how alike its variants are; 0: as of different units, 1: the same"}
"""What the columns say, for people."""


def columns(units: Sequence[Unit], responses: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """The columns of `TYPES`, a row a unit that has variants, the id as index.

    Args:
        units: whose pictures the responses are to.
        responses: by layer, in the network's order, the mean responses, (units, channels).
    """
    sections: dict[tuple[object, ...], list[int]] = {}
    for row, unit in enumerate(units):
        sections.setdefault((unit.section, unit.layers), []).append(row)
    found: dict[str, float] = {}
    for rows in sections.values():
        members = [units[row] for row in rows]
        if any(unit.variant for unit in members):
            layer = (members[0].layers or tuple(responses))[-1]
            found |= of_section(members, responses[layer][rows])
    rounded = np.round(list(found.values()), 4)
    return pd.DataFrame({"agreement": rounded}, index=list(found)).astype(TYPES)


def of_section(units: Sequence[Unit], features: np.ndarray) -> dict[str, float]:
    """How alike the variants of each unit of a section are, by the id of each variant.

    The mean cosine between two of them, against that between one of them and another unit's
    picture: how much of the way from that to 1 it goes, as in Cohen's kappa. Features are each
    against their spread over the section. (How often the first is the larger, an AUROC, is 1 for
    nearly all, and tells none from another.)

    Args:
        units: pictures of one section.
        features: what each picture is to the channels of a layer, (units, channels).

    Returns:
        1 where variants excite the same, 0 where they are no more alike than pictures of different
        units; nothing for a unit of one variant, or where there is no other unit.
    """
    mean = features.mean(axis=0, dtype=np.float64)
    values = features - mean
    deviation = values.std(axis=0)
    is_flat = deviation <= 1e-6 * np.abs(mean)  # but for the rounding of the mean
    values = np.where(is_flat, 0.0, values / np.where(is_flat, 1.0, deviation))
    channels = np.array([unit.index for unit in units]) if units[0].kind.has_channel else None
    kin: dict[Unit, list[int]] = {}
    for row, unit in enumerate(units):
        kin.setdefault(unit.sibling(0), []).append(row)
    found: dict[str, float] = {}
    for rows in kin.values():
        if 1 < len(rows) < len(units):
            cosines = _cosines(values, rows, channels)
            alike = cosines[:, rows][~np.eye(len(rows), dtype=bool)].mean()
            chance = np.delete(cosines, rows, axis=1).mean()
            agreement = float((alike - chance) / max(1.0 - chance, 1e-12))
            found |= dict.fromkeys((units[row].id for row in rows), agreement)
    return found


def _cosines(values: np.ndarray, rows: Sequence[int], channels: np.ndarray | None) -> np.ndarray:
    """Of a unit's rows with all rows, each pair without the channels that the two were climbed for.

    Args:
        values: (pictures, channels).
        rows: the unit's.
        channels: what each picture was climbed for, if that is a channel.

    Returns:
        (rows, pictures).
    """
    mine = values[list(rows)]
    products = mine @ values.T
    squares = np.stack(np.broadcast_arrays((mine**2).sum(axis=1)[:, None], (values**2).sum(axis=1)))
    if channels is not None:
        own = channels[rows[0]]
        pairs = [(mine[:, [own]], values[:, own], True)]
        pairs += [(mine[:, channels], values[np.arange(len(values)), channels], channels != own)]
        for left, right, is_taken in pairs:
            products -= left * right * is_taken
            squares -= np.stack(np.broadcast_arrays(left**2, right**2)) * is_taken
    return np.asarray(products / np.sqrt(np.maximum(squares, 1e-12)).prod(axis=0))

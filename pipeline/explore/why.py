"""Why a picture excites a unit: how far above its usual, where, and by which earlier channels.

Two maps say where: gradient times activation at the nearest earlier layer, summed over channels,
and occlusion, what the unit loses where a patch of the picture is covered with the picture's mean
colour (Zeiler and Fergus, 2014). Where they disagree, neither is to be believed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from pipeline.errors import UnitError
from pipeline.examples import strongest
from pipeline.explore import circuits, responses
from pipeline.plan.architecture import CLASSES
from pipeline.plan.kinds import CHANNEL, COSINE, DIRECTION, LOGITS
from pipeline.plan.units import Shown, Unit
from pipeline.store.store import Store

PLACES = 8
"""Places a side at which a patch covers the picture; its side is two of the steps between."""
_BATCH = 16
_NO_SOURCES = (np.zeros((0, 0), np.float32), pd.DataFrame())


@dataclass(frozen=True)
class Reason:
    """What is known of a unit on a picture.

    Attributes:
        unit: the unit.
        activation: on the picture.
        usual: the middle of its activations on other pictures; NaN where nothing tells.
        high: what one in a hundred of them exceeds; of a negative unit, falls below.
        occlusion: what is lost where a patch lies, (PLACES, PLACES) float32; less than nothing
            where the unit gains.
        acting: gradient times activation summed over the channels of the nearest earlier layer,
            (rows, columns) float32; empty where there is none.
        sources: the channels of that layer that matter most, as edges.parquet has them.
    """

    unit: Unit
    activation: float
    usual: float
    high: float
    occlusion: np.ndarray
    acting: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    sources: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def excess(self) -> float:
        """How far above its usual: 0 for the middle, 1 for `high`."""
        room = self.high - self.usual
        is_up = room < 0 if self.unit.negative else room > 0
        return (self.activation - self.usual) / room if is_up else float("nan")

    @property
    def agreement(self) -> float:
        """Spearman's rank correlation of the two maps; NaN where one is flat or not there."""
        from scipy.stats import spearmanr  # noqa: PLC0415, slow to import

        if not self.acting.size:
            return float("nan")
        seen = coarse(self.acting)
        if np.ptp(seen) == 0 or np.ptp(self.occlusion) == 0:
            return float("nan")
        return float(spearmanr(seen.ravel(), self.occlusion.ravel())[0])


def reasons(
    store: Store, picture: np.ndarray, units: Sequence[Unit] = (), top: int = 6
) -> list[Reason]:
    """Why a picture excites units.

    Args:
        store: the atlas.
        picture: (size, size, 3) uint8, of the atlas's size.
        units: which; where none are named the channels that it excites furthest above their usual,
            and the likeliest class.
        top: how many channels, then.

    Raises:
        UnitError: a unit needs a classifier, and the network has none; or it looks at several
            layers.
        WeightsError: the weights are not here.
        DamageError: what is known of other pictures is damaged.
    """
    from pipeline.network.observer import Observer  # noqa: PLC0415, TensorFlow

    known = store.provenance
    for unit in units:
        if not known.is_available(unit) or len(unit.reads) != 1:
            raise UnitError(
                f"unit {unit.id}: expected a channel, a neuron or, of a network with a classifier, "
                "a class"
            )
    layers = dict.fromkeys(name for unit in known.units() for name in unit.reads)
    names = [name for name in layers if name != CLASSES or known.architecture.classes]
    names = list(dict.fromkeys([*names, *(name for unit in units for name in unit.reads)]))
    observer = Observer(known.locate_weights(), names, known.reading)
    shown = observer.see(picture[None], 1)
    usual = _usual(store)
    chosen = list(units) or _chosen(store, shown, usual, top)
    covered = observer.see(cover(picture), _BATCH)
    there = {unit: _there(store, unit, shown) for unit in chosen}
    traced = _traced(store, picture, list(dict.fromkeys(there.values())))
    squash = known.architecture.squash

    def reason(unit: Unit) -> Reason:
        sign = -1.0 if unit.negative else 1.0
        value = float(unit.kind.on_pictures(unit, shown, squash)[0])
        left = unit.kind.on_pictures(unit, covered, squash).reshape(PLACES, PLACES)
        lost = (sign * (value - left)).astype(np.float32)
        middle, high = usual.get(unit.id, (float("nan"), float("nan")))
        acting, sources = traced.get(there[unit], _NO_SOURCES)
        sources = sources.assign(target=unit.id) if len(sources) else sources
        return Reason(unit, value, middle, high, lost, acting, sources)

    return [reason(unit) for unit in chosen]


def table(found: Sequence[Reason]) -> pd.DataFrame:
    """Reasons as a table, a row a unit."""
    rows = [
        {
            "unit": reason.unit.id,
            "activation": reason.activation,
            "usual": reason.usual,
            "high": reason.high,
            "excess": reason.excess,
            "agreement": reason.agreement,
            "built_from": _names(reason, 1),
            "held_back_by": _names(reason, -1),
        }
        for reason in found
    ]
    return pd.DataFrame(rows)


def cover(picture: np.ndarray) -> np.ndarray:
    """A picture with a patch of its mean colour at each of the places, row by row."""
    size = len(picture)
    step = size / PLACES
    mean = picture.reshape(-1, 3).mean(axis=0).round().astype(np.uint8)
    found = np.repeat(picture[None], PLACES * PLACES, axis=0)
    for number, image in enumerate(found):
        row, column = divmod(number, PLACES)
        top, left = round((row - 0.5) * step), round((column - 0.5) * step)
        side = round(2 * step)
        image[max(top, 0) : top + side, max(left, 0) : left + side] = mean
    return found


def coarse(values: np.ndarray) -> np.ndarray:
    """A map at the places of `cover`: the mean of what each patch covers, (PLACES, PLACES)."""
    from PIL import Image  # noqa: PLC0415, not needed to query

    image = Image.fromarray(values.astype(np.float32))
    return np.asarray(image.resize((PLACES, PLACES), Image.Resampling.BILINEAR))


def _names(reason: Reason, sign: int) -> list[str]:
    """The channels that excite a unit, or inhibit it, on the picture, the strongest first."""
    if reason.sources.empty:
        return []
    of_sign = reason.sources[np.sign(reason.sources["attribution"]) == sign]
    return [str(name) for name in of_sign["source"].head(5)]


def _there(store: Store, unit: Unit, shown: Mapping[str, Shown]) -> Unit:
    """A neuron where its channel has its largest value on the picture, which its activation is.

    A direction at a place as one of the whole map, whose mean its activation is.
    """
    if unit.kind.has_direction and unit.row is not None:
        kind = COSINE if unit.direction and unit.direction.power else DIRECTION
        return replace(unit, kind=kind, row=None, column=None)
    if unit.row is None:
        return unit
    [layer] = unit.layers
    place = int(shown[layer].place[0, unit.index])
    row, column = divmod(place, store.provenance.architecture.layers[layer].width)
    return replace(unit, row=row, column=column)


def _chosen(
    store: Store, shown: Mapping[str, Shown], usual: Mapping[str, tuple[float, float]], top: int
) -> list[Unit]:
    """The channels that a picture excites furthest above their usual, and the likeliest class."""
    known = store.provenance
    squash = known.architecture.squash
    channels = [
        unit
        for unit in known.units()
        if unit.kind == CHANNEL and not unit.negative and not unit.variant and unit.id in usual
    ]
    rooms = {unit: usual[unit.id][1] - usual[unit.id][0] for unit in channels}

    def excess(unit: Unit) -> float:
        value = float(unit.kind.on_pictures(unit, shown, squash)[0])
        return (value - usual[unit.id][0]) / rooms[unit]

    best = sorted((unit for unit in channels if rooms[unit] > 0), key=excess, reverse=True)[:top]
    if CLASSES in shown:
        best.append(Unit(LOGITS, (), int(shown[CLASSES].mean[0].argmax())))
    return best


def _usual(store: Store) -> dict[str, tuple[float, float]]:
    """By unit the middle of its activations on other pictures, and what one in a hundred exceeds.

    Of a negative unit, what one in a hundred falls below.
    On the user's own pictures where the atlas was shown any, else, for what is of a whole map, on
    its images.
    """
    spread = strongest.spread(store)
    if len(spread):
        low = spread["unit"].str.startswith("-")
        high = spread["q01"].where(low, spread["q99"])
        rows = zip(spread["unit"], spread["q50"], high, strict=True)
        return {str(unit): (float(middle), float(high)) for unit, middle, high in rows}
    _, found = responses.matrix(store, responses.tables(store))
    of = {layer: np.quantile(values, [0.5, 0.99, 0.01], axis=0) for layer, values in found.items()}
    units = [unit for unit in store.provenance.units() if unit.layers[:1] and unit.row is None]
    channels = {
        unit.id: (float(of[layer][0, unit.index]), float(of[layer][1 + unit.negative, unit.index]))
        for unit in units
        for layer in unit.layers[:1]
        if unit.kind == CHANNEL and layer in of
    }
    ends = {unit: [0.5, 0.01 if unit.negative else 0.99] for unit in units}
    along = {
        unit.id: np.quantile(unit.along(found[unit.layers[0]]), ends[unit]).tolist()
        for unit in units
        if unit.kind.has_direction and unit.layers[0] in found
    }
    return channels | {unit: (middle, high) for unit, (middle, high) in along.items()}


def _traced(
    store: Store, picture: np.ndarray, units: Sequence[Unit]
) -> dict[Unit, tuple[np.ndarray, pd.DataFrame]]:
    """By unit its map at the nearest earlier layer, and the channels there that matter most."""
    from pipeline.ascent.circuits import Tracer  # noqa: PLC0415, TensorFlow

    known = store.provenance
    found: dict[Unit, tuple[np.ndarray, pd.DataFrame]] = {}
    groups: dict[tuple[str, ...], list[Unit]] = {}
    for unit in units:
        groups.setdefault((*unit.reads, unit.kind.name), []).append(unit)
    for members in groups.values():
        layers = circuits.sources(known, members[0])
        if not layers:
            continue
        nearest = layers[-1]
        tracer = Tracer(
            known.locate_weights(), (nearest.name,), members[0], known.reading, known.seed
        )
        means = {nearest.name: np.zeros(nearest.channels, np.float32)}
        for first in range(0, len(members), _BATCH):
            some = members[first : first + _BATCH]
            images = np.repeat(picture[None], len(some), axis=0)
            traced = tracer.trace(images, some, means, _BATCH)[nearest.name]
            for row, unit in enumerate(some):
                values = {name: rows[row] for name, rows in traced.arrays().items()}
                found[unit] = traced.acting[row], circuits.as_edges(unit, nearest, values)
    return found

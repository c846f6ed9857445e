"""Circuits: which channels of an earlier layer a unit is built from, on its own picture.

Attribution is gradient times activation, summed over the channel's map: what the unit would lose
to first order if the channel were silent (Olah et al., 2018, "The Building Blocks of
Interpretability"). That is a guess; what is strongest by it is then measured, by taking it away.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from pipeline.ascent import objectives
from pipeline.ascent.objectives import Aim
from pipeline.ascent.results import DRAWS, STRONGEST, Traced
from pipeline.config.weights import Weights
from pipeline.network import network
from pipeline.network.cut import Cut
from pipeline.plan.architecture import CLASSES, Reading, Squash
from pipeline.plan.identity import stream
from pipeline.plan.pixels import floats
from pipeline.plan.units import Unit


class Tracer:
    """Traces units of one section back to earlier layers; keeps the compiled functions.

    Args:
        weights: the resolved weights file.
        sources: the names of the earlier layers, in the network's order.
        unit: one of the section's.
        reading: how the network is read.
        seed: the atlas's.

    Attributes:
        see: what the network makes of images, by the name of the tensor.
        behind: by source, what lies between it and the units.
    """

    def __init__(
        self, weights: Weights, sources: Sequence[str], unit: Unit, reading: Reading, seed: int
    ) -> None:
        self._seed = seed
        # Activations as they are: one that is revived, or climbed beyond its top, is another.
        plainly = dataclasses.replace(reading, is_living=False)
        whole = network.load(weights, (*unit.reads, *sources), plainly)
        cuts = {name: Cut(whole, name, unit.reads) for name in sources}
        around = {key: tensor for cut in cuts.values() for key, tensor in cut.around.items()}
        self.see = tf.function(whole.returning(around))
        nearest = sources[-1]
        self.behind = {
            name: Behind(cut, unit, whole.squash, is_nearest=name == nearest)
            for name, cut in cuts.items()
        }

    def trace(
        self, images: np.ndarray, units: Sequence[Unit], means: Mapping[str, np.ndarray], batch: int
    ) -> dict[str, Traced]:
        """What the channels of each source are to units.

        Args:
            images: the units' own, (units, size, size, 3) uint8.
            units: of the section, at most a batch.
            means: by source, the mean of each channel over the atlas's pictures, (channels,).
            batch: the units are padded to so many, so that all is compiled once.
        """
        rows = [row % len(units) for row in range(batch)]
        seen, padded = self.see(tf.constant(floats(images[rows]))), [units[row] for row in rows]
        draws = [stream(self._seed, unit.id, "circuits") for unit in padded]
        return {
            name: behind.traced(seen, padded, means[name], draws).first(len(units))
            for name, behind in self.behind.items()
        }


class Behind:
    """What lies between one source and the units of a section."""

    def __init__(self, cut: Cut, unit: Unit, squash: Squash, *, is_nearest: bool) -> None:
        self._cut = cut
        self._reads = unit.reads
        self._objective = objectives.name(unit, squash)
        straight = cut.straight() if is_nearest else None
        self._attributed = tf.function(self._attribute)
        self._left = tf.function(self._leave)
        self._weighed = tf.function(functools.partial(self._weigh, straight)) if straight else None

    def traced(
        self,
        seen: Mapping[str, tf.Tensor],
        units: Sequence[Unit],
        means: np.ndarray,
        draws: Sequence[np.random.Generator],
    ) -> Traced:
        """What the source's channels are to units of which a network has seen the images."""
        values, around = seen[self._cut.layer], [seen[name] for name in self._cut.around]
        channels = values.shape[-1]
        if not self._cut.leads:
            return _nothing(len(units), values.shape)
        aim = self._aim(seen, units)
        score, attribution, product = map(np.asarray, self._attributed(values, around, aim))
        weight = self._weighed(values, around, aim) if self._weighed else None
        strongest = np.stack([_strongest(row) for row in attribution])

        without = functools.partial(self.without, values, around, aim)

        def change(fill: np.ndarray) -> np.ndarray:
            """By how much the score changes where each of the strongest is filled by itself."""
            lone = np.moveaxis(strongest[..., None], 1, 0)  # (number, units, 1)
            changed = [without(sets, fill) - score for sets in lone]
            return np.stack(changed, axis=1)

        silent = np.zeros(channels, np.float32)
        drawn = [[g.permutation(channels)[:STRONGEST] for g in draws] for _ in range(DRAWS)]
        return Traced(
            score=score,
            attribution=attribution,
            weight=np.zeros_like(attribution) if weight is None else np.asarray(weight),
            strongest=strongest,
            zero=change(silent),
            mean=change(means.astype(np.float32)),
            together=without(list(strongest[:, :STRONGEST]), silent),
            random=np.stack([without(sets, silent) for sets in drawn], axis=1),
            heat=_heat(product, strongest),
            acting=np.sum(product, axis=3),
        )

    def _aim(self, seen: Mapping[str, tf.Tensor], units: Sequence[Unit]) -> Aim:
        size = seen[self._reads[0]].shape[1:3]
        aim = objectives.aim(units, tuple(size) if len(size) == 2 else (1, 1))
        return Aim(*map(tf.constant, aim))

    def without(
        self,
        values: tf.Tensor,
        around: Sequence[tf.Tensor],
        aim: Aim,
        sets: Sequence[np.ndarray],
        fill: np.ndarray,
    ) -> np.ndarray:
        """The scores where sets of channels, one a unit, are filled."""
        mask = np.zeros((len(sets), len(fill)), np.float32)
        for row, members in zip(mask, sets, strict=True):
            row[members[members >= 0]] = 1.0
        return np.asarray(self._left(values, around, aim, tf.constant(mask), tf.constant(fill)))

    def _score(self, ends: Mapping[str, tf.Tensor], aim: Aim) -> tf.Tensor:
        return aim.sign * objectives.score(self._objective, ends, aim)

    def _attribute(
        self, values: tf.Tensor, around: Sequence[tf.Tensor], aim: Aim
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(values)
            score = self._score(self._cut(values, around), aim)
        product = values * tape.gradient(score, values)
        # Image by image: reduced in one go, the last bits depend on an image's row.
        by_channel = [tf.reduce_sum(of, axis=(0, 1)) for of in tf.unstack(product)]
        return score, tf.stack(by_channel), product

    def _leave(
        self,
        values: tf.Tensor,
        around: Sequence[tf.Tensor],
        aim: Aim,
        mask: tf.Tensor,
        fill: tf.Tensor,
    ) -> tf.Tensor:
        changed = tf.where(mask[:, None, None, :] > 0, fill, values)
        return self._score(self._cut(changed, around), aim)

    def _weigh(
        self, straight: Cut, values: tf.Tensor, around: Sequence[tf.Tensor], aim: Aim
    ) -> tf.Tensor:
        nothing = tf.zeros_like(values)
        with tf.GradientTape() as tape:
            tape.watch(nothing)
            ends = straight(nothing, [tf.zeros_like(each) for each in around])
            plain = "logits" if CLASSES in ends else self._objective
            value = aim.sign * objectives.activation(plain, ends, aim)
        slope = tape.gradient(value, nothing)
        return tf.stack([tf.reduce_sum(of, axis=(0, 1)) for of in tf.unstack(slope)])


def _nothing(units: int, shape: Sequence[int]) -> Traced:
    """What a layer is to units that it does not lead to, `shape` that of its maps."""
    _, rows, columns, channels = shape
    by_channel = np.zeros((units, channels), np.float32)
    each = np.zeros((units, 2 * STRONGEST), np.float32)
    score, draws = np.zeros(units, np.float32), np.zeros((units, DRAWS), np.float32)
    heat = np.zeros((*each.shape, rows, columns), np.int8)
    none = np.full(each.shape, -1, np.int32)
    acting = np.zeros((units, rows, columns), np.float32)
    return Traced(score, by_channel, by_channel, none, each, each, score, draws, heat, acting)


def _strongest(attribution: np.ndarray) -> np.ndarray:
    """The channels that excite most, then those that inhibit most; -1 where there are fewer."""
    order = np.argsort(-attribution, kind="stable")
    up = [channel for channel in order[:STRONGEST] if attribution[channel] > 0]
    down = [channel for channel in order[::-1][:STRONGEST] if attribution[channel] < 0]
    return np.array(
        [(*way, *[-1] * (STRONGEST - len(way))) for way in (up, down)], np.int32
    ).ravel()


def _heat(product: np.ndarray, strongest: np.ndarray) -> np.ndarray:
    """Where each of the strongest acts, of (units, rows, columns, channels), as `Traced.heat`."""
    maps = np.stack([of[..., row] for of, row in zip(product, strongest, strict=True)])
    maps = np.where(strongest[:, None, None, :] >= 0, maps, 0.0).transpose(0, 3, 1, 2)
    largest = np.abs(maps).max(axis=(2, 3), keepdims=True)
    return np.rint(127.0 * maps / np.where(largest > 0, largest, 1.0)).astype(np.int8)

"""The ascent: a batch of units in, images and trajectories out. No files, no pool, no store.

Every random number is drawn ahead, in NumPy, from (seed, unit id, octave): the compiled loop has
none. With batches padded to a few fixed shapes, an image does not depend on its neighbours.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import tensorflow as tf

from pipeline.ascent import objectives, optimizers, parametrizations, transforms
from pipeline.ascent.objectives import Aim
from pipeline.ascent.optimizers import Slots
from pipeline.config.recipes import Blur, Recipe
from pipeline.config.schema import Render
from pipeline.network.network import Network
from pipeline.plan.batches import LEAST, pad
from pipeline.plan.identity import stream
from pipeline.plan.pixels import quantise
from pipeline.plan.units import Unit

PLAIN = Render(precision="float32")


@dataclass(frozen=True)
class Rendered:
    """Finished images of a batch, as they are stored.

    Attributes:
        images: (batch, size, size, 3) uint8 RGB.
        first: the images before the first step, the same form.
        trajectory: (batch, steps) float32, the plain activation seen at each step.
        snapshots: (batch, snapshots, size, size, 3) uint8, evenly spaced from the start on.
    """

    images: np.ndarray
    first: np.ndarray
    trajectory: np.ndarray
    snapshots: np.ndarray

    def rows(self, numbers: Sequence[int]) -> "Rendered":
        """Some of the images, in the order named."""
        return Rendered(*(getattr(self, each.name)[list(numbers)] for each in fields(self)))

    @classmethod
    def joined(cls, parts: Sequence["Rendered"]) -> "Rendered":
        """Parts of a batch, one after the other."""
        names = [each.name for each in fields(cls)]
        return cls(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))


class Renderer:
    """Renders units of one section; keeps the compiled loops.

    Args:
        network: a network that returns what the units need.
        recipe: how to render.
        size: side of the images, in pixels.
        options: how many images are kept along the way, and how variants are kept apart.
    """

    def __init__(
        self, network: Network, recipe: Recipe, size: int, options: Render = PLAIN
    ) -> None:
        self.network = network
        self.recipe = recipe
        self.size = size
        self._group = options.group
        self._is_xla = options.compiler == "xla"
        self._marks = _marks(options.snapshots, recipe.steps)
        self._styles = [
            [
                _Octave(network, each, options, octave, steps, first)
                for octave, steps, first in _schedule(recipe, size)
            ]
            for each in recipe.each
        ]

    def begun(self, units: Sequence[Unit], seed: int, batch: int) -> tf.Tensor:
        """The numbers that the first octave has after half its steps, for another ascent to begin.

        Arguments as those of `render`; a row for each of the units as they are padded, which are
        of one style.
        """
        octave = self._styles[self._style(units[0])][0]
        padded, streams, aim = self._prepared(units, seed, batch)
        numbers = octave.start(streams)
        matrices = np.stack([octave.draw(stream) for stream in streams], axis=1)
        half = -(-len(matrices) // 2)
        return octave.climb(padded[0], numbers, matrices[:half], aim, frozenset())[0]

    def render(
        self, units: Sequence[Unit], seed: int, batch: int, begun: tf.Tensor | None = None
    ) -> Rendered:
        """Find an image for each unit.

        Args:
            units: at most `batch` units of one section; where variants are kept apart, all
                variants of a unit, one after the other.
            seed: the atlas's seed.
            batch: the largest batch; fewer units are padded to one of a few smaller shapes.
            begun: numbers to begin with, see `begun`, instead of fresh ones; of one style.
        """
        if len(parts := self.by_style(units)) > 1:
            each = [self.render([units[row] for row in rows], seed, batch) for rows in parts]
            return Rendered.joined(each).rows(np.argsort(np.concatenate(parts)).tolist())
        octaves = self._styles[self._style(units[0])]
        padded, streams, aim = self._prepared(units, seed, batch)
        fresh = octaves[0].start(streams)
        numbers = fresh if begun is None else begun
        first = self._stored(octaves[0].image(numbers))
        seen, snapshots = [], []
        for octave in octaves:
            if octave is not octaves[0]:
                numbers = octave.grow(numbers, streams)
            matrices = np.stack([octave.draw(stream) for stream in streams], axis=1)
            numbers, trajectory, kept = octave.climb(padded[0], numbers, matrices, aim, self._marks)
            seen.append(trajectory)
            snapshots += [self._stored(images) for images in kept]
        count = len(units)
        return Rendered(
            self._stored(octaves[-1].image(numbers))[:count],
            first[:count],
            np.concatenate(seen, axis=1)[:count],
            np.stack(snapshots, axis=1)[:count] if snapshots else _none(count, self.size),
        )

    def by_style(self, units: Sequence[Unit]) -> list[list[int]]:
        """The rows of units, those of one style together."""
        styles = [self._style(unit) for unit in units]
        return [
            [row for row, style in enumerate(styles) if style == wanted]
            for wanted in sorted(set(styles))
        ]

    def _style(self, unit: Unit) -> int:
        return unit.variant % len(self._styles)

    def _prepared(
        self, units: Sequence[Unit], seed: int, batch: int
    ) -> tuple[list[Unit], list[np.random.Generator], Aim]:
        padded = self.padded(units, batch)
        aim = objectives.aim(padded, self.network.map_size(self.size))
        return padded, [stream(seed, unit.begins_as) for unit in padded], aim

    def padded(self, units: Sequence[Unit], batch: int) -> list[Unit]:
        """Units repeated up to the shape in which they are rendered."""
        # XLA compiles another computation for each shape, with other last bits: there is one.
        return pad(units, batch, batch if self._is_xla else LEAST * self._group)

    def _stored(self, images: np.ndarray) -> np.ndarray:
        """Images of any octave, as they are stored."""
        if images.shape[1] != self.size:
            images = tf.image.resize(images, (self.size, self.size)).numpy()
        return quantise(images)


def _marks(snapshots: int, steps: int) -> frozenset[int]:
    """The steps before which an image is kept."""
    return frozenset(round(i * steps / snapshots) for i in range(snapshots))


def _none(count: int, size: int) -> np.ndarray:
    return np.zeros((count, 0, size, size, 3), np.uint8)


def _schedule(recipe: Recipe, size: int) -> list[tuple[int, int, int]]:
    """For each octave its image size, steps, and number of its first step."""
    count = min(recipe.octaves.count, recipe.steps)
    sizes = [round(size / recipe.octaves.growth ** (count - 1 - i)) for i in range(count)]
    bounds = [round(recipe.steps * i / count) for i in range(count + 1)]
    return [(sizes[i], bounds[i + 1] - bounds[i], bounds[i]) for i in range(count)]


class _Octave:
    """The steps at one image size."""

    def __init__(
        self,
        network: Network,
        recipe: Recipe,
        options: Render,
        size: int,
        steps: int,
        first: int,
    ) -> None:
        self._network = network
        self._recipe = recipe
        self._group = options.group
        self._diversity = options.diversity
        self._size = size
        self._steps = steps
        self._first = first
        self._form = parametrizations.make(recipe.parametrization, size, network.colours)
        self._optimizer = optimizers.make(recipe.optimizer, recipe.steps, first)
        self._compiled = tf.function(self._climb, reduce_retracing=False)
        self._image = tf.function(self._form.image)

    def start(self, streams: Sequence[np.random.Generator]) -> np.ndarray:
        """Fresh numbers, each image's from its stream."""
        return np.stack([self._form.start(stream) for stream in streams])

    def grow(self, numbers: tf.Tensor, streams: Sequence[np.random.Generator]) -> tf.Tensor:
        """A smaller octave's numbers at this octave's size."""
        return self._form.grow(numbers, streams)

    def draw(self, stream: np.random.Generator) -> np.ndarray:
        """One image's transforms, (steps, 8)."""
        return transforms.draw(
            self._recipe.transforms, self._steps, self._first, self._size, stream
        )

    def image(self, numbers: tf.Tensor) -> np.ndarray:
        """The RGB images in [-1, 1] of some numbers."""
        return np.asarray(self._image(numbers))

    def climb(
        self,
        like: Unit,
        numbers: tf.Tensor,
        matrices: np.ndarray,
        aim: Aim,
        marks: frozenset[int],
    ) -> tuple[tf.Tensor, np.ndarray, list[np.ndarray]]:
        """The steps, or as many of the first as there are transforms.

        Args:
            like: any of the batch's units: they share kind and direction.
            numbers: where to start.
            matrices: (steps, batch, 8), the transforms.
            aim: what each image is for.
            marks: the steps, counted over all octaves, before which the images are kept.

        Returns:
            The numbers reached, the (batch, steps) trajectory, and the images kept.
        """
        # Downwards the gradient passes silent ReLUs to the end: there is more below their zero.
        # What is flat elsewhere, too, may be reached again at any step.
        to_the_end = like.negative or self._network.is_living
        steps = len(matrices)
        revive = steps if to_the_end else self._recipe.revive - self._first
        revive = min(max(revive, 0), steps)
        own = {mark - self._first for mark in marks} & set(range(steps))
        objective = objectives.name(like, self._network.squash)
        numbers, matrices = tf.constant(numbers), tf.constant(matrices)
        aim = Aim(*map(tf.constant, aim))
        slots = self._optimizer.slots(numbers)
        seen, kept = [], []
        for start, stop in itertools.pairwise(sorted({0, revive, steps} | own)):
            if start in own:
                kept.append(self.image(numbers))
            bounds = tf.constant([start, stop])
            numbers, slots, values = self._compiled(
                objective, start < revive, bounds, numbers, slots, matrices, aim
            )
            seen.append(values.numpy())
        return numbers, np.concatenate(seen).T, kept

    def _climb(
        self,
        objective: str,
        reviving: bool,
        bounds: tf.Tensor,
        numbers: tf.Tensor,
        slots: Slots,
        matrices: tf.Tensor,
        aim: Aim,
    ) -> tuple[tf.Tensor, Slots, tf.Tensor]:
        """The steps from the first bound to before the second; compiled."""
        start, stop = bounds[0], bounds[1]

        def step(
            number: tf.Tensor, numbers: tf.Tensor, slots: Slots, seen: tf.TensorArray
        ) -> tuple[tf.Tensor, tf.Tensor, Slots, tf.TensorArray]:
            value, gradient = self._slope(objective, numbers, matrices[number], aim, reviving)
            numbers, slots = self._optimizer.step(numbers, gradient, slots, number + self._first)
            numbers = self._form.settle(self._after(numbers, matrices[number], number))
            return number + 1, numbers, slots, seen.write(number - start, value)

        _, numbers, slots, seen = tf.while_loop(
            lambda number, *_: number < stop,
            step,
            (start, numbers, slots, tf.TensorArray(tf.float32, size=stop - start)),
            parallel_iterations=1,
        )
        return numbers, slots, seen.stack()

    def _slope(
        self, objective: str, numbers: tf.Tensor, matrices: tf.Tensor, aim: Aim, reviving: bool
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The plain activations and the way up."""

        def view(images: tf.Tensor) -> tf.Tensor:
            """Images as the network sees them in this step."""
            if self._recipe.transforms.apply == "view":
                return transforms.warp(images, matrices)
            return images

        def sized(pictures: tf.Tensor) -> tf.Tensor:
            if pictures.shape[1] != self._size:  # of a smaller octave
                size = (self._size, self._size)
                pictures = tf.image.resize(pictures, size, antialias=True)
            return view(pictures)

        aim = objectives.targeted(aim, self._network, sized)
        with tf.GradientTape() as tape:
            tape.watch(numbers)
            activations = self._network(view(self._form.image(numbers)), revive=reviving)
            value = objectives.activation(objective, activations, aim)
            score = objectives.score(objective, activations, aim)
            total = tf.reduce_sum(score * aim.sign)
            if self._group > 1:
                # In units of the score, so that one weight serves every unit.
                alike = objectives.similarity(activations, self._group)
                worth = self._diversity * tf.stop_gradient(tf.abs(score))
                total -= tf.reduce_sum(worth * alike)
        return value, tape.gradient(total, numbers)

    def _after(self, numbers: tf.Tensor, matrices: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
        """What a recipe does to the image itself after a step."""
        if self._recipe.transforms.apply == "image":
            numbers = transforms.warp(numbers, matrices)
        if self._recipe.blur is not None:
            numbers = _blurred(numbers, self._recipe.blur, number + self._first)
        return numbers


def _blurred(images: tf.Tensor, blur: Blur, number: tf.Tensor) -> tf.Tensor:
    """Images through a normalised Gaussian kernel whose sigma falls as 1 / (step + 1).

    From the step `until` on, images as they are.
    """
    sigma = blur.sigma / (tf.cast(number, tf.float32) + 1.0)
    reach = blur.kernel // 2
    places = tf.range(-reach, reach + 1, dtype=tf.float32)
    weights = tf.exp(-0.5 * (places / sigma) ** 2)
    weights /= tf.reduce_sum(weights)
    kernel = tf.tile(
        (weights[:, None] * weights[None, :])[:, :, None, None], (1, 1, images.shape[3], 1)
    )
    padded = tf.pad(images, [[0, 0], [reach, reach], [reach, reach], [0, 0]], mode="SYMMETRIC")
    blurred = tf.nn.depthwise_conv2d(padded, kernel, [1, 1, 1, 1], "VALID")
    return blurred if blur.until is None else tf.where(number < blur.until, blurred, images)

"""Why softmax pictures were poor, and what helps. `python -m benchmarks.softmax`.

Trains a classifier of ten textures, drawn here, on the bundled layers through `mixed4`, and renders
its logits and probabilities by the default recipe. A probability is raised by itself, as it once
was, by its logarithm, and by its log-odds, as the renderer does. Prints the tables of
docs/softmax.md; takes some minutes on one thread.
"""

import argparse
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.network import device

os.environ.update(device.environment("cpu"))

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from pipeline.ascent import objectives
from pipeline.ascent.engine import Engine
from pipeline.ascent.measure import Meter
from pipeline.ascent.objectives import Activations, Aim
from pipeline.config import weights
from pipeline.config.recipes import RECIPES, Recipe
from pipeline.config.schema import Render
from pipeline.config.weights import Weights
from pipeline.model import model_file
from pipeline.network import network
from pipeline.network.network import Network
from pipeline.plan.architecture import CLASSES
from pipeline.plan.kinds import LOGITS, SOFTMAX
from pipeline.plan.units import Kind, Unit

SIZE, COUNT, SEED, KEPT = 128, 10, 0, 8
RECIPE = RECIPES["fourier"]
FORGETFUL = RECIPE.model_copy(
    update={"optimizer": RECIPE.optimizer.model_copy(update={"beta2": 0.5})}
)


def log_p(activations: Activations, target: Aim) -> tf.Tensor:
    """The logarithm of each image's probability."""
    return tf.gather(tf.nn.log_softmax(activations[CLASSES]), target.index, batch_dims=1)


WAYS = {
    "p": replace(SOFTMAX, name="p"),
    "log p": replace(SOFTMAX, name="log p"),
    "log-odds": SOFTMAX,
}
"""How a probability is raised: kinds of unit that differ in their objectives' scores alone."""
objectives.OBJECTIVES |= {
    name: replace(objectives.OBJECTIVES["softmax"], score=score)
    for name, score in (("p", None), ("log p", log_p))
}
CHANGED: dict[str, dict[str, Any]] = {
    "20 times as sharp": {"factor": 20.0},
    "of 1,000 classes": {"classes": 1000},
    "less likely by e^20": {"lower": 20.0},
}
"""Classifiers made from the plain one, of which the first few classes are rendered."""
FEW = 4

ALONG = (
    "raised", "step", "p", "logit", "best rival",
    "gradient of p", "of log-odds", "of logit", "contrast",
)  # fmt: skip
ENDS = (
    "classifier", "raised", "p at start", "left there", "least robust p", "median",
    "robust logit", "log-odds", "logit rose", "rivals fell", "contrast", "other classifier",
)  # fmt: skip


@dataclass(frozen=True)
class Classifier:
    """A classifier, and what looks at pictures with it."""

    weights: Weights
    network: Network
    meter: Meter

    @classmethod
    def saved(cls, model: keras.Model, path: Path) -> "Classifier":
        """A model as a weights file, and read from it."""
        model.save(path)
        found = weights.resolve(str(path))
        seen = network.load(found, (CLASSES,))
        return cls(found, seen, Meter(seen, SIZE))

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Of uint8 images."""
        seen = self.network(tf.constant(images / 127.5 - 1.0, tf.float32))
        return np.asarray(seen[CLASSES])

    def robust(self, kind: Kind, images: np.ndarray) -> np.ndarray:
        """The robust activation of each class's image."""
        units = [Unit(kind, (), index) for index in range(len(images))]
        return self.meter.robust(images, units, len(images))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sheet", type=Path, help="where to draw the pictures, a row a score")
    sheet = parser.parse_args().sheet
    device.use("cpu")
    with tempfile.TemporaryDirectory() as folder:
        plain, judge = (trained(end, Path(folder)) for end in ("mixed4", "mixed2"))
        found = {"`logits`": find(plain, LOGITS)}
        found |= {name: find(plain, way) for name, way in WAYS.items()}
        row(*ALONG, heading=True)
        for name, kept in found.items():
            along(plain, name, kept)
        row(*ENDS, heading=True)
        found["p, `beta2` 0.5"] = find(plain, WAYS["p"], recipe=FORGETFUL)
        for name, kept in found.items():
            ends(plain, "plain", name, kept, judge)
        for title, change in CHANGED.items():
            changed = altered(plain, **change)
            for name, way in WAYS.items():
                ends(changed, title, name, find(changed, way, FEW), judge)
    if sheet is not None:
        rows = [np.hstack(kept[-1]) for kept in found.values()][:4]
        Image.fromarray(np.vstack(rows)).resize((COUNT * 96, 4 * 96)).save(sheet, quality=85)


def textures(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """So many noisy images of each pattern in two random colours, and their classes."""
    random = np.random.default_rng(seed)
    images = []
    for _ in range(count):
        for pattern in patterns(random):
            first, second = random.uniform(-1, 1, (2, 3))
            image = first + (second - first) * (np.clip(pattern, -1, 1)[..., None] + 1) / 2
            images.append(image + random.normal(0, random.uniform(0, 0.15), image.shape))
    return np.clip(images, -1, 1).astype(np.float32), np.tile(np.arange(COUNT), count)


def patterns(random: np.random.Generator) -> Iterator[np.ndarray]:
    """Stripes across, up and aslant; checks, dots, rings, rays, bricks, grains and a ramp."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    period, phase, turn = random.uniform(10, 28), *random.uniform(0, 2 * np.pi, 2)
    right, down = random.uniform(0.2, 0.8, 2) * SIZE

    def wave(place: np.ndarray) -> np.ndarray:
        return np.asarray(np.sin(2 * np.pi * place / period + phase))

    yield wave(y)
    yield wave(x)
    yield wave((x + y * random.choice([-1, 1])) / np.sqrt(2))
    yield np.sign(wave(x) * wave(y))
    yield np.sign(0.32 * period - np.hypot(x % period - period / 2, y % period - period / 2))
    yield wave(np.hypot(x - right, y - down))
    yield np.sin(np.arctan2(y - down, x - right) * random.integers(6, 16) + phase)
    joint = (x + y // period % 2 * period) % (2 * period)
    yield np.where((y % period < 2.5) | (joint < 2.5), 1.0, -1.0)
    yield random.choice([-1.0, 1.0], (SIZE, SIZE))
    yield ((x - SIZE / 2) * np.cos(turn) + (y - SIZE / 2) * np.sin(turn)) / SIZE * 1.6


def trained(end: str, folder: Path) -> Classifier:
    """A classifier of textures: the bundled layers through `end`, and one dense layer, trained."""
    model = model_file.read(weights.resolve("bundled")).model
    pooled = keras.layers.GlobalAveragePooling2D()(model.get_layer(end).output)
    trunk = keras.Model(model.input, pooled)
    keras.utils.set_random_seed(SEED)
    head = keras.layers.Dense(COUNT, activation="softmax")
    alone = keras.Sequential([keras.Input(pooled.shape[1:]), head])
    alone.compile(
        keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    (images, classes), (others, of_others) = textures(32, seed=1), textures(8, seed=2)
    alone.fit(trunk.predict(images, 16, verbose=0), classes, 64, epochs=60, verbose=0)
    _, right = alone.evaluate(trunk.predict(others, 16, verbose=0), of_others, verbose=0)
    print(f"{end}: {right:.0%} of {len(others)} new textures named rightly")
    return Classifier.saved(keras.Model(model.input, head(pooled)), folder / f"{end}.keras")


def altered(
    plain: Classifier, factor: float = 1.0, classes: int = COUNT, lower: float = 0.0
) -> Classifier:
    """The plain classifier with its logits times a factor, or the first few of them lowered.

    Classes above the tenth have small random weights, as before any training.
    """
    path = plain.weights.path
    model = keras.models.load_model(path, compile=False)
    kernel, bias = model.layers[-1].get_weights()
    more = classes - COUNT
    spread = np.sqrt(2 / (len(kernel) + classes))
    small = np.random.default_rng(SEED).normal(0, spread, (len(kernel), more))
    bias = np.append(factor * bias, np.zeros(more))
    bias[:FEW] -= lower
    head = keras.layers.Dense(classes, activation="softmax")
    whole = keras.Model(model.input, head(model.layers[-1].input))
    head.set_weights([np.hstack([factor * kernel, small]), bias])
    return Classifier.saved(whole, path.with_name("altered.keras"))


def find(
    classifier: Classifier, kind: Kind, count: int = COUNT, recipe: Recipe = RECIPE
) -> np.ndarray:
    """Images that an ascent passes and finds, (KEPT + 1, classes, size, size, 3) uint8."""
    options = Render(precision="float32", snapshots=KEPT)
    engine = Engine(classifier.weights, recipe, SIZE, SEED, count, options)
    results = engine.compute([Unit(kind, (), index) for index in range(count)])
    return np.concatenate([results.snapshots.swapaxes(0, 1), results.images[None]])


def along(classifier: Classifier, name: str, kept: np.ndarray) -> None:
    """Print what is seen on the images of an ascent, medians over the classes."""
    target = objectives.aim([Unit(SOFTMAX, (), index) for index in range(COUNT)], (1, 1))
    for number, images in enumerate(kept):
        pixels = tf.constant(images / 127.5 - 1.0, tf.float32)
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(pixels)
            seen = classifier.network(pixels)
            p = objectives.activation("softmax", seen, target)
            odds = objectives.score("softmax", seen, target)
            logit = objectives.activation("logits", seen, target)
        slopes = [tape.gradient(value, pixels).numpy() for value in (p, odds, logit)]
        norms = [np.sqrt((slope**2).sum(axis=(1, 2, 3))) for slope in slopes]
        _, best, _ = apart(seen[CLASSES].numpy())
        medians = [np.median(each) for each in (p, logit, best, *norms, contrast(images))]
        row(name, round(number * RECIPE.steps / KEPT), *medians)


def ends(
    classifier: Classifier, title: str, name: str, kept: np.ndarray, judge: Classifier
) -> None:
    """Print what an ascent came to, medians over the classes."""
    first, last = kept[0], kept[-1]
    own_first, _, against_first = apart(classifier.logits(first))
    own, _, against = apart(classifier.logits(last))
    change = np.abs(last.astype(float) - first).mean(axis=(1, 2, 3))
    p = classifier.robust(SOFTMAX, last)
    columns = (
        1 / (1 + np.exp(against_first - own_first)), p, classifier.robust(LOGITS, last),
        own - against, own - own_first, against_first - against, contrast(last),
        judge.robust(SOFTMAX, last),
    )  # fmt: skip
    start, *medians = (np.median(each) for each in columns)
    row(title, name, start, f"{(change < 1).sum()} of {len(p)}", p.min(), *medians)


def apart(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of each class's image its logit, its best rival's, and the log-sum-exp of all rivals'."""
    logits = logits.astype(np.float64)
    own = np.diag(logits).copy()
    np.fill_diagonal(logits, -np.inf)
    return own, logits.max(axis=1), np.logaddexp.reduce(logits, axis=1)


def contrast(images: np.ndarray) -> np.ndarray:
    """Standard deviation of each image's pixels, of which black and white are -1 and 1."""
    return np.asarray(images.std(axis=(1, 2, 3)) / 127.5)


def row(*cells: object, heading: bool = False) -> None:
    """Print a row of a table, or its heading."""
    shown = [
        f"{cell:.4g}" if isinstance(cell, float | np.floating) else str(cell) for cell in cells
    ]
    line = f"| {' | '.join(shown)} |"
    print(f"\n{line}\n|{' --- |' * len(shown)}" if heading else line, flush=True)


if __name__ == "__main__":
    main()

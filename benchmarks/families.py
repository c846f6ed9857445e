"""The families of `keras.applications`, tried: which channels stay dead, and how fast the loop is.

`make bench-families` makes a network of each with random weights and norms set from noise, so that
its maps are alive, renders every channel of the activation in its middle by `draft`, and counts
the dead: those that no way of several raises. Beside that it times the
loop against a plain one, as notebooks have it: Keras' own model,
`GradientTape`, one image, a normalised gradient; one thread each, the same steps, no compiling
counted. What is measured is kept in benchmarks/families.json, family by family, and stands in
BENCHMARKS.md.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.network import device

device.use("cpu")

import keras  # noqa: E402, after the environment
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from benchmarks import family_table, report  # noqa: E402
from pipeline.ascent.engine import Engine  # noqa: E402
from pipeline.ascent.render import Renderer  # noqa: E402
from pipeline.config import yaml_file  # noqa: E402
from pipeline.config.weights import resolve  # noqa: E402
from pipeline.model import model_file  # noqa: E402
from pipeline.model.intake import tell  # noqa: E402
from pipeline.network import last, network  # noqa: E402
from pipeline.network.describe import describe  # noqa: E402
from pipeline.plan.pixels import SPAN, bounds  # noqa: E402
from pipeline.plan.provenance import Provenance  # noqa: E402
from pipeline.plan.resolve import resolve_provenance  # noqa: E402
from pipeline.plan.units import Unit  # noqa: E402

KEPT = family_table.KEPT
FAMILIES = (
    "VGG16", "ResNet50", "ResNet50V2", "InceptionV3", "InceptionResNetV2", "Xception", "MobileNet",
    "MobileNetV2", "MobileNetV3Small", "DenseNet121", "NASNetMobile", "EfficientNetB0",
    "EfficientNetV2B0", "ConvNeXtTiny",
)  # fmt: skip
DRAFT: Mapping[str, Any] = {"name": "draft"}
NOISE: Mapping[str, Any] = {"kind": "pixel", "noise": "uniform", "amplitude": 1.0}
TRIES: tuple[Mapping[str, Any], ...] = (
    DRAFT,
    *(
        {**DRAFT, "optimizer": {"rate": rate}, "steps": steps}
        for rate, steps in ((0.015, 22), (0.003, 22), (0.05, 96), (0.15, 96), (0.015, 96))
    ),
    {
        **DRAFT,
        "optimizer": {"rate": 0.015},
        "parametrization": NOISE,
        "transforms": {"rotate": None, "scale": None},
    },
    {
        **DRAFT,
        "steps": 96,
        "revive": 60,
        "transforms": {"jitter": None, "rotate": None, "scale": None},
    },
)
"""Recipes: the plain one, and others for channels that do not rise by it, since networks of random
weights are rough (Balduzzi et al., 2017). The last but one begins with noise such as norms are set
from; the last looks long, at one place, for what a silent channel lacks."""
PARTS = ("dead", "times")
SIZE, STEPS, BATCH, TIMES = 80, 8, 16, 5


def main() -> None:
    """Try the families that are named, or all, and keep what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", default=FAMILIES)
    parser.add_argument("--most", type=int, default=100_000, help="channels of a layer, at most")
    parser.add_argument("--part", choices=PARTS, help="of what is found, this alone, anew")
    parser.add_argument("--out", type=Path, default=KEPT.parents[1] / "BENCHMARKS.md")
    options = parser.parse_args()
    found = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    for name in options.names:
        tell = tried(name, options.most, (options.part,) if options.part else PARTS)
        found[name] = {**found.get(name, {}), **tell, "size": SIZE, "machine": report.machine()}
        KEPT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(name, found[name], flush=True)
    family_table.again(options.out)


def tried(name: str, most: int, parts: Sequence[str] = PARTS) -> dict[str, Any]:
    """What is found of a family, or of `lite0`, of so many channels."""
    with tempfile.TemporaryDirectory() as folder:
        path = "lite0"
        if name != "lite0":
            keras.utils.set_random_seed(0)
            path = str(Path(folder) / f"{name}.keras")
            make = getattr(keras.applications, name)
            made = make(weights=None, include_top=False, input_shape=(SIZE, SIZE, 3))
            _alive(made).save(path)
        layer, channels, acts = _middle(path)
        known = _planned(path, f"{layer}:0-{min(channels, max(most, BATCH)) - 1}", DRAFT)
        tell = {"activations": acts, "layer": layer, "living": known.reading.is_living}
        if "dead" in parts:
            tell |= _dead(path, layer, list(known.units())[:most])
        if "times" in parts:
            tell |= _times({"ours": _ours(known), **_plain(path, layer)})
        return tell


def _dead(path: str, layer: str, units: list[Unit]) -> dict[str, Any]:
    """Which channels of a layer rise by no way, and how many are left after each."""
    dead, left = dict.fromkeys(units, -np.inf), []
    for way in TRIES:
        dead = _not_risen(_planned(path, f"{layer}:0", way), dead) if dead else {}
        left.append(len(dead))
    values = {unit.index: value for unit, value in dead.items()}
    return {"channels": len(units), "left": left, "dead": values}


def _not_risen(known: Provenance, dead: Mapping[Unit, float]) -> dict[Unit, float]:
    """Those of some units that end no higher than they ever began, and how high that was."""
    left: dict[Unit, float] = {}
    engine = Engine.of(known)
    for first in range(0, len(dead), BATCH):
        some = list(dead)[first : first + BATCH]
        found = engine.compute(some).statistics
        for unit, end, start in zip(some, found.activation, found.activation_start, strict=True):
            began = max(dead[unit], float(start))
            if not end > began:
                left[unit] = began
    return left


def _alive(model: keras.Model) -> keras.Model:
    """The model, with norms that make what noise gives of mean 0 and deviation 1, nearly."""
    norms = [each for each in model.layers if isinstance(each, keras.layers.BatchNormalization)]
    for norm in norms:
        norm.momentum = 0.0
    black, white = bounds(tell(model, (model.name,)).range or SPAN)
    noise = np.random.default_rng(0).uniform(black, white, (4, SIZE, SIZE, 3)).astype(np.float32)
    for _ in range(2):
        model(noise, training=True)
    for norm in norms:
        norm.momentum = 0.99
    return model


def _middle(path: str) -> tuple[str, int, dict[str, int]]:
    """The layer with an activation that is nearest to the middle, its channels; all activations."""
    model = model_file.read(resolve(path)).model
    operations = list(model.operations)
    places = [
        place
        for place, of in enumerate(operations)
        if isinstance(of, keras.layers.Layer)
        and len(getattr(of.output, "shape", ())) == 4
        and of.output.shape[1:3] != (1, 1)
        and last.acts(of)
    ]
    place = min(places, key=lambda place: abs(place - len(operations) / 2))
    chosen = operations[place]
    return chosen.name, int(chosen.output.shape[3]), last.counted(model)


def _planned(path: str, units: str, recipe: Mapping[str, Any]) -> Provenance:
    said = {"units": [units], "model": {"weights": path}, "recipe": recipe}
    return resolve_provenance(
        yaml_file.parse(json.dumps({**said, "image": {"size": SIZE}, "batch_size": BATCH})),
        describe,
    )


def _ours(known: Provenance) -> tuple[Callable[[], object], int]:
    """An ascent of a full batch, and how many images it has."""
    units = list(known.units())[:BATCH]
    short = known.recipe.model_copy(update={"steps": STEPS, "revive": 3})
    loaded = network.load(known.weights, units[0].reads, known.reading)
    renderer = Renderer(loaded, short, SIZE)
    return lambda: renderer.render(units, 0, BATCH), len(units)


def _plain(path: str, layer: str) -> dict[str, tuple[Callable[[], object], int]]:
    """A plain loop, one whose step is compiled, and that with a full batch."""
    model = model_file.read(resolve(path)).model
    part = keras.Model(model.inputs[0], model.get_layer(layer).output)
    one, full = (_climb(part, images) for images in (1, BATCH))
    return {
        "plain": (partial(_repeat, one), 1),
        "compiled": (partial(_repeat, tf.function(one)), 1),
        "batched": (partial(_repeat, tf.function(full)), BATCH),
    }


def _climb(part: keras.Model, images: int) -> Callable[[], None]:
    """A step of a plain loop for some images, of the first channel, up a normalised gradient."""
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, (images, SIZE, SIZE, 3))
    image = tf.Variable(noise, dtype=tf.float32)

    def step() -> None:
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(tf.reduce_mean(part(image, training=False)[..., 0], (1, 2)))
        slope = tape.gradient(value, image)
        deviation = tf.math.reduce_std(slope, (1, 2, 3), keepdims=True)
        image.assign_add(0.1 * slope / (deviation + 1e-8))
        image.assign(tf.clip_by_value(image, -1.0, 1.0))

    return step


def _repeat(step: Callable[[], None]) -> None:
    for _ in range(STEPS):
        step()


def _times(ways: Mapping[str, tuple[Callable[[], object], int]]) -> dict[str, float]:
    """Seconds a step and image of each way: medians of turns, after one that compiles."""
    seen: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(1 + TIMES):
        for name, (do, images) in ways.items():
            began = time.perf_counter()
            do()
            if turn:
                seen[name].append((time.perf_counter() - began) / images / STEPS)
    return {name: statistics.median(times) for name, times in seen.items()}


if __name__ == "__main__":
    main()

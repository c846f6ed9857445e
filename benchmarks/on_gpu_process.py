"""Renders some cases on one device, one after the other: a process of `benchmarks.on_gpu`.

It prints a line of JSON when TensorFlow is up, and another as soon as a case is done, so that what
was measured is there when the process is ended.
"""

import argparse
import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cache

import numpy as np

from benchmarks.on_gpu_table import Case, Rate, Where
from pipeline.config.recipes import RECIPES, Recipe
from pipeline.config.schema import Device, Precision, Render
from pipeline.config.weights import resolve
from pipeline.network import device
from pipeline.plan import machine
from pipeline.plan.kinds import CHANNEL
from pipeline.plan.units import Unit

ROUNDS = 2
"""How often a case is timed, after a first time that compiles."""
_SIDES = {"cpu": 1024, "gpu": 8192}
_PRODUCTS = 8
"""Matrix products in a row, and how often so many."""


def main() -> None:
    """Render what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--device", choices=("cpu", "gpu"), required=True)
    parser.add_argument("--cases", type=json.loads, required=True, help="a list, as JSON")
    parser.add_argument("--layer", default="mixed4")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--steps", type=int, help="other than the recipes'")
    options = parser.parse_args()
    cases = [Case(**case) for case in options.cases]
    if options.device == "gpu":
        os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")  # of several cards one is measured
    device.use(options.device, cases[0].compiler)
    print(json.dumps(asdict(where(options.device))), flush=True)
    for case in cases:
        try:
            found = rate(
                case, options.layer, options.size, options.batch, options.rounds, options.steps,
                lambda precision: product(options.device, precision),
            )  # fmt: skip
        except Exception as error:  # whatever one case does to a card, the others are measured
            said = str(error).strip().splitlines() or [""]
            found = Rate(case, failed=f"{type(error).__name__}: {said[0][:200]}".rstrip(": ."))
        print(json.dumps(asdict(found)), flush=True)


def where(wanted: Device) -> Where:
    """What this process computes on.

    Raises:
        SystemExit: it is to be a GPU, and TensorFlow sees none.
    """
    import tensorflow as tf  # noqa: PLC0415, after its environment

    software = f"TensorFlow {tf.__version__}"
    if wanted == "cpu":
        return Where("cpu", f"thread of {machine.processor()}", software)
    seen = tf.config.list_physical_devices("GPU")
    if not seen:
        raise SystemExit(
            f"{software} sees no GPU, though the driver lists one: make install GPU=1 installs the "
            "build that does"
        )
    built, told = tf.sysconfig.get_build_info(), tf.config.experimental.get_device_details(seen[0])
    names = {"cuda_version": "CUDA", "cudnn_version": "cuDNN"}
    known = [f"{name} {built[key]}" for key, name in names.items() if key in built]
    return Where("gpu", told.get("device_name", "unknown GPU"), ", ".join([*known, software]))


def rate(
    case: Case,
    layer: str,
    size: int,
    batch: int,
    rounds: int,
    steps: int | None,
    measure: Callable[[Precision], float],
) -> Rate:
    """Render a case several times, the first of them to compile.

    Args:
        case: what to render, and how.
        layer: whose channels.
        size: side of the images, in pixels.
        batch: the largest batch.
        rounds: how often to time it.
        steps: other than the recipe's; None for these.
        measure: what tells the operations a second of a matrix product.
    """
    from pipeline.ascent.engine import Engine  # noqa: PLC0415, TensorFlow after its environment

    recipe = RECIPES[case.recipe]
    if steps:
        recipe = recipe.model_copy(update={"steps": steps})
    options = Render(precision=case.precision, compiler=case.compiler)
    engine = Engine(resolve("bundled"), recipe, size, 0, batch, options)
    units = rendered(recipe, layer, case.channels)
    times, rendering, digests = [], [], []
    for _ in range(1 + rounds):
        began = time.perf_counter()
        results = [engine.compute(units[n : n + batch]) for n in range(0, len(units), batch)]
        times.append(time.perf_counter() - began)
        seconds = [result.statistics.seconds.sum(dtype=np.float64) for result in results]
        rendering.append(float(np.sum(seconds)))
        digests.append(digest([result.images for result in results]))
    counted = None
    if recipe.octaves.count == 1:  # else an image grows, and its first steps cost less
        counted = float(2 * recipe.steps * operations(layer, size))
    return Rate(
        case, times[0], rendering[1:], times[1:], digests, min(batch, engine.most or batch),
        counted, measure(case.precision),
    )  # fmt: skip


def rendered(recipe: Recipe, layer: str, count: int) -> list[Unit]:
    """So many units of a layer: a channel each, or one in each style of a recipe of several."""
    of_each = len(recipe.each)
    return [Unit(CHANNEL, (layer,), n // of_each, variant=n % of_each) for n in range(count)]


def digest(images: Sequence[np.ndarray]) -> str:
    """Of all bytes of images."""
    found = hashlib.sha256()
    for some in images:
        found.update(np.ascontiguousarray(some).tobytes())
    return found.hexdigest()


@cache
def operations(layer: str, size: int) -> int:
    """Multiplications and additions of one pass to a layer, for one image."""
    from pipeline.network.describe import describe  # noqa: PLC0415, TensorFlow

    return describe(resolve("bundled"), size).layers[layer].operations


@cache
def product(on: Device, precision: Precision) -> float:
    """Operations a second of a product of two large matrices of random numbers."""
    import tensorflow as tf  # noqa: PLC0415, after its environment

    side = _SIDES[on]
    factor = tf.random.stateless_normal((side, side), (0, 0), dtype=precision)
    multiplied = tf.function(lambda a: tf.linalg.trace(tf.matmul(a, a)))  # of it, few come here
    multiplied(factor).numpy()
    times = []
    for _ in range(3):
        began = time.perf_counter()
        traces = [multiplied(factor) for _ in range(_PRODUCTS if on == "gpu" else 1)]
        traces[-1].numpy()
        times.append((time.perf_counter() - began) / len(traces))
    return float(2 * side**3 / np.median(times))


if __name__ == "__main__":
    main()

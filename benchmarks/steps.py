"""Where the speed comes from: the cost of one image-step, one change at a time.

`python -m benchmarks.steps --layer mixed4 --form FORM [--threads N]` prints milliseconds an
image-step of one process, as JSON: a list, one entry a repetition. The forms, each with all of the
former:

- `article`: the article's loop, one image, batch norms not folded, a Python loop
- `folded`: batch norms folded into the convolutions
- `batched`: sixteen images at once
- `compiled`: this project's loop with its transforms, spectrum and Adam, compiled, in float32
- `bfloat16`: the same, the network in bfloat16
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import gate
from pipeline.config.schema import Precision
from pipeline.plan.kinds import CHANNEL

REPETITIONS, STEPS, BATCH, SIZE = 4, 6, 16, 128
FORMS = ("article", "folded", "batched", "compiled", "bfloat16")


def main() -> None:
    """Measure one form."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--layer", required=True)
    parser.add_argument("--form", required=True, choices=FORMS)
    parser.add_argument("--threads", type=int, default=0, help="0: TensorFlow's own choice")
    parser.add_argument("--gate", type=Path, help="begin when all do; see benchmarks.gate")
    options = parser.parse_args()
    os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "2", "KERAS_BACKEND": "tensorflow"}
    import tensorflow as tf  # noqa: PLC0415, after its environment

    if options.threads:
        tf.config.threading.set_intra_op_parallelism_threads(options.threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    if options.form in ("compiled", "bfloat16"):
        work, images = _ours(options.layer, options.form), BATCH
    else:
        images = BATCH if options.form == "batched" else 1
        work = _article(options.layer, options.form != "article", images)
    work()
    gate.wait(options.gate)
    print(json.dumps([1e3 * _timed(work) / (STEPS * images) for _ in range(REPETITIONS)]))


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _article(layer: str, folded: bool, images: int) -> Callable[[], object]:
    """Some steps of the article's loop on some images, without its growing."""
    import numpy as np  # noqa: PLC0415
    import tensorflow as tf  # noqa: PLC0415

    from benchmarks.peers import article  # noqa: PLC0415
    from benchmarks.peers.common import network  # noqa: PLC0415
    from pipeline.config.weights import resolve  # noqa: PLC0415
    from pipeline.network.network import load  # noqa: PLC0415

    model = load(resolve("bundled"), (layer,)).model if folded else network(layer)
    way = tf.function(lambda image, channel: article.gradient(model, image, channel))
    noise = np.random.default_rng(0).normal(0.0, 0.1, (images, SIZE, SIZE, 3))
    start = tf.constant(noise, tf.float32)

    def work() -> object:
        random = np.random.default_rng(0)
        image = start
        for step in range(STEPS):
            image = article.climb(way, image, 0, step, random)
        return image.numpy()

    return work


def _ours(layer: str, form: str) -> Callable[[], object]:
    """As many steps of this project's loop on a batch."""
    from pipeline.ascent.render import Renderer  # noqa: PLC0415
    from pipeline.config.recipes import RECIPES  # noqa: PLC0415
    from pipeline.config.weights import resolve  # noqa: PLC0415
    from pipeline.network.network import load  # noqa: PLC0415
    from pipeline.plan.units import Unit  # noqa: PLC0415

    precision: Precision = "bfloat16" if form == "bfloat16" else "float32"
    recipe = RECIPES["fourier"].model_copy(update={"steps": STEPS, "revive": 0})
    renderer = Renderer(load(resolve("bundled"), (layer,), precision=precision), recipe, SIZE)
    units = [Unit(CHANNEL, (layer,), number) for number in range(BATCH)]
    return lambda: renderer.render(units, 0, BATCH)


if __name__ == "__main__":
    main()

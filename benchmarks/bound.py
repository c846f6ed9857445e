"""How high a robust activation can be: a long ascent of that very measure.

`python -m benchmarks.bound --layer mixed2` maximises the mean over the 16 looks by which images are
judged, all of them at every step, and prints what the stored images reach, channel by channel. A
recipe sees one random look a step: it cannot be expected to pass this.
"""

import argparse

import numpy as np

from benchmarks.shown import LAYERS, channels
from pipeline.config.recipes import RECIPES, Adam, Pixel, Spectrum
from pipeline.config.weights import resolve
from pipeline.network import device
from pipeline.plan import machine
from pipeline.plan.kinds import CHANNEL
from pipeline.plan.pixels import quantise
from pipeline.plan.units import Unit

SIZE = 128
FORMS: dict[str, tuple[Spectrum | Pixel, Adam]] = {
    "spectrum": (Spectrum(decay=1.0), Adam(rate=0.12, beta1=0.7, end=0.05)),
    "pixel": (Pixel(), Adam(rate=0.06, beta1=0.9, end=0.05)),
}


def main() -> None:
    """Ascend, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--layer", default="mixed2", choices=LAYERS)
    parser.add_argument("--form", default="spectrum", choices=FORMS)
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--every", type=int, default=6, help="one of so many compared channels")
    options = parser.parse_args()
    chosen = channels(options.layer)[:: options.every]
    device.use("cpu")
    reached = ascend(options.layer, chosen, options.form, options.steps)
    for channel, value in zip(chosen, reached, strict=True):
        print(f"{options.layer}:{channel} {value:.2f}")
    print(f"median {np.median(reached):.2f}")


def ascend(layer: str, chosen: list[int], form: str, steps: int) -> np.ndarray:
    """The robust activations reached, (channels,)."""
    import tensorflow as tf  # noqa: PLC0415, after its environment

    from pipeline.ascent import objectives, optimizers, parametrizations, transforms  # noqa: PLC0415
    from pipeline.ascent.measure import Meter, looks  # noqa: PLC0415
    from pipeline.ascent.objectives import Aim  # noqa: PLC0415
    from pipeline.network.network import load  # noqa: PLC0415

    units = [Unit(CHANNEL, (layer,), channel) for channel in chosen]
    network = load(resolve("bundled"), (layer,), precision=machine.best_precision(is_here=True))
    spec, adam = FORMS[form]
    image = parametrizations.make(spec, SIZE)
    optimizer = optimizers.make(adam, steps)
    all_looks = looks(SIZE)
    seen_by = tf.constant(np.tile(all_looks, (len(units), 1)))
    each = [unit for unit in units for _ in all_looks]
    target = Aim(*map(tf.constant, objectives.aim(each, network.map_size(SIZE))))

    @tf.function  # type: ignore[untyped-decorator]
    def step(numbers: tf.Tensor, slots: tf.Tensor, number: tf.Tensor, reviving: bool) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(numbers)
            views = tf.repeat(image.image(numbers), len(all_looks), axis=0)
            activations = network(transforms.warp(views, seen_by), revive=reviving)
            total = tf.reduce_sum(objectives.activation(units[0].kind.name, activations, target))
        numbers, slots = optimizer.step(numbers, tape.gradient(total, numbers), slots, number)
        return image.settle(numbers), slots

    random = np.random.default_rng(0)
    numbers = tf.constant(np.stack([image.start(random) for _ in units]))
    slots = optimizer.slots(numbers)
    reviving = RECIPES["fourier"].revive
    for number in range(steps):
        numbers, slots = step(numbers, slots, tf.constant(number), number < reviving)
    meter = Meter(load(resolve("bundled"), (layer,)), SIZE)
    return meter.robust(quantise(image.image(numbers).numpy()), units, len(units))


if __name__ == "__main__":
    main()

"""xplique's feature visualization as it comes: a Fourier buffer, Adam, its standard transforms.

`--maco` renders by its MaCo instead (Fel et al., 2023, of the same first author).

Every call of its `optimize` traces its step anew, so there is nothing to warm up: the clock starts
when the first gradient, and with it the tracing, is done. A user pays for the tracing at each call.
"""

import sys
import time
from dataclasses import replace
from importlib.metadata import version
from types import ModuleType

import keras
import numpy as np
import tensorflow as tf

from benchmarks.peers.common import About, Job, command_line, library, network, run

STEPS = 256
RATE = 0.05
REMEDY = "pip install 'channel-atlas[bench]' && pip install --no-deps xplique==2.0.2"


class Clock:
    """A note of when an optimiser was first given a gradient."""

    def __init__(self) -> None:
        self.began: float | None = None

    def on(self, optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
        """The optimiser, watched."""
        step = optimizer.apply_gradients

        def watched(*arguments: object, **keywords: object) -> object:
            if self.began is None:
                self.began = time.perf_counter()
            return step(*arguments, **keywords)

        optimizer.apply_gradients = watched
        return optimizer

    def seconds(self, steps: int) -> float:
        """How long so many steps take, by those since the first gradient."""
        assert self.began is not None, "xplique takes a step at least"
        return (time.perf_counter() - self.began) * steps / max(steps - 1, 1)


def main() -> None:
    """Render what the command line asks for."""
    parser = command_line(__doc__, STEPS)
    parser.add_argument("--maco", action="store_true", help="by its MaCo, one image at a time")
    options = vars(parser.parse_args())
    is_maco = options.pop("maco")
    wanted = Job(**options)
    # xplique imports this for an attribution method that is not used here. It would import
    # tf_keras, which would bring another TensorFlow.
    sys.modules["tensorflow_probability"] = ModuleType("tensorflow_probability")
    peer = library("xplique.features_visualizations", "xplique", REMEDY)
    left_out = "tracing, which every call repeats, left out; imported without "
    left_out += "tensorflow-probability"
    if is_maco:
        settings = f"one image at a time; its defaults: MaCo, Nadam of rate 1, 32 crops; {left_out}"
        about = About("xplique's MaCo", version("xplique"), settings)
        wanted, climb = replace(wanted, batch=1), maco
    else:
        settings = f"batches of {wanted.batch}; its defaults: Fourier buffer, Adam of rate {RATE}, "
        settings += f"standard transforms; {left_out}"
        about, climb = About("xplique", version("xplique"), settings), ascend
    model = _of_size(network(wanted.layer), wanted.size)

    def render(channels: list[int]) -> tuple[np.ndarray, float]:
        return climb(peer, peer.Objective.channel(model, wanted.layer, channels), wanted)

    run(wanted, about, render)


def _of_size(model: keras.Model, size: int) -> keras.Model:
    """The same model for images of one size: xplique's masks need the layer's shape."""
    fixed = keras.models.clone_model(model, input_tensors=keras.Input((size, size, 3)))
    fixed.set_weights(model.get_weights())
    return fixed


def ascend(peer: ModuleType, objective: object, wanted: Job) -> tuple[np.ndarray, float]:
    """The objective's images, (units, size, size, 3) in [-1, 1], and the seconds of all steps.

    The first gradient falls before the clock starts, so what it shows is scaled up to all steps.
    xplique stretches each image to the whole range: its darkest value is -1, its brightest 1.
    """
    tf.random.set_seed(wanted.channels[0])
    clock = Clock()
    saved, _ = peer.optimize(
        objective,
        optimizer=clock.on(keras.optimizers.Adam(RATE)),
        nb_steps=wanted.steps,
        values_range=(-1.0, 1.0),
        custom_shape=(wanted.size, wanted.size),
    )
    images = np.asarray(saved[-1])
    return images, clock.seconds(wanted.steps)


def maco(peer: ModuleType, objective: object, wanted: Job) -> tuple[np.ndarray, float]:
    """As `ascend`, of one unit: phases alone, by crops of half the image to a twentieth."""
    tf.random.set_seed(wanted.channels[0])
    np.random.seed(wanted.channels[0])
    clock = Clock()
    image, _ = peer.maco(
        objective,
        optimizer=clock.on(keras.optimizers.Nadam(1.0)),
        nb_steps=wanted.steps,
        values_range=(-1.0, 1.0),
        custom_shape=(wanted.size, wanted.size),
    )
    return np.asarray(image)[None], clock.seconds(wanted.steps)


if __name__ == "__main__":
    main()

"""xplique's feature visualization as it comes: a Fourier buffer, Adam, its standard transforms.

Every call of its `optimize` traces its step anew, so there is nothing to warm up: the clock starts
when the first gradient, and with it the tracing, is done. A user pays for the tracing at each call.
"""

import sys
import time
from importlib.metadata import version
from types import ModuleType

import keras
import numpy as np
import tensorflow as tf

from benchmarks.peers.common import About, Job, command_line, library, network, run

STEPS = 256
RATE = 0.05
REMEDY = "pip install 'channel-atlas[bench]' && pip install --no-deps xplique==2.0.2"


class Clock(keras.optimizers.Adam):  # type: ignore[misc]
    """xplique's default optimiser, with a note of when the first gradient came."""

    def __init__(self) -> None:
        super().__init__(RATE)
        self.began: float | None = None

    def apply_gradients(self, *arguments: object, **keywords: object) -> tf.Tensor:
        """Take a step."""
        if self.began is None:
            self.began = time.perf_counter()
        return super().apply_gradients(*arguments, **keywords)


def main() -> None:
    """Render what the command line asks for."""
    wanted = Job(**vars(command_line(__doc__, STEPS).parse_args()))
    # xplique imports this for an attribution method that is not used here. It would import
    # tf_keras, which would bring another TensorFlow.
    sys.modules["tensorflow_probability"] = ModuleType("tensorflow_probability")
    peer = library("xplique.features_visualizations", "xplique", REMEDY)
    about = About(
        "xplique",
        version("xplique"),
        f"batches of {wanted.batch}; its defaults: Fourier buffer, Adam of rate {RATE}, standard "
        "transforms; tracing, which every call repeats, left out; imported without "
        "tensorflow-probability",
    )
    model = _of_size(network(wanted.layer), wanted.size)

    def render(channels: list[int]) -> tuple[np.ndarray, float]:
        return ascend(peer, peer.Objective.channel(model, wanted.layer, channels), wanted)

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
        optimizer=clock,
        nb_steps=wanted.steps,
        values_range=(-1.0, 1.0),
        custom_shape=(wanted.size, wanted.size),
    )
    images = np.asarray(saved[-1])
    assert clock.began is not None, "xplique takes a step at least"
    seconds = time.perf_counter() - clock.began
    return images, seconds * wanted.steps / max(wanted.steps - 1, 1)


if __name__ == "__main__":
    main()

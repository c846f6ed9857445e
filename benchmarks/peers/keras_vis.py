"""tf-keras-vis' ActivationMaximization as it comes: RMSprop on pixels, total variation, L1 norm.

Its defaults are tuned to VGG16, as it says itself, whose pixels go from 0 to 255. InceptionV3's go
from -1 to 1: there its steps are as large as the range, and images saturate. `--pixels 255` puts a
layer in front of the network that takes 0 to 255: then they show what a channel seeks, faintly, and
some channels stay grey.
"""

from collections.abc import Callable
from importlib.metadata import version

import keras
import numpy as np
import tensorflow as tf

from benchmarks.peers.common import About, Job, command_line, library, network, run, timed

STEPS = 200
RANGES = {1: (-1.0, 1.0), 255: (0.0, 255.0)}
REMEDY = "pip install 'channel-atlas[bench]'"


def main() -> None:
    """Render what the command line asks for."""
    parser = command_line(__doc__, STEPS)
    parser.add_argument("--pixels", type=int, choices=RANGES, default=1, help="largest [1]")
    options = vars(parser.parse_args())
    least, most = RANGES[options.pop("pixels")]
    wanted = Job(**options)
    peer = library("tf_keras_vis.activation_maximization", "tf-keras-vis", REMEDY)
    maximize = peer.ActivationMaximization(_scaled(network(wanted.layer), least, most))

    def render(channels: list[int], steps: int) -> np.ndarray:
        return ascend(maximize, channels, wanted.size, steps, (least, most))

    about = About(
        "tf-keras-vis",
        version("tf-keras-vis"),
        f"batches of {wanted.batch}, pixels in {least:g} to {most:g}; its defaults: RMSprop of "
        "rate 1, jitter 4, rotation 1 degree, total variation 1, L1 norm 0.3; eager",
    )
    render(list(wanted.channels[: wanted.batch]), min(wanted.steps, 2))  # the first is slower
    run(wanted, about, lambda channels: timed(lambda: render(channels, wanted.steps)))


def _scaled(model: keras.Model, least: float, most: float) -> keras.Model:
    """A model of images in [-1, 1] as one of images in [least, most]."""
    images = keras.Input((None, None, 3))
    scale = 2.0 / (most - least)
    scaled = keras.layers.Rescaling(scale, -1.0 - least * scale)(images)
    return keras.Model([images], model(scaled))  # a list, as tf-keras-vis passes its inputs


def ascend(
    maximize: Callable[..., np.ndarray],
    channels: list[int],
    size: int,
    steps: int,
    bounds: tuple[float, float],
) -> np.ndarray:
    """The channels' images, (units, size, size, 3) in [-1, 1].

    Their start is seeded; the jitter is NumPy's and the rotation its own, which takes no seed.
    """
    from tf_keras_vis.utils.scores import CategoricalScore  # noqa: PLC0415, it may be missing

    least, most = bounds
    tf.random.set_seed(channels[0])
    noise = tf.random.uniform((len(channels), size, size, 3), least, most)
    score = CategoricalScore(channels)
    images = maximize(score, seed_input=noise, input_range=bounds, steps=steps)
    return (np.asarray(images) - least) * (2.0 / (most - least)) - 1.0


if __name__ == "__main__":
    main()

"""The article's loop, written out: the baseline.

Pixels from noise, one image at a time; after each step along the normalised gradient a blur that
fades, now and then a shift or a reflected border. What its text gets wrong:

- `step // n_steps - 1` is -1 at every step, so the octave never changes: the image is resized
  once, to 1/1.15 of its side (299 px come out as 260). Kept, since it decides how large the images
  are that the network sees; here the start is larger by 1.15, so that `size` comes out.
- The library that it names for rotations is gone, and its model of the logits does not build under
  Keras 3. Neither matters to channels; left out.
"""

from collections.abc import Callable
from dataclasses import replace

import keras
import numpy as np
import tensorflow as tf

from benchmarks.peers.common import About, Job, command_line, network, run, timed

STEPS = 200
RATE = 0.05
GROWTH = 1.15
SIGMA = 25.0
JITTER = 2
PAD = 3
PADDED_STEPS = 50
PROBABILITY = 0.25
Way = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""A function from image and channel to the way up."""

ABOUT = About(
    "article",
    f"Keras {keras.__version__}, TensorFlow {tf.__version__}",
    "one image at a time; batch norms not folded; compiled gradient in a Python loop",
)


def main() -> None:
    """Render what the command line asks for."""
    wanted = Job(**vars(command_line(__doc__, STEPS).parse_args()))
    model = network(wanted.layer)
    compiled = tf.function(lambda image, channel: gradient(model, image, channel))

    def render(channel: int, steps: int = wanted.steps) -> np.ndarray:
        return ascend(compiled, channel, wanted.size, steps)[None]

    render(wanted.channels[0], min(wanted.steps, 5))  # traces the gradient
    run(replace(wanted, batch=1), ABOUT, lambda channels: timed(lambda: render(*channels)))


def gradient(model: keras.Model, image: tf.Tensor, channel: tf.Tensor) -> tf.Tensor:
    """The way up for a channel's mean, over its standard deviation, (1, size, size, 3)."""
    with tf.GradientTape() as tape:
        tape.watch(image)
        objective = tf.reduce_mean(model(image, training=False)[..., channel])
    up = tape.gradient(objective, image)
    return up / (tf.math.reduce_std(up) + 1e-8)


def ascend(way: Way, channel: int, size: int, steps: int) -> np.ndarray:
    """One channel's image, (size, size, 3) in [-1, 1]."""
    random = np.random.default_rng(channel)
    start = round(size * GROWTH)
    noise = np.clip(random.normal(0.0, 0.1, (1, start, start, 3)), -1.0, 1.0)
    image = tf.constant(noise, tf.float32)
    for step in range(steps):
        octave = step // steps - 1  # always -1: the article's mistake
        side = round(start * GROWTH**octave)
        if image.shape[1] != side:
            image = tf.image.resize(image, (side, side))
        image = climb(way, image, channel, step, random)
    return np.asarray(image[0])


def climb(
    way: Way, image: tf.Tensor, channel: int, step: int, random: np.random.Generator
) -> tf.Tensor:
    """The image after one step up."""
    image += RATE * way(image, tf.constant(channel))
    image = _blurred(image, SIGMA / (step + 1))
    image = _shaken(image, step, random)
    return tf.clip_by_value(image, -1.0, 1.0)


def _blurred(image: tf.Tensor, sigma: float) -> tf.Tensor:
    """The image through a Gaussian kernel of 3 x 3 pixels."""
    line = tf.exp(-0.5 * (tf.range(-1.0, 2.0) / sigma) ** 2)
    kernel = line[:, None] * line[None, :]
    kernel = tf.tile((kernel / tf.reduce_sum(kernel))[:, :, None, None], (1, 1, 3, 1))
    padded = tf.pad(image, [[0, 0], [1, 1], [1, 1], [0, 0]], "SYMMETRIC")
    return tf.nn.depthwise_conv2d(padded, kernel, [1, 1, 1, 1], "VALID")


def _shaken(image: tf.Tensor, step: int, random: np.random.Generator) -> tf.Tensor:
    """The image now and then rolled, and in the first steps squeezed into a reflected border."""
    if random.random() < PROBABILITY:
        image = tf.roll(image, random.integers(-JITTER, JITTER + 1, 2), (1, 2))
    if step < PADDED_STEPS and random.random() < PROBABILITY:
        size = image.shape[1:3]
        around = [[0, 0], [PAD, PAD], [PAD, PAD], [0, 0]]
        image = tf.image.resize(tf.pad(image, around, "REFLECT"), size)
    return image


if __name__ == "__main__":
    main()

"""Parametrizations: how an image is written as numbers that an optimiser can move."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.config.recipes import Pixel, Spectrum
from pipeline.plan.pixels import SPAN

# Square root of ImageNet's colour correlation, rows R, G, B (lucid, optvis/param/color.py).
_COLOURS = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
COLOURS = (_COLOURS / np.linalg.norm(_COLOURS, axis=0).max()).astype(np.float32)


@dataclass(frozen=True)
class Parametrization:
    """An image of `size` px written as numbers.

    Attributes:
        start: one image's numbers, from its random stream.
        image: numbers (batch, …) to RGB (batch, size, size, 3) in [-1, 1].
        settle: numbers after a step to allowed numbers.
    """

    start: Callable[[np.random.Generator], np.ndarray]
    image: Callable[[tf.Tensor], tf.Tensor]
    settle: Callable[[tf.Tensor], tf.Tensor]


def make(spec: Spectrum | Pixel, size: int, colours: int = 3) -> Parametrization:
    """The parametrization that a recipe names.

    Args:
        spec: what the recipe says.
        size: side of the square images, in pixels.
        colours: three, or one for images of grey, which are RGB of three equal channels.
    """
    return _MAKE[type(spec)](spec, size, colours)


def _spectrum(spec: Spectrum, size: int, colours: int) -> Parametrization:
    """Lucid's: a scaled spectrum, colours decorrelated, through a sigmoid (optvis/param)."""
    width = size // 2 + 1
    across = np.fft.rfftfreq(size)
    down = np.fft.fftfreq(size)[:, None]
    frequency = np.maximum(np.sqrt(across**2 + down**2), 1.0 / size)
    scale = (size / frequency**spec.decay / 4.0 * spec.saturation).astype(np.float32)

    def start(random: np.random.Generator) -> np.ndarray:
        shape = (2, colours, size, width)
        return (random.standard_normal(shape) * spec.deviation).astype(np.float32)

    def image(numbers: tf.Tensor) -> tf.Tensor:
        planes = _planes(numbers * scale)  # (batch, colour, size, size)
        if colours == 1:
            return _grey(tf.tanh(tf.transpose(planes, (0, 2, 3, 1)) * 0.5))
        flat = tf.reshape(planes, (-1, 3, size * size))
        mixed = tf.matmul(tf.constant(COLOURS), flat)  # (batch, RGB, size * size)
        rgb = tf.reshape(tf.transpose(mixed, (0, 2, 1)), (-1, size, size, 3))
        return tf.tanh(rgb * 0.5)  # 2 sigmoid(x) - 1

    return Parametrization(start, image, lambda numbers: numbers)


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _planes(spectrum: tf.Tensor) -> tuple[tf.Tensor, Any]:
    """The real planes of half spectra, (batch, 2, colours, size, size // 2 + 1) to (…, size, size).

    The gradient is the transform back, in half the time of TensorFlow's own.
    """
    size = spectrum.shape[3]
    planes = tf.signal.irfft2d(tf.complex(spectrum[:, 0], spectrum[:, 1]), [size, size])

    def gradient(up: tf.Tensor) -> tf.Tensor:
        waves = tf.signal.rfft2d(up)
        return tf.stack([tf.math.real(waves), tf.math.imag(waves)], axis=1) * counts

    # Every wave but the first and, of an even size, the last stands for its mirror image too.
    mirrored = [1 if column == 0 or 2 * column == size else 2 for column in range(size // 2 + 1)]
    counts = np.array(mirrored, np.float32) / size**2
    return planes, gradient


def _grey(images: tf.Tensor) -> tf.Tensor:
    """Images of one channel as RGB."""
    return tf.tile(images, (1, 1, 1, 3))


def _pixel(spec: Pixel, size: int, colours: int) -> Parametrization:
    """Plain pixels, clipped to [-1, 1] after each step."""

    def start(random: np.random.Generator) -> np.ndarray:
        shape = (size, size, colours)
        if spec.noise == "uniform":
            noise = random.uniform(-spec.amplitude, spec.amplitude, shape)
        else:
            noise = np.clip(random.standard_normal(shape) * spec.amplitude, *SPAN)
        return noise.astype(np.float32)

    image = _grey if colours == 1 else tf.identity
    return Parametrization(start, image, lambda numbers: tf.clip_by_value(numbers, *SPAN))


_MAKE: dict[type, Callable[[Any, int, int], Parametrization]] = {Spectrum: _spectrum, Pixel: _pixel}

"""Parametrizations: how an image is written as numbers that an optimiser can move."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.config.recipes import Maco, Pixel, Spectrum
from pipeline.plan.pixels import SPAN

# Square root of ImageNet's colour correlation, rows R, G, B (lucid, optvis/param/color.py).
_COLOURS = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
Streams = Sequence[np.random.Generator]
COLOURS = (_COLOURS / np.linalg.norm(_COLOURS, axis=0).max()).astype(np.float32)

_MEANS = np.array([1.38, 4.13, 4.73])
_WAVES = np.array([
    [0.305, 0.630, 0.425], [0.156, 0.281, 0.257], [0.0614, 0.0909, 0.108],
    [0.0211, 0.0347, 0.0425], [0.00913, 0.0140, 0.0167], [0.00376, 0.00582, 0.00690],
    [0.00138, 0.00217, 0.00287], [0.000531, 0.000833, 0.00126], [0.000181, 0.000340, 0.000519],
])  # fmt: skip
"""Photographs as waves, by decorrelated colour: the mean, and 1, 2, 4 … 256 waves to a side.

They are the same at any size of a photograph. Measured on 32 squares of 16 photographs of Debian's
`mate-backgrounds` 1.26.0 (nature/*, abstract/Elephants; GPL-2+) and `lomiri-wallpapers-20.04`
(Fossa, Infinite-Sea, Kleiber; CC BY-SA 3.0): of each square, shrunk to 512 px, what the sigmoid
gets; windowed (Hann), transformed, over 512²; the mean size of a wave within a quarter octave.
"""


@dataclass(frozen=True)
class Parametrization:
    """An image of `size` px written as numbers.

    Attributes:
        start: one image's numbers, from its random stream.
        image: numbers (batch, …) to RGB (batch, size, size, 3) in [-1, 1].
        settle: numbers after a step to allowed numbers.
        grow: the numbers of smaller images, and the images' random streams, to numbers of these.
    """

    start: Callable[[np.random.Generator], np.ndarray]
    image: Callable[[tf.Tensor], tf.Tensor]
    settle: Callable[[tf.Tensor], tf.Tensor]
    grow: Callable[[tf.Tensor, Streams], tf.Tensor]


def make(spec: Spectrum | Maco | Pixel, size: int, colours: int = 3) -> Parametrization:
    """The parametrization that a recipe names.

    Args:
        spec: what the recipe says.
        size: side of the square images, in pixels.
        colours: three, or one for images of grey, which are RGB of three equal channels.
    """
    return _MAKE[type(spec)](spec, size, colours)


def _spectrum(spec: Spectrum, size: int, colours: int) -> Parametrization:
    """Lucid's: a scaled spectrum, colours decorrelated, through a sigmoid (optvis/param).

    Where a contrast is named, the image is held at it: what the ascent decides is where it goes.
    """
    width = size // 2 + 1
    across = np.fft.rfftfreq(size)
    down = np.fft.fftfreq(size)[:, None]
    frequency = np.maximum(np.sqrt(across**2 + down**2), 1.0 / size)
    scale = (size / frequency**spec.decay / 4.0 * spec.saturation).astype(np.float32)

    def start(random: np.random.Generator) -> np.ndarray:
        shape = (2, colours, size, width)
        return (random.standard_normal(shape) * spec.deviation).astype(np.float32)

    def image(numbers: tf.Tensor) -> tf.Tensor:
        return _rgb(numbers * scale, size, spec.contrast)

    def grow(numbers: tf.Tensor, streams: Streams) -> tf.Tensor:
        # A wave of some strength is size ** (1 - decay) numbers high.
        factor = (numbers.shape[-2] / size) ** (spec.decay - 1.0)
        return _inside(numbers * factor, np.stack([start(stream) for stream in streams]))

    return Parametrization(start, image, tf.identity, grow)


def _maco(spec: Maco, size: int, colours: int) -> Parametrization:
    """Phases alone: each wave is as strong as in photographs (MaCo: Fel et al., 2023)."""
    magnitudes = (spec.contrast * size**2 * natural(size)[:colours]).astype(np.float32)

    def start(random: np.random.Generator) -> np.ndarray:
        phases = random.uniform(-np.pi, np.pi, magnitudes.shape).astype(np.float32)
        phases[:, 0, 0] = np.pi / 2  # no colour of its own: the mean of all is its cosine
        return phases

    def image(numbers: tf.Tensor) -> tf.Tensor:
        # Image by image: in one go, the last bits depend on an image's row.
        waves = [tf.stack([tf.cos(phases), tf.sin(phases)]) for phases in tf.unstack(numbers)]
        return _rgb(tf.stack(waves) * magnitudes, size)

    def grow(numbers: tf.Tensor, streams: Streams) -> tf.Tensor:
        return _inside(numbers, np.stack([start(stream) for stream in streams]))

    return Parametrization(start, image, tf.identity, grow)


def _inside(small: tf.Tensor, large: np.ndarray) -> tf.Tensor:
    """Half spectra, (…, size, size // 2 + 1), whose lower waves are those of smaller ones."""
    below = (small.shape[-2] + 1) // 2  # what is highest in a small one of even size is two waves
    rows = np.r_[:below, 1 - below : 0]
    grown = large.copy()
    grown[..., rows, :below] = np.asarray(small)[..., rows, :below]
    return tf.constant(grown)


def natural(size: int) -> np.ndarray:
    """How strong each wave of a photograph of `size` px is, (colours, size, size // 2 + 1)."""
    across, down = np.arange(size // 2 + 1), np.fft.fftfreq(size)[:, None] * size
    octave = np.log2(np.maximum(np.hypot(across, down), 1.0))
    logs = np.log(_WAVES)
    known = np.append(np.arange(len(logs)), 2 * len(logs))
    beyond = logs[-1] + (known[-1] - known[-2]) * (logs[-1] - logs[-2])
    lines = np.vstack([logs, beyond]).T
    strengths = np.stack([np.exp(np.interp(octave, known, line)) for line in lines])
    strengths[:, 0, 0] = _MEANS
    return strengths


def _rgb(waves: tf.Tensor, size: int, contrast: float = 0.0) -> tf.Tensor:
    """Images in [-1, 1] of half spectra of decorrelated colours, or of grey; through a sigmoid."""
    planes = _planes(waves)  # (batch, colour, size, size)
    if contrast:
        planes *= contrast / _deviations(planes)[:, None, None, None]
    if planes.shape[1] == 1:
        return _grey(tf.tanh(tf.transpose(planes, (0, 2, 3, 1)) * 0.5))
    flat = tf.reshape(planes, (-1, 3, size * size))
    mixed = tf.matmul(tf.constant(COLOURS), flat)  # (batch, RGB, size * size)
    rgb = tf.reshape(tf.transpose(mixed, (0, 2, 1)), (-1, size, size, 3))
    return tf.tanh(rgb * 0.5)  # 2 sigmoid(x) - 1


def _deviations(planes: tf.Tensor) -> tf.Tensor:
    """Of each image, over all its colours, (batch,); each colour's mean left out."""
    # Image by image: in one go, the last bits depend on an image's row.
    variances = [tf.math.reduce_variance(image, axis=(1, 2)) for image in tf.unstack(planes)]
    return tf.sqrt(tf.stack([tf.reduce_sum(each) for each in variances]))


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

    def settle(numbers: tf.Tensor) -> tf.Tensor:
        return tf.clip_by_value(numbers, *SPAN)

    def grow(numbers: tf.Tensor, streams: Streams) -> tf.Tensor:
        del streams
        return settle(tf.image.resize(numbers, (size, size), method="bicubic"))

    return Parametrization(start, _grey if colours == 1 else tf.identity, settle, grow)


_MAKE: dict[type, Callable[[Any, int, int], Parametrization]] = {
    Spectrum: _spectrum,
    Maco: _maco,
    Pixel: _pixel,
}

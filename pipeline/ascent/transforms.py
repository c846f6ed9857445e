"""Transforms: random affine maps that keep an image honest, one an image and step.

A transform draws, for one image and every step, the 3 x 3 matrix that takes an output pixel to the
input pixel it shows, about the middle of the image. Drawing is NumPy and happens ahead of
the ascent; warping is one TensorFlow operation. A new transform is one `_draw_…` function.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from pipeline.config.recipes import Crop, Jitter, Pad, Rotate, Scale, Transforms

Matrices = np.ndarray


def draw(
    transforms: Transforms, steps: int, first: int, size: int, random: np.random.Generator
) -> Matrices:
    """The affine maps of one image for consecutive steps.

    Args:
        transforms: what to draw; the order is pad, crop, jitter, rotate, scale.
        steps: how many steps.
        first: the number of the first of them, for transforms that end at a step.
        size: side of the image, in pixels.
        random: the image's own random stream.

    Returns:
        (steps, 8) float32, the form that `warp` takes.
    """
    total = np.broadcast_to(np.eye(3), (steps, 3, 3))
    numbers = np.arange(first, first + steps)
    order = (
        transforms.pad, transforms.crop, transforms.jitter, transforms.rotate, transforms.scale,
    )  # fmt: skip
    for transform in order:
        if transform is None:
            continue
        drawn = _DRAW[type(transform)](transform, steps, size, random)
        wanted = random.random(steps) < transform.probability
        if transform.until is not None:
            wanted &= numbers < transform.until
        total = total @ np.where(wanted[:, None, None], drawn, np.eye(3))
    return _flat(size, total)


def matrix(size: int, x: float, y: float, turn: float, zoom: float) -> np.ndarray:
    """One affine map about the middle: a shift in pixels, a turn in radians, a zoom.

    Returns:
        (8,) float32, the form of one row of what `warp` takes.
    """
    total = _shift(x, y) @ _turn(np.array([turn]))[0] @ _diagonal(np.array([1.0 / zoom]))[0]
    flat: np.ndarray = _flat(size, total[None])[0]
    return flat


def warp(images: tf.Tensor, matrices: tf.Tensor) -> tf.Tensor:
    """Images seen through affine maps, bilinear, reflected at the border.

    Args:
        images: (batch, height, width, channels) float32.
        matrices: (batch, 8) float32; output (x, y) shows input
            (a0 x + a1 y + a2, a3 x + a4 y + a5).

    Returns:
        The shape of `images`. Where a map is the identity, the image itself, to the bit.
    """
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=matrices,
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )


def _draw_pad(pad: Pad, steps: int, size: int, random: np.random.Generator) -> Matrices:
    del random
    zoom = (size + 2 * pad.pixels) / size
    return _diagonal(np.full(steps, zoom))


def _draw_crop(crop: Crop, steps: int, size: int, random: np.random.Generator) -> Matrices:
    parts = random.uniform(crop.least, crop.most, steps)
    room = (1.0 - parts) * (size - 1) / 2
    across, down = random.uniform(-1.0, 1.0, (2, steps)) * room
    part: Matrices = _shift(across, down) @ _diagonal(parts)
    return part


def _draw_jitter(jitter: Jitter, steps: int, size: int, random: np.random.Generator) -> Matrices:
    del size
    moves = random.integers(-jitter.pixels, jitter.pixels + 1, (2, steps))
    return _shift(moves[0], moves[1])


def _draw_rotate(rotate: Rotate, steps: int, size: int, random: np.random.Generator) -> Matrices:
    del size
    return _turn(np.deg2rad(random.uniform(-rotate.degrees, rotate.degrees, steps)))


def _draw_scale(scale: Scale, steps: int, size: int, random: np.random.Generator) -> Matrices:
    del size
    return _diagonal(1.0 / random.uniform(scale.least, scale.most, steps))


def _turn(angles: np.ndarray) -> Matrices:
    turn = _diagonal(np.cos(angles))
    turn[:, 0, 1] = -np.sin(angles)
    turn[:, 1, 0] = np.sin(angles)
    return turn


def _flat(size: int, total: Matrices) -> np.ndarray:
    """Maps about the origin, (count, 3, 3), as maps about the middle of an image, (count, 8)."""
    middle = (size - 1) / 2
    about: Matrices = _shift(middle, middle) @ total @ _shift(-middle, -middle)
    return about.reshape(-1, 9)[:, :8].astype(np.float32)


def _diagonal(factors: np.ndarray) -> Matrices:
    matrices = np.zeros((len(factors), 3, 3))
    matrices[:, 0, 0] = matrices[:, 1, 1] = factors
    matrices[:, 2, 2] = 1.0
    return matrices


def _shift(x: np.ndarray | float, y: np.ndarray | float) -> Matrices:
    matrices = np.zeros((*np.shape(x), 3, 3))
    matrices[..., :, :] = np.eye(3)
    matrices[..., 0, 2], matrices[..., 1, 2] = x, y
    return matrices


_DRAW: dict[type, Callable[[Any, int, int, np.random.Generator], Matrices]] = {
    Pad: _draw_pad,
    Crop: _draw_crop,
    Jitter: _draw_jitter,
    Rotate: _draw_rotate,
    Scale: _draw_scale,
}

"""What black and white are: 0 and 255 in the store, -1 and 1 in the ascent, and to a network."""

from typing import Literal

import numpy as np

SPAN = (-1.0, 1.0)
"""Black and white in the ascent, and to a network that does not tell of others."""
HALF = 127.5
"""Half of the way from black to white in the store, which is one in the ascent."""

Named = Literal["torch", "caffe"]
Range = tuple[float, float] | Named
"""What a network takes: black and white, or a preprocessing of `keras.applications` by its name.

`torch` is RGB of which the mean and spread of ImageNet's are taken off, `caffe` BGR from 0 to 255
of which the mean is.
"""

_MEAN = np.array([0.485, 0.456, 0.406])
_SPREAD = np.array([0.229, 0.224, 0.225])
_MEAN_BGR = np.array([103.939, 116.779, 123.68])
"""ImageNet's, as `keras.applications.imagenet_utils.preprocess_input` has them."""


def bounds(range_: Range) -> tuple[np.ndarray, np.ndarray]:
    """Black and white, each (3,), in the order of the network's channels."""
    if range_ == "torch":
        return -_MEAN / _SPREAD, (1.0 - _MEAN) / _SPREAD
    if range_ == "caffe":
        return -_MEAN_BGR, 255.0 - _MEAN_BGR
    black, white = range_
    return np.full(3, black), np.full(3, white)


def said(range_: Range) -> str:
    """A range for people."""
    if range_ == "torch":
        return "RGB less ImageNet's mean, in its spreads (torch)"
    if range_ == "caffe":
        return "BGR from 0 to 255 less ImageNet's mean (caffe)"
    return "{:g} and {:g}".format(*range_)


def quantise(images: np.ndarray) -> np.ndarray:
    """Images in [-1, 1] as uint8, rounded."""
    return np.clip(np.rint((images + 1.0) * HALF), 0, 255).astype(np.uint8)


def floats(images: np.ndarray) -> np.ndarray:
    """Images of uint8 as float32 in [-1, 1], which `quantise` turns back."""
    return images.astype(np.float32) / np.float32(HALF) - np.float32(1.0)

"""What black and white are: 0 and 255 in the store, -1 and 1 in the ascent."""

import numpy as np

SPAN = (-1.0, 1.0)
"""Black and white in the ascent, and to a network that does not tell of others."""
HALF = 127.5
"""Half of the way from black to white in the store, which is one in the ascent."""


def quantise(images: np.ndarray) -> np.ndarray:
    """Images in [-1, 1] as uint8, rounded."""
    return np.clip(np.rint((images + 1.0) * HALF), 0, 255).astype(np.uint8)


def floats(images: np.ndarray) -> np.ndarray:
    """Images of uint8 as float32 in [-1, 1], which `quantise` turns back."""
    return images.astype(np.float32) / np.float32(HALF) - np.float32(1.0)

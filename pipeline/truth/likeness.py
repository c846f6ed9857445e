"""How alike crops of photographs and pictures are, by the features that a layer has of them.

A layer's features are the means of its channels over their maps, each measured against its mean
and spread over all crops. Likeness is the cosine of two such rows. It is contrasted: the mean
likeness to the pictures of all other units of the layer is taken off, since synthetic pictures are
alike in much that tells none of their units from another.
"""

from dataclasses import dataclass

import numpy as np

_STILL = 1e-6
"""A channel of less spread, against that of the liveliest, tells nothing."""


@dataclass(frozen=True)
class Scale:
    """What a layer's channels are measured against.

    Attributes:
        mean: of each channel over the crops, (channels,).
        share: one by its spread, or nothing where it hardly has any, (channels,).
    """

    mean: np.ndarray
    share: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray) -> "Scale":
        """The scale of the crops' features, (crops, channels)."""
        spread = features.std(axis=0, dtype=np.float64)
        still = spread <= _STILL * spread.max(initial=0.0)
        share = np.where(still, 0.0, 1.0 / np.where(still, 1.0, spread))
        return cls(features.mean(axis=0, dtype=np.float64), share)

    def directions(self, features: np.ndarray) -> np.ndarray:
        """Features on that scale, each row of length one, or zero; (rows, channels) float32."""
        scaled = (features - self.mean) * self.share
        length = np.linalg.norm(scaled, axis=1, keepdims=True)
        return np.asarray(scaled / np.where(length > 0, length, 1.0), np.float32)


def contrasted(directions: np.ndarray, subject: np.ndarray) -> np.ndarray:
    """Directions less the mean of those of all other subjects.

    The product of a crop's direction with one of these is its contrasted likeness.

    Args:
        directions: (pictures, channels).
        subject: (pictures,) integers, equal for pictures of one thing, such as variants.

    Returns:
        (pictures, channels) float32; NaN where there are no others.
    """
    _, of = np.unique(subject, return_inverse=True)
    count = np.bincount(of)
    own = np.zeros((len(count), directions.shape[1]))
    np.add.at(own, of, directions)
    others = (len(of) - count)[of, None].astype(float)
    rest = np.divide(
        own.sum(axis=0) - own[of], others, out=np.full(directions.shape, np.nan), where=others > 0
    )
    return np.asarray(directions - rest, np.float32)

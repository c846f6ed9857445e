"""Rows of responses as directions: each channel against its spread, each row of length one."""

import numpy as np


def standardised(values: np.ndarray) -> np.ndarray:
    """Responses against each channel's spread over the rows; zero where it has none."""
    # By a power of two, which changes no digit: squares of what is huge or tiny are no numbers.
    values = np.ldexp(values, -np.frexp(np.abs(values).max(axis=0, initial=0))[1])
    centred = values - values.mean(axis=0)
    deviation = values.std(axis=0)
    safe = np.where(deviation > 0, deviation, 1.0)
    return np.asarray(centred / safe)


def unit_rows(values: np.ndarray) -> np.ndarray:
    """Rows of length one, whose products are cosines; a row of zeros stays one.

    Args:
        values: (rows, columns).
    """
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.maximum(lengths, 1e-12))

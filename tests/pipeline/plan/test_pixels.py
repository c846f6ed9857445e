"""Tests of what black and white are."""

import numpy as np

from pipeline.plan.pixels import HALF, SPAN, floats, quantise


def test_quantising_rounds_and_clips() -> None:
    values = np.array([-2.0, -1.0, -0.999, 0.0, 0.5, 1.0, 1.5], np.float32)
    np.testing.assert_array_equal(quantise(values), [0, 0, 0, 128, 191, 255, 255])


def test_every_stored_number_is_read_back_as_itself() -> None:
    stored = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(quantise(floats(stored)), stored)
    assert (floats(stored)[0], floats(stored)[-1]) == SPAN


def test_stored_numbers_become_what_they_always_became() -> None:
    stored = np.arange(256, dtype=np.uint8)
    assert floats(stored).dtype == np.float32
    was = stored.astype(np.float32) / np.float32(127.5) - np.float32(1.0)
    np.testing.assert_array_equal(floats(stored), was)
    assert HALF == 255 / 2

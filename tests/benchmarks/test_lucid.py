"""Tests of lucid's recipe in this engine."""

import numpy as np
import pytest

from benchmarks.lucid import LUCID


@pytest.mark.usefixtures("cpu")
def test_its_rate_stays_the_same_from_the_first_step_to_the_last() -> None:
    import tensorflow as tf

    from pipeline.ascent import optimizers

    optimizer = optimizers.make(LUCID.optimizer, LUCID.steps)
    numbers = tf.zeros(1)
    slots, seen = optimizer.slots(numbers), [0.0]
    for number in range(LUCID.steps):  # of a slope that stays, Adam goes a rate each step
        numbers, slots = optimizer.step(numbers, tf.ones(1), slots, tf.constant(number))
        seen.append(float(numbers[0]))
    assert np.diff(seen) == pytest.approx(0.05, rel=1e-3)


@pytest.mark.usefixtures("cpu")
def test_its_spectrum_is_scaled_as_lucid_scales_it() -> None:
    from pipeline.ascent import parametrizations

    size = 16
    image = parametrizations.make(LUCID.parametrization, size).image
    numbers = np.zeros((1, 2, 3, size, size // 2 + 1), np.float32)
    numbers[0, 0, 0, 2, 1] = 0.01
    frequency = np.hypot(1 / size, 2 / size)
    spectrum = np.zeros((size, size // 2 + 1), complex)
    spectrum[2, 1] = 0.01 * size / frequency  # lucid.optvis.param.spatial.fft_image
    plane = np.fft.irfft2(spectrum) / 4.0
    colour = parametrizations.COLOURS[:, 0]  # the first of those that are decorrelated
    wanted = 2.0 / (1.0 + np.exp(-plane[..., None] * colour)) - 1.0
    assert np.asarray(image(numbers))[0] == pytest.approx(wanted, abs=1e-6)

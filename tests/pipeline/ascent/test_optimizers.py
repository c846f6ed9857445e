"""Tests of the optimisers against their formulas."""

import numpy as np
import pytest
import tensorflow as tf

from pipeline.ascent import optimizers
from pipeline.config.recipes import Adam, Normalised

pytestmark = pytest.mark.usefixtures("cpu")


def _climb(
    spec: Adam | Normalised, gradients: np.ndarray, steps: int | None = None
) -> list[np.ndarray]:
    """The numbers after each of some gradients, the first of `steps` or all, from zero."""
    optimizer = optimizers.make(spec, steps or len(gradients))
    numbers = tf.zeros(gradients.shape[1:])
    slots = optimizer.slots(numbers)
    seen = []
    for number, gradient in enumerate(gradients):
        numbers, slots = optimizer.step(numbers, tf.constant(gradient), slots, tf.constant(number))
        seen.append(numbers.numpy())
    return seen


def _gradients() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(6, 2, 4, 4, 3)).astype(np.float32)


def test_adam_begins_an_octave_as_large_as_it_begins_an_ascent() -> None:
    spec, gradient = Adam(rate=0.1, warmup=0, fall=0.0), tf.ones((1, 2, 2, 3))
    for first in (0, 40):
        optimizer = optimizers.make(spec, 80, first)
        still = tf.zeros_like(gradient)
        moved, _ = optimizer.step(still, gradient, optimizer.slots(still), tf.constant(first))
        np.testing.assert_allclose(moved, 0.1, rtol=1e-5)


def test_adam_follows_its_formula_upwards() -> None:
    spec = Adam(rate=0.1, beta1=0.4, beta2=0.99, warmup=3, fall=0.5, end=0.25)
    gradients = _gradients()
    numbers = mean = square = np.zeros(gradients.shape[1:])
    for step, values in enumerate(_climb(spec, gradients), start=1):
        g = gradients[step - 1]
        mean = 0.4 * mean + 0.6 * g
        square = 0.99 * square + 0.01 * g**2
        rate = 0.1 * min(1.0, step / 4) * (0.25 + 0.75 * min(1.0, (7 - step) / 3))
        numbers = numbers + rate * (mean / (1 - 0.4**step)) / (
            np.sqrt(square / (1 - 0.99**step)) + 1e-8
        )
        np.testing.assert_allclose(values, numbers, rtol=1e-4, atol=1e-5)


def test_decay_takes_the_same_share_of_all_numbers_whatever_the_gradient() -> None:
    spec = Adam(rate=0.2, warmup=0, fall=0.0, weight_decay=0.5)
    optimizer, start = optimizers.make(spec, 8), tf.constant(_gradients()[0])
    for gradient in (tf.zeros_like(start), tf.constant(_gradients()[1])):
        moved, _ = optimizer.step(start, gradient, optimizer.slots(start), tf.constant(0))
        np.testing.assert_allclose(moved, 0.9 * start + 0.2 * np.sign(gradient), atol=1e-5)


def test_adam_warms_up_linearly_to_its_rate() -> None:
    constant = np.ones((6, 1, 2), np.float32)
    values = np.array(_climb(Adam(rate=0.2, warmup=3), constant, steps=48))[:, 0, 0]
    steps = np.diff(values, prepend=0.0)
    np.testing.assert_allclose(steps, 0.2 * np.array([0.25, 0.5, 0.75, 1, 1, 1]), rtol=1e-3)


def _rates(spec: Adam, steps: int) -> np.ndarray:
    """The rate at each step, as the length of a step along a constant gradient."""
    values = np.array(_climb(spec, np.ones((steps, 1, 2), np.float32)))[:, 0, 0]
    return np.diff(values, prepend=0.0) / spec.rate


def test_adam_falls_linearly_in_the_last_part_of_the_steps() -> None:
    rates = _rates(Adam(rate=0.2, warmup=0, fall=0.4, end=0.1), 20)
    np.testing.assert_allclose(rates[:13], 1.0, rtol=1e-3)
    np.testing.assert_allclose(np.diff(rates[12:]), -0.9 / 8, rtol=1e-2)
    assert rates[-1] == pytest.approx(0.1 + 0.9 / 8, rel=1e-3)


@pytest.mark.parametrize("steps", [1, 2, 3, 10, 48])
@pytest.mark.parametrize(("fall", "end"), [(0.4, 0.1), (1.0, 0.0), (0.05, 0.5)])
def test_adams_rate_never_rises_and_ends_one_part_above_its_end(
    steps: int, fall: float, end: float
) -> None:
    rates = _rates(Adam(warmup=0, fall=fall, end=end), steps)
    assert (np.diff(rates) <= 1e-4).all()
    part = min(1.0, 1.0 / (steps * fall))
    assert rates[-1] == pytest.approx(end + (1.0 - end) * part, rel=1e-3)


@pytest.mark.parametrize("changes", [{"fall": 0.0}, {"end": 1.0}])
def test_adam_that_does_not_fall_stays_at_its_rate(changes: dict[str, float]) -> None:
    np.testing.assert_allclose(_rates(Adam(warmup=0, **changes), 10), 1.0, rtol=1e-3)


@pytest.mark.parametrize("steps", [1, 2, 3, 48])
def test_adam_goes_up_to_the_last_step_however_many(steps: int) -> None:
    rates = _rates(Adam(fall=1.0, end=0.0), steps)
    assert (rates > 0).all()
    assert (rates < 1.001).all()


def test_adam_without_a_gradient_stays() -> None:
    assert not np.array(_climb(Adam(), np.zeros((3, 1, 2), np.float32))).any()


def test_a_normalised_step_has_the_rate_as_deviation_in_each_image() -> None:
    gradients = _gradients()[:1] * np.array([1.0, 1000.0], np.float32)[:, None, None, None]
    (moved,) = _climb(Normalised(rate=0.05), gradients)
    np.testing.assert_allclose(moved.std(axis=(1, 2, 3)), 0.05, rtol=1e-4)
    expected = 0.05 * gradients[0] / gradients[0].std(axis=(1, 2, 3), keepdims=True)
    np.testing.assert_allclose(moved, expected, rtol=1e-3, atol=1e-6)


def test_a_normalised_step_without_a_gradient_stays() -> None:
    assert not np.array(_climb(Normalised(), np.zeros((2, 1, 4), np.float32))).any()


@pytest.mark.parametrize("size", [17, 70, 75])
def test_a_normalised_step_does_not_depend_on_the_neighbours(size: int) -> None:
    random = np.random.default_rng(0)
    gradients = random.normal(size=(1, 5, size, size, 3)).astype(np.float32)
    (together,) = _climb(Normalised(), gradients)
    for row in range(5):
        (alone,) = _climb(Normalised(), gradients[:, row : row + 1])
        np.testing.assert_array_equal(together[row], alone[0])

"""Tests of the ReLU that lets the gradient out of a dead start."""

import numpy as np
import pytest
import tensorflow as tf
from pipeline.network.living import Revival

pytestmark = pytest.mark.usefixtures("cpu")

SILENT = [[-1.0, -2.0], [0.0, -3.0]]
LIVING = [[-1.0, 2.0], [3.0, -4.0]]


def _gradient(x: tf.Tensor, up: tf.Tensor, revive: bool) -> np.ndarray:
    relu = Relu()
    with tf.GradientTape() as tape:
        tape.watch(x)
        with relu.reviving(revive):
            y = relu(x)
    return np.asarray(tape.gradient(y, x, output_gradients=up))


@pytest.mark.parametrize("revive", [True, False])
def test_values_are_those_of_a_relu(revive: bool) -> None:
    relu, x = Relu(), tf.constant([SILENT, LIVING])
    with relu.reviving(revive):
        np.testing.assert_array_equal(relu(x), tf.nn.relu(x))


def test_a_silent_image_gets_the_whole_gradient_up_and_down() -> None:
    up = tf.constant([[[1.0, -2.0], [3.0, 4.0]]])
    np.testing.assert_array_equal(_gradient(tf.constant([SILENT]), up, revive=True), up)


def test_a_silent_image_gets_nothing_without_reviving() -> None:
    x = tf.constant([SILENT])
    assert not _gradient(x, tf.ones_like(x), revive=False).any()


def test_each_image_is_judged_by_itself() -> None:
    x = tf.constant([SILENT, LIVING])
    np.testing.assert_array_equal(
        _gradient(x, tf.ones_like(x), revive=True), [[[1, 1], [1, 1]], [[0, 1], [1, 0]]]
    )


def test_an_image_is_silent_where_no_gradient_reaches_its_living_numbers() -> None:
    x = tf.constant([LIVING])
    up = tf.constant([[[5.0, 0.0], [0.0, 6.0]]])  # only where the ReLU is shut
    np.testing.assert_array_equal(_gradient(x, up, revive=True), up)


def test_a_living_gradient_is_not_touched() -> None:
    x, up = tf.constant([LIVING]), tf.constant([[[5.0, -7.0], [0.0, 6.0]]])
    plain = _gradient(x, up, revive=False)
    assert plain.any()
    np.testing.assert_array_equal(_gradient(x, up, revive=True), plain)


def test_reviving_ends_with_its_block() -> None:
    relu, x = Relu(), tf.constant([SILENT])
    with relu.reviving(True):
        pass
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = relu(x)
    assert not np.asarray(tape.gradient(y, x)).any()

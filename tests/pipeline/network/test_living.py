"""Tests of activations that let the gradient out where they are flat."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.network.living import Curve, Function, Living, Revival

pytestmark = pytest.mark.usefixtures("cpu")

SILENT = [[-1.0, -2.0], [0.0, -3.0]]
LIVING = [[-1.0, 2.0], [3.0, -4.0]]


def _gradient(x: tf.Tensor, up: tf.Tensor, revive: bool) -> np.ndarray:
    revival = Revival()
    relu = revival.relu
    with tf.GradientTape() as tape:
        tape.watch(x)
        with revival.reviving(revive):
            y = relu(x)
    return np.asarray(tape.gradient(y, x, output_gradients=up))


@pytest.mark.parametrize("revive", [True, False])
def test_values_are_those_of_a_relu(revive: bool) -> None:
    revival, x = Revival(), tf.constant([SILENT, LIVING])
    relu = revival.relu
    with revival.reviving(revive):
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
    revival, x = Revival(), tf.constant([SILENT])
    relu = revival.relu
    with revival.reviving(True):
        pass
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = relu(x)
    assert not np.asarray(tape.gradient(y, x)).any()


CURVES = {
    "relu": (1, np.inf, True), "relu6": (1, 6, True), "leaky_relu": (1, np.inf, False),
    "elu": (1, np.inf, True), "selu": (1.75, np.inf, True), "softplus": (1, np.inf, True),
    "softsign": (1, 0, True), "silu": (1.1, np.inf, True), "gelu": (1.13, np.inf, True),
    "mish": (1.09, np.inf, True), "tanh": (1, 0, True), "hard_tanh": (1, 1, True),
    "sigmoid": (0.25, 0, True), "hard_sigmoid": (1 / 6, 3, True), "hard_silu": (1.5, np.inf, True),
    "tanh_shrink": (1, np.inf, False), "linear": (1, np.inf, False),
}  # fmt: skip


@pytest.mark.parametrize("name", CURVES)
def test_curves_of_the_activations_that_there_are(name: str) -> None:
    steepest, top, is_flat = CURVES[name]
    found = Curve.of(_function(name))
    assert found is not None
    assert found.steepest == pytest.approx(steepest, abs=0.02)
    assert found.top == pytest.approx(top, abs=0.25)
    assert found.is_flat is is_flat


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "glu", "exponential", "sparsemax"])
def test_what_is_no_activation_of_each_number_by_itself_has_no_curve(name: str) -> None:
    assert Curve.of(_function(name)) is None


def _function(name: str) -> Function:
    return lambda x: tf.convert_to_tensor(getattr(keras.activations, name)(x))


def _passed(
    name: str, x: list[float], up: float = 1.0, *, is_read: bool = True, revive: bool = False
) -> list[float]:
    """What of a gradient reaches each of the numbers of an image that an activation reads."""
    curve, revival, given = Curve.of(_function(name)), Revival(), tf.constant([x], tf.float32)
    assert curve is not None
    living = Living(revival, _function(name), curve, is_read=is_read)
    with tf.GradientTape() as tape, revival.reviving(revive):
        tape.watch(given)
        y = living(given)
    np.testing.assert_array_equal(y, _function(name)(given))
    slope = tape.gradient(y, given, output_gradients=tf.fill(given.shape, float(up)))
    return np.round(slope.numpy()[0], 3).tolist()


def test_beyond_a_flat_top_what_is_read_is_climbed_on() -> None:
    assert _passed("relu6", [-1, 3, 7, 50]) == [0, 1, 1, 1]
    assert _passed("relu6", [-1, 3, 7, 50], -1) == [0, -1, -1, -1]  # and left again
    assert _passed("sigmoid", [0, 4, 90]) == [0.25, 0.25, 0.25]
    assert _passed("tanh", [4, 90]) == [1, 1]
    assert _passed("relu6", [-1, 3, 7, 50], is_read=False) == [0, 1, 0, 0]


def test_left_of_a_dip_nothing_leads_up() -> None:
    for name in ("silu", "gelu", "hard_silu", "mish"):
        up, down = _passed(name, [-2.5, 2]), _passed(name, [-2.5, 2], -1)
        assert up[0] == 0 < up[1]
        assert down[0] > 0 > down[1]  # down into the dip from both sides


@pytest.mark.parametrize("name", ["relu6", "silu", "gelu", "elu", "softplus", "hard_sigmoid"])
@pytest.mark.parametrize("is_read", [True, False])
def test_an_image_that_is_silent_gets_all_while_reviving(name: str, is_read: bool) -> None:
    dead = [-90.0, -40.0]
    assert _passed(name, dead, is_read=is_read) == [0, 0]
    steepest = CURVES[name][0]
    found = _passed(name, dead, is_read=is_read, revive=True)
    assert found == pytest.approx([steepest] * 2, abs=0.02)
    assert _passed(name, [-90.0, 1.0], is_read=is_read, revive=True)[0] == 0


def test_functions_that_live_are_as_they_are() -> None:
    for x in ([-3.0, 2.0], [-3.0, -2.0]):
        for up in (1.0, -1.0):
            expected = [up * (0.2 if number < 0 else 1) for number in x]
            assert _passed("leaky_relu", x, up, revive=True) == pytest.approx(expected)

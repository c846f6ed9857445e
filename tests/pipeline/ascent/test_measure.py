"""Tests of the statistics: what is stored is what is scored."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.ascent import transforms
from pipeline.ascent.measure import Meter, looks
from pipeline.ascent.render import Rendered
from pipeline.ascent.results import Statistics
from pipeline.config.weights import resolve
from pipeline.network.living import Revival
from pipeline.network.network import Network, load
from pipeline.plan.kinds import CHANNEL, DEEPDREAM, KINDS
from pipeline.plan.units import Unit

pytestmark = pytest.mark.usefixtures("cpu")

SIZE = 80
STILL = transforms.matrix(SIZE, 0.0, 0.0, 0.0, 1.0)[None]


@pytest.fixture(scope="module")
def network() -> Network:
    return load(resolve("bundled"), ("mixed0",))


@pytest.fixture(scope="module")
def meter(network: Network) -> Meter:
    return Meter(network, SIZE)


def _rendered(count: int) -> Rendered:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (2, count, SIZE, SIZE, 3), dtype=np.uint8)
    trajectory = random.normal(size=(count, 5)).astype(np.float32) / 100
    none = np.zeros((count, 0, SIZE, SIZE, 3), np.uint8)
    return Rendered(images[0], images[1] // 2, trajectory, none)


def _maps(network: Network, image: np.ndarray, channel: int, about: np.ndarray) -> np.ndarray:
    """A channel's maps of one stored image under some transforms, straight from the network."""
    floats = np.repeat(image[None].astype(np.float32) / 127.5 - 1.0, len(about), axis=0)
    seen = transforms.warp(tf.constant(floats), tf.constant(about))
    return np.asarray(network(seen)["mixed0"])[..., channel]


@pytest.mark.parametrize("kind", ["channel", "neuron"])
@pytest.mark.parametrize("negative", [False, True])
def test_statistics_are_those_of_the_stored_images(
    network: Network, meter: Meter, kind: str, negative: bool
) -> None:
    channels, row, column = (3, 64, 200), 2, 5
    units = [Unit(KINDS[kind], ("mixed0",), c, row, column, negative=negative) for c in channels]
    rendered = _rendered(3)
    got = meter.measure(rendered, units, 16, 6.0)
    for i, channel in enumerate(channels):
        (start,) = _maps(network, rendered.first[i], channel, STILL)
        final, *about = _maps(
            network, rendered.images[i], channel, np.concatenate([STILL, looks(SIZE)])
        )
        scores = [x.mean() if kind == "channel" else x[row, column] for x in (start, final, *about)]
        seen = [*scores[:2], *rendered.trajectory[i]]
        expected = Statistics(
            activation=scores[1],
            activation_robust=np.mean(scores[2:]),
            activation_start=scores[0],
            activation_peak=min(seen) if negative else max(seen),
            mean=final.mean(),
            deviation=final.std(),
            sparsity=(final <= 0).mean(),
            steps=np.float32(5),
            seconds=np.float32(2),
        )
        for name, value in vars(expected).items():
            assert getattr(got, name)[i] == pytest.approx(value, rel=1e-3, abs=1e-5), name
            assert getattr(got, name).dtype == np.float32


def test_the_peak_may_lie_on_the_way(meter: Meter) -> None:
    rendered = _rendered(1)
    rendered.trajectory[0, 2] = 99.0
    up, down = (
        meter.measure(rendered, [Unit(CHANNEL, ("mixed0",), 3, negative=n)], 4, 1.0)
        for n in (False, True)
    )
    assert up.activation_peak[0] == 99.0
    assert down.activation_peak[0] == min(
        rendered.trajectory.min(), down.activation[0], down.activation_start[0]
    )


def test_statistics_do_not_depend_on_the_company(meter: Meter) -> None:
    rendered, units = _rendered(5), [Unit(CHANNEL, ("mixed0",), i) for i in range(5)]
    together = meter.measure(rendered, units, 8, 5.0).table()
    one = rendered.rows([3])
    np.testing.assert_array_equal(meter.measure(one, units[3:4], 8, 1.0).table()[0], together[3])


def test_deepdream_is_measured_on_everything(network: Network, meter: Meter) -> None:
    rendered = _rendered(1)
    got = meter.measure(rendered, [Unit(DEEPDREAM, ("mixed0",))], 1, 1.0)
    floats = tf.constant(rendered.images.astype(np.float32) / 127.5 - 1.0)
    values = np.asarray(network(floats)["mixed0"], np.float64)
    assert got.activation[0] == pytest.approx(values.mean(), rel=1e-4)
    assert got.mean[0] == pytest.approx(values.mean(), rel=1e-4)
    assert got.deviation[0] == pytest.approx(values.std(), rel=1e-4)
    assert got.sparsity[0] == pytest.approx((values <= 0).mean(), abs=1e-4)


# The robust activation --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fine_and_coarse() -> Network:
    """Channel 0 reads every other pixel of every other row less its neighbour; 1 a wide blur."""
    image = keras.Input((None, None, 3))
    conv = keras.layers.Conv2D(3, 8, strides=2, name="conv")
    model = keras.Model(image, conv(image))
    kernel = np.zeros((8, 8, 3, 3), np.float32)
    kernel[0, 0, :, 0], kernel[0, 1, :, 0] = 1.0, -1.0
    kernel[:, :, :, 1] = 1.0 / 64
    conv.set_weights([kernel, np.array([0.0, 0.0, 0.75], np.float32)])
    return Network(model, ("conv",), Revival())


def _parts(matrices: np.ndarray) -> dict[str, np.ndarray]:
    """What maps about the middle do: x and y in px, turns in degrees, zooms."""
    full = np.concatenate([matrices, np.ones((len(matrices), 1))], axis=1).reshape(-1, 3, 3)
    middle = np.array([(SIZE - 1) / 2] * 2 + [1.0])
    moved = full @ middle - middle
    return {
        "x": moved[:, 0],
        "y": moved[:, 1],
        "turn": np.rad2deg(np.arctan2(full[:, 1, 0], full[:, 0, 0])),
        "zoom": 1.0 / np.hypot(full[:, 0, 0], full[:, 1, 0]),
    }


def test_a_matrix_does_what_it_says() -> None:
    one = transforms.matrix(SIZE, 3.0, -2.0, math.radians(4.0), 1.05)
    assert (one.shape, one.dtype) == ((8,), np.float32)
    found = {name: float(value[0]) for name, value in _parts(one[None]).items()}
    assert found == pytest.approx({"x": 3.0, "y": -2.0, "turn": 4.0, "zoom": 1.05}, abs=1e-4)


def test_looks_are_small_and_whole_shifts() -> None:
    found = _parts(looks(SIZE))
    for name, least, most in (("x", -8, 8), ("y", -8, 8), ("turn", -5, 5), ("zoom", 0.9, 1.1)):
        assert least - 1e-3 <= found[name].min(), name
        assert found[name].max() <= most + 1e-3, name
    for name in "xy":
        np.testing.assert_allclose(found[name], np.rint(found[name]), atol=1e-3)


@pytest.mark.parametrize("name", ["x", "y", "turn", "zoom"])
def test_looks_are_spread_evenly_and_all_others(name: str) -> None:
    bounds = {"x": (-8, 8), "y": (-8, 8), "turn": (-5, 5), "zoom": (0.9, 1.1)}[name]
    matrices = looks(SIZE)
    assert len({matrix.tobytes() for matrix in matrices}) == len(matrices) == 16
    places = np.sort((_parts(matrices)[name] - bounds[0]) / (bounds[1] - bounds[0]))
    assert np.abs(places - (np.arange(16) + 0.5) / 16).max() < 0.11
    np.testing.assert_array_equal(matrices, looks(SIZE))


def test_a_constant_is_as_robust_as_it_is(fine_and_coarse: Network) -> None:
    meter, units = Meter(fine_and_coarse, SIZE), [Unit(CHANNEL, ("conv",), 2)]
    images = _rendered(1).images
    np.testing.assert_array_equal(meter.robust(images, units, 4), [0.75])
    np.testing.assert_array_equal(meter.plain(images, units, 4), [0.75])


def test_an_adversarial_pattern_loses_its_activation_and_a_feature_keeps_it(
    fine_and_coarse: Network,
) -> None:
    dots = np.full((SIZE, SIZE, 3), 64, np.uint8)
    dots[::2, ::2] = 255
    rows, columns = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    blob = np.repeat((255 * np.exp(-(rows**2 + columns**2) / 60**2))[:, :, None], 3, axis=2)
    images = np.stack([dots, blob.astype(np.uint8)])
    units = [Unit(CHANNEL, ("conv",), index) for index in (0, 1)]
    meter = Meter(fine_and_coarse, SIZE)
    plain, robust = meter.plain(images, units, 4), meter.robust(images, units, 4)
    assert plain[0] > 4
    assert abs(robust[0]) < 0.4 * plain[0]
    assert plain[1] > 0.3
    assert robust[1] == pytest.approx(plain[1], rel=0.1)

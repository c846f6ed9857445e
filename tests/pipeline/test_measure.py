"""Tests of the statistics: what is stored is what is scored."""

import numpy as np
import pytest
import tensorflow as tf

from pipeline import device
from pipeline.measure import Meter
from pipeline.network import Network, load
from pipeline.render import Rendered
from pipeline.results import Statistics
from pipeline.units import Kind, Unit
from pipeline.weights import resolve

SIZE = 80


@pytest.fixture(scope="module", autouse=True)
def _cpu() -> None:
    device.use("cpu")


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
    return Rendered(images[0], images[1] // 2, trajectory)


def _map(network: Network, image: np.ndarray, channel: int) -> np.ndarray:
    """A channel's map of one stored image, straight from the network."""
    floats = image.astype(np.float32) / 127.5 - 1.0
    return np.asarray(network(tf.constant(floats[None]))["mixed0"])[0, :, :, channel]


@pytest.mark.parametrize("kind", ["channel", "neuron"])
@pytest.mark.parametrize("negative", [False, True])
def test_statistics_are_those_of_the_stored_images(
    network: Network, meter: Meter, kind: Kind, negative: bool
) -> None:
    channels, row, column = (3, 64, 200), 2, 5
    units = [Unit(kind, ("mixed0",), c, row, column, negative=negative) for c in channels]
    rendered = _rendered(3)
    got = meter.measure(rendered, units, 16, 6.0)
    for i, channel in enumerate(channels):
        start, final = (
            _map(network, images[i], channel) for images in (rendered.first, rendered.images)
        )
        scores = [x.mean() if kind == "channel" else x[row, column] for x in (start, final)]
        seen = [*scores, *rendered.trajectory[i]]
        expected = Statistics(
            activation=scores[1],
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
        meter.measure(rendered, [Unit("channel", ("mixed0",), 3, negative=n)], 4, 1.0)
        for n in (False, True)
    )
    assert up.activation_peak[0] == 99.0
    assert down.activation_peak[0] == min(
        rendered.trajectory.min(), down.activation[0], down.activation_start[0]
    )


def test_statistics_do_not_depend_on_the_company(meter: Meter) -> None:
    rendered, units = _rendered(5), [Unit("channel", ("mixed0",), i) for i in range(5)]
    together = meter.measure(rendered, units, 8, 5.0).table()
    one = Rendered(rendered.images[3:4], rendered.first[3:4], rendered.trajectory[3:4])
    np.testing.assert_array_equal(meter.measure(one, units[3:4], 8, 1.0).table()[0], together[3])


def test_deepdream_is_measured_on_everything(network: Network, meter: Meter) -> None:
    rendered = _rendered(1)
    got = meter.measure(rendered, [Unit("deepdream", ("mixed0",))], 1, 1.0)
    floats = tf.constant(rendered.images.astype(np.float32) / 127.5 - 1.0)
    values = np.asarray(network(floats)["mixed0"], np.float64)
    assert got.activation[0] == pytest.approx(values.mean(), rel=1e-4)
    assert got.mean[0] == pytest.approx(values.mean(), rel=1e-4)
    assert got.deviation[0] == pytest.approx(values.std(), rel=1e-4)
    assert got.sparsity[0] == pytest.approx((values <= 0).mean(), abs=1e-4)

import numpy as np
import pytest

from pipeline.config.weights import resolve
from pipeline.network import network
from pipeline.plan.architecture import PLAINLY

pytestmark = pytest.mark.usefixtures("cpu")


@pytest.fixture(scope="module")
def observer(cpu: None):
    """Sees with the real network's mixed0 and mixed2."""
    from pipeline.network.observer import Observer

    return Observer(resolve("bundled"), ("mixed0", "mixed2"), PLAINLY)


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 80, 80, 3), np.uint8)


def test_mean_peak_and_place_are_of_the_networks_maps(observer, pictures: np.ndarray) -> None:
    floats = pictures.astype(np.float32) / 127.5 - 1.0
    maps = network.load(resolve("bundled"), ("mixed0", "mixed2"))(floats)
    found = observer.see(pictures, 4)
    for layer in ("mixed0", "mixed2"):
        expected = maps[layer].numpy().reshape(5, -1, maps[layer].shape[-1])
        np.testing.assert_allclose(found[layer].mean, expected.mean(axis=1), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(found[layer].peak, expected.max(axis=1), rtol=1e-4, atol=1e-5)
        at_place = np.take_along_axis(expected, found[layer].place[:, None], axis=1)[:, 0]
        np.testing.assert_allclose(at_place, found[layer].peak, rtol=1e-3, atol=1e-4)


def test_a_picture_is_seen_the_same_in_any_batch(observer, pictures: np.ndarray) -> None:
    whole, alone = observer.see(pictures, 4)["mixed2"], observer.see(pictures[4:], 4)["mixed2"]
    np.testing.assert_array_equal(whole.mean[4:], alone.mean)
    np.testing.assert_array_equal(whole.place[4:], alone.place)


def test_the_maps_of_one_picture(observer, pictures: np.ndarray) -> None:
    maps = observer.maps(pictures[0])
    assert maps["mixed2"].shape[2] == 288
    seen = observer.see(pictures[:1], 1)["mixed2"]
    np.testing.assert_allclose(maps["mixed2"].max(axis=(0, 1)), seen.peak[0], rtol=1e-4, atol=1e-5)


def test_the_maps_of_several_pictures_are_those_of_each(observer, pictures: np.ndarray) -> None:
    found = observer.maps_of(pictures[:3], 4)
    assert found.shape[0] == 3
    for number in range(3):
        expected = observer.maps(pictures[number])["mixed0"]
        np.testing.assert_allclose(found[number], expected, rtol=1e-4, atol=1e-5)

"""Tests of dictionaries: what was mixed is found again, and memory has a bound."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.config import vectors
from pipeline.errors import ConfigError
from pipeline.examples import dictionary
from pipeline.examples.dictionary import METHODS, Drawn, Method, draw, learn

CHANNELS = 24


def planted(places: int = 3000, signed: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Places that are mixed of three parts, seldom two at a time, and the parts."""
    random = np.random.default_rng(0)
    parts = random.exponential(size=(3, CHANNELS)) * (random.random((3, CHANNELS)) < 0.4)
    parts /= np.linalg.norm(parts, axis=1, keepdims=True)
    codes = random.exponential(size=(places, 3)) * (random.random((places, 3)) < 0.35)
    noise = 0.02 * random.random((places, CHANNELS))
    return (codes @ parts + noise - signed * 0.5).astype(np.float32), parts


@pytest.mark.parametrize("method", ["nmf", "ica", "sparse"])
def test_what_was_mixed_is_found_again(method: Method) -> None:
    values, parts = planted()
    found = learn(values, 3, method, 0)
    cosines = parts @ found.parts.T
    assert (cosines.max(axis=1) > 0.9).all(), cosines
    assert len(set(cosines.argmax(axis=1))) == 3
    assert found.explained > 0.95


@pytest.mark.parametrize("method", METHODS)
def test_parts_are_in_order_and_say_what_they_are(method: Method) -> None:
    values, _ = planted(1000)
    found = learn(values, 3, method, 0)
    np.testing.assert_allclose(np.linalg.norm(found.parts, axis=1), 1, rtol=1e-5)
    centred = values - values.mean(axis=0)
    expected = (centred @ found.parts.T).var(axis=0) / centred.var(axis=0).sum()
    np.testing.assert_allclose(found.shares, expected, rtol=1e-3)
    assert (np.diff(found.shares) <= 0).all()
    np.testing.assert_array_equal(found.nearest, found.parts.argmax(axis=1))
    np.testing.assert_array_equal(found.cosines, found.parts.max(axis=1))
    again = learn(values, 3, method, 0)
    np.testing.assert_array_equal(found.parts, again.parts)


def test_the_shares_of_pca_add_up() -> None:
    values, _ = planted(1000)
    found = learn(values, 5, "pca", 0)
    assert found.shares.sum() == pytest.approx(found.explained, rel=1e-4)
    assert (((values - values.mean(axis=0)) @ found.parts.T) ** 3).sum(axis=0).min() >= 0


@pytest.mark.parametrize(
    ("places", "parts", "method", "message"),
    [
        (29, 3, "nmf", "29 places are too few to learn 3 parts from: expected 30 or more"),
        (100, 0, "pca", "--parts 0: of a layer of 24 channels pca has 1 to 24"),
        (1000, 25, "ica", "--parts 25: of a layer of 24 channels ica has 1 to 24"),
        (100, 1025, "nmf", "--parts 1025: of a layer of 24 channels nmf has 1 to 1024"),
    ],
)
def test_too_little_is_refused(places: int, parts: int, method: Method, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        learn(planted(places)[0], parts, method, 0)


def test_what_a_method_does_not_take_is_refused() -> None:
    values, _ = planted(100, signed=True)
    with pytest.raises(ConfigError, match=r"numbers below zero \(-0.5\), which nmf does not take"):
        learn(values, 3, "nmf", 0)
    with pytest.raises(ConfigError, match="alike everywhere: nothing can be learned"):
        learn(np.ones((100, 4), np.float32), 3, "pca", 0)


def pictures(count: int) -> list[tuple[str, np.ndarray]]:
    return [(f"{n}.png", np.full((4, 4, 3), n % 251, np.uint8)) for n in range(count)]


def see(images: np.ndarray) -> np.ndarray:
    """Maps of 6 x 6 places, of numbers that each tell their picture."""
    return np.repeat(images[:, :1, :1, :1].astype(np.float32), 36, axis=1).reshape(-1, 6, 6, 1)


def test_memory_has_a_bound_while_pictures_stream_through() -> None:
    most = 0
    for count in (100, 1000):
        drawn, told, held = Drawn(1, 0, 500), [], []

        def tell(more: int, drawn: Drawn = drawn, told: list[int] = told) -> None:
            told.append(more)
            held.append(drawn.held)  # noqa: B023

        assert draw(iter(pictures(count)), see, drawn, tell) == count == sum(told)
        most = max(*held, most)
        assert len(drawn.values()) == 500
    assert most <= 2 * 500 + 36


def test_the_draw_is_even_and_of_the_seed_alone() -> None:
    def drawn(seed: int, batch: int, order: int = 1) -> np.ndarray:
        found = Drawn(1, seed, 3000)
        draw(pictures(250)[::order], see, found, lambda _: None, batch)
        return found.values()[:, 0]

    values = drawn(0, 16)
    np.testing.assert_array_equal(values, drawn(0, 7, -1))
    assert not np.array_equal(values, drawn(1, 16))
    counts = np.histogram(values, bins=5, range=(0, 250))[0]
    assert (np.abs(counts - 600) < 100).all(), counts


def test_a_layer_of_many_channels_keeps_fewer_places() -> None:
    assert Drawn(dictionary.NUMBERS // 100, 0).most == 100
    assert Drawn(768, 0).most == dictionary.PLACES


def test_it_is_a_file_of_directions(tmp_path: Path) -> None:
    values, _ = planted(500)
    found = learn(values, 3, "nmf", 0)
    found.save(tmp_path / "d.safetensors", {"layer": "mixed4", "weights": "abc"})
    read = vectors.load("d", tmp_path / "d.safetensors")
    np.testing.assert_array_equal(read.values, found.parts)
    np.testing.assert_array_equal(read.shares, found.shares)
    assert (read.layer, read.weights) == ("mixed4", "abc")
    with pytest.raises(ConfigError, match="cannot be written"):
        found.save(tmp_path / "none" / "d.safetensors", {})

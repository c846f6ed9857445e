"""Three known textures, mixed in pictures: what the real network makes of each is found again."""

import numpy as np
import pytest

from pipeline.config.weights import resolve
from pipeline.examples.dictionary import Drawn, draw, learn
from pipeline.plan.architecture import PLAINLY

pytestmark = pytest.mark.usefixtures("cpu")

SIZE, TILES = 128, 2
LAYER = "mixed2"


def textures(random: np.random.Generator) -> list[np.ndarray]:
    """Stripes, dots and coloured checks, each (SIZE, SIZE, 3) uint8, somewhere in their period."""
    rows, columns = np.mgrid[:SIZE, :SIZE] + random.integers(0, 64, (2, 1, 1))
    stripes = np.sin((rows + columns) / 2.5)[..., None] * [1.0, 1.0, 1.0]
    dots = ((rows % 16 - 8) ** 2 + (columns % 16 - 8) ** 2 < 20)[..., None] * [2.0, 0.4, 0.2] - 0.8
    checks = np.sign(np.sin(rows / 10) * np.sin(columns / 10))[..., None] * [-0.3, 0.8, -0.8]
    return [np.uint8(127.5 + 100 * each) for each in (stripes, dots, checks)]


def mixed(count: int) -> list[tuple[str, np.ndarray]]:
    """Pictures of which each quarter is of one of the textures, by chance."""
    found, side = [], SIZE // TILES
    for number in range(count):
        random = np.random.default_rng(number)
        of, picture = textures(random), np.zeros((SIZE, SIZE, 3), np.uint8)
        for place in range(TILES**2):
            y, x = side * (place // TILES), side * (place % TILES)
            picture[y : y + side, x : x + side] = of[random.integers(3)][:side, :side]
        found.append((f"{number}.png", picture))
    return found


def test_nmf_finds_the_textures_again() -> None:
    from pipeline.network.observer import Observer

    observer = Observer(resolve("bundled"), (LAYER,), PLAINLY)
    alone = np.stack(textures(np.random.default_rng(1000)))
    expected = observer.maps_of(alone, 16)[:, 3:-3, 3:-3].mean(axis=(1, 2))
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    drawn = Drawn(expected.shape[1], 0)
    draw(mixed(48), lambda some: observer.maps_of(some, 16), drawn, lambda _: None)
    found = learn(drawn.values(), 3, "nmf", 0)
    cosines = expected @ found.parts.T
    assert len(set(cosines.argmax(axis=1))) == 3, cosines
    assert cosines.max(axis=1).min() >= 0.9, (cosines, expected @ expected.T)

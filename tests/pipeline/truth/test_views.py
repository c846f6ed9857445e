"""The battery of views: fixed, of the unit alone, and where it takes what it shows."""

import numpy as np
import pytest

from pipeline.config.recipes import RECIPES, Rotate, Scale
from pipeline.plan.architecture import Architecture, Layer
from pipeline.plan.kinds import CHANNEL, NEURON
from pipeline.plan.units import Unit
from pipeline.truth.views import VIEWS, View

BY_NAME = {view.name: view for view in VIEWS}
UNITS = [Unit(CHANNEL, ("mixed4",), index) for index in range(3)]
MAP = Architecture("small", 60, {"mixed4": Layer("mixed4", 1, 8, 12, 12, 0)}, None)
every = pytest.mark.parametrize("view", VIEWS, ids=BY_NAME)


def _pictures(size: int, count: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), np.uint8)


@every
@pytest.mark.parametrize("size", [16, 33, 60])
def test_a_view_is_a_picture_of_the_same_size(view: View, size: int) -> None:
    seen = view.see(_pictures(size), UNITS)
    assert (seen.shape, seen.dtype) == ((3, size, size, 3), np.uint8)
    assert (seen != _pictures(size)).mean() > 0.1


@every
def test_a_view_is_of_its_picture_and_unit_alone(view: View) -> None:
    pictures = _pictures(33)
    seen = view.see(pictures, UNITS)
    turned = view.see(pictures[::-1], UNITS[::-1])[::-1]
    alone = np.concatenate([view.see(pictures[i : i + 1], UNITS[i : i + 1]) for i in range(3)])
    np.testing.assert_array_equal(turned, seen)
    np.testing.assert_array_equal(alone, seen)


@every
def test_a_picture_of_one_grey_stays_but_for_noise(view: View) -> None:
    grey = np.full((1, 40, 40, 3), 128, np.uint8)
    seen = view.see(grey, UNITS[:1]).astype(float)
    if view.name == "noise":
        assert (seen.mean(), seen.std()) == (pytest.approx(128, abs=1), pytest.approx(16, abs=1))
    else:
        assert np.abs(seen - 128).max() <= 1


@every
def test_a_neuron_goes_where_its_place_does(view: View) -> None:
    """A spot in the picture, at a neuron's place of the map, is found at the place that is told."""
    row, column = 7, 4  # within what the crop shows
    spot = np.zeros((1, 60, 60, 3), np.uint8)
    spot[0, 5 * row : 5 * row + 5, 5 * column : 5 * column + 5] = 255
    neuron = Unit(NEURON, ("mixed4",), 3, row, column)
    seen = view.see(spot, [neuron])[0].astype(float).mean(axis=2)
    cells = seen.reshape(12, 5, 12, 5).mean(axis=(1, 3))
    moved = view.moved(neuron, MAP)
    rows, columns = (slice(max(at - 1, 0), at + 2) for at in (moved.row, moved.column))
    assert cells[rows, columns].max() > 0.9 * cells.max()
    is_elsewhere = view.name in ("mirror", "turn", "crop")
    assert is_elsewhere == ((moved.row, moved.column) != (row, column))
    assert (moved.index, moved.layers) == (neuron.index, neuron.layers)


def test_a_neuron_stays_on_the_map() -> None:
    corner = Unit(NEURON, ("mixed4",), 3, 0, 11)
    for view in VIEWS:
        moved = view.moved(corner, MAP)
        assert (moved.row in range(12), moved.column in range(12)) == (True, True)
    assert BY_NAME["mirror"].moved(corner, MAP) == Unit(NEURON, ("mixed4",), 3, 0, 0)
    assert BY_NAME["crop"].moved(corner, MAP) == corner


def test_what_has_no_place_stays_itself() -> None:
    assert all(view.moved(UNITS[0], MAP) is UNITS[0] for view in VIEWS)


@pytest.mark.parametrize(
    ("recipe", "own"),
    [
        ("fourier", []),
        ("draft", []),
        ("article", ["blur"]),
        ("maco", ["crop"]),
        ("classes", ["crop"]),
        ("true", ["half"]),
    ],
)
def test_a_recipe_may_climb_by_a_view_itself(recipe: str, own: list[str]) -> None:
    assert [view.name for view in VIEWS if view.is_of(RECIPES[recipe])] == own


def test_so_may_one_of_other_numbers() -> None:
    wide = RECIPES["fourier"].transforms.model_copy(
        update={"rotate": Rotate(degrees=30), "scale": Scale(most=2)}
    )
    recipe = RECIPES["fourier"].model_copy(update={"transforms": wide})
    assert [view.name for view in VIEWS if view.is_of(recipe)] == ["turn", "crop"]
    far = wide.model_copy(update={"rotate": None, "scale": Scale(least=0.5)})
    recipe = RECIPES["fourier"].model_copy(update={"transforms": far})
    assert [view.name for view in VIEWS if view.is_of(recipe)] == ["half"]

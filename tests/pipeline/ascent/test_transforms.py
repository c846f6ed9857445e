"""Tests of the random affine maps."""

import numpy as np
import pytest
import tensorflow as tf

from pipeline.ascent import transforms
from pipeline.config.recipes import Crop, Jitter, Pad, Rotate, Scale, Transforms

pytestmark = pytest.mark.usefixtures("cpu")

EYE = np.array([1, 0, 0, 0, 1, 0, 0, 0], np.float32)


def _draw(given: Transforms, steps: int = 200, first: int = 0, size: int = 32) -> np.ndarray:
    return transforms.draw(given, steps, first, size, np.random.default_rng(3))


def _images(size: int = 32, count: int = 2) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (count, size, size, 3)).astype(np.float32)


def _warp(images: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return np.asarray(transforms.warp(images, tf.constant(np.tile(matrix, (len(images), 1)))))


@pytest.mark.parametrize("size", [31, 32])
def test_without_transforms_an_image_stays_to_the_bit(size: int) -> None:
    drawn = _draw(Transforms(), 3, size=size)
    np.testing.assert_array_equal(drawn, np.tile(EYE, (3, 1)))
    images = _images(size)
    np.testing.assert_array_equal(_warp(images, drawn[0]), images)


@pytest.mark.parametrize("size", [31, 32])
def test_jitter_moves_by_whole_pixels_up_to_its_bound(size: int) -> None:
    drawn = _draw(Transforms(jitter=Jitter(pixels=3)), size=size)
    moves = drawn[:, [2, 5]]
    np.testing.assert_array_equal(np.unique(moves), np.arange(-3, 4))
    still = [0, 1, 3, 4, 6, 7]
    np.testing.assert_array_equal(drawn[:, still], np.tile(EYE[still], (200, 1)))
    images = _images(size)
    matrix = next(m for m in drawn if (m[2], m[5]) == (2, -3))
    moved = _warp(images, matrix)
    np.testing.assert_array_equal(moved[:, 3:, :-2], images[:, :-3, 2:])
    np.testing.assert_array_equal(moved[:, 2, :-2], images[:, 0, 2:])  # the border is reflected


def test_pad_shrinks_the_image_inside_a_border() -> None:
    drawn = _draw(Transforms(pad=Pad(pixels=4, probability=1.0, until=None)), 1)
    np.testing.assert_allclose(drawn[0, [0, 4]], (32 + 8) / 32)
    middle = np.array([15.5, 15.5, 1.0])
    assert drawn[0, :3] @ middle == pytest.approx(15.5, abs=1e-5)
    assert drawn[0, :3] @ [0, 0, 1] < -3.5  # beyond the image: its reflection


def test_scale_zooms_about_the_middle_within_its_factors() -> None:
    drawn = _draw(Transforms(scale=Scale(least=0.8, most=1.25)))
    zoom = 1 / drawn[:, 0]
    assert 0.8 <= zoom.min() < 0.85
    assert 1.2 < zoom.max() <= 1.2501
    np.testing.assert_allclose(drawn[:, :3] @ [15.5, 15.5, 1.0], 15.5, rtol=1e-5)


@pytest.mark.parametrize("size", [31, 32])
def test_a_crop_is_a_part_of_the_image_anywhere_in_it(size: int) -> None:
    drawn = _draw(Transforms(crop=Crop(least=0.4, most=0.8)), steps=2000, size=size)
    parts = drawn[:, 0]
    assert 0.4 <= parts.min() < 0.42
    assert 0.78 < parts.max() <= 0.8
    np.testing.assert_array_equal(parts, drawn[:, 4])
    for first in (drawn[:, 2], drawn[:, 5]):  # where the part begins, across and down
        last = first + parts * (size - 1)
        assert -1e-4 < first.min() < 0.5
        assert size - 1.5 < last.max() < size - 1 + 1e-4
    assert abs(np.corrcoef(drawn[:, 2], drawn[:, 5])[0, 1]) < 0.5


def test_a_crop_of_everything_is_the_image_itself() -> None:
    drawn = _draw(Transforms(crop=Crop(least=1.0, most=1.0)), 3)
    np.testing.assert_array_equal(_warp(_images(), drawn[0]), _images())


def test_rotate_turns_within_its_bound_about_the_middle() -> None:
    drawn = _draw(Transforms(rotate=Rotate(degrees=10)))
    degrees = np.rad2deg(np.arctan2(drawn[:, 3], drawn[:, 0]))
    assert -10 <= degrees.min() < -9
    assert 9 < degrees.max() <= 10
    np.testing.assert_allclose(np.hypot(drawn[:, 0], drawn[:, 3]), 1.0, rtol=1e-5)
    np.testing.assert_allclose(drawn[:, :3] @ [15.5, 15.5, 1.0], 15.5, rtol=1e-5)


def test_a_quarter_turn_is_a_quarter_turn() -> None:
    images = _images()
    around = transforms._draw_rotate(Rotate(degrees=0), 1, 32, np.random.default_rng(0))
    around[0, :2, :2] = [[0, -1], [1, 0]]
    middle = transforms._shift(15.5, 15.5) @ around @ transforms._shift(-15.5, -15.5)
    turned = _warp(images, middle.reshape(9)[:8].astype(np.float32))
    np.testing.assert_array_equal(turned, np.rot90(images, axes=(1, 2)))


def test_images_of_one_batch_turn_differently() -> None:
    one = transforms.draw(Transforms(rotate=Rotate()), 1, 0, 32, np.random.default_rng(1))[0]
    two = transforms.draw(Transforms(rotate=Rotate()), 1, 0, 32, np.random.default_rng(2))[0]
    images = np.repeat(_images(count=1), 2, axis=0)
    turned = transforms.warp(images, tf.constant(np.stack([one, two]))).numpy()
    assert np.abs(turned[0] - turned[1]).max() > 0.1
    np.testing.assert_array_equal(turned[1], _warp(images, two)[0])


def test_a_transform_ends_at_its_step_counted_from_the_first_octave() -> None:
    given = Transforms(jitter=Jitter(pixels=8, until=50))
    drawn = _draw(given, steps=40, first=30)
    moved = (drawn != EYE).any(axis=1)
    assert moved[:20].any()
    assert not moved[20:].any()


def test_a_probability_says_how_often() -> None:
    given = Transforms(pad=Pad(probability=0.25, until=None))
    assert 0.22 < (_draw(given, steps=4000)[:, 0] != 1).mean() < 0.28
    never = Transforms(jitter=Jitter(probability=0.0))
    np.testing.assert_array_equal(_draw(never), np.tile(EYE, (200, 1)))


def test_transforms_compose_and_keep_shapes() -> None:
    given = Transforms(pad=Pad(), jitter=Jitter(), rotate=Rotate(), scale=Scale())
    drawn = _draw(given, steps=5)
    assert drawn.shape == (5, 8)
    assert drawn.dtype == np.float32
    for matrix in drawn:
        warped = _warp(_images(count=3), matrix)
        assert warped.shape == (3, 32, 32, 3)
        assert np.abs(warped).max() <= 1.0


def test_a_stream_gives_the_same_maps_again() -> None:
    given = Transforms(jitter=Jitter(), rotate=Rotate(), scale=Scale())
    np.testing.assert_array_equal(_draw(given), _draw(given))

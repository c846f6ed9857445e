"""Tests of likeness: its scale, and what is taken off of it."""

import numpy as np

from pipeline.truth.likeness import Scale, contrasted


def test_directions_are_of_length_one_and_measured_against_the_crops() -> None:
    random = np.random.default_rng(0)
    features = random.normal([3.0, -2.0, 0.0], [1.0, 10.0, 0.1], (500, 3)).astype(np.float32)
    scale = Scale.of(features)
    found = scale.directions(features)
    assert np.allclose(np.linalg.norm(found, axis=1), 1.0, atol=1e-5)
    assert np.allclose((found**2).mean(axis=0), 1 / 3, atol=0.05)  # no channel outshouts another
    assert not scale.directions(features.mean(axis=0, keepdims=True, dtype=np.float64)).any()


def test_a_channel_that_no_crop_moves_tells_nothing() -> None:
    features = np.random.default_rng(0).normal(size=(50, 3))
    features[:, 1] = 7.0
    features[:, 2] *= 1e-9
    picture = np.array([[1.0, 9.0, 9.0]])
    assert Scale.of(features).directions(picture).nonzero()[1].tolist() == [0]


def test_contrasted_is_less_the_mean_of_other_subjects() -> None:
    directions = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    subject = np.array([7, 7, 3, 9, 9])  # variants are no others
    found = contrasted(directions, subject)
    assert np.allclose(found[0], directions[0] - directions[2:].mean(axis=0), atol=1e-6)
    assert np.allclose(found[2], directions[2] - directions[[0, 1, 3, 4]].mean(axis=0), atol=1e-6)
    assert np.isnan(contrasted(directions[:2], subject[:2])).all()


def test_what_all_pictures_share_is_gone() -> None:
    random = np.random.default_rng(0)
    own, common = random.normal(size=(40, 8)), np.full(8, 100.0)
    plain, shifted = contrasted(own, np.arange(40)), contrasted(own + common, np.arange(40))
    assert np.allclose(plain, shifted, atol=1e-4)

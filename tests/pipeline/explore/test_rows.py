"""Tests of rows of responses as directions."""

import numpy as np
import pytest

from pipeline.explore.rows import standardised, unit_rows


def test_a_channel_without_spread_stands_out_nowhere() -> None:
    values = np.array([[1, 5], [1, 7]], np.float32)
    assert standardised(values)[:, 0].tolist() == [0, 0]
    assert standardised(values)[:, 1].tolist() == [-1, 1]


def test_rows_are_of_length_one_and_keep_their_way() -> None:
    values = np.array([[3, 4], [0, -2], [0, 0]], np.float32)
    found = unit_rows(values)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [[0.6, 0.8], [0, -1], [0, 0]], rtol=1e-6)
    assert float(found[0] @ found[1]) == pytest.approx(-0.8)  # their cosine


@pytest.mark.parametrize("scale", [1e-38, 1.0, 1e36])
def test_spreads_are_of_one_kind_however_large(scale: float) -> None:
    values = np.array([[1, 5], [2, 7], [3, 9]], np.float32)
    found = standardised(values * np.float32(scale))
    np.testing.assert_allclose(found, standardised(values), atol=1e-6)

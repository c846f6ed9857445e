"""Tests of sheets of two atlases."""

from pathlib import Path

import numpy as np
from PIL import Image

from pipeline import Atlas


def test_a_sheet_sets_them_side_by_side(pair: tuple[Atlas, Atlas], tmp_path: Path) -> None:
    rows = pair[0].diff(pair[1]).frame.head(1)
    pair[0].diff_sheet(pair[1], rows, tmp_path / "d.png", "", tile=8)
    pixels = np.asarray(Image.open(tmp_path / "d.png")).astype(int)
    found = [
        (y, x)
        for y in range(pixels.shape[0] - 8)
        for x in range(pixels.shape[1] - 18)
        if (pixels[y : y + 8, x : x + 8] == pair[0].image("mixed2:2")).all()
    ]
    [(y, x)] = found
    after = pixels[y : y + 8, x + 10 : x + 18]
    assert (after == 255 - pixels[y : y + 8, x : x + 8]).all()

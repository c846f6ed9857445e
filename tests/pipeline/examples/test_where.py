from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import ConfigError

pytestmark = pytest.mark.usefixtures("cpu")


def test_an_overlay_is_bright_where_the_map_is_high() -> None:
    from pipeline.examples import where

    field = np.zeros((6, 6), np.float32)
    field[1, 4] = 3.0
    seen = where.overlay(np.full((64, 64, 3), 200, np.uint8), field, 120)
    assert seen.shape == (120, 120, 3)
    assert seen[30, 90].min() > 150
    assert seen[100, 20].max() < 60


@pytest.mark.parametrize("value", [0.0, -2.0])
def test_where_nothing_fires_all_is_dim(value: float) -> None:
    from pipeline.examples import where

    picture = np.full((8, 8, 3), 200, np.uint8)
    seen = where.overlay(picture, np.full((3, 3), value, np.float32), 16)
    assert set(seen.ravel().tolist()) == {40}


def test_a_picture_that_cannot_be_read(tmp_path: Path) -> None:
    from pipeline.examples import where

    Image.new("RGB", (9, 5), "red").save(tmp_path / "a.png")
    assert where.read(tmp_path / "a.png", 16).shape == (16, 16, 3)
    (tmp_path / "b.png").write_text("no")
    with pytest.raises(ConfigError, match="cannot be read: it is no picture"):
        where.read(tmp_path / "b.png", 16)


def test_full_light_is_what_it_is_told_to_be() -> None:
    from pipeline.examples import where

    picture = np.full((16, 16, 3), 200, np.uint8)
    field = np.full((3, 3), 0.85, np.float32)
    dim, bright = (where.overlay(picture, field, 16, full).mean() for full in (14.9, 0.0))
    assert dim < 60
    assert bright > 195

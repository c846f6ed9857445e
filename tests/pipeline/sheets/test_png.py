import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import ConfigError
from pipeline.sheets import png


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (37, 21, 3), np.uint8)


@pytest.mark.parametrize("cuts", [(), (1,), (5, 6, 36), tuple(range(1, 37))])
def test_pillow_reads_what_was_written(image: np.ndarray, cuts: tuple[int, ...]) -> None:
    file = io.BytesIO()
    png.write(file, 21, 37, np.split(image, cuts))
    with Image.open(file) as found:
        found.verify()
    with Image.open(file) as found:
        assert found.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(found), image)


def test_rows_that_are_missing_or_wide_are_an_error(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="an image of 38 rows was begun, and 37 came"):
        png.write(io.BytesIO(), 21, 38, [image])
    with pytest.raises(ValueError, match="reshape"):
        png.write(io.BytesIO(), 20, 37, [image])


def test_an_image_is_saved_whole(image: np.ndarray, tmp_path: Path) -> None:
    png.save(image, str(tmp_path / "one.PNG"))
    with Image.open(tmp_path / "one.PNG") as found:
        assert found.format == "PNG"
        np.testing.assert_array_equal(np.asarray(found), image)
    assert len(list(tmp_path.iterdir())) == 1


def test_an_image_that_cannot_be_saved(image: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"image one\.jpg: expected a file that ends in \.png"):
        png.save(image, "one.jpg")
    with pytest.raises(ConfigError, match=r"one\.png: there is no folder /.*none"):
        png.save(image, tmp_path / "none" / "one.png")
    (tmp_path / "one.png").mkdir()
    with pytest.raises(ConfigError, match=r"one\.png cannot be written: Is a directory"):
        png.save(image, tmp_path / "one.png")

"""Tests of drawings: sheets that show themselves, and where a unit fires."""

import io
from pathlib import Path
from typing import Any

import atlases
import numpy as np
import pytest
import sites
from PIL import Image

from pipeline import Atlas
from pipeline.errors import ConfigError, DamageError, MissingError
from pipeline.examples import where
from pipeline.notebook import drawings
from pipeline.sheets.paper import Paper
from pipeline.store.store import Store


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return Atlas(atlases.commit(Store.create(tmp_path / "atlas", sites.provenance()), most=2))


def opened(data: bytes | tuple[bytes, dict[str, int]] | None) -> Image.Image:
    assert data is not None
    return Image.open(io.BytesIO(data[0] if isinstance(data, tuple) else data))


def test_a_comparison_shows_itself_and_is_saved(atlas: Atlas, tmp_path: Path) -> None:
    drawn = atlas.compare(["mixed4:0", "mixed4:1"])
    shown, picture = opened(drawn._repr_jpeg_()), drawn.image
    assert shown.size == picture.size == drawn.size
    _, size = drawn._repr_jpeg_() or (b"", {})
    assert size == {"width": drawn.sheet.width, "height": drawn.sheet.height}
    assert repr(drawn) == f"Drawing({picture.width} x {picture.height} px)"
    for name in ("both.png", "later.png"):
        path = tmp_path / name
        if name == "both.png":
            drawn = atlas.compare(["mixed4:0", "mixed4:1"], path)
        else:
            drawn.save(path)
        assert np.array_equal(np.asarray(Image.open(path)), np.asarray(picture))


def test_sheets_of_units_and_of_circuits_do_too(atlas: Atlas, tmp_path: Path) -> None:
    atlases.trace(Store.open(atlas.folder))
    for drawn in (atlas.sheet(["mixed4:0-1"]), atlas.circuit_sheet("mixed4:1")):
        assert drawn is not None
        assert opened(drawn._repr_jpeg_()).size == drawn.size
    assert atlas.sheet(["mixed4:0-1"], tmp_path / "film.webp") is None


def test_a_file_that_cannot_be_is_told_before_anything_is_drawn(tmp_path: Path) -> None:
    def never() -> Paper:
        raise AssertionError("it was laid out")

    with pytest.raises(ConfigError, match=r"\.png or \.pdf"):
        drawings.drawn(never, tmp_path / "sheet.txt")


def test_what_is_too_large_is_not_shown() -> None:
    drawn = drawings.Drawing(Paper(6000, 6000, ()))
    assert drawn._repr_jpeg_() is None
    assert "too large to be shown" in repr(drawn)


def test_damage_is_seen_as_it_is_drawn(atlas: Atlas) -> None:
    drawn = atlas.sheet(["mixed4:0"])
    assert drawn is not None
    for path in Path(str(atlas.folder)).glob("atlas.zarr/mixed4/images/c/*/0/0/0"):
        path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DamageError):
        drawn._repr_jpeg_()


@pytest.fixture
def field(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """The map of every unit on every picture; the picture's mean is in its first place."""
    made = np.array([[0.0, 1.0, 2.0], [0.0, 5.0, 1.0]], np.float32)

    def fires(_: Any, unit: str, picture: np.ndarray) -> np.ndarray:
        assert not unit.endswith(":9")
        found = made.copy()
        found[0, 0] = picture.mean() / 32
        return found

    monkeypatch.setattr(where, "fires", fires)
    return made


def test_where_a_unit_fires(atlas: Atlas, field: np.ndarray, tmp_path: Path) -> None:
    found = atlas.where("mixed4:1", path=tmp_path / "where.png")
    assert (found.unit, found.peak) == ("mixed4:1", (1, 1))
    assert found.pixels.shape == (384, 384, 3)
    assert opened(found._repr_jpeg_()).size == (384, 384)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "where.png")), found.pixels)
    assert repr(found).endswith(
        "5 at most, in row 1 and column 1 of 2 x 3; fully bright is 5, its own image's is 5"
    )


def test_where_in_a_picture_of_ones_own(atlas: Atlas, field: np.ndarray, tmp_path: Path) -> None:
    Image.new("RGB", (9, 9), (64, 64, 64)).save(tmp_path / "grey.png")
    found = atlas.where("mixed4:1", tmp_path / "grey.png")
    assert found.field[0, 0] == 2.0
    missing = atlas.where("mixed4:8", tmp_path / "grey.png")
    assert missing.own == 0.0
    with pytest.raises(MissingError, match="mixed4:8"):
        atlas.where("mixed4:8")
    with pytest.raises(ConfigError, match=r"\.png"):
        atlas.where("mixed4:1", path=tmp_path / "where.gif")

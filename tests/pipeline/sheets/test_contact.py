"""Tests of contact sheets."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline import Atlas
from pipeline.errors import ConfigError
from pipeline.plan.provenance import Provenance
from pipeline.sheets import contact
from pipeline.sheets.paper import Raster, Text
from pipeline.store.store import Store

Make = Callable[..., Provenance]
Build = Callable[..., Store]
UNITS = ["mixed2:5", "mixed2:0", "mixed2:3"]


@pytest.fixture
def store(tmp_path: Path, make_provenance: Make, build: Build) -> Store:
    return build(tmp_path, make_provenance("mixed2:all"), most=1)  # units 0 to 3


def _texts(store: Store, captions: list[str], heading: str = "", columns: int = 2) -> list[Text]:
    index = Atlas.open(store.folder).index
    paper = contact.lay_out(store, index, UNITS, heading, 64, columns, captions)
    assert all(0 <= i.x < paper.width and i.y < paper.height for i in paper.items if _is(i))
    return [item for item in paper.items if isinstance(item, Text)]


def _is(item: object) -> bool:
    return isinstance(item, Raster | Text)


def test_units_stand_in_the_order_asked_for(store: Store) -> None:
    texts = _texts(store, ["unit"], "three")
    assert [text.text for text in texts] == ["three", *UNITS]
    assert texts[1].y == texts[2].y < texts[3].y
    assert texts[1].x == texts[3].x < texts[2].x


def test_captions_are_columns(store: Store) -> None:
    texts = [text.text for text in _texts(store, ["unit", "activation", "alive"])]
    # What is not built has no activation.
    assert texts == [
        "mixed2:5", "mixed2:0", "activation 1.00", "alive no", "mixed2:3", "activation 4.00",
        "alive yes",
    ]  # fmt: skip
    assert _texts(store, []) == []
    with pytest.raises(ConfigError, match="no column 'unity'"):
        _texts(store, ["unity"])


@pytest.mark.parametrize(
    ("value", "expected"),
    [(21.0, "21.0"), (0.72, "0.720"), (12345.6, "12,346"), (0.0, "0"), (-3.14159, "-3.14")],
)
def test_numbers_have_three_digits(value: float, expected: str) -> None:
    assert contact.number(value) == expected


def test_lists_are_joined() -> None:
    assert contact.caption("nearest", np.array(["a:1", "b:2"], object)) == "a:1 b:2"


def test_a_sheet_has_the_images(store: Store, tmp_path: Path) -> None:
    atlas, path = Atlas.open(store.folder), tmp_path / "s.png"
    atlas.sheet(UNITS, path, tile=8, columns=3)
    pixels = np.asarray(Image.open(path))
    assert (pixels[4:12, 4:12] == pixels[4, 4]).all()  # not built: its place is empty
    np.testing.assert_array_equal(pixels[4:12, 16:24], atlas.image("mixed2:0"))
    np.testing.assert_array_equal(pixels[4:12, 28:36], atlas.image("mixed2:3"))

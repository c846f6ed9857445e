"""Tests of sheets that set units side by side."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from atlases import measure
from PIL import Image

from pipeline import Atlas, compare, index
from pipeline.errors import ConfigError, UnitError
from pipeline.paper import Line, Picture, Text
from pipeline.provenance import Provenance
from pipeline.store import Store

Make = Callable[..., Provenance]
Build = Callable[..., Store]


@pytest.fixture
def atlas(tmp_path: Path, make_provenance: Make, build: Build) -> Atlas:
    made = make_provenance(
        "mixed2:0-5", "-mixed2:1", "mixed2:1@center", "deepdream:mixed4", variants=2, diversity=1.0
    )
    store = build(tmp_path, made)
    measure(store)
    index.refresh(store)
    return Atlas.open(tmp_path)


def _texts(atlas: Atlas, *units: str) -> list[str]:
    return [i.text for i in compare.lay_out(atlas, units).items if isinstance(i, Text)]


def test_a_column_has_all_there_is_to_say(atlas: Atlas) -> None:
    texts = _texts(atlas, "mixed2:1", "mixed2:4")
    assert texts.count("activation at each step") == 2
    for word in ("mixed2:1", "mixed2:4", "activation", "own rank", "selectivity", "1", "4"):
        assert word in texts
    for title in ("z over the atlas", "same channel otherwise", "most alike"):
        assert any(title in text for text in texts)
    assert "strongest pictures" not in texts


def test_other_units_of_the_same_channel(atlas: Atlas) -> None:
    one = compare.lay_out(atlas, ["mixed2:1"])
    texts = [item.text for item in one.items if isinstance(item, Text)]
    start = texts.index("the same channel otherwise")
    assert texts[start + 1] == "mixed2:1#1"  # variants first
    assert {"-mixed2:1", "@2,2"} <= set(texts[start + 1 : start + 8])


def test_units_stand_side_by_side_in_the_order_named(atlas: Atlas) -> None:
    paper = compare.lay_out(atlas, ["mixed2:4", "-mixed2:1", "deepdream:mixed4"])
    heads = [item for item in paper.items if isinstance(item, Text) and item.size == 20]
    assert [head.text for head in heads] == ["mixed2:4", "-mixed2:1", "deepdream:mixed4"]
    assert heads[0].x < heads[1].x < heads[2].x
    for item in paper.items:
        if not isinstance(item, Line):
            assert 0 <= item.x <= paper.width
            assert 0 <= item.y <= paper.height


def test_trajectories_of_one_layer_share_a_scale(atlas: Atlas) -> None:
    paper = compare.lay_out(atlas, ["mixed2:1", "mixed2:4"])
    ways = [i for i in paper.items if isinstance(i, Line) and i.tone == "accent"]
    # They are flat, at 2 and at 5: the higher one at the top.
    assert len(ways) == 2
    assert ways[1].points[0][1] < ways[0].points[0][1]


def test_without_responses_those_parts_are_left_out(
    tmp_path: Path, make_provenance: Make, build: Build
) -> None:
    build(tmp_path / "plain", make_provenance("mixed2:0-5"))
    texts = _texts(Atlas.open(tmp_path / "plain"), "mixed2:1")
    assert "activation at each step" in texts
    assert not any("atlas" in text or "alike" in text or "same" in text for text in texts)


def test_examples_are_shown_where_there_are_any(
    atlas: Atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    crop = np.full((8, 8, 3), 7, np.uint8)
    found = [SimpleNamespace(activation=3.5)]
    monkeypatch.setattr(Atlas, "examples", lambda *_: found, raising=False)
    monkeypatch.setattr(Atlas, "example_crops", lambda *_: crop[None], raising=False)
    paper = compare.lay_out(atlas, ["mixed2:1"])
    assert "3.50" in _texts(atlas, "mixed2:1")
    last = [item for item in paper.items if isinstance(item, Picture)][-1]
    np.testing.assert_array_equal(last.pixels(), crop)


def test_the_sheet_is_saved(atlas: Atlas, tmp_path: Path) -> None:
    atlas.compare(["mixed2:1", "mixed2:4"], tmp_path / "c.png")
    with Image.open(tmp_path / "c.png") as found:
        assert found.width > 2 * 2 * compare.WIDTH


def test_refusals(atlas: Atlas, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing to compare: name a unit"):
        atlas.compare([], tmp_path / "c.png")
    with pytest.raises(UnitError, match="unit mixed4:3 is not in"):
        atlas.compare(["mixed4:3"], tmp_path / "c.png")
    assert not (tmp_path / "c.png").exists()

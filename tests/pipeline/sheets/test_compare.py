"""Tests of sheets that set units side by side."""

from collections.abc import Callable
from pathlib import Path

import pytest
from atlases import measure, show
from PIL import Image

from pipeline import Atlas
from pipeline.errors import ConfigError, MissingError
from pipeline.explore import index
from pipeline.plan.provenance import Provenance
from pipeline.sheets import compare
from pipeline.sheets.paper import Line, Raster, Text
from pipeline.store.store import Store

Make = Callable[..., Provenance]
Build = Callable[..., Store]


@pytest.fixture
def store(tmp_path: Path, make_provenance: Make, build: Build) -> Store:
    made = make_provenance(
        "mixed2:0-5", "-mixed2:1", "mixed2:1@center", "deepdream:mixed4", variants=2, diversity=1.0
    )
    store = build(tmp_path, made)
    measure(store)
    index.refresh(store)
    return store


def _texts(store: Store, *units: str) -> list[str]:
    return [
        i.text for i in compare.lay_out(store, index.of(store), units).items if isinstance(i, Text)
    ]


def test_a_column_has_all_there_is_to_say(store: Store) -> None:
    texts = _texts(store, "mixed2:1", "mixed2:4")
    assert texts.count("activation at each step") == 2
    for word in ("mixed2:1", "mixed2:4", "activation", "own rank", "selectivity", "1", "4"):
        assert word in texts
    for title in ("z over the atlas", "same channel otherwise", "most alike"):
        assert any(title in text for text in texts)
    assert "strongest pictures" not in texts


def test_other_units_of_the_same_channel(store: Store) -> None:
    one = compare.lay_out(store, index.of(store), ["mixed2:1"])
    texts = [item.text for item in one.items if isinstance(item, Text)]
    start = texts.index("the same channel otherwise")
    assert texts[start + 1] == "mixed2:1#1"  # variants first
    assert {"-mixed2:1", "@2,2"} <= set(texts[start + 1 : start + 8])


def test_units_stand_side_by_side_in_the_order_named(store: Store) -> None:
    paper = compare.lay_out(store, index.of(store), ["mixed2:4", "-mixed2:1", "deepdream:mixed4"])
    heads = [item for item in paper.items if isinstance(item, Text) and item.size == 20]
    assert [head.text for head in heads] == ["mixed2:4", "-mixed2:1", "deepdream:mixed4"]
    assert heads[0].x < heads[1].x < heads[2].x
    for item in paper.items:
        if not isinstance(item, Line):
            assert 0 <= item.x <= paper.width
            assert 0 <= item.y <= paper.height


def test_trajectories_of_one_layer_share_a_scale(store: Store) -> None:
    paper = compare.lay_out(store, index.of(store), ["mixed2:1", "mixed2:4"])
    ways = [i for i in paper.items if isinstance(i, Line) and i.tone == "accent"]
    # They are flat, at 2 and at 5: the higher one at the top.
    assert len(ways) == 2
    assert ways[1].points[0][1] < ways[0].points[0][1]


def test_without_responses_those_parts_are_left_out(
    tmp_path: Path, make_provenance: Make, build: Build
) -> None:
    texts = _texts(build(tmp_path / "plain", make_provenance("mixed2:0-5")), "mixed2:1")
    assert "activation at each step" in texts
    assert not any("atlas" in text or "alike" in text or "same" in text for text in texts)


def test_examples_are_shown_where_there_are_any(store: Store, tmp_path: Path) -> None:
    show(store, tmp_path, [f"{number}.png" for number in range(7)])
    paper = compare.lay_out(store, index.of(store), ["mixed2:1"])
    assert "3.50" in _texts(store, "mixed2:1")
    last = [item for item in paper.items if isinstance(item, Raster)][-1]
    assert (last.pixels() == (37 * 3 % 256, 91 * 3 % 256, 53 * 3 % 256)).all()


def test_the_sheet_is_saved(store: Store, tmp_path: Path) -> None:
    Atlas(store).compare(["mixed2:1", "mixed2:4"], tmp_path / "c.png")
    with Image.open(tmp_path / "c.png") as found:
        assert found.width > 2 * 2 * compare.WIDTH


def test_refusals(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing to compare: name a unit"):
        Atlas(store).compare([], tmp_path / "c.png")
    with pytest.raises(MissingError, match="unit mixed4:3 is not in"):
        Atlas(store).compare(["mixed4:3"], tmp_path / "c.png")
    assert not (tmp_path / "c.png").exists()

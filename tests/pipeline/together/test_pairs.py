"""Tests of units side by side: what differs comes first, and what differs is measured."""

from pathlib import Path

import pairs as made
import pytest

from pipeline.errors import ConfigError, MissingError
from pipeline.explore import diff
from pipeline.together import pairs
from pipeline.together.opened import Side, opened


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> tuple[Side, ...]:
    return opened(made.before_and_after(tmp_path_factory.mktemp("pairs"))).sides


def test_the_same_units_stand_side_by_side(sides: tuple[Side, ...]) -> None:
    found = pairs.of(sides)
    assert (found.way, found.sort) == ("id", "-response_distance")
    rows = found.frame.set_index("unit")
    assert len(rows) == 16
    assert set(rows.index[rows["response_distance"] > 0]) == set(made.CHANGED)
    assert rows.loc["mixed2:1", "activation_change"] == 3
    assert rows.loc["mixed2:1", "activation_after"] == rows.loc["mixed2:1", "activation_before"] + 3
    assert rows.loc["mixed2:0", ["image_distance", "nearest_kept"]].tolist()[0] == 0
    assert rows.loc["mixed4:9", list(found.measures)].isna().all()
    assert "2 units are built in before and not in the other" in found.said


def test_measures_are_those_of_diff(sides: tuple[Side, ...]) -> None:
    rows = pairs.of(sides).frame.set_index("unit")
    expected = diff.changes(sides[0].store, sides[1].store).frame.set_index("unit")
    for name in diff.MEASURES:
        assert rows.loc[expected.index, name].tolist() == expected[name].tolist()


def test_of_several_each_is_held_against_the_first(sides: tuple[Side, ...]) -> None:
    third = Side("third", "third", sides[0].store)
    rows = pairs.of([*sides, third]).frame.set_index("unit")
    assert rows.loc["mixed2:1", "activation_change_after"] == 3
    assert rows.loc["mixed2:1", "activation_change_third"] == 0
    assert rows.loc["mixed2:1", "activation_change"] == 3
    turned = pairs.of([sides[1], third]).frame.set_index("unit")
    assert turned.loc["mixed2:1", "activation_change"] == -3


def test_photographs_that_both_saw_tell_how_alike_units_are(tmp_path: Path) -> None:
    store = made.write(tmp_path / "one", patterns=("mixed2:0-3",), photographs=24)
    found = pairs.of([Side("a", "a", store), Side("b", "b", store)])
    assert found.frame["photograph_likeness"].astype(float).tolist() == pytest.approx([1] * 4)
    assert any("over the 24 photographs that both saw" in line for line in found.said)


def test_other_networks_are_put_by_what_is_nearest(sides: tuple[Side, ...], tmp_path: Path) -> None:
    store = made.write(tmp_path / "other", patterns=("block:0-5",), architecture=made.OTHER)
    other = Side("other", "other", store)
    found = pairs.of([sides[0], other])
    assert (found.way, found.sort) == ("nearest", "-likeness")
    rows = found.frame.set_index("unit")
    assert rows.loc["mixed2:3", "nearest_other"] == "block:3"
    assert rows.loc["mixed2:3", "activation_other"] == 4
    assert found.partners == {"other": "nearest_other"}
    assert pairs.of(sides, "nearest").way == "nearest"
    with pytest.raises(MissingError, match="other has no unit in common with before: `--by near"):
        pairs.of([sides[0], other], "id")
    with pytest.raises(ConfigError, match="there is no way 'x'"):
        pairs.of(sides, "x")


def test_ids_do_not_match_where_layers_have_other_shapes(tmp_path: Path) -> None:
    import atlases

    one = made.write(tmp_path / "one", patterns=("mixed4:0-3",))
    wide = made.write(tmp_path / "wide", patterns=("mixed4:0-3",), architecture=atlases.WIDE)
    assert pairs.of([Side("a", "a", one), Side("b", "b", wide)]).way == "nearest"

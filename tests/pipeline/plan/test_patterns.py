"""Tests of patterns, taken apart."""

import pytest

from pipeline.errors import UnitError
from pipeline.plan.architecture import Architecture
from pipeline.plan.patterns import Pattern

PARTS = {
    "mixed4:42": (False, "mixed4", "42", None, None),
    " -mixed4:0-3,7@2,3#1 ": (True, "mixed4", "0-3,7", "2,3", 1),
    "a:b:all@center": (False, "a:b", "all", "center", None),
    "deepdream:mixed2+mixed4#0": (False, "deepdream", "mixed2+mixed4", None, 0),
}


@pytest.mark.parametrize("text", PARTS)
def test_a_pattern_has_parts(text: str) -> None:
    found = Pattern.parse(text, "FORMS")
    parts = (found.negative, found.head, found.selection, found.place, found.variant)
    assert parts == PARTS[text]
    assert found.text == text


@pytest.mark.parametrize("text", ["mixed4", ":1", "mixed4:", "mixed4:1@", "mixed4:1#x", "-"])
def test_what_has_not_the_form_is_refused_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(UnitError, match=f"unit '{text}' is not an id: expected FORMS"):
        Pattern.parse(text, "FORMS")


def test_a_place_is_refused_where_there_is_none() -> None:
    Pattern.parse("logits:1", "").refuse_place()
    with pytest.raises(UnitError, match="'logits:1@1,1': logits units have no position"):
        Pattern.parse("logits:1@1,1", "").refuse_place()


def test_numbers_and_places_are_held_against_the_network(architecture: Architecture) -> None:
    found = Pattern.parse("mixed4:3,1-2@center", "")
    layer = found.layer(architecture, found.head)
    assert found.numbers(layer.channels, "it has") == [1, 2, 3]
    assert found.position(layer, 8) == (1, 1)
    with pytest.raises(UnitError, match="it has 0 to 2, not 3"):
        found.numbers(3, "it has")

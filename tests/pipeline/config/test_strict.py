"""Tests of strict models, and of how their errors read."""

import json
from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError

from pipeline.config.strict import Frozen, Lines, explain


class Round(Frozen):
    kind: Literal["round"] = "round"
    radius: float = 1.0


class Square(Frozen):
    kind: Literal["square"] = "square"
    side: int


class Drawing(Frozen):
    name: str
    shapes: tuple[Annotated[Round | Square, Field(discriminator="kind")], ...] = ()


def said(data: dict[str, object], lines: Lines | None = None) -> str:
    with pytest.raises(ValidationError) as error:
        Drawing.model_validate_json(json.dumps(data))
    return explain(error.value, Drawing, data, "a.yaml", lines or {})


def test_a_model_is_frozen_and_takes_no_other_type() -> None:
    made = Square(side=3)
    with pytest.raises(ValidationError, match="frozen"):
        made.side = 4  # type: ignore[misc]
    with pytest.raises(ValidationError, match="valid integer"):
        Square(side="3")  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="finite"):
        Round(radius=float("nan"))


def test_an_unknown_key_is_named_with_its_line_and_the_nearest() -> None:
    text = said({"name": "a", "shapse": []}, {("shapse",): "line 3"})
    assert text == "a.yaml, line 3: unknown key 'shapse': did you mean 'shapes'?"


def test_what_is_missing_is_named() -> None:
    assert said({}) == "a.yaml: the key 'name' is missing"


def test_another_type_is_told_with_what_came() -> None:
    assert said({"name": 3}) == "a.yaml: name: Input should be a valid string, came 3"


def test_the_members_of_a_union_are_passed_through() -> None:
    data = {"name": "a", "shapes": [{"kind": "square", "side": "long"}]}
    text = said(data, {("shapes", "0"): "line 5"})
    assert text == 'a.yaml, line 5: shapes.0.side: Input should be a valid integer, came "long"'


def test_more_problems_are_counted() -> None:
    assert said({"name": 3, "shapes": 4}).endswith("came 3 (and 1 more)")

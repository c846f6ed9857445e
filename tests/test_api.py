"""Tests of docs/api.md: it is what the docstrings say, and says all that is public."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

import pipeline
import tasks

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "api.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    """The names of docs/make_api.py."""
    return runpy.run_path(str(DOCS / "make_api.py"))


def test_the_page_is_what_the_docstrings_say(made: dict[str, Any]) -> None:
    assert made["document"]() == PAGE, "docs/api.md is out of date: run `make api`"


def test_the_page_has_every_public_name() -> None:
    names = [f"pipeline.{name}" for name in pipeline.__all__ if not name.endswith(("Error", "__"))]
    names += [f"tasks.{name}" for name in tasks.__all__]
    assert set(names) <= set(re.findall(r"^### (\S+)$", PAGE, re.MULTILINE))
    errors = {name for name in pipeline.__all__ if name.endswith("Error")}
    assert errors == set(re.findall(r"^- `(\w+)`: .*[.]$", PAGE.partition("## Errors")[2], re.M))


def test_the_page_has_every_method_of_an_atlas() -> None:
    known = {name for name in vars(pipeline.Atlas) if not name.startswith("_")}
    assert known == set(re.findall(r"^#### Atlas\.(\w+)$", PAGE, re.MULTILINE))
    assert "#### atlas[unit_id]" in PAGE


def test_a_docstring_becomes_a_list(made: dict[str, Any]) -> None:
    def example(one: "str", *, two: int = 2, name: str = "x") -> "pipeline.Atlas":
        """Do it.

        >>> example("a")

        More
        of it.

        Args:
            one: the first: which
                goes on.
            two: the second.

        Returns:
            What it
            did.

        Raises:
            KeyError, ValueError: never.
        """
        raise NotImplementedError

    assert made["_signature"](example, "f") == (
        'f(one: str, *, two: int = 2, name: str = "x") -> pipeline.Atlas'
    )
    assert list(made["_described"](example)) == [
        "Do it.\n", '```python\nexample("a")\n```\n', "More of it.\n",
        "*Args:*\n\n- `one`: the first: which goes on.\n- `two`: the second.\n",
        "*Returns:* What it did.\n", "*Raises:*\n\n- `KeyError`, `ValueError`: never.\n",
    ]  # fmt: skip

"""What the documents say exists, and what exists is said."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from pipeline import index
from pipeline.config import AtlasConfig
from pipeline.recipes import RECIPES
from tasks import cli

ROOT = Path(__file__).parent.parent
README, CONFIGURATION, DESIGN = (
    (ROOT / name).read_text(encoding="utf-8")
    for name in ("README.md", "docs/configuration.md", "docs/design.md")
)


def _models(of: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A model and all below it."""
    yield of
    for field in of.model_fields.values():
        todo = [field.annotation]
        while todo:
            kind = todo.pop()
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from _models(kind)
            todo.extend(getattr(kind, "__args__", ()))


def test_every_key_of_the_configuration_is_documented() -> None:
    keys = {name for model in _models(AtlasConfig) for name in model.model_fields}
    words = set(re.findall(r"[\w-]+", CONFIGURATION))
    assert {"size", "jitter", "walltime"} < keys
    assert keys - words - {"name", "kind"} == set()


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_steps_of_a_recipe_are_documented(recipe: str) -> None:
    [row] = [line for line in CONFIGURATION.splitlines() if line.startswith("| `steps`")]
    column = ["fourier", "draft", "article"].index(recipe) + 2
    assert row.split("|")[column].strip() == str(RECIPES[recipe].steps)


def test_every_column_of_the_index_is_documented() -> None:
    assert set(index.TYPES) <= set(re.findall(r"`(\w+)`", DESIGN))


def test_the_commands_of_the_readme_exist() -> None:
    named = set(re.findall(r"(?:\$ |`)atlas ([a-z]+)", README + CONFIGURATION))
    known = {command.callback.__name__ for command in cli.app.registered_commands}
    assert {"show", "query", "plan"} <= named <= known


def test_the_targets_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^make (\w+)", README, re.MULTILINE)) <= targets


def test_links_lead_somewhere() -> None:
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for link in re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8")):
            assert link.startswith("http") or (path.parent / link).exists(), (path, link)

"""What the documents say exists, and what exists is said."""

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import atlases
import pytest
from command import call
from pydantic import BaseModel

from pipeline import Atlas
from pipeline.config.recipes import RECIPES
from pipeline.config.schema import AtlasConfig
from pipeline.explore import index
from pipeline.plan.architecture import Architecture, Layer
from pipeline.store.store import Store
from tasks.command import main

ROOT = Path(__file__).parent.parent
README, CONFIGURATION, DESIGN = (
    (ROOT / name).read_text(encoding="utf-8")
    for name in ("README.md", "docs/configuration.md", "docs/design.md")
)
ANSWERS = re.findall(
    r"^   +`(.+)`$", README.partition("## Ten questions")[2].partition("\n## ")[0], re.MULTILINE
)
"""The one-line answers to the ten questions."""


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
    column = list(RECIPES).index(recipe) + 2
    assert row.split("|")[column].strip() == str(RECIPES[recipe].steps)


def test_every_column_of_the_index_is_documented() -> None:
    assert set(index.TYPES) <= set(re.findall(r"`(\w+)`", DESIGN))


def test_the_commands_of_the_readme_exist() -> None:
    named = set(re.findall(r"(?:\$ |`)atlas ([a-z]+)", README + CONFIGURATION))
    groups = [main.app, *(group.typer_instance for group in main.app.registered_groups)]
    known = {command.callback.__name__ for group in groups for command in group.registered_commands}
    assert {"show", "query", "plan"} <= named <= known


def test_the_targets_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^make (\w+)", README, re.MULTILINE)) <= targets


def test_links_lead_somewhere() -> None:
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for link in re.findall(r"\]\(([^)#]+)", path.read_text(encoding="utf-8")):
            assert link.startswith("http") or (path.parent / link).exists(), (path, link)


@pytest.fixture(scope="module")
def questioned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the atlases that the ten answers name, of made-up numbers."""
    place = tmp_path_factory.mktemp("questioned")
    layers = [Layer("mixed2", 3, 40, 4, 5, 100), Layer("mixed4", 7, 50, 3, 3, 200)]
    small = Architecture("small", atlases.SIZE, {layer.name: layer for layer in layers}, None)
    made = atlases.provenance("mixed2:all", "mixed4:all", batch_size=16, architecture=small)
    store = Store.create(place / "data" / "atlas", made)
    atlases.measure(atlases.keep(atlases.commit(store)))
    index.refresh(store)
    for name in ("before", "after"):
        shutil.copytree(store.folder.path, place / "data" / name)
    (place / "atlas_config.yaml").write_text("output: data/atlas\nunits: [mixed4:all]\n")
    return place


@pytest.mark.parametrize("answer", ANSWERS)
def test_the_ten_answers_of_the_readme_answer(
    questioned: Path,
    answer: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(questioned)
    monkeypatch.setenv("COLUMNS", "200")
    if answer.startswith("SELECT "):
        duckdb = pytest.importorskip("duckdb")
        assert len(duckdb.sql(answer).df())
    elif answer.startswith("atlas "):
        code, text, error = call(capfd, monkeypatch, *shlex.split(answer)[1:])
        assert code == 0, error
        assert text
    else:
        assert len(eval(answer, {"atlas": Atlas.open("data/atlas")}))


def test_there_are_ten_questions() -> None:
    assert len(ANSWERS) == 10
    assert {answer[:6] for answer in ANSWERS} == {"atlas ", "atlas.", "SELECT"}

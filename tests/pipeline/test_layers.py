"""Tests of what may import what."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PIPELINE = sorted((ROOT / "pipeline").glob("*.py"))
TENSORFLOW = {
    "models", "folding", "relu", "network", "objectives", "optimizers", "parametrizations",
    "transforms", "render", "measure", "engine", "observer", "device",
}  # fmt: skip


def roots(nodes: list[ast.AST]) -> Iterator[str]:
    """The top packages that statements import."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield (node.module or "").partition(".")[0]


def anywhere(path: Path) -> set[str]:
    return set(roots(list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))))


def at_import(path: Path) -> set[str]:
    return set(roots(list(ast.parse(path.read_text(encoding="utf-8")).body)))


def test_imports_are_seen() -> None:
    assert "tensorflow" in at_import(ROOT / "pipeline" / "network.py")
    assert "pandas" in at_import(ROOT / "pipeline" / "index.py")


@pytest.mark.parametrize("path", PIPELINE, ids=lambda path: path.stem)
def test_the_library_knows_nothing_of_orchestration(path: Path) -> None:
    assert not anywhere(path) & {"tasks", "luigi", "dask", "distributed", "dask_jobqueue"}


@pytest.mark.parametrize("path", PIPELINE, ids=lambda path: path.stem)
def test_tensorflow_is_imported_in_few_modules(path: Path) -> None:
    if path.stem not in TENSORFLOW:
        assert not anywhere(path) & {"tensorflow", "keras", "h5py"}


@pytest.mark.parametrize("path", sorted((ROOT / "tasks").glob("*.py")), ids=lambda p: p.stem)
def test_orchestration_does_not_import_tensorflow(path: Path) -> None:
    assert not at_import(path) & {"tensorflow", "keras"}


def test_planning_and_reading_load_no_tensorflow() -> None:
    code = (
        "import sys, pipeline.atlas, pipeline.config_file, pipeline.store, pipeline.index\n"
        "print(sorted({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"

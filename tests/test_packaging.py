"""What is imported is declared: every distribution that a source needs stands in pyproject.toml."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
OWN = {"pipeline", "tasks", "tests", "benchmarks"}
MAY_USE = {
    "pipeline": ("gpu", "slurm", "object-store", "xarray", "export"),
    "tasks": ("gpu", "slurm", "object-store", "xarray", "export"),
    "tests": ("test",),
    "benchmarks": ("bench", "test"),
    "docs": ("test",),
}
"""By folder, the extras it may import from, beside what every installation has."""
ASKING = ("importorskip", "import_module", "need", "library")
"""Functions whose first argument is a module that they import."""
ELSEWHERE = {
    "xplique": "it pins an older TensorFlow, so `make bench` installs it by itself",
    "boto3": "moto[server] brings the one that fits; named beside s3fs, pip tries years of them",
    "IPython": "only a notebook's kernel shows anything with it, and that brings it",
}


def imported(source: str) -> Iterator[tuple[int, str]]:
    """The top packages that a module imports, wherever it does, each with its line."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name.partition(".")[0]) for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield node.lineno, module.partition(".")[0]
            case ast.Call(args=[ast.Constant(value=str(module)), *_]) if _called(node) in ASKING:
                yield node.lineno, module.partition(".")[0]


def _called(node: ast.Call) -> str:
    return ast.unparse(node.func).rpartition(".")[2]


def declared(project: Mapping[str, Any], extras: tuple[str, ...]) -> set[str]:
    """The distributions that an installation with some extras asks for, extras' extras too."""
    found = set()
    for text in (*project["dependencies"], *_of_extras(project, extras)):
        name, more = re.fullmatch(r"([\w.-]+)(?:\[([^]]*)\])?.*", text).groups()  # type: ignore[union-attr]
        if _plain(name) == project["name"]:
            found |= declared(project, tuple(re.split(r"\s*,\s*", more)))
        else:
            found.add(_plain(name))
    return found


def _of_extras(project: Mapping[str, Any], extras: tuple[str, ...]) -> list[str]:
    return [text for extra in extras for text in project["optional-dependencies"][extra]]


def _plain(name: str) -> str:
    """A distribution's name as it is compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def undeclared(root: Path, project: Mapping[str, Any]) -> list[str]:
    """The imports of what is not declared, with file, line and distribution."""
    known = importlib.metadata.packages_distributions()
    local = OWN | {path.stem for path in (root / "tests" / "support").glob("*.py")}
    found = []
    for top, extras in MAY_USE.items():
        allowed = declared(project, extras)
        for path in sorted((root / top).rglob("*.py")):
            for line, package in imported(path.read_text(encoding="utf-8")):
                if package in local or package in sys.stdlib_module_names or package in ELSEWHERE:
                    continue
                brings = {_plain(name) for name in known.get(package, [package])}
                if not brings & allowed:
                    found.append(
                        f"{path.relative_to(root).as_posix()}:{line}: {package} comes with "
                        f"{' or '.join(sorted(brings))}, which pyproject.toml does not declare "
                        f"for {top}"
                    )
    return found


def test_what_is_imported_is_declared() -> None:
    assert undeclared(ROOT, PYPROJECT["project"]) == []


PLANTED = {
    "pipeline": ("import os, requests\n", "1: requests comes with requests, "),
    "tasks": ("def f():\n    from PIL.Image import open\n    import yaml\n", "3: yaml comes with "),
    "tests": ("import pytest\nduckdb = pytest.importorskip('duckdb')\n", "2: duckdb comes with "),
    "benchmarks": ("library('not_here.inside', 'x', '')\n", "1: not_here comes with not-here, "),
}


@pytest.mark.parametrize("top", PLANTED)
def test_what_is_not_declared_is_named(top: str, tmp_path: Path) -> None:
    (tmp_path / top).mkdir()
    source, said = PLANTED[top]
    (tmp_path / top / "planted.py").write_text(source)
    project = {
        "name": "mine",
        "dependencies": ["Pillow>=11"],
        "optional-dependencies": {extra: [] for extra in (*MAY_USE["pipeline"], "bench")}
        | {"test": ["pytest>=8", "mine[xarray, slurm]"]},
    }
    (found,) = undeclared(tmp_path, project)
    assert found.startswith(f"{top}/planted.py:{said}")
    assert found.endswith(f"which pyproject.toml does not declare for {top}")


def test_an_extra_brings_its_own_extras() -> None:
    assert declared(PYPROJECT["project"], ("test",)) > declared(PYPROJECT["project"], ("export",))


def test_keras_is_bound_to_versions_whose_private_api_is_known() -> None:
    (keras,) = [text for text in PYPROJECT["project"]["dependencies"] if text.startswith("keras")]
    assert re.fullmatch(r"keras>=3\.\d+,<3\.\d+", keras)


@pytest.mark.parametrize("package", ["pipeline", "tasks"])
def test_the_packages_say_that_they_are_typed(package: str) -> None:
    """PEP 561: without the marker a type checker takes every name for Any."""
    wheel = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert package in wheel["packages"]
    assert not {"exclude", "include", "only-include"} & set(wheel)
    assert (ROOT / package / "py.typed").read_bytes() == b""


def test_no_setting_of_a_tool_stands_twice() -> None:
    lint = PYPROJECT["tool"]["ruff"]["lint"]
    for listed in (lint["select"], lint["ignore"], *lint["per-file-ignores"].values()):
        assert sorted(set(listed)) == sorted(listed)

"""The house: which room may import which, and where each module's tests are."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ORDER = (
    "pipeline/errors", "pipeline/extras", "pipeline/patience",
    "pipeline/config", "pipeline/plan", "pipeline/model", "pipeline/network", "pipeline/ascent",
    "pipeline/store", "pipeline/examples", "pipeline/truth", "pipeline/explore", "pipeline/study",
    "pipeline/sheets", "pipeline/publish", "pipeline/together",
    "pipeline/notebook", "pipeline/findings",
    "pipeline/verify", "pipeline/atlas", "pipeline/single", "pipeline",
    "tasks/planning", "tasks/serving", "tasks/pool", "tasks/build", "tasks", "tasks/command",
)  # fmt: skip
"""From the ground to the roof; a module imports from its own room and from those before it."""
ROOMS = ORDER[3 : ORDER.index("pipeline/findings")]
ROOF = ("pipeline/findings", "pipeline/verify", "pipeline/atlas", "pipeline/single", "pipeline")
TENSORFLOW = {
    "pipeline/model": (),
    "pipeline/network": ("apart", "device", "probe"),
    "pipeline/ascent": ("results",),
}
"""The rooms that import TensorFlow, each with its modules that do not."""
MOST = 12
"""Modules of a room."""
UNTESTED = {"pipeline/store/layout": "a record without methods, and a name"}
"""Modules that have no tests, and why; nor have packages that say only what they are."""


@dataclass(frozen=True)
class Import:
    """One module that a line of another imports."""

    source: str
    line: int
    target: str

    def __str__(self) -> str:
        rooms = f"{room_of(self.source)} imports {room_of(self.target)}"
        return f"{self.source}.py:{self.line}: {rooms} ({self.target})"


def modules(root: Path) -> dict[str, Path]:
    """The modules of both packages, as `pipeline/store/table`; a package's is its own name."""
    found = {}
    for top in ("pipeline", "tasks"):
        for path in sorted((root / top).rglob("*.py")):
            name = path.relative_to(root).with_suffix("").as_posix()
            found[name.removesuffix("/__init__")] = path
    return found


def room_of(module: str) -> str:
    """The room that a module is in, or the module itself where it lies beside the rooms."""
    return module if module in ORDER else module.rpartition("/")[0]


def imports(root: Path) -> Iterator[Import]:
    """Every import of one module by another, wherever it stands."""
    known = modules(root)
    for name, path in known.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for target in _targets(node, known):
                yield Import(name, node.lineno, target)


def _targets(node: ast.AST, known: dict[str, Path]) -> list[str]:
    if isinstance(node, ast.Import):
        names = [alias.name.replace(".", "/") for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        package = (node.module or "").replace(".", "/")
        inner = [f"{package}/{alias.name}" for alias in node.names]
        names = [name if name in known else package for name in inner]
    else:
        return []
    return [name for name in dict.fromkeys(names) if name in known]


def to_the_right(root: Path) -> list[str]:
    """The imports that run against the order."""
    return [str(i) for i in imports(root) if _rank(i.source) < _rank(i.target)]


def _rank(module: str) -> int:
    return ORDER.index(room_of(module))


def circles(root: Path) -> list[str]:
    """The imports by which a module imports itself, by way of others."""
    found = list(imports(root))
    reads: dict[str, set[str]] = {name: set() for name in modules(root)}
    for each in found:
        reads[each.source].add(each.target)

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        todo = [start]
        while todo:
            todo += (more := reads[todo.pop()] - seen)
            seen |= more
        return seen

    below = {name: reached(name) for name in reads}
    return [str(i) for i in found if i.source in below[i.target]]


def where_tested(root: Path, module: str) -> Path:
    """The file of a module's tests: that of its own path; of the face of a package, `test_face`."""
    place, _, name = module.rpartition("/")
    is_face = (root / module / "__init__.py").is_file()
    return root / "tests" / (f"{module}/test_face.py" if is_face else f"{place}/test_{name}.py")


def untested(root: Path) -> list[str]:
    """The modules that have no file of tests, but rooms, which say only what they are."""
    named = (name for name, path in modules(root).items() if not _is_a_room(path))
    return [name for name in named if not where_tested(root, name).is_file()]


def _is_a_room(path: Path) -> bool:
    return path.stem == "__init__" and len(ast.parse(path.read_text(encoding="utf-8")).body) <= 1


def roots(nodes: list[ast.AST]) -> Iterator[str]:
    """The top packages that statements import."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def anywhere(path: Path) -> set[str]:
    return set(roots(list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))))


def at_import(path: Path) -> set[str]:
    return set(roots(list(ast.parse(path.read_text(encoding="utf-8")).body)))


MODULES = modules(ROOT)


def test_imports_are_seen() -> None:
    found = {(i.source, i.target) for i in imports(ROOT)}
    assert ("pipeline/explore/index", "pipeline/store/store") in found
    assert ("pipeline/atlas", "pipeline/explore/answers") in found  # late
    assert ("pipeline/store/table", "pipeline/store/arrays") in found  # late, inside a room
    assert "tensorflow" in at_import(MODULES["pipeline/network/network"])
    assert len(found) > 300


def test_every_module_is_in_a_room() -> None:
    assert [name for name in MODULES if room_of(name) not in ORDER] == []


def test_imports_run_from_the_right_to_the_left() -> None:
    assert to_the_right(ROOT) == []


def test_nothing_goes_round_in_a_circle() -> None:
    assert circles(ROOT) == []


PLANTED = {
    "late": "def late():\n    from pipeline.explore import index\n",
    "typing": "if TYPE_CHECKING:\n    from pipeline.explore.index import build\n",
    "plain": "import os, pipeline.explore.index\n",
    "from the roof": "from pipeline.explore import index as i, query\n",
}


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A house of a few modules that is in order."""
    for name in ("pipeline", "pipeline/store", "pipeline/explore", "tasks"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
    (tmp_path / "pipeline/store/table.py").write_text("import json\n")
    (tmp_path / "pipeline/explore/index.py").write_text("from pipeline.store import table\n")
    (tmp_path / "pipeline/explore/query.py").write_text("from pipeline.explore import index\n")
    return tmp_path


def test_a_house_in_order_is_left_alone(house: Path) -> None:
    assert to_the_right(house) == circles(house) == []


@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED)
def test_an_import_to_the_right_is_named(house: Path, planted: str) -> None:
    (house / "pipeline/store/table.py").write_text(planted)
    line = 1 + planted.count("\n") - 1
    said = "pipeline/store imports pipeline/explore (pipeline/explore/index)"
    assert f"pipeline/store/table.py:{line}: {said}" in to_the_right(house)


def test_a_circle_inside_a_room_is_named(house: Path) -> None:
    (house / "pipeline/explore/index.py").write_text(
        "def f():\n    import pipeline.explore.query\n"
    )
    assert circles(house) == [
        "pipeline/explore/index.py:2: pipeline/explore imports pipeline/explore "
        "(pipeline/explore/query)",
        "pipeline/explore/query.py:1: pipeline/explore imports pipeline/explore "
        "(pipeline/explore/index)",
    ]


def test_every_module_has_its_tests_where_it_is_itself() -> None:
    assert untested(ROOT) == list(UNTESTED)


def test_a_module_without_tests_is_named(house: Path) -> None:
    (house / "tasks/__init__.py").write_text('"""What it is."""\nimport pipeline\n')
    (house / "tests/pipeline/explore").mkdir(parents=True)
    for name in ("explore/test_index", "explore/test_table", "test_query"):
        (house / f"tests/pipeline/{name}.py").touch()
    assert untested(house) == ["pipeline/explore/query", "pipeline/store/table", "tasks"]


def test_nobody_in_the_house_imports_the_roof() -> None:
    found = [str(i) for i in imports(ROOT) if i.target in ROOF[:-1] and room_of(i.source) in ROOMS]
    assert found == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_to_be_looked_through(room: str) -> None:
    inside = [name for name in MODULES if room_of(name) == room and name != room]
    assert 2 <= len(inside) <= MOST


@pytest.mark.parametrize("package", [name for name, p in MODULES.items() if p.stem == "__init__"])
def test_a_package_says_what_it_is_and_no_more(package: str) -> None:
    tree = ast.parse(MODULES[package].read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    if package not in ("pipeline", "tasks"):
        assert len(tree.body) == 1


def test_the_library_knows_nothing_of_orchestration() -> None:
    strange = {"tasks", "luigi", "dask", "distributed", "dask_jobqueue"}
    assert [
        n for n, p in MODULES.items() if n.startswith("pipeline") and anywhere(p) & strange
    ] == []


@pytest.mark.parametrize("name", MODULES)
def test_tensorflow_is_imported_in_two_rooms(name: str) -> None:
    free = TENSORFLOW.get(room_of(name))
    is_allowed = free is not None and name.rpartition("/")[2] not in free
    if not is_allowed:
        assert not at_import(MODULES[name]) & {"tensorflow", "keras", "h5py"}


def test_planning_and_reading_load_no_tensorflow() -> None:
    names = [
        name.replace("/", ".")
        for name in MODULES
        if not any(name.startswith(room) for room in TENSORFLOW) and "object_store" not in name
    ]
    code = (
        f"import sys, {', '.join(names)}\n"
        "print(sorted({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"

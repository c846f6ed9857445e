"""Write docs/api.md from the docstrings of what is public: `make api`.

A test compares the page with what this makes.
"""

import ast
import dataclasses
import functools
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pipeline
import tasks
from pipeline import errors
from pipeline.examples.strongest import Example
from pipeline.explore.diff import Changes
from pipeline.study.comparison import Study

PAGE = Path(__file__).with_name("api.md")
_HEAD = """# From Python

What `pipeline` and `tasks` offer to programs and notebooks; made from their docstrings by
`make api`. [tour.ipynb](tour.ipynb) shows most of it at work. What a configuration may say is in
[configuration.md](configuration.md), the columns of the index in [design.md](design.md).
"""
_SPECIAL = {
    "__len__": "len(atlas)",
    "__iter__": "for unit_id in atlas",
    "__contains__": "unit_id in atlas",
    "__getitem__": "atlas[unit_id]",
}
"""Methods that are written as something else."""
_SECTIONS = ("Args", "Attributes", "Returns", "Raises")
_SHORT = {"Given": "AtlasConfig | str | Path | Mapping[str, Any]"}
"""Names of types that say nothing outside the source."""
_WIDEST = 100


def document() -> str:
    """The page."""
    parts = [
        _HEAD,
        "## One unit\n",
        *_function("pipeline", pipeline.render_unit),
        *_class("pipeline", pipeline.Single),
        *_function("pipeline", pipeline.invert),
        *_function("pipeline", pipeline.caricature),
        "## A whole atlas\n",
        *_function("tasks", tasks.build_atlas),
        *_class("tasks", tasks.Progress),
        "## Comparing recipes\n",
        *_function("tasks", tasks.build_study),
        *_class("pipeline.study.comparison", Study),
        "## Reading an atlas\n",
        *_class("pipeline", pipeline.Atlas),
        *_class("pipeline", pipeline.Card),
        "## In a notebook\n",
        *_function("pipeline", pipeline.gallery),
        *_class("pipeline", pipeline.Gallery),
        *_class("pipeline", pipeline.Drawing),
        *_class("pipeline", pipeline.Fired),
        *_class("pipeline", pipeline.Frame),
        "## What an atlas gives\n",
        *_noun("pipeline", pipeline.Unit),
        *_class("pipeline.examples.strongest", Example),
        *_class("pipeline.explore.diff", Changes),
        "## Configurations\n",
        *_noun("pipeline", pipeline.AtlasConfig),
        "Its keys and their meaning are in [configuration.md](configuration.md).\n",
        "## Errors\n",
        *_errors(),
    ]
    return "\n".join(parts)


def _function(home: str, function: Any) -> Iterator[str]:
    name = function.__name__
    yield f"### {home}.{name}\n"
    yield _code(_signature(function, name))
    yield from _described(function)


def _class(home: str, kind: type) -> Iterator[str]:
    """A class, and its methods and properties in the order of the source."""
    yield from _noun(home, kind)
    for name, member in vars(kind).items():
        is_special = name in _SPECIAL and kind is pipeline.Atlas
        if is_special or not name.startswith("_"):
            yield from _member(kind, name, member)


def _member(kind: type, name: str, member: Any) -> Iterator[str]:
    if isinstance(member, property | functools.cached_property):
        found = member.fget if isinstance(member, property) else member.func
        yield f"#### {kind.__name__}.{name}\n"
        yield from _described(member)
        yield f"*Type:* `{_returned(_definition(found))}`\n"
    elif isinstance(member, staticmethod | classmethod) or inspect.isfunction(member):
        function = getattr(member, "__func__", member)
        said = _SPECIAL.get(name, f"{kind.__name__}.{name}")
        yield f"#### {said}\n"
        if name not in _SPECIAL:
            yield _code(_signature(function, said))
        yield from _described(function)


def _noun(home: str, kind: type) -> Iterator[str]:
    """A class without its methods."""
    yield f"### {home}.{kind.__name__}\n"
    yield from _described(kind)


def _errors() -> Iterator[str]:
    """The tree in the module's docstring, and what each class says of itself."""
    first, _, tree = inspect.cleandoc(errors.__doc__ or "").partition("\n\n")
    yield f"{first} All are in `pipeline`.\n"
    yield f"```\n{tree}\n```\n"
    found = [item for item in vars(errors).values() if isinstance(item, type)]
    yield "\n".join(f"- `{item.__name__}`: {_joined(inspect.getdoc(item) or '')}" for item in found)
    yield ""


def _definition(function: Any) -> ast.FunctionDef:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    return next(node for node in tree.body if isinstance(node, ast.FunctionDef))


def _signature(function: Any, name: str) -> str:
    """How a function is called, as its source says: types in their short names."""
    found = _definition(function)
    given = found.args
    given.args = [each for each in given.args if each.arg not in ("self", "cls")]
    listed, returned = list(_arguments(given)), _returned(found)
    short = f"{name}({', '.join(listed)}) -> {returned}"
    if len(short) <= _WIDEST:
        return short
    inside = "".join(f"    {each},\n" for each in listed)
    return f"{name}(\n{inside}) -> {returned}"


def _arguments(given: ast.arguments) -> Iterator[str]:
    """The arguments, one by one, with their types and defaults."""
    bare = [None] * (len(given.args) - len(given.defaults))
    for each, default in zip(given.args, [*bare, *given.defaults], strict=True):
        yield _argument(each, default)
    if given.kwonlyargs:
        yield "*"
    for each, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        yield _argument(each, default)


def _argument(given: ast.arg, default: ast.expr | None) -> str:
    said = f"{given.arg}: {_type(given.annotation)}"
    return said if default is None else f"{said} = {_double_quoted(default)}"


def _double_quoted(value: ast.expr) -> str:
    return ast.unparse(value).replace("'", '"')


def _returned(found: ast.FunctionDef) -> str:
    return _type(found.returns)


def _type(annotation: ast.expr | None) -> str:
    """A type without the quotes that keep a module from being imported."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value
    text = ast.unparse(annotation) if annotation else "None"
    return re.sub(r"\w+", lambda name: _SHORT.get(name[0], name[0]), text)


def _code(text: str) -> str:
    return f"```python\n{text}\n```\n"


def _described(item: Any) -> Iterator[str]:
    """A docstring in Google's form as Markdown."""
    text = inspect.getdoc(item) or ""
    if dataclasses.is_dataclass(item) and text.startswith(f"{getattr(item, '__name__', '')}("):
        text = ""  # what the decorator writes where there is none
    for block in re.split(r"\n\n+", text):
        head, _, rest = block.partition("\n")
        if head.removesuffix(":") in _SECTIONS and head.endswith(":"):
            yield _section(head.removesuffix(":"), textwrap.dedent(rest))
        elif head.startswith(">>> "):
            yield _code("\n".join(line.removeprefix(">>> ") for line in block.splitlines()))
        else:
            yield f"{_joined(block)}\n"


def _section(head: str, text: str) -> str:
    """A section, as a list where it has names."""
    if head == "Returns":
        return f"*Returns:* {_joined(text)}\n"
    items = re.split(r"\n(?=\S)", text)
    listed = (re.sub(r"^([\w, ]+):", _named, _joined(item), count=1) for item in items)
    return f"*{head}:*\n\n" + "\n".join(f"- {item}" for item in listed) + "\n"


def _named(found: re.Match[str]) -> str:
    return ", ".join(f"`{name}`" for name in found[1].split(", ")) + ":"


def _joined(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    PAGE.write_text(document(), encoding="utf-8")

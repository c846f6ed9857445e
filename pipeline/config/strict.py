"""Strict models, and what is wrong in one, in one line: the key, its line, what was expected."""

import difflib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

_MISSING = ("missing", "union_tag_not_found")
_KEYS = (*_MISSING, "extra_forbidden")

KeyPath = tuple[str, ...]
Lines = dict[KeyPath, str]
"""Where each key was given, as in `line 12` or `--set image.size=64`."""


class Frozen(BaseModel):
    """A frozen model that refuses unknown keys, NaN and values of another type."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


def explain(
    error: ValidationError, model: type[BaseModel], data: Any, name: str, lines: Lines
) -> str:
    """The first thing wrong, in one line."""
    problems = error.errors()
    problem, path = problems[0], _path(problems[0], data)
    same = [other for other in problems if _path(other, data) == path]
    at = line_of(path, lines)
    key = ".".join(path)
    others = len(problems) - len(same)
    more = f" (and {others} more)" if others else ""
    if problem["type"] == "extra_forbidden":
        valid = _valid_keys(model, path[:-1], data)
        near = difflib.get_close_matches(path[-1], valid, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(valid)}"
        return f"{name}{at}: unknown key {key!r}: {hint}{more}"
    if problem["type"] in _MISSING:
        return f"{name}{at}: the key {key!r} is missing{more}"
    what = ", or ".join(dict.fromkeys(_words(other) for other in same))
    came = json.dumps(problem["input"], default=str)
    if not path:  # a rule about the whole configuration
        return f"{name}: {what}"
    return f"{name}{at}: {key}: {what}, came {came[:80]}{more}"


def _words(problem: ErrorDetails) -> str:
    """A problem in words: pydantic's, or those of a rule of our own."""
    return problem["msg"].removeprefix("Value error, ")


def _path(problem: ErrorDetails, data: Any) -> KeyPath:
    """Where a problem is, without the names of union members that pydantic puts in."""
    plain: list[str] = []
    location = [str(part) for part in problem["loc"]]
    if problem["type"] == "union_tag_not_found":
        location.append("kind")
    for number, part in enumerate(location):
        is_last = number == len(location) - 1
        if isinstance(data, list) and part.isdigit() and int(part) < len(data):
            plain.append(part)
            data = data[int(part)]
        elif isinstance(data, dict) and data.get("kind") == part and not is_last:
            data = {**data, "kind": None}  # the member of a union: passed through, once
        elif isinstance(data, dict) and (part in data or (is_last and problem["type"] in _KEYS)):
            plain.append(part)
            data = data.get(part)
    return tuple(plain)


def line_of(path: KeyPath, lines: Lines) -> str:
    """`, line 12` of a key, or of the nearest key above it that was given; else nothing."""
    while path and path not in lines:
        path = path[:-1]
    return f", {lines[path]}" if path else ""


def _valid_keys(model: type[BaseModel], path: KeyPath, data: Any) -> list[str]:
    """The keys that a mapping inside the configuration may have."""
    for part in path:
        if isinstance(data, list):  # its model is that of all its members
            data = data[int(part)]
        else:
            data = data[part]
            model = _below(model, part, data)
    return list(model.model_fields)


def _below(model: type[BaseModel], key: str, data: Any) -> type[BaseModel]:
    """The model of one key's value; of a union, the member of the same `kind`."""
    found: list[type[BaseModel]] = []
    todo = [model.model_fields[key].annotation]
    while todo:
        kind = todo.pop()
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found.append(kind)
        todo.extend(getattr(kind, "__args__", ()))
    wanted = data.get("kind") if isinstance(data, dict) else None
    fitting = [m for m in found if "kind" in m.model_fields and _kind(m) == wanted]
    return (fitting or found)[0]


def _kind(model: type[BaseModel]) -> Any:
    return model.model_fields["kind"].default

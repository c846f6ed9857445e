"""What is wrong in a configuration, in one line: the key, its line, what was expected."""

import difflib
import json
from typing import Any

from pydantic import BaseModel, ValidationError

KeyPath = tuple[str, ...]
Lines = dict[KeyPath, int]


def explain(
    error: ValidationError, model: type[BaseModel], data: Any, name: str, lines: Lines
) -> str:
    """The first thing wrong, in one line."""
    problem = error.errors()[0]
    path = _plain(tuple(str(part) for part in problem["loc"]), data)
    at = line_of(path, lines)
    key = ".".join(path)
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    if problem["type"] == "extra_forbidden":
        valid = _valid_keys(model, path[:-1], data)
        near = difflib.get_close_matches(path[-1], valid, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(valid)}"
        return f"{name}{at}: unknown key {key!r}: {hint}{more}"
    if problem["type"] == "missing":
        return f"{name}: the key {key!r} is missing{more}"
    came = problem["input"]
    return f"{name}{at}: {key}: {problem['msg']}, came {json.dumps(came, default=str)[:80]}{more}"


def _plain(path: KeyPath, data: Any) -> KeyPath:
    """A pydantic location without the names of union members that it passes through."""
    plain: list[str] = []
    for number, part in enumerate(path):
        if isinstance(data, list) and part.isdigit() and int(part) < len(data):
            plain.append(part)
            data = data[int(part)]
        elif isinstance(data, dict) and (part in data or number == len(path) - 1):
            plain.append(part)
            data = data.get(part)
    return tuple(plain)


def line_of(path: KeyPath, lines: Lines) -> str:
    """`, line 12` of a key, or of the nearest key above it that has a line; else nothing."""
    while path and path not in lines:
        path = path[:-1]
    return f", line {lines[path]}" if path else ""


def _valid_keys(model: type[BaseModel], path: KeyPath, data: Any) -> list[str]:
    """The keys that a mapping inside the configuration may have."""
    for part in path:
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

"""Reading `atlas_config.yaml`: the one module that reads YAML."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from pipeline.config.recipes import RECIPES
from pipeline.config.schema import AtlasConfig
from pipeline.config.strict import KeyPath, Lines, explain, line_of
from pipeline.errors import ConfigError


def load(path: Path, settings: Iterable[str] = ()) -> AtlasConfig:
    """Read a configuration.

    Args:
        path: the YAML file.
        settings: changes as in `image.size=64`; values are YAML.

    Raises:
        ConfigError: the file is missing or unreadable, or says what cannot be.
    """
    return parse(_text_of(path), str(path), settings)


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(
            f"there is no configuration {path}: run where atlas_config.yaml is, name one with -c, "
            "or let `atlas init` write one"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the configuration {path} cannot be read: {error}") from error


def parse(text: str, name: str = "configuration", settings: Iterable[str] = ()) -> AtlasConfig:
    """Read a configuration from text; `name` is what errors call it. Raises as `load`."""
    data, lines = _read_yaml(text, name)
    for setting in settings:
        _apply(data, setting, lines)
    return checked(data, name, lines)


def data_of(path: Path) -> tuple[dict[str, Any], Lines]:
    """What a configuration's file says, unchecked, and the line of each key. Raises as `load`."""
    return _read_yaml(_text_of(path), str(path))


def checked(data: dict[str, Any], name: str, lines: Lines) -> AtlasConfig:
    """The configuration that data say, as a file would.

    Args:
        data: of mappings, lists, texts and numbers; changed on the way.
        name: what errors call it.
        lines: where each key was given.

    Raises:
        ConfigError: they say what cannot be.
    """
    _expand_recipe(data, name, lines)
    try:
        return AtlasConfig.model_validate_json(json.dumps(data, default=str))
    except ValidationError as error:
        raise ConfigError(explain(error, AtlasConfig, data, name, lines)) from error
    except (ValueError, TypeError) as error:  # a key or a number that JSON has not
        raise ConfigError(f"{name}: {error}") from error


def _read_yaml(text: str, name: str) -> tuple[dict[str, Any], Lines]:
    """The mapping that a YAML text holds, and the line of each key. No aliases, no tags."""
    try:
        _refuse_aliases_and_tags(text, name)
        node = yaml.compose(text, yaml.SafeLoader)
        data = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{name} is not YAML: {reason[:300]}") from error
    if not isinstance(data, dict):
        came = "nothing" if data is None else type(data).__name__
        raise ConfigError(f"{name}: expected a mapping with `units` and more, came {came}")
    lines: Lines = {}
    _note_lines(node, (), lines, name)
    return data, lines


def _refuse_aliases_and_tags(text: str, name: str) -> None:
    for event in yaml.parse(text, yaml.SafeLoader):
        at = f"{name}, line {event.start_mark.line + 1}" if event.start_mark else name
        if isinstance(event, yaml.AliasEvent):
            raise ConfigError(f"{at}: YAML aliases (*name) are not allowed: write the value out")
        if getattr(event, "tag", None):
            raise ConfigError(f"{at}: YAML tags (!name) are not allowed: write the value alone")


def _note_lines(node: yaml.Node | None, path: KeyPath, lines: Lines, name: str) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            where = (*path, str(key.value))
            if where in lines:
                raise ConfigError(
                    f"{name}, {_line(key)}: the key {'.'.join(where)!r} stands there twice "
                    f"(first on {lines[where]})"
                )
            lines[where] = _line(key)
            _note_lines(value, where, lines, name)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            lines[(*path, str(number))] = _line(item)
            _note_lines(item, (*path, str(number)), lines, name)


def _line(node: yaml.Node) -> str:
    return f"line {node.start_mark.line + 1}"


def _apply(data: dict[str, Any], setting: str, lines: Lines) -> None:
    """Carry out one `--set key.path=value`."""
    path, equals, value = setting.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise ConfigError(f"--set {setting!r}: expected key.path=value, as in image.size=64")
    try:
        _refuse_aliases_and_tags(value, f"--set {setting!r}")
        found = yaml.safe_load(value)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigError(f"--set {setting!r}: {value!r} is not a YAML value") from error
    here = holder(data, keys, f"--set {setting!r}")
    here[keys[-1]] = found
    note(keys, f"--set {setting}", lines)


def holder(data: dict[str, Any], keys: Sequence[str], said: str) -> dict[str, Any]:
    """The mapping that holds the last of some keys, each below the one before; made if need be.

    Raises:
        ConfigError: a key on the way has a value of its own; `said` is what it calls the change.
    """
    for key in keys[:-1]:
        below = data.get(key)
        if below is None:
            below = {}
        below = _shorthand(key, below)
        if not isinstance(below, dict):
            raise ConfigError(f"{said}: {key!r} holds no keys")
        data[key] = below
        data = below
    return data


def note(keys: Sequence[str], said: str, lines: Lines) -> None:
    """Remember how a key was changed; of what was below it before nothing is left."""
    for where in [where for where in lines if where[: len(keys)] == tuple(keys)]:
        del lines[where]
    lines[tuple(keys)] = said


def _shorthand(key: str, value: Any) -> Any:
    """What a bare name means: a recipe's (YAML reads `true` as a boolean), or a kind of cluster."""
    if key == "recipe" and (isinstance(value, str) or value is True):
        return {"name": value}
    if key == "cluster" and isinstance(value, str):
        return {"kind": value}
    return value


def _expand_recipe(data: dict[str, Any], name: str, lines: Lines) -> None:
    """Replace the recipe's name and changes by the whole recipe; a bare kind of cluster too.

    A recipe of several styles asks for as many variants, where nothing is said of them.
    """
    if "cluster" in data:
        data["cluster"] = _shorthand("cluster", data["cluster"])
    changes = _shorthand("recipe", data.get("recipe", {}))
    if not isinstance(changes, dict):
        return
    wanted = changes.get("name", "fourier")
    wanted = "true" if wanted is True else wanted
    if not isinstance(wanted, str) or wanted not in RECIPES:
        at = line_of(("recipe", "name"), lines) or line_of(("recipe",), lines)
        raise ConfigError(
            f"{name}{at}: recipe {wanted!r} is not known: expected one of {', '.join(RECIPES)}"
        )
    recipe = _merged(RECIPES[wanted].model_dump(mode="json"), {**changes, "name": wanted})
    if isinstance(recipe.get("styles"), list):
        recipe["styles"] = [_style(recipe, style) for style in recipe["styles"]]
        render = data.setdefault("render", {})
        if isinstance(render, dict) and recipe["styles"]:
            render.setdefault("variants", len(recipe["styles"]))
    data["recipe"] = recipe


def _style(recipe: Mapping[str, Any], style: Any) -> Any:
    """A style's parts, each made whole by what the recipe has there."""
    if not isinstance(style, dict):
        return style
    return {
        key: _merged(recipe[key], part) if isinstance(part, dict) and key in recipe else part
        for key, part in style.items()
    }


def _merged(base: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the keys of `changes`, mapping by mapping; another `kind` starts afresh."""
    if changes.get("kind", base.get("kind")) != base.get("kind"):
        return dict(changes)
    merged = dict(base)
    for key, value in changes.items():
        below = base.get(key)
        both = isinstance(value, dict) and isinstance(below, dict)
        merged[key] = _merged(below, value) if both else value  # type: ignore[arg-type]
    return merged

"""The configuration that a program gives: as one, as a file, or as plain data."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.config import yaml_file
from pipeline.config.schema import AtlasConfig
from pipeline.config.strict import Lines
from pipeline.errors import ConfigError

Given = AtlasConfig | str | Path | Mapping[str, Any]
"""A configuration, the path of its YAML file, or what such a file says, as mappings and lists."""


def configuration(given: Given, settings: Mapping[str, Any] | None = None) -> AtlasConfig:
    """The configuration that is given.

    Args:
        given: as one, as a file, or as plain data.
        settings: changes by key, as in `{"image.size": 64}`.

    Raises:
        ConfigError: it says what cannot be.
    """
    if isinstance(given, AtlasConfig) and not settings:
        return given
    data, name, lines = _data_of(given)
    for key, value in (settings or {}).items():
        keys, said = str(key).split("."), f"{key}={value!r}"[:80]
        yaml_file.holder(data, keys, said)[keys[-1]] = _plain(value, said)
        yaml_file.note(keys, said, lines)
    return yaml_file.checked(data, name, lines)


def _data_of(given: Given) -> tuple[dict[str, Any], str, Lines]:
    """What a configuration says, what errors call it, and where each key was given."""
    name = "the configuration"
    if isinstance(given, str | Path):
        data, lines = yaml_file.data_of(Path(given).expanduser())
        return data, str(given), lines
    if isinstance(given, AtlasConfig):
        return given.model_dump(mode="json"), name, {}
    if isinstance(given, Mapping):
        return _plain(given, name), name, {}
    raise ConfigError(
        f"{name}: expected an AtlasConfig, the path of a YAML file, or a mapping, came a "
        f"{type(given).__name__}"
    )


def _plain(value: Any, said: str) -> Any:
    """A value as JSON has it: paths as texts, tuples and arrays as lists, numbers as numbers."""
    try:
        return json.loads(json.dumps(value, default=_said))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{said}: {error}") from error


def _said(value: Any) -> Any:
    if hasattr(value, "tolist"):  # NumPy's numbers and arrays
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"expected text, numbers, lists and mappings, came a {type(value).__name__}")

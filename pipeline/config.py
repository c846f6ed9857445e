"""What to build: the strict model of `atlas_config.yaml`. The one module that reads YAML."""

import difflib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, Field, ValidationError

from pipeline.errors import ConfigError
from pipeline.frozen import Frozen
from pipeline.recipes import RECIPES, Recipe

Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0)]


class Model(Frozen):
    """The network."""

    weights: str = "auto"
    """`auto`, `imagenet`, `bundled`, or the path of a .keras, .h5 or .weights.h5 file."""
    classes: str = "auto"
    """`auto` (ImageNet's names for 1,000 classes) or a file of class names."""
    timeout: Seconds = 5.0
    """Seconds until a download of weights must answer."""


class Image(Frozen):
    """The pictures."""

    size: Annotated[int, Field(ge=16, le=4096)] = 128
    """Side in pixels."""


class Local(Frozen):
    """Processes on this machine, one thread each, pinned to a core each."""

    kind: Literal["local"] = "local"
    workers: Literal["auto"] | Count = "auto"


class Threads(Frozen):
    """Threads of this process, for tests and debugging."""

    kind: Literal["threads"] = "threads"
    workers: Count = 1


class LocalGpu(Frozen):
    """Processes on this machine, each pinned to a GPU of its own."""

    kind: Literal["local-gpu"] = "local-gpu"
    gpus: Literal["auto"] | Annotated[tuple[int, ...], Field(min_length=1)] = "auto"
    """`auto` (all that nvidia-smi lists) or a list of GPU numbers."""


class Address(Frozen):
    """A running Dask cluster, by address or by scheduler file."""

    kind: Literal["address"] = "address"
    address: str | None = None
    scheduler_file: str | None = None
    device: Literal["cpu", "gpu"] = "cpu"


class Slurm(Frozen):
    """Jobs of a SLURM cluster, through dask-jobqueue (extra `slurm`)."""

    kind: Literal["slurm"] = "slurm"
    jobs: Count = 1
    workers_per_job: Count = 1
    memory: str = "4GiB"
    queue: str | None = None
    account: str | None = None
    walltime: str = "04:00:00"
    directives: tuple[str, ...] = ()
    """More lines for the job's header, as in `--gres=gpu:1`."""
    device: Literal["cpu", "gpu"] = "cpu"


class Mosaic(Frozen):
    """The look of the mosaics."""

    tile: Annotated[int, Field(ge=8, le=1024)] = 96
    """Side of a tile, in pixels."""
    columns: Literal["auto"] | Count = "auto"


class Build(Frozen):
    """How patiently to build. Nothing here changes a pixel."""

    retries: Annotated[int, Field(ge=0)] = 1
    """How often a batch that raised is tried again."""
    deaths: Annotated[int, Field(ge=0)] = 3
    """How many workers may die over one batch before it is marked failed."""
    patience: Seconds = 300.0
    """Seconds without any worker until the build gives up."""
    scheduler_host: str | None = None
    """Host of a `luigid`, or none for Luigi's own scheduler."""
    scheduler_port: Annotated[int, Field(ge=1, le=65535)] = 8082


Cluster = Annotated[
    Local | Threads | LocalGpu | Address | Slurm, Field(discriminator="kind")
]


class AtlasConfig(Frozen):
    """Everything `atlas_config.yaml` can say."""

    output: str = "data/atlas"
    """The atlas folder."""
    units: Annotated[tuple[str, ...], Field(min_length=1)]
    """Patterns of unit ids, see `pipeline.units`."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    batch_size: Annotated[int, Field(ge=1, le=1024)] = 16
    """Units computed, committed and stored together."""
    model: Model = Model()
    image: Image = Image()
    recipe: Recipe = RECIPES["fourier"]
    cluster: Cluster = Local()
    mosaic: Mosaic = Mosaic()
    build: Build = Build()

    @property
    def device(self) -> Literal["cpu", "gpu"]:
        """The kind of device that the pool computes on."""
        if isinstance(self.cluster, Address | Slurm):
            return self.cluster.device
        return "gpu" if isinstance(self.cluster, LocalGpu) else "cpu"


def load(path: Path, settings: Iterable[str] = ()) -> AtlasConfig:
    """Read a configuration.

    Args:
        path: the YAML file.
        settings: changes as in `image.size=64`; values are YAML.

    Raises:
        ConfigError: the file is missing or unreadable, or says what cannot be.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(
            f"there is no configuration {path}: run where atlas_config.yaml is, or name one with -c"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the configuration {path} cannot be read: {error}") from error
    return parse(text, str(path), settings)


def parse(text: str, name: str = "configuration", settings: Iterable[str] = ()) -> AtlasConfig:
    """Read a configuration from text; `name` is what errors call it. Raises as `load`."""
    data, lines = _read_yaml(text, name)
    for setting in settings:
        _apply(data, setting)
    _expand_recipe(data, name, lines)
    return _validated(AtlasConfig, data, name, lines)


def _validated(
    model: type[AtlasConfig], data: Mapping[str, Any], name: str, lines: "_Lines"
) -> AtlasConfig:
    try:
        return model.model_validate_json(json.dumps(data, default=str))
    except ValidationError as error:
        raise ConfigError(_first(error, model, data, name, lines)) from error
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from error


# YAML ------------------------------------------------------------------------------------------

_Path = tuple[str, ...]
_Lines = dict[_Path, int]


def _read_yaml(text: str, name: str) -> tuple[dict[str, Any], _Lines]:
    """The mapping that a YAML text holds, and the line of each key. No aliases, no tags."""
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise ConfigError(f"{name}: YAML aliases (*name) are not allowed: write the value out")
        node = yaml.compose(text, yaml.SafeLoader)
        data = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{name} is not YAML: {reason[:300]}") from error
    if not isinstance(data, dict):
        came = "nothing" if data is None else type(data).__name__
        raise ConfigError(f"{name}: expected a mapping with `units` and more, came {came}")
    lines: _Lines = {}
    _note_lines(node, (), lines, name)
    return data, lines


def _note_lines(node: yaml.Node | None, path: _Path, lines: _Lines, name: str) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            where = (*path, str(key.value))
            if where in lines:
                raise ConfigError(
                    f"{name}, line {key.start_mark.line + 1}: the key {'.'.join(where)!r} stands "
                    f"there twice (first on line {lines[where]})"
                )
            lines[where] = key.start_mark.line + 1
            _note_lines(value, where, lines, name)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            lines[(*path, str(number))] = item.start_mark.line + 1
            _note_lines(item, (*path, str(number)), lines, name)


def _apply(data: dict[str, Any], setting: str) -> None:
    """Carry out one `--set key.path=value`."""
    path, equals, value = setting.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise ConfigError(f"--set {setting!r}: expected key.path=value, as in image.size=64")
    here = data
    for key in keys[:-1]:
        below = here.get(key)
        if below is None:
            below = {}
        if isinstance(below, str) and key in ("recipe", "cluster"):
            below = {"name" if key == "recipe" else "kind": below}
        if not isinstance(below, dict):
            raise ConfigError(f"--set {setting!r}: {key!r} holds no keys")
        here[key] = below
        here = below
    try:
        here[keys[-1]] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {setting!r}: {value!r} is not a YAML value") from error


def _expand_recipe(data: dict[str, Any], name: str, lines: _Lines) -> None:
    """Replace the recipe's name and changes by the whole recipe; a bare kind of cluster too."""
    if isinstance(data.get("cluster"), str):
        data["cluster"] = {"kind": data["cluster"]}
    given = data.get("recipe", "fourier")
    changes = {"name": given} if isinstance(given, str) else given
    if not isinstance(changes, dict):
        return
    wanted = changes.get("name", "fourier")
    if wanted not in RECIPES:
        at = _line(("recipe", "name"), lines) or _line(("recipe",), lines)
        raise ConfigError(
            f"{name}{at}: recipe {wanted!r} is not known: expected one of {', '.join(RECIPES)}"
        )
    data["recipe"] = _merged(RECIPES[wanted].model_dump(mode="json"), changes)


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


# Errors ----------------------------------------------------------------------------------------


def _first(
    error: ValidationError, model: type[BaseModel], data: Any, name: str, lines: _Lines
) -> str:
    """The first thing wrong, in one line."""
    problem = error.errors()[0]
    path = _plain(tuple(str(part) for part in problem["loc"]), data)
    at = _line(path, lines)
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


def _plain(path: _Path, data: Any) -> _Path:
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


def _line(path: _Path, lines: _Lines) -> str:
    while path and path not in lines:
        path = path[:-1]
    return f", line {lines[path]}" if path else ""


def _valid_keys(model: type[BaseModel], path: _Path, data: Any) -> list[str]:
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

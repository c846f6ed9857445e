"""The variations of a study: configurations by name, and what they must have in common."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from pipeline.config import yaml_file
from pipeline.config.schema import AtlasConfig
from pipeline.errors import ConfigError
from pipeline.plan.provenance import Provenance
from pipeline.study.comparison import checked

Variations = dict[str, AtlasConfig]
"""Configurations by the names of their variations, in order."""
_NEXT = re.compile(r";\s*(?=[\w.]+\s*=)")
"""What stands between two settings of a variation."""
_NAME = re.compile(r"[A-Za-z0-9][\w.+-]*", re.ASCII)
_LONGEST = 100
"""Letters of a name that is made of what differs."""


def of_files(files: Sequence[Path], settings: Sequence[str] = ()) -> Variations:
    """The variations that files are, each called after its file, or its folder too if need be.

    Args:
        files: configurations.
        settings: changes to all of them, as in `image.size=64`.

    Raises:
        ConfigError: a file says what cannot be, or two would have one name.
    """
    names = [path.stem for path in files]
    if len(set(names)) < len(names):
        names = [f"{path.absolute().parent.name}-{path.stem}" for path in files]
    found: Variations = {}
    for path, name in zip(files, map(_plain, names), strict=True):
        if name in found:
            raise ConfigError(
                f"two variations are called {name!r}, the second is {path}: rename it"
            )
        found[name] = yaml_file.load(path, settings)
    return found


def of_changes(base: Path, changes: Sequence[str], settings: Sequence[str] = ()) -> Variations:
    """The variations that changes to one configuration are, each called after what differs.

    Args:
        base: the configuration.
        changes: settings joined by semicolons, a text a variation, as in
            `recipe=fourier;recipe.steps=32`.
        settings: changes to all of them; those of a variation come after.

    Raises:
        ConfigError: a change is none, or says what cannot be.
    """
    listed = [_NEXT.split(change.strip().rstrip(";")) for change in changes]
    found: Variations = {}
    for change, parts, name in zip(changes, listed, _names(listed), strict=True):
        try:
            made = yaml_file.load(base, [*settings, *parts])
        except ConfigError as error:
            raise ConfigError(f"--vary {change!r}: {error}") from error
        if name in found:
            raise ConfigError(f"two variations are called {name!r}, the second is {change!r}")
        found[name] = made
    return found


def _names(listed: Sequence[Sequence[str]]) -> list[str]:
    """What differs between variations, as names for folders."""
    common = set(listed[0]).intersection(*listed[1:]) if len(listed) > 1 else set()
    differing = [[part for part in parts if part not in common] or parts for parts in listed]
    short = ["_".join(map(_short, parts)) for parts in differing]
    if len(set(short)) < len(short):
        short = ["_".join(parts) for parts in differing]
    return [_plain(name) for name in short]


def _short(part: str) -> str:
    """`draft` of recipe=draft, `steps-32` of recipe.steps=32."""
    key, _, value = part.partition("=")
    last = key.strip().rpartition(".")[2]
    return value.strip() if last in ("recipe", "name") else f"{last}-{value.strip()}"


def _plain(text: str) -> str:
    """A text as a folder's name."""
    return re.sub(r"[^\w.+]+", "-", text, flags=re.ASCII).strip("-._")[:_LONGEST] or "variation"


def joined(*parts: Variations) -> Variations:
    """Variations of several sources, in order.

    Raises:
        ConfigError: two have one name, or say the same; or there are fewer than two.
    """
    found: Variations = {}
    for part in parts:
        for name, config in part.items():
            if name in found:
                raise ConfigError(f"two variations are called {name!r}: rename the file of one")
            found[name] = config
    return several(found)


def several(found: Mapping[str, AtlasConfig]) -> Variations:
    """Variations that can be a study, where they are named.

    Raises:
        ConfigError: there are fewer than two; two say the same; or a name is none for a folder.
    """
    checked(list(found), None)
    said: dict[str, str] = {}
    for name, config in found.items():
        if not _NAME.fullmatch(name):
            raise ConfigError(
                f"the variation {name!r}: expected a name of letters, digits, '.', '_', '+' and '-'"
            )
        if twin := next((n for n in said.values() if n.casefold() == name.casefold()), None):
            raise ConfigError(
                f"{twin} and {name} would be one folder on disks that do not tell cases"
            )
        text = config.model_copy(update={"output": ""}).model_dump_json()
        if text in said:
            raise ConfigError(f"the variations {said[text]} and {name} say the same: change one")
        said[text] = name
    return dict(found)


def placed(found: Mapping[str, AtlasConfig], folder: Path) -> Variations:
    """Variations, each with its atlas in a folder of its own below one."""
    return {
        name: config.model_copy(update={"output": str(folder / name)})
        for name, config in found.items()
    }


def refuse_unlike(known: Mapping[str, Provenance]) -> None:
    """Stop where a comparison would not be of recipes: network, sizes and devices must be alike.

    Raises:
        ConfigError: with what differs, and both values; or there is no unit in common.
    """
    first, *others = known
    for name in others:
        for what, one, other in _must_be_alike(known[first], known[name]):
            if one != other:
                raise ConfigError(
                    f"{what} differs: {one} in {first}, {other} in {name}; a study compares units "
                    "of one network at one size: make them alike"
                )
    units = [{unit.id for unit in each.units()} for each in known.values()]
    if not units[0].intersection(*units[1:]):
        listed = "; ".join(f"{' '.join(each.patterns)} in {name}" for name, each in known.items())
        raise ConfigError(f"there is no unit in common: units are {listed}")


def refuse_other_judges(configs: Mapping[str, AtlasConfig]) -> None:
    """Stop where pictures would be tried otherwise by one variation than by another.

    Raises:
        ConfigError: with what differs, and both values.
    """
    first, *others = configs
    for key in ("judge", "judge_layer", "photographs"):
        wanted = {name: getattr(config.truth, key) for name, config in configs.items()}
        for name in others:
            if wanted[name] != wanted[first]:
                raise ConfigError(
                    f"truth.{key} differs: {wanted[first]} in {first}, {wanted[name]} in {name}; a "
                    "study compares what one judge says of one set of photographs: make them alike"
                )


def _must_be_alike(one: Provenance, other: Provenance) -> Iterator[tuple[str, object, object]]:
    """What must be alike, and what it is in each."""
    if one.weights.sha256 != other.weights.sha256:
        yield "the network", _network(one), _network(other)
    for what, name in _KEYS.items():
        yield what, getattr(one.fingerprint, name), getattr(other.fingerprint, name)


_KEYS = {"model.range": "range", "model.output": "output", "image.size": "size", "device": "device"}
"""By key, the field of a fingerprint."""


def _network(known: Provenance) -> str:
    weights = known.weights
    return f"{known.architecture.name} of {weights.path} (SHA-256 {weights.sha256[:12]})"

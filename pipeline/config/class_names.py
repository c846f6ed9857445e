"""Names of classes."""

import json
from pathlib import Path

from pipeline.config.weights import data_folder
from pipeline.errors import ConfigError


def class_names(source: str, count: int) -> tuple[str, ...]:
    """The names of a classifier's classes.

    Args:
        source: `auto` (ImageNet's where there are 1,000 classes, else none), or the path of a
            file: a JSON list, or one name a line.
        count: how many classes the classifier has.

    Returns:
        `count` names; empty strings where there are none.

    Raises:
        ConfigError: the file cannot be read, or does not hold `count` names.
    """
    if source == "auto":
        bundled = data_folder() / "labels" / "imagenet_classes.json"
        return _read(bundled) if count == 1000 else ("",) * count
    path = Path(source).expanduser()
    names = _read(path)
    if len(names) != count:
        classes = "class" if count == 1 else "classes"
        raise ConfigError(
            f"model.classes: the names in {path} are {len(names)}, but the network has {count} "
            f"{classes}: expected one name a class"
        )
    return names


def _read(path: Path) -> tuple[str, ...]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(
            f"model.classes: {path} cannot be read: {reason}; expected `auto`, or a file of names"
        ) from error
    names = _parse_json(text, path) if path.suffix == ".json" else text.rstrip().splitlines()
    return tuple(" ".join(name.split()) for name in names)


def _parse_json(text: str, path: Path) -> list[str]:
    try:
        names = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"model.classes: the names in {path} are not JSON: {error}") from error
    if not isinstance(names, list):
        raise ConfigError(
            f"model.classes: the names in {path} are not a JSON list of strings: got a "
            f"{type(names).__name__}"
        )
    for number, name in enumerate(names):
        if not isinstance(name, str):
            raise ConfigError(
                f"model.classes: the names in {path} are not all strings: number {number} is {name}"
            )
    return names

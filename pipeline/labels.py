"""Names of classes."""

import json
from pathlib import Path

from pipeline.errors import ConfigError
from pipeline.weights import data_folder


def class_names(source: str, count: int) -> tuple[str, ...]:
    """The names of a classifier's classes.

    Args:
        source: `auto` (ImageNet's where there are 1,000 classes, else none), or the path of a
            file: a JSON list, or one name a line.
        count: how many classes the classifier has.

    Returns:
        `count` names, or an empty tuple where there are none.

    Raises:
        ConfigError: the file cannot be read, or does not hold `count` names.
    """
    if source == "auto":
        return _read(data_folder() / "labels" / "imagenet_classes.json") if count == 1000 else ()
    names = _read(Path(source).expanduser())
    if len(names) != count:
        raise ConfigError(
            f"model.classes: {source} holds {len(names)} names: expected {count}, one a class"
        )
    return names


def _read(path: Path) -> tuple[str, ...]:
    try:
        text = path.read_text(encoding="utf-8")
        names = json.loads(text) if path.suffix == ".json" else text.splitlines()
    except (OSError, ValueError) as error:
        raise ConfigError(f"model.classes: {path} cannot be read: {error}") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigError(f"model.classes: {path}: expected a JSON list of names")
    return tuple(name.strip() for name in names)

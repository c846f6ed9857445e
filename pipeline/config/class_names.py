"""Names of classes.

Where none are named, a list beside the weights file comes first, one in the file second, and
ImageNet's last, for networks that are known by name to be of its 1,000 classes.
"""

import itertools
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from pipeline.config.weights import Weights, data_folder
from pipeline.errors import ConfigError

_KEYS = ("classes", "class_names")
"""What names are called in a file's metadata."""
_OF_IMAGENET = re.compile(
    "convnext|densenet|efficientnet|inception|mobilenet|nasnet|resnet|vgg|xception", re.IGNORECASE
)
"""What the names of networks begin with that come with 1,000 classes of ImageNet's."""


def class_names(
    source: str, count: int, weights: Weights | None = None, network: str = ""
) -> tuple[str, ...]:
    """The names of a classifier's classes.

    Args:
        source: `auto`, `imagenet`, or the path of a file: a JSON list, or one name a line.
        count: how many classes the classifier has.
        weights: its file, where `auto` looks. Of `net.keras` a list beside it is called
            `net.classes.txt`, `net.classes.json`, `classes.txt` or `classes.json`; in it `classes`
            or `class_names`, an attribute of HDF5, or a key of a Keras archive's metadata.
        network: its name.

    Returns:
        `count` names; empty strings where there are none.

    Raises:
        ConfigError: the file cannot be read, or does not hold `count` names.
    """
    if source == "auto":
        return _found(count, weights, network) if weights else ("",) * count
    if source == "imagenet":
        return _checked(_imagenet(), "ImageNet's", count)
    path = Path(source).expanduser()
    return _checked(_read(path), f"in {path}", count)


def _found(count: int, weights: Weights, network: str) -> tuple[str, ...]:
    if weights.source == "file":
        beside = next((path for path in _beside(weights.path) if path.is_file()), None)
        if beside is not None:
            return _checked(_read(beside), f"in {beside}", count)
        inside = _inside(weights.path)
        if inside is not None:
            return _checked(inside, f"in the metadata of {weights.path}", count)
    is_imagenet = weights.source != "file" or weights.name or _OF_IMAGENET.match(network)
    return _imagenet() if count == 1000 and is_imagenet else ("",) * count


def _imagenet() -> tuple[str, ...]:
    return _read(data_folder() / "labels" / "imagenet_classes.json")


def _beside(path: Path) -> Iterator[Path]:
    stem = re.sub(r"(\.weights)?\.[^.]+$", "", path.name)
    for name, ending in itertools.product((f"{stem}.classes", "classes"), ("txt", "json")):
        yield path.with_name(f"{name}.{ending}")


def _inside(path: Path) -> tuple[str, ...] | None:
    """The names in a file's metadata; None where it has none."""
    import h5py  # noqa: PLC0415, only a file of a user's is looked into

    known: dict[str, object] = {}
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if "metadata.json" in archive.namelist():
                known = json.loads(archive.read("metadata.json"))
    elif h5py.is_hdf5(path):
        with h5py.File(path, "r") as file:
            known = {key: file.attrs[key] for key in _KEYS if key in file.attrs}
    value = next((known[key] for key in _KEYS if key in known), None)
    if isinstance(value, str | bytes):
        value = json.loads(value)
    if value is None:
        return None
    return tuple(
        name.decode() if isinstance(name, bytes) else str(name)
        for name in value  # type: ignore[attr-defined]
    )


def _checked(names: tuple[str, ...], where: str, count: int) -> tuple[str, ...]:
    if len(names) != count:
        classes = "class" if count == 1 else "classes"
        raise ConfigError(
            f"model.classes: the names {where} are {len(names)}, but the network has {count} "
            f"{classes}: expected one name a class"
        )
    return names


def _read(path: Path) -> tuple[str, ...]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(
            f"model.classes: {path} cannot be read: {reason}; expected `auto`, `imagenet`, or a "
            "file of names"
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

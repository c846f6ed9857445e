"""A configuration to begin with: the project's own, or one for a network of the user's."""

import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from pipeline.config import weights
from pipeline.config.weights import data_folder
from pipeline.errors import ConfigError
from pipeline.network.probe import probe
from pipeline.plan.architecture import Architecture, Layer
from pipeline.plan.kinds import CHANNEL
from pipeline.plan.units import Unit

_CHOSEN = 2
"""Layers of a user's network that are chosen: the deepest ends of stages."""
_CLASSES = 10
"""Classes that are chosen, the first ones."""


def write(path: Path, network: Path | None = None) -> Architecture | None:
    """Write a commented configuration.

    Args:
        path: where; nothing may be there.
        network: the model file that it is for; Keras' InceptionV3, if nothing is said.

    Returns:
        The network of that file.

    Raises:
        ConfigError: something is there, or it cannot be written.
        WeightsError: the file does not load.
    """
    if path.exists():
        raise ConfigError(f"{path} is there already, and stays: name another file with -c")
    text, found = template(), None
    if network is not None:
        known = weights.resolve(str(network))
        found = probe(known, None)
        text = adapted(text, network, found)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error
    return found


def template() -> str:
    """The text of the project's own configuration: in the wheel, or in the checkout."""
    name, folder = "atlas_config.yaml", data_folder()
    inside = folder / name
    return (inside if inside.is_file() else folder.parent / name).read_text(encoding="utf-8")


def adapted(text: str, network: Path, found: Architecture) -> str:
    """The configuration for a network, of which all but the units and the image size stays."""
    units = "\n".join(_units(found))
    text = re.sub(r"(?m)^units:.*\n(?:^ .*\n)+", lambda _: f"{units}\n", text)
    text = re.sub(r"(?m)^  weights:.*$", lambda _: f"  weights: {_plain(str(network))}", text)
    return re.sub(r"(?m)^  size: \d+", lambda _: f"  size: {found.image_size}", text)


def _units(found: Architecture) -> Iterator[str]:
    """The lines that name units: the deepest stages', and the others as comments."""
    ends = stages(found)
    chosen = ends[-_CHOSEN:]
    count = len(found.layers)
    yield "units:                    # one line a pattern; a new layer is a line"
    yield f"  # The last layer of each map size, of {count}; `atlas doctor --layers` lists all."
    for layer in ends:
        mark = "" if layer in chosen else "# "
        about = f"{layer.channels} channels, a map of {layer.height} x {layer.width}"
        yield f"  {mark}- {_plain(_pattern(layer))}  # {about}"
    if found.classes:
        last = min(_CLASSES, found.classes) - 1
        yield f"  - logits:0-{last}  # of {found.classes} classes"


def stages(found: Architecture) -> list[Layer]:
    """The last layer of each map size, maps of one place left out unless there are no others."""
    ends = {(layer.height, layer.width): layer for layer in found.layers.values()}
    wide = [layer for layer in ends.values() if layer.height * layer.width > 1]
    return sorted(wide or ends.values(), key=lambda layer: layer.depth)


def _pattern(layer: Layer) -> str:
    """A pattern of all channels of a layer, whatever it is called."""
    return f"{Unit(CHANNEL, (layer.name,), 0).id.rpartition(':')[0]}:all"


def _plain(text: str) -> str:
    """A text as YAML writes it within a line."""
    return yaml.safe_dump(text, width=10_000, allow_unicode=True).splitlines()[0]

"""What makes two atlases one: the fingerprint of everything that can change a pixel."""

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Literal

import numpy as np
from pydantic import ConfigDict, Field

from pipeline.config.recipes import Recipe
from pipeline.config.schema import Device, Render
from pipeline.config.strict import Frozen
from pipeline.errors import AtlasFolderError
from pipeline.plan.architecture import Reading
from pipeline.plan.pixels import Range

SCHEMA = 3
"""The version of what is stored."""


def digest(value: Any) -> str:
    """SHA-256 of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def stream(*names: object) -> np.random.Generator:
    """The random numbers of what has these names: a counter-based generator keyed by them."""
    key = hashlib.sha256("/".join(map(str, names)).encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(key[:16], "little")))


class Fingerprint(Frozen):
    """What can change a pixel, and how it is stored. Two atlases of one fingerprint are equal.

    It is written as it was read: keys that a later version adds do not change an older atlas's.
    """

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    schema_version: int = Field(SCHEMA, alias="schema")
    """Of the store."""
    weights_sha256: str = Field(alias="weights.sha256")
    """Of the weights file."""
    range: Range = Field(alias="model.range")
    """What black and white are to the network."""
    size: int = Field(alias="image.size")
    """Side of the images, in pixels."""
    seed: int
    """Of every random number."""
    batch_size: int
    """Units a batch, as the configuration wants it."""
    recipe: Recipe
    """How images are found."""
    render: Render
    """What is rendered of each unit; without `variants` where these do not know each other."""
    device: Device
    """What the images are computed on."""
    tensorflow: str
    """Its version."""
    living: bool | Literal[2] = Field(False, alias="model.living")
    """Whether the ascent lets the gradient out of activations other than plain ReLUs; as 2 also
    begins anew with a lit map where that is not enough."""
    output: str = Field("", alias="model.output")
    """The output whose classes are meant, where a network has several."""

    @property
    def reading(self) -> Reading:
        """How the network is read."""
        return Reading(self.range, self.output, bool(self.living), self.living == 2)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Fingerprint":
        """The fingerprint that `to_json` wrote.

        Raises:
            ValueError: it is none.
        """
        return cls.model_validate_json(json.dumps(record))

    def to_json(self) -> dict[str, Any]:
        """A plain form for JSON, with the keys that it was made of, and no others."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of it."""
        return digest(self.to_json())


def refuse_difference(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Stop where an atlas's fingerprint, as JSON, is not a configuration's.

    Raises:
        AtlasFolderError: with every key that differs, and both values.
    """
    old, new = _flat(stored), _flat(wanted)
    keys = [key for key in dict.fromkeys((*old, *new)) if old.get(key) != new.get(key)]
    if keys:
        listed = "; ".join(f"{key}: {old.get(key)} there, {new.get(key)} here" for key in keys)
        raise AtlasFolderError(
            f"the atlas folder holds another configuration's atlas: {listed}. Build into another "
            "folder (-o DIR), or set these keys back"
        )


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat

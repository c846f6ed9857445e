"""Who looks at pictures and photographs: the atlas's own network, and another that judges.

The own network looks with the layer before a unit's (`network.before`), through which its picture
was climbed. So another network judges, which had no part in it: the bundled EfficientNet-Lite0, or
InceptionV3 for an atlas of that, or a file of the user's.
"""

import difflib
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from pipeline.config.schema import Truth
from pipeline.config.weights import Weights, resolve
from pipeline.errors import ConfigError, WeightsError
from pipeline.network.apart import apart
from pipeline.network.probe import probe
from pipeline.plan.architecture import CLASSES, Architecture, Reading
from pipeline.plan.pixels import Named, Range
from pipeline.plan.provenance import Provenance

LAYERS = {"lite0": "block9_add", "bundled": "mixed4", "imagenet": "mixed4"}
"""The layers that judges look with, where none is named."""
_NAMES = {"lite0": "EfficientNet-Lite0", "bundled": "InceptionV3", "imagenet": "InceptionV3"}
_NEAR = 5
"""Layers that are named where one is not there."""


@dataclass(frozen=True)
class Judge:
    """Another network, and the layer that it looks with.

    Attributes:
        name: the network's, for people.
        weights: its file, wherever it lies.
        sha256: of that.
        layer: the layer's name.
        channels: of that.
        range: what black and white are to it.
    """

    name: str
    weights: Weights = field(compare=False)
    sha256: str
    layer: str
    channels: int
    range: Range

    def __str__(self) -> str:
        return f"{self.name}, {self.layer}"

    @property
    def reading(self) -> Reading:
        """How it is read."""
        return Reading(self.range)

    def located(self) -> Weights:
        """Its weights, found on this machine.

        Raises:
            WeightsError: they are not here, or are others.
        """
        known = self.weights
        found = _resolved(str(known.path) if known.source == "file" else known.source)
        if found.sha256 != known.sha256:
            raise WeightsError(
                f"the judge's weights {found.path} are others than before: expected SHA-256 "
                f"{known.sha256}, not {found.sha256}; `atlas examples` begins anew with them"
            )
        return found

    def to_json(self) -> dict[str, Any]:
        """A plain form for JSON; `from_json` reads it."""
        return {**vars(self), "weights": self.weights.to_json()}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Judge":
        """The judge that `to_json` wrote."""
        span = record["range"]
        known = span if span in get_args(Named) else (float(span[0]), float(span[1]))
        return cls(**{**record, "weights": Weights.from_json(record["weights"]), "range": known})


@dataclass(frozen=True)
class Eyes:
    """With what pictures and photographs are looked at.

    Attributes:
        own: the layer before each of the layers that units look at, by its name; none for some.
        judge: the other network, if one is to judge.
    """

    own: Mapping[str, str | None]
    judge: Judge | None

    def to_json(self) -> dict[str, Any]:
        """A plain form for JSON; `from_json` reads it."""
        return {"own": dict(self.own), "judge": self.judge.to_json() if self.judge else None}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Eyes":
        """The eyes that `to_json` wrote."""
        judge = record["judge"]
        return cls(dict(record["own"]), Judge.from_json(judge) if judge else None)


def read_layers(known: Provenance) -> list[str]:
    """The names of the layers that an atlas's units look at, in order; `CLASSES` for the logits."""
    names = [layer.name for layer in known.layers()]
    is_classified = known.architecture.classes is not None
    if is_classified and any(unit.kind.needs_classifier for unit in known.units()):
        names.append(CLASSES)
    return names


Before = Callable[[Weights, Reading, tuple[str, ...]], Mapping[str, str | None]]
Look = Callable[[Weights, int], Architecture]


def eyes(
    wanted: Truth,
    known: Provenance,
    noted: Eyes | None = None,
    before: Before | None = None,
    look: Look | None = None,
) -> Eyes:
    """With what an atlas's pictures are to be looked at; all of it is checked, nothing written.

    Args:
        wanted: what the configuration says.
        known: what the atlas is made of.
        noted: with what they were looked at before; what is the same is not asked for again.
        before: how to learn the layers before some; by a process of its own, if nothing is said.
        look: how to learn the judge's layers; by a process of its own, if nothing is said.

    Raises:
        ConfigError: the judge is the atlas's own network, or has no such layer, or none is named.
        WeightsError: the weights of one of them are not here.
    """
    weights = judging(wanted, known)
    judge = None if weights is None else _judge(wanted, known, weights, noted, look or probe)
    names = read_layers(known)
    if noted is not None and set(noted.own) == set(names):
        return Eyes(noted.own, judge)
    asked = before or _before
    return Eyes(asked(known.locate_weights(), known.reading, tuple(names)), judge)


def judging(wanted: Truth, known: Provenance) -> Weights | None:
    """The weights of the judge that a configuration means, if it means any. Raises as `eyes`."""
    if wanted.judge == "none":
        return None
    found = _resolved("lite0" if wanted.judge == "auto" else wanted.judge)
    if found.sha256 != known.weights.sha256:
        return found
    if wanted.judge == "auto":
        return _resolved("bundled")
    raise ConfigError(
        f"truth.judge: {wanted.judge} is the atlas's own network, and through that every picture "
        "was climbed: name another, or leave it to `auto`"
    )


def _resolved(name: str) -> Weights:
    try:
        return resolve(name)
    except WeightsError as error:
        raise WeightsError(f"{error}".replace("model.weights", "truth.judge")) from error


def _judge(
    wanted: Truth, known: Provenance, weights: Weights, noted: Eyes | None, look: Look
) -> Judge:
    layer = wanted.judge_layer
    if layer == "auto" and weights.source not in LAYERS:
        raise ConfigError(
            f"truth.judge_layer: name the layer that {weights.path} is to look with: `atlas doctor "
            f"--network {weights.path} --layers` lists them; one of its middle, before classes are "
            "told apart, is a good choice"
        )
    layer = LAYERS[weights.source] if layer == "auto" else layer
    before = noted.judge if noted else None
    if before and (before.sha256, before.layer) == (weights.sha256, layer):
        return replace(before, weights=weights)
    found = look(weights, known.size)
    if layer not in found.layers:
        raise ConfigError(f"truth.judge_layer: {weights.path} has no layer {_near(layer, found)}")
    if found.range is None:
        raise ConfigError(
            f"truth.judge: what black and white are to {found.name} cannot be told: {found.told}; "
            "save it with a Rescaling layer in front, which tells"
        )
    name = _NAMES.get(weights.source, found.name)
    channels = found.layers[layer].channels
    return Judge(name, weights, weights.sha256, layer, channels, found.range)


def _near(layer: str, found: Architecture) -> str:
    """A layer's name, and those of a network that are like it, or its deepest."""
    names = list(found.layers)
    near = difflib.get_close_matches(layer, names, n=_NEAR, cutoff=0.5)
    said = "the nearest are" if near else "the deepest are"
    return f"{layer!r}; {said} {', '.join(near or names[-_NEAR:])}"


def _before(weights: Weights, reading: Reading, names: tuple[str, ...]) -> Mapping[str, str | None]:
    remedy = "(it has five minutes): see whether that file can be read, and try again"
    ask = functools.partial(_before_here, weights, reading, names)
    return apart(ask, f"read {weights.path}", 300.0, remedy)


def _before_here(
    weights: Weights, reading: Reading, names: tuple[str, ...]
) -> Mapping[str, str | None]:
    from pipeline.network import device  # noqa: PLC0415, before TensorFlow

    device.use("cpu")
    from pipeline.network.before import before  # noqa: PLC0415, TensorFlow stays in this process

    return before(weights, reading, names)

"""What an atlas is made of: the identity that it never mixes, and where it came from."""

import functools
import json
import platform
from collections.abc import Container, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import Any, cast

from pipeline.architecture import Architecture, Describe, probe
from pipeline.config import AtlasConfig, Render
from pipeline.device import Device, best_precision, processor
from pipeline.errors import AtlasFolderError, UnitError, WeightsError
from pipeline.labels import class_names
from pipeline.recipes import Recipe
from pipeline.seal import digest
from pipeline.units import Section, Unit, expand, one, sections
from pipeline.weights import Weights, resolve

SCHEMA = 3
_RECORDED = ("channel-atlas", "tensorflow", "tensorflow-cpu", "keras", "numpy", "zarr", "pillow")


@dataclass(frozen=True)
class Provenance:
    """Everything an atlas must remember about itself.

    Attributes:
        fingerprint: what can change a pixel, by key. Two atlases of one fingerprint are equal.
        patterns: the units that the configuration names.
        weights: source, path and SHA-256 of the weights file.
        architecture: the network at the atlas's image size.
        classes: names of the classes, or empty.
        columns: columns of a section's mosaic, or 0 for the best fit.
        variants: images a unit.
        versions: of the libraries that began the atlas.
    """

    fingerprint: dict[str, Any]
    patterns: tuple[str, ...]
    weights: dict[str, str]
    architecture: Architecture
    classes: tuple[str, ...] = ()
    columns: int = 0
    variants: int = 1
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def config_hash(self) -> str:
        """SHA-256 of the fingerprint, the patterns and the number of variants."""
        named = {"patterns": self.patterns, "variants": self.variants}
        return digest({"fingerprint": self.fingerprint, **named})

    @property
    def size(self) -> int:
        """Side of the images, in pixels."""
        return int(self.fingerprint["image.size"])

    @property
    def batch_size(self) -> int:
        """Units a batch."""
        return int(self.fingerprint["batch_size"])

    @property
    def recipe(self) -> Recipe:
        """How the images are found."""
        return Recipe.model_validate_json(json.dumps(self.fingerprint["recipe"]))

    @property
    def render(self) -> Render:
        """What is rendered of each unit, and in which arithmetic."""
        stored = {"variants": self.variants, **self.fingerprint["render"]}
        return Render.model_validate_json(json.dumps(stored))

    @property
    def range(self) -> tuple[float, float]:
        """What black and white are to the network."""
        black, white = self.fingerprint["model.range"]
        return black, white

    @property
    def seed(self) -> int:
        """The seed of every random number."""
        return int(self.fingerprint["seed"])

    @property
    def device(self) -> Device:
        """The kind of device that the images are computed on."""
        return cast(Device, self.fingerprint["device"])

    def units(self) -> Sequence[Unit]:
        """The atlas's units, in order.

        Raises:
            UnitError: a pattern names what the network, or a group of variants, has not.
        """
        return self._enumerated[0]

    @cached_property
    def _enumerated(self) -> tuple[tuple[Unit, ...], tuple[Section, ...]]:
        architecture = json.dumps(self.architecture.to_json(), sort_keys=True)
        found = _enumerate(self.patterns, self.variants, architecture)
        if self.render.group > 1:
            for unit in found[0]:
                self._refuse_lone(unit)
        return found

    def unit(self, text: str) -> Unit:
        """The one unit that an id names. Raises as `units`."""
        unit = one(text, self.architecture)
        self._refuse_lone(unit)
        return unit

    def _refuse_lone(self, unit: Unit) -> None:
        if unit.variant == 0:
            return
        group = self.render.group
        if group > 1 and unit.variant >= group:
            raise UnitError(
                f"unit {unit.id}: with render.diversity the variants of a unit are rendered "
                f"together, #0 to #{group - 1} (render.variants: {group})"
            )

    def sections(self) -> Sequence[Section]:
        """The atlas's sections, in order."""
        return self._enumerated[1]

    def is_available(self, unit: Unit) -> bool:
        """Whether the weights have what the unit needs."""
        return not unit.has_class or self.architecture.classes is not None

    def status(self, unit: Unit, done: Container[str], failed: Container[str]) -> str:
        """`done`, `unavailable`, `failed` or `missing`, given the ids that are done or failed."""
        if unit.id in done:
            return "done"
        if not self.is_available(unit):
            return "unavailable"
        return "failed" if unit.id in failed else "missing"

    def available_sections(self) -> list[Section]:
        """The atlas's sections, less those that the weights have nothing for."""
        return [section for section in self.sections() if self.is_available(section.units[0])]

    def locate_weights(self) -> Weights:
        """The atlas's weights file, found on this machine.

        Raises:
            WeightsError: it is not here, or is another file.
        """
        source, sha256 = self.weights["source"], self.weights["sha256"]
        found = resolve(self.weights["path"] if source == "file" else source)
        if found.sha256 != sha256:
            raise WeightsError(
                f"the weights {found.path} are not those of the atlas: expected SHA-256 {sha256}, "
                f"not {found.sha256}"
            )
        return found

    def to_json(self) -> dict[str, Any]:
        """A plain form for JSON; `from_json` reads it."""
        plain = {k: v for k, v in asdict(self).items() if k != "architecture"}
        return {"schema": SCHEMA, **plain, "architecture": self.architecture.to_json()}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Provenance":
        """The provenance that `to_json` wrote.

        Raises:
            AtlasFolderError: it is of another schema version.
        """
        if record.get("schema") != SCHEMA:
            raise AtlasFolderError(
                f"the atlas has schema version {record.get('schema')}, this program reads "
                f"{SCHEMA}: use the version of channel-atlas that built it"
            )
        rest = {k: v for k, v in record.items() if k != "schema"}
        rest["architecture"] = Architecture.from_json(record["architecture"])
        rest["patterns"] = tuple(record["patterns"])
        rest["classes"] = tuple(record["classes"])
        return cls(**rest)


@functools.lru_cache(maxsize=4)
def _enumerate(
    patterns: tuple[str, ...], variants: int, architecture: str
) -> tuple[tuple[Unit, ...], tuple[Section, ...]]:
    """Units and sections, once for the provenances of one atlas; the architecture as JSON."""
    units = tuple(expand(patterns, Architecture.from_json(json.loads(architecture)), variants))
    return units, tuple(sections(units))


def resolve_provenance(
    config: AtlasConfig,
    before: Provenance | None = None,
    describe: Describe = probe,
) -> Provenance:
    """What a configuration means here and now; checks all of it, and writes nothing.

    Args:
        config: the configuration.
        before: the provenance of the atlas that is already there. Its weights are pinned: `auto`
            means them.
        describe: how to learn a network's architecture.

    Raises:
        UsageError: weights, units, sizes or names that cannot be; or a configuration that is not
            the existing atlas's, naming the keys that differ.
    """
    weights = _weights(config, before)
    architecture = before.architecture if before else describe(weights, config.image.size)
    fingerprint = _fingerprint(config, weights, before, architecture)
    if before is not None:
        refuse_difference(before.fingerprint, fingerprint)
    classes = (
        class_names(config.model.classes, architecture.classes) if architecture.classes else ()
    )
    provenance = Provenance(
        fingerprint=fingerprint,
        patterns=config.units,
        weights={"source": weights.source, "path": str(weights.path), "sha256": weights.sha256},
        architecture=architecture,
        classes=classes,
        columns=0 if config.mosaic.columns == "auto" else config.mosaic.columns,
        variants=config.render.variants,
        versions=before.versions if before else versions(),
    )
    provenance.units()  # raises for a unit that the network has not
    return provenance


def refuse_difference(stored: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Stop where an atlas's fingerprint is not a configuration's.

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


def versions() -> dict[str, str]:
    """What else might change last bits: Python, platform, processor, and the libraries."""
    found = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor(),
    }
    for name in _RECORDED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _weights(config: AtlasConfig, before: Provenance | None) -> Weights:
    if config.model.weights == "auto" and before is not None:
        return before.locate_weights()
    return resolve(config.model.weights, timeout=config.model.timeout)


def _fingerprint(
    config: AtlasConfig,
    weights: Weights,
    before: Provenance | None,
    architecture: Architecture,
) -> dict[str, Any]:
    """What can change a pixel, and how it is stored."""
    installed = versions()
    span = architecture.span if config.model.range == "auto" else config.model.range
    return {
        "schema": SCHEMA,
        "weights.sha256": weights.sha256,
        "model.range": list(span),
        "image.size": config.image.size,
        "seed": config.seed,
        "batch_size": config.batch_size,
        "recipe": config.recipe.model_dump(mode="json"),
        "render": _render(config, before),
        "device": config.device,
        "tensorflow": installed.get("tensorflow") or installed.get("tensorflow-cpu") or "none",
    }


def _render(config: AtlasConfig, before: Provenance | None) -> dict[str, Any]:
    """The configuration's `render`, with the precision that `auto` means here.

    Variants that do not know each other are units like others: there may be more of them later.
    """
    render = config.render
    if render.precision == "auto":
        pinned = before.render.precision if before else best_precision(config.is_here)
        render = render.model_copy(update={"precision": pinned})
    return render.model_dump(mode="json", exclude={"variants"} if render.group == 1 else None)


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat

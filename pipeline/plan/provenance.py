"""What an atlas is made of: the identity that it never mixes, and where it came from."""

import functools
import json
import shlex
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

from pipeline.config.recipes import Recipe
from pipeline.config.schema import Device, Render
from pipeline.config.vectors import Vectors
from pipeline.config.weights import Weights, resolve
from pipeline.errors import AtlasFolderError, UnitError, WeightsError
from pipeline.plan.architecture import Architecture, Layer, Reading
from pipeline.plan.batches import Section, sections
from pipeline.plan.identity import SCHEMA, Fingerprint, digest
from pipeline.plan.kinds import expand, finds, one, several
from pipeline.plan.units import Unit

_NO_BASES: Mapping[str, Vectors] = MappingProxyType({})


@dataclass(frozen=True)
class Provenance:
    """Everything an atlas must remember about itself.

    Attributes:
        fingerprint: what can change a pixel.
        patterns: the units that the configuration names.
        weights: the weights file, where it was when the atlas was begun or last planned.
        architecture: the network at the atlas's image size.
        classes: names of the classes, or empty.
        columns: columns of a section's mosaic, or 0 for the best fit.
        variants: images a unit.
        versions: of the libraries that began the atlas.
        bases: the matrices that its units have ever named, by name: they are kept with it.
    """

    fingerprint: Fingerprint
    patterns: tuple[str, ...]
    weights: Weights
    architecture: Architecture
    classes: tuple[str, ...] = ()
    columns: int = 0
    variants: int = 1
    versions: dict[str, str] = field(default_factory=dict)
    bases: Mapping[str, Vectors] = field(default_factory=dict)

    @property
    def config_hash(self) -> str:
        """SHA-256 of the fingerprint, the patterns, the number of variants, and the directions."""
        named: dict[str, Any] = {"patterns": self.patterns, "variants": self.variants}
        if self.bases:
            used = {unit.direction.basis for unit in self.units() if unit.direction} - {""}
            bases = {name: self.bases[name].sha256 for name in sorted(used)}
            named |= {"directions": bases} if bases else {}
        return digest({"fingerprint": self.fingerprint.to_json(), **named})

    @cached_property
    def network(self) -> Architecture:
        """The network's architecture, with the directions that the atlas knows in it."""
        return replace(self.architecture, bases=self.bases)

    @property
    def size(self) -> int:
        """Side of the images, in pixels."""
        return self.fingerprint.size

    @property
    def batch_size(self) -> int:
        """Units a batch."""
        return self.fingerprint.batch_size

    @property
    def recipe(self) -> Recipe:
        """How the images are found."""
        return self.fingerprint.recipe

    @property
    def render(self) -> Render:
        """What is rendered of each unit, and in which arithmetic."""
        return self.fingerprint.render.model_copy(update={"variants": self.variants})

    @property
    def reading(self) -> Reading:
        """How the network is read: its range, its output, what of it is revived."""
        return self.fingerprint.reading

    @property
    def seed(self) -> int:
        """The seed of every random number."""
        return self.fingerprint.seed

    @property
    def device(self) -> Device:
        """The kind of device that the images are computed on."""
        return self.fingerprint.device

    def units(self) -> Sequence[Unit]:
        """The atlas's units, in order.

        Raises:
            UnitError: a pattern names what the network, or a group of variants, has not.
        """
        return self._enumerated[0]

    @cached_property
    def _enumerated(self) -> tuple[tuple[Unit, ...], tuple[Section, ...]]:
        architecture = json.dumps(self.architecture.to_json(), sort_keys=True)
        bases = tuple(self.bases.values())
        found = _enumerate(self.patterns, self.variants, architecture, bases)
        if self.render.group > 1:
            for unit in found[0]:
                self._refuse_lone(unit)
        return found

    def unit(self, text: str) -> Unit:
        """The one unit that an id names. Raises as `units`."""
        unit = one(text, self.network)
        self._refuse_lone(unit)
        return unit

    def named(self, text: str) -> list[Unit]:
        """The units that patterns name, as in `mixed4:42,mixed2:0-3`. Raises as `units`."""
        units = several(text, self.network)
        for unit in units:
            self._refuse_lone(unit)
        return units

    def found(self, text: str) -> list[str]:
        """The ids of the atlas's units that a search for patterns finds. Raises as `units`."""
        return finds(text, self.units(), self.network)

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

    def layers(self) -> list[Layer]:
        """The layers that the atlas's units look at, in the network's order."""
        return list(self._layers)

    @cached_property
    def _layers(self) -> list[Layer]:
        names = {name for unit in self.units() for name in unit.layers}
        return sorted((self.architecture.layers[n] for n in names), key=lambda layer: layer.depth)

    def is_available(self, unit: Unit) -> bool:
        """Whether the weights have what the unit needs."""
        return not unit.kind.needs_classifier or self.architecture.classes is not None

    def absence(self, unit: Unit, folder: object) -> str:
        """Why the atlas in a folder may not hold a unit, and what gives it, for behind its id."""
        alone = f"`{render_command(folder, unit.id)}` renders it alone"
        if not self.is_available(unit):
            return (
                "is unavailable: the atlas's weights have no classifier; another atlas folder with "
                "`model.weights: imagenet`, or a model file of yours, has one"
            )
        if unit in self.units():
            return (
                "is not built yet, or failed: `atlas status` tells; "
                f"`atlas build --only {unit.id}` builds it, {alone}"
            )
        return (
            f"is not in the atlas's configuration: {alone}; add it to `units` and build, and the "
            "atlas has it"
        )

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
        known = self.weights
        remedy = "put that file there, or build with `model.weights: PATH` of where it is now"
        if known.source == "file" and not known.path.is_file():
            raise WeightsError(
                f"the atlas's weights are not at {known.path}: expected the file of SHA-256 "
                f"{known.sha256}; {remedy}"
            )
        found = resolve(str(known.path) if known.source == "file" else known.source, known.name)
        if found.sha256 != known.sha256:
            raise WeightsError(
                f"the weights {found.path} are not those of the atlas: expected SHA-256 "
                f"{known.sha256}, not {found.sha256}; {remedy}"
            )
        return found

    def to_json(self) -> dict[str, Any]:
        """A plain form for JSON; `from_json` reads it."""
        return {
            "schema": SCHEMA,
            "fingerprint": self.fingerprint.to_json(),
            "patterns": self.patterns,
            "weights": self.weights.to_json(),
            "classes": self.classes,
            "columns": self.columns,
            "variants": self.variants,
            "versions": self.versions,
            "architecture": self.architecture.to_json(),
            **({"directions": {n: of.plain for n, of in self.bases.items()}} if self.bases else {}),
        }

    @classmethod
    def from_json(
        cls, record: Mapping[str, Any], bases: Mapping[str, Vectors] = _NO_BASES
    ) -> "Provenance":
        """The provenance that `to_json` wrote.

        Args:
            record: what it wrote.
            bases: the matrices that this names under `directions`, with their numbers.

        Raises:
            AtlasFolderError: it is of another schema version.
            KeyError, TypeError, ValueError: it is not what `to_json` wrote.
        """
        if record.get("schema") != SCHEMA:
            raise AtlasFolderError(
                f"the atlas has schema version {record.get('schema')}, this program reads "
                f"{SCHEMA}: use the version of channel-atlas that built it"
            )
        rest = {k: v for k, v in record.items() if k != "schema"}
        rest["fingerprint"] = Fingerprint.from_json(record["fingerprint"])
        rest["weights"] = Weights.from_json(record["weights"])
        rest["architecture"] = Architecture.from_json(record["architecture"])
        rest["patterns"] = tuple(record["patterns"])
        rest["classes"] = tuple(record["classes"])
        rest["bases"] = {name: bases[name] for name in rest.pop("directions", {})}
        return cls(**rest)


def render_command(folder: object, unit_id: str) -> str:
    """The command that renders a unit as the atlas in a folder has it."""
    return shlex.join(["atlas", "render", str(folder), unit_id])


@functools.lru_cache(maxsize=4)
def _enumerate(
    patterns: tuple[str, ...], variants: int, architecture: str, bases: tuple[Vectors, ...]
) -> tuple[tuple[Unit, ...], tuple[Section, ...]]:
    """Units and sections, once for the provenances of one atlas; the architecture as JSON."""
    plain = Architecture.from_json(json.loads(architecture))
    network = replace(plain, bases={of.name: of for of in bases})
    units = tuple(expand(patterns, network, variants))
    return units, tuple(sections(units))

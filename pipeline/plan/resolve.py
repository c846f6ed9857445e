"""What a configuration means here and now: weights, units, and the fingerprint."""

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.config.applications import INCEPTION
from pipeline.config.class_names import class_names
from pipeline.config.schema import AtlasConfig, Precision
from pipeline.config.vectors import Vectors, load
from pipeline.config.weights import Weights, resolve
from pipeline.errors import ConfigError, UnitError
from pipeline.plan.architecture import Architecture, Describe
from pipeline.plan.identity import SCHEMA, Fingerprint, refuse_difference
from pipeline.plan.kinds import bases_of, expand
from pipeline.plan.machine import best_precision, tensorflow, versions
from pipeline.plan.pixels import SPAN, Range
from pipeline.plan.provenance import Provenance
from pipeline.plan.units import folder_name


def resolve_provenance(
    config: AtlasConfig,
    describe: Describe,
    before: Provenance | None = None,
    best: Callable[[bool], Precision] = best_precision,
) -> Provenance:
    """What a configuration means here and now; checks all of it, and writes nothing.

    Args:
        config: the configuration.
        describe: how to learn a network's architecture.
        before: the provenance of the atlas that is already there. Its weights are pinned: `auto`
            means them.
        best: the precision that `auto` means, given whether this machine's own CPU computes.

    Raises:
        UsageError: weights, units, sizes or names that cannot be; or a configuration that is not
            the existing atlas's, naming the keys that differ.
    """
    weights = _weights(config, before)
    architecture = before.architecture if before else _describe(config, weights, describe)
    bases = bases_named(config, architecture, weights.sha256, before)
    _refuse_unnamed_output(config, replace(architecture, bases=bases))
    fingerprint = _fingerprint(config, weights, before, architecture, best)
    if before is not None:
        refuse_difference(before.fingerprint.to_json(), fingerprint.to_json())
    classes = _class_names(config, weights, architecture)
    provenance = Provenance(
        fingerprint=fingerprint,
        patterns=config.units,
        weights=weights,
        architecture=architecture,
        classes=classes,
        columns=0 if config.mosaic.columns == "auto" else config.mosaic.columns,
        variants=config.render.variants,
        versions=before.versions if before else versions(),
        bases=bases,
    )
    _refuse_shared_folders(provenance, before)
    return provenance


def _class_names(config: AtlasConfig, weights: Weights, found: Architecture) -> tuple[str, ...]:
    if not found.classes:
        return ()
    return class_names(config.model.classes, found.classes, weights, found.name)


def bases_named(
    config: AtlasConfig, found: Architecture, weights: str = "", before: Provenance | None = None
) -> dict[str, Vectors]:
    """The matrices that units name, and those that the atlas has from before, by name.

    Args:
        config: the configuration.
        found: the network's.
        weights: the SHA-256 of its weights, where that is known.
        before: the provenance of the atlas that is already there.

    Raises:
        ConfigError: one cannot be read, is of other weights, or is not the atlas's of that name.
    """
    bases = dict(before.bases) if before else {}
    for name in bases_of(config.units, found):
        key = name.partition("/")[0]
        if key not in config.directions:
            continue  # the atlas has it, or enumerating says that nobody has
        path = Path(config.directions[key]).expanduser()
        if name in bases and not path.exists():
            continue
        here = load(name, path)
        if here.weights and weights and here.weights != weights:
            raise ConfigError(
                f"directions.{key}: {path} is of other weights, of SHA-256 {here.weights}: "
                f"expected those of the atlas, {weights}"
            )
        if bases.setdefault(name, here) != here:
            raise ConfigError(
                f"directions.{key}: {path} is not what it was when the atlas was begun: give it "
                "another name there, and in `units`, or put the file back"
            )
    return bases


def given_range(config: AtlasConfig) -> Range | None:
    """What a configuration says that black and white are to its network; None for `auto`."""
    said = config.model.range
    if said == "auto":
        return None
    return SPAN if said == "tf" else said


def _describe(config: AtlasConfig, weights: Weights, describe: Describe) -> Architecture:
    found = describe(weights, config.image.size, config.model.output, given_range(config))
    if found.range is None and config.model.range == "auto":
        raise ConfigError(
            f"model.range: what black and white are to {found.name} cannot be told: {found.told}; "
            "say it, as in `range: [0, 1]`"
        )
    if found.colours == 1 and config.model.range in ("torch", "caffe"):
        raise ConfigError(
            f"model.range: {config.model.range} is of colours, but {found.name} takes grey images: "
            "say black and white, as in `range: [0, 1]`"
        )
    return found


def _refuse_unnamed_output(config: AtlasConfig, found: Architecture) -> None:
    """Raise where classes are wanted and the network has several outputs of them."""
    if found.classes is None and len(found.heads) > 1:
        wanted = next((u for u in expand(config.units, found) if u.kind.needs_classifier), None)
        if wanted is not None:
            raise ConfigError(
                f"model.output: {found.name} has several outputs of classes, so {wanted.id} may be "
                f"of any: name one of {', '.join(found.heads)}"
            )


def _refuse_shared_folders(known: Provenance, before: Provenance | None) -> None:
    """Raise where what is not one would share a folder, be it on a disk that has one case only.

    Folders that the atlas already has, and that differ, stay.
    """
    held = {folder for folder, _, _ in _folders(before)} if before else set()
    owners: dict[str, tuple[str, str, object]] = {}
    for folder, name, owner in _folders(known):
        key = unicodedata.normalize("NFC", folder).casefold()
        other_folder, other_name, other = owners.setdefault(key, (folder, name, owner))
        if owner != other and (folder == other_folder or not {folder, other_folder} <= held):
            cases = "" if folder == other_folder else ", on disks that do not tell cases apart"
            raise UnitError(
                f"{other_name} and {name} would share the folder {folder!r} of the atlas{cases}: "
                "give each an atlas of its own (`units` and `output` of two configurations)"
            )


def _folders(known: Provenance) -> Iterator[tuple[str, str, object]]:
    """The folders that units and layers need, each with a name of what is in it, and what it is."""
    for unit in known.units():
        layers = () if unit.kind.is_alone else unit.layers
        basis = unit.direction.basis if unit.direction else ""
        yield unit.section, f"the unit {unit.id}", (unit.kind.name, unit.negative, layers, basis)
    for layer in known.layers():
        yield f"responses/{folder_name(layer.name)}", f"the layer {layer.name!r}", layer.name


def _weights(config: AtlasConfig, before: Provenance | None) -> Weights:
    wanted, name = config.model.weights, config.model.name
    pinned = ("auto", before.weights.name or INCEPTION) if before else ()
    if before is not None and wanted == "auto" and name in pinned:
        return before.locate_weights()
    return resolve(wanted, name, timeout=config.model.timeout)


def _fingerprint(
    config: AtlasConfig,
    weights: Weights,
    before: Provenance | None,
    architecture: Architecture,
    best: Callable[[bool], Precision],
) -> Fingerprint:
    """What can change a pixel, and how it is stored."""
    output = config.model.output
    # By way of JSON, so that it says every key, those too that are as by default.
    return Fingerprint.from_json(
        {
            "schema": SCHEMA,
            "weights.sha256": weights.sha256,
            "model.range": given_range(config) or architecture.range,
            "image.size": config.image.size,
            "seed": config.seed,
            "batch_size": config.batch_size,
            "recipe": config.recipe.model_dump(mode="json"),
            "render": _render(config, before, best),
            "device": config.device,
            **({"model.living": 2} if architecture.is_living else {}),
            **({"model.output": output} if output else {}),
            "tensorflow": tensorflow(),
        }
    )


def _render(
    config: AtlasConfig, before: Provenance | None, best: Callable[[bool], Precision]
) -> dict[str, Any]:
    """The configuration's `render`, with the precision that `auto` means here.

    Variants that do not know each other are units like others: there may be more of them later.
    """
    render = config.render
    if render.precision == "auto":
        pinned = before.render.precision if before else best(config.is_here)
        render = render.model_copy(update={"precision": pinned})
    return render.model_dump(mode="json", exclude={"variants"} if render.group == 1 else None)

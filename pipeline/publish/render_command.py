"""The options with which `atlas render` makes a unit of an atlas again, wherever it is run.

With `--set` it goes by a configuration, and not by an atlas that may be there. Mappings are told
whole, so that nothing of a configuration that is there remains.
"""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from pipeline.config.recipes import RECIPES, WHOLE, Recipe
from pipeline.config.schema import Render
from pipeline.plan.provenance import Provenance


def options(provenance: Provenance) -> str:
    """Everything of a fingerprint that a configuration says, quoted for a shell.

    A weights file goes by its bare name: where it was is nobody's business.
    """
    words = [f"--set {shlex.quote(f'{key}={value}')}" for key, value in _settings(provenance)]
    return " ".join(words)


def _settings(known: Provenance) -> list[tuple[str, Any]]:
    found = known.weights
    weights = found.path.name if found.source == "file" else found.source
    model: dict[str, Any] = {"weights": weights}
    if found.name:
        model["name"] = found.name
    if known.reading.range != known.architecture.range:
        model["range"] = known.reading.range
    if known.reading.output:
        model["output"] = known.reading.output
    as_unsaid = Render(variants=len(known.recipe.each))
    plain, default = known.render.model_dump(mode="json"), as_unsaid.model_dump(mode="json")
    files = {name.partition("/")[0]: of.file for name, of in known.bases.items()}
    return [
        *([("directions", json.dumps(files))] if files else []),
        ("model", json.dumps(model)),
        ("image.size", known.size),
        ("recipe", _recipe(known.recipe)),
        ("seed", known.seed),
        ("batch_size", known.batch_size),
        ("render", json.dumps({key: plain[key] for key in plain if plain[key] != default[key]})),
        ("cluster", "local-gpu" if known.device == "gpu" else "local"),
    ]


def _recipe(recipe: Recipe) -> str:
    """A recipe's name, or its name and what is not as the recipe of that name has it."""
    base, wanted = (
        r.model_dump(mode="json", context=WHOLE) for r in (RECIPES[recipe.name], recipe)
    )
    changes = _changes(base, wanted)
    return json.dumps({"name": recipe.name, **changes}) if changes else recipe.name


def _changes(base: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What has to be merged into `base` to get `wanted`; another `kind` starts afresh."""
    if base.get("kind") != wanted.get("kind"):
        return dict(wanted)
    changed = {key: value for key, value in wanted.items() if base.get(key) != value}
    return {
        key: _changes(base[key], value)
        if isinstance(value, dict) and isinstance(base.get(key), dict)
        else value
        for key, value in changed.items()
    }

"""Tests of the command that renders a unit again: it means the atlas's own fingerprint."""

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.config import yaml_file
from pipeline.config.recipes import RECIPES
from pipeline.config.schema import AtlasConfig, Model, Render
from pipeline.config.vectors import Vectors
from pipeline.config.weights import Weights
from pipeline.plan.identity import Fingerprint
from pipeline.plan.provenance import Provenance
from pipeline.publish import render_command

Make = Callable[..., Provenance]


def understood(known: Provenance) -> AtlasConfig:
    """The configuration that the options mean, over one that says otherwise."""
    words = shlex.split(render_command.options(known))
    assert words[::2] == ["--set"] * (len(words) // 2)
    other = (
        "units: ['mixed2:0']\nseed: 99\nimage: {size: 64}\nrecipe: article\nbatch_size: 2\n"
        "model: {range: [0, 1], classes: none.txt}\ncluster: local-gpu\n"
        "render: {diversity: 0.5, variants: 2, snapshots: 3, compiler: xla}\n"
    )
    return yaml_file.parse(other, settings=words[1::2])


def changed(known: Provenance, **keys: Any) -> Provenance:
    """One of images that a configuration may ask for, with other keys of the fingerprint."""
    plain = known.fingerprint.to_json() | {"image.size": 32, **keys}
    return replace(known, fingerprint=Fingerprint.from_json(plain))


@pytest.mark.parametrize(
    "changes",
    [{}, {"steps": 4}, {"steps": 9, "optimizer": {"kind": "normalised", "rate": 0.2}},
     {"transforms": {"apply": "view", "jitter": None, "pad": None, "rotate": None, "scale": None}}],
)  # fmt: skip
@pytest.mark.parametrize("name", ["fourier", "draft"])
def test_the_recipe_is_the_atlass(make_provenance: Make, name: str, changes: dict) -> None:
    known = make_provenance("mixed2:0")
    recipe = RECIPES[name].model_dump(mode="json") | changes
    found = understood(changed(known, recipe=recipe, seed=3))
    assert found.recipe.model_dump(mode="json") == recipe
    assert (found.image.size, found.seed, found.batch_size) == (32, 3, 4)
    assert found.render == Render(precision="float32")
    assert found.model == Model(weights="bundled")
    assert found.device == "cpu"


@pytest.mark.parametrize(
    ("name", "said"),
    [("true", {"styles": []}), ("classes", {"parametrization": {"contrast": 0}}),
     ("classes", {"optimizer": {"weight_decay": 0}}), ("classes", {"transforms": {"crop": None}})],
)  # fmt: skip
def test_what_the_recipe_has_and_the_atlas_has_not_is_taken_off(
    make_provenance: Make, name: str, said: dict
) -> None:
    recipe = yaml_file.checked({"units": ["mixed2:0"], "recipe": {"name": name, **said}}, "", {})
    wanted = recipe.recipe.model_dump(mode="json")
    assert understood(changed(make_provenance("mixed2:0"), recipe=wanted)).recipe == recipe.recipe


@pytest.mark.parametrize("render", [{}, {"variants": 1, "diversity": 0.5}, {"variants": 2}])
def test_a_recipe_of_styles_keeps_the_atlass_variants(make_provenance: Make, render: dict) -> None:
    said = {"units": ["mixed2:0"], "recipe": {"name": "true"}, "render": render}
    config = yaml_file.checked(said, "", {})
    known = changed(
        make_provenance("mixed2:0"),
        recipe=config.recipe.model_dump(mode="json"),
        render=config.render.model_dump(mode="json", exclude={"variants"}),
    )
    found = understood(replace(known, variants=config.render.variants))
    assert (found.recipe, found.render) == (config.recipe, config.render)


def test_a_file_of_the_users_goes_by_its_name(make_provenance: Make) -> None:
    known = changed(make_provenance("mixed2:0"))
    weights = Weights("file", Path("/home/ann/my model.keras"), "0" * 64)
    assert understood(replace(known, weights=weights)).model.weights == "my model.keras"


def test_files_of_directions_go_by_their_names(make_provenance: Make) -> None:
    rows = {name: Vectors(name, "my sae.npz", np.ones((2, 6))) for name in ("sae", "sae/W")}
    known = changed(make_provenance("mixed2@dir/sae:0", bases=rows))
    assert understood(known).directions == {"sae": "my sae.npz"}
    assert "directions" not in render_command.options(changed(make_provenance("mixed2:0")))


def test_variants_and_range_are_told(make_provenance: Make) -> None:
    known = make_provenance("mixed2:0", diversity=0.5, variants=3, snapshots=2)
    found = understood(changed(known, **{"model.range": [0.0, 255.0], "device": "gpu"}))
    assert (found.render.variants, found.render.diversity, found.render.snapshots) == (3, 0.5, 2)
    assert found.model.range == (0.0, 255.0)
    assert found.device == "gpu"

"""Tests of what a configuration means here and now."""

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.config.recipes import RECIPES
from pipeline.config.schema import Address, AtlasConfig, Image, Precision, Render
from pipeline.config.weights import Weights
from pipeline.errors import AtlasFolderError, ConfigError, UnitError, WeightsError
from pipeline.plan.architecture import Architecture, Layer
from pipeline.plan.provenance import Provenance
from pipeline.plan.resolve import resolve_provenance

Describe = Callable[..., Architecture]


@pytest.fixture
def describe(architecture: Architecture) -> Describe:
    return lambda weights, size, *_: dataclasses.replace(architecture, image_size=size)


@pytest.fixture
def config(tmp_path: Path) -> AtlasConfig:
    """A configuration whose weights are a file of five bytes."""
    (tmp_path / "w.h5").write_bytes(b"bytes")
    text = {"units": ["mixed4:0-1"], "model": {"weights": str(tmp_path / "w.h5")}}
    return AtlasConfig.model_validate_json(json.dumps(text))


def rendering(config: AtlasConfig, **changes: object) -> AtlasConfig:
    """The configuration with another `render`."""
    return config.model_copy(update={"render": config.render.model_copy(update=changes)})


def never(weights: Weights, size: int, output: str, given: object) -> Architecture:
    raise AssertionError("the network is known already")


def test_what_a_configuration_means(config: AtlasConfig, describe: Describe) -> None:
    found = resolve_provenance(config, describe=describe)
    assert [unit.id for unit in found.units()] == ["mixed4:0", "mixed4:1"]
    assert [section.name for section in found.sections()] == ["mixed4"]
    assert (found.size, found.batch_size, found.seed, found.device) == (128, 16, 0, "cpu")
    assert found.recipe == RECIPES["fourier"]
    assert found.weights.source == "file"
    assert found.fingerprint.weights_sha256 == found.weights.sha256
    assert "numpy" in found.versions


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"seed": 1}, "seed: 0 there, 1 here"),
        ({"batch_size": 4}, "batch_size: 16 there, 4 here"),
        ({"image": Image(size=64)}, "image.size: 128 there, 64 here"),
        ({"recipe": RECIPES["article"]}, "recipe.steps: 56 there, 200 here"),
        ({"render": Render(snapshots=3)}, "render.snapshots: 0 there, 3 here"),
        ({"render": Render(compiler="xla")}, "render.compiler: graph there, xla here"),
        ({"render": Render(diversity=1)}, "render.diversity: 0.0 there, 1.0 here"),
    ],
)
def test_an_atlas_never_mixes(
    config: AtlasConfig, describe: Describe, change: dict[str, object], key: str
) -> None:
    before = resolve_provenance(config, describe=describe)
    with pytest.raises(AtlasFolderError, match=key):
        resolve_provenance(config.model_copy(update=change), never, before)


def test_other_units_may_be_added(config: AtlasConfig, describe: Describe) -> None:
    before = resolve_provenance(config, describe=describe)
    after = resolve_provenance(config.model_copy(update={"units": ("mixed2:1",)}), never, before)
    assert after.fingerprint == before.fingerprint
    assert after.config_hash != before.config_hash
    assert after.versions == before.versions


def test_more_variants_may_be_added_where_they_do_not_know_each_other(
    config: AtlasConfig, describe: Describe
) -> None:
    before = resolve_provenance(config, describe=describe)
    after = resolve_provenance(rendering(config, variants=2), never, before)
    assert after.fingerprint == before.fingerprint
    assert after.config_hash != before.config_hash
    assert after.render.variants == 2
    assert [unit.id for unit in after.units()] == [
        "mixed4:0", "mixed4:0#1", "mixed4:1", "mixed4:1#1"
    ]  # fmt: skip


def test_another_number_of_variants_that_know_each_other_is_refused(
    config: AtlasConfig, describe: Describe
) -> None:
    before = resolve_provenance(rendering(config, variants=2, diversity=0.5), describe=describe)
    assert before.render.group == 2
    assert Provenance.from_json(json.loads(json.dumps(before.to_json()))) == before
    with pytest.raises(AtlasFolderError, match=r"render\.variants: 2 there, 3 here"):
        resolve_provenance(rendering(config, variants=3, diversity=0.5), never, before)


def test_auto_means_the_precision_that_is_there(config: AtlasConfig, describe: Describe) -> None:
    def best(is_here: bool) -> Precision:
        return "bfloat16" if is_here else "float32"

    before = resolve_provenance(config, describe, best=lambda _: "float32")
    assert before.render.precision == "float32"
    assert resolve_provenance(config, never, before, best).render == before.render
    assert resolve_provenance(config, describe, best=best).render.precision == "bfloat16"
    far = config.model_copy(update={"cluster": Address(address="tcp://far:1")})
    assert resolve_provenance(far, describe, best=best).render.precision == "float32"
    with pytest.raises(AtlasFolderError, match=r"render\.precision: float32 there, bfloat16 here"):
        resolve_provenance(rendering(config, precision="bfloat16"), never, before, best)


def test_auto_means_the_range_that_the_network_tells(
    config: AtlasConfig, architecture: Architecture
) -> None:
    def rescaling(weights: Weights, size: int, output: str, given: object) -> Architecture:
        return dataclasses.replace(architecture, image_size=size, range=(0.0, 255.0))

    found = resolve_provenance(config, describe=rescaling)
    assert found.reading.range == (0.0, 255.0)
    assert Provenance.from_json(json.loads(json.dumps(found.to_json()))).reading.range == (
        0.0,
        255.0,
    )

    def ranged(black: float, white: float) -> AtlasConfig:
        model = config.model.model_copy(update={"range": (black, white)})
        return config.model_copy(update={"model": model})

    assert resolve_provenance(ranged(0, 255), never, found).fingerprint == found.fingerprint
    assert resolve_provenance(ranged(0, 1), describe=rescaling).reading.range == (0.0, 1.0)
    with pytest.raises(AtlasFolderError, match=r"model\.range: \[0.0, 255.0\] there, \[-1"):
        resolve_provenance(ranged(-1, 1), never, found)


def test_auto_means_the_weights_that_are_there(config: AtlasConfig, describe: Describe) -> None:
    before = resolve_provenance(config, describe=describe)
    auto = config.model_copy(update={"model": config.model.model_copy(update={"weights": "auto"})})
    assert resolve_provenance(auto, never, before).weights == before.weights


def test_changed_weights_are_refused(config: AtlasConfig, describe: Describe) -> None:
    before = resolve_provenance(config, describe=describe)
    before.weights.path.write_bytes(b"other")
    with pytest.raises(AtlasFolderError, match=r"weights.sha256: "):
        resolve_provenance(config, never, before)
    with pytest.raises(WeightsError, match="are not those of the atlas: expected SHA-256"):
        before.locate_weights()


def test_units_and_names_are_checked(config: AtlasConfig, describe: Describe) -> None:
    with pytest.raises(UnitError, match="no layer 'mixed9'"):
        resolve_provenance(config.model_copy(update={"units": ("mixed9:1",)}), describe=describe)

    def three(*asked: object) -> Architecture:
        return dataclasses.replace(describe(*asked), classes=3)

    assert resolve_provenance(config, describe=three).classes == ("", "", "")
    model = config.model.model_copy(update={"classes": "none.txt"})
    with pytest.raises(ConfigError, match=r"model\.classes: none\.txt cannot be read"):
        resolve_provenance(config.model_copy(update={"model": model}), describe=three)


def test_a_variant_beyond_its_group_is_refused(config: AtlasConfig, describe: Describe) -> None:
    named = config.model_copy(update={"units": ("mixed4:0#2",)})
    lone = resolve_provenance(named, describe=describe)
    assert [unit.id for unit in lone.units()] == ["mixed4:0#2"]
    assert lone.unit("mixed4:1#9").variant == 9
    said = r"unit mixed4:0#2: with render.diversity .* #0 to #1 \(render.variants: 2\)"
    with pytest.raises(UnitError, match=said):
        resolve_provenance(rendering(named, variants=2, diversity=0.5), describe=describe)
    group = resolve_provenance(rendering(config, variants=2, diversity=0.5), describe=describe)
    assert group.unit("mixed4:0#1").variant == 1
    with pytest.raises(UnitError, match=said):
        group.unit("mixed4:0#2")


def naming(names: tuple[str, ...]) -> Describe:
    layers = {name: Layer(name, depth, 4, 3, 3, 0) for depth, name in enumerate(names)}
    return lambda weights, size, *_: Architecture("odd", size, layers, 5)


@pytest.mark.parametrize(
    ("units", "said"),
    [
        (("a>1:0", "a_1:0"), "unit a>1:0 and the unit a_1:0 would share the folder 'a_1'"),
        (("conv:0", "Conv:1"), "the folder 'Conv' of the atlas, on disks that do not tell cases"),
        (("ﬁ:0", "FI:1"), "on disks that do not tell cases"),
        (("deepdream:a>1", "a_1:0@1,1"), "the layer 'a>1' and the layer 'a_1' would share"),
        (("deepdream:a>1+a_1",), "the layer 'a>1' and the layer 'a_1' would share"),
        (("conv:0@0,0", "neurons-conv:1"), "the unit neurons-conv:1 and the unit conv:0@0,0 would"),
        ((":logits:1", "logits_:1"), "the unit :logits:1 and the unit logits_:1 would share"),
        (("-conv:1", "negative-conv:0"), "the folder 'negative-conv'"),
    ],
)
def test_two_in_one_folder_are_refused(
    config: AtlasConfig, units: tuple[str, ...], said: str
) -> None:
    names = ("a>1", "a_1", "conv", "Conv", "ﬁ", "FI", "neurons-conv", "logits", "logits_",
             "negative-conv")  # fmt: skip
    if len(units) > 1:
        for unit in units:  # each alone is well
            resolve_provenance(config.model_copy(update={"units": (unit,)}), naming(names))
    with pytest.raises(UnitError, match=re.escape(said)):
        resolve_provenance(config.model_copy(update={"units": units}), naming(names))


def test_folders_that_differ_by_case_and_are_there_stay(config: AtlasConfig) -> None:
    config = config.model_copy(update={"units": ("conv:0", "Conv:1")})
    describe = naming(("conv", "Conv"))
    before = dataclasses.replace(
        resolve_provenance(config.model_copy(update={"units": ("conv:0",)}), describe),
        patterns=config.units,
    )
    assert resolve_provenance(config, never, before).units() == before.units()


def _said(config: AtlasConfig, **model: object) -> AtlasConfig:
    return config.model_copy(update={"model": config.model.model_copy(update=model)})


def test_a_range_that_cannot_be_told_must_be_said(
    config: AtlasConfig, architecture: Architecture
) -> None:
    def strange(weights: Weights, size: int, output: str, given: object) -> Architecture:
        return dataclasses.replace(architecture, range=None, told="its first layers make x")

    with pytest.raises(ConfigError, match=r"^model.range: .* its first layers make x; say it, as"):
        resolve_provenance(config, strange)
    for given, expected in (("tf", (-1.0, 1.0)), ("caffe", "caffe"), ((0, 1), (0.0, 1.0))):
        found = resolve_provenance(_said(config, range=given), strange)
        assert found.reading.range == expected
        assert Provenance.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_colours_are_not_for_grey(config: AtlasConfig, architecture: Architecture) -> None:
    grey = dataclasses.replace(architecture, colours=1)
    with pytest.raises(ConfigError, match=r"^model.range: torch is of colours, but .* takes grey"):
        resolve_provenance(_said(config, range="torch"), lambda *_: grey)


def test_of_several_outputs_one_must_be_named_for_classes(
    config: AtlasConfig, architecture: Architecture
) -> None:
    several = dataclasses.replace(architecture, heads=("a", "b"))
    assert resolve_provenance(config, lambda *_: several).classes == ()
    classes = config.model_copy(update={"units": ("softmax:1",)})
    with pytest.raises(ConfigError, match=r"^model.output: .*softmax:1 may be of any: .* a, b"):
        resolve_provenance(classes, lambda *_: several)
    asked = []

    def named(weights: Weights, size: int, output: str, given: object) -> Architecture:
        asked.append(output)
        return dataclasses.replace(architecture, heads=("a", "b"), classes=3)

    found = resolve_provenance(_said(classes, output="b"), named)
    assert (asked, found.reading.output) == (["b"], "b")

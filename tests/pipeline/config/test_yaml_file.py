"""Tests of reading configurations, and of what is said of bad ones."""

from pathlib import Path

import pytest

from pipeline.config import yaml_file
from pipeline.config.recipes import (
    RECIPES,
    Adam,
    Jitter,
    Maco,
    Normalised,
    Pixel,
    Scale,
    Spectrum,
    Transforms,
)
from pipeline.config.schema import AtlasConfig, Threads
from pipeline.config.yaml_file import parse
from pipeline.errors import ConfigError

UNITS = "units: [mixed4:1]\n"

BAD = [
    # unknown keys
    ("unitz: [a]\nunits: [a]", "^f, line 1: unknown key 'unitz': did you mean 'units'"),
    (UNITS + "image:\n  sise: 4", "^f, line 3: unknown key 'image.sise': did you mean 'size'"),
    (
        UNITS + "qqq: 1",
        "line 2: unknown key 'qqq': expected one of output, units, directions, seed",
    ),
    (UNITS + "1: 2", "unknown key '1': expected one of output"),
    (UNITS + "recipe: {stepz: 1}", "unknown key 'recipe.stepz': did you mean 'steps'"),
    (UNITS + "recipe: {optimizer: {rat: 1}}", "'recipe.optimizer.rat': did you mean 'rate'"),
    (
        UNITS + "recipe:\n  optimizer:\n    kind: normalised\n    beta1: 0.1",
        "line 5: unknown key 'recipe.optimizer.beta1': expected one of kind, rate",
    ),
    (
        UNITS + "cluster:\n  kind: address\n  address: x\n  adress: y",
        "line 5: unknown key 'cluster.adress': did you mean 'address'",
    ),
    # types and bounds
    (UNITS + "image: {size: 4}", r"line 2: image.size: .*greater than or equal to 16, came 4$"),
    (UNITS + "image: 3", "line 2: image: Input should be an object, came 3"),
    (UNITS + "seed: 1.5", "seed: Input should be a valid integer, .*came 1.5"),
    (UNITS + "seed: true", "seed: Input should be a valid integer, came true"),
    (UNITS + "seed: '1'", 'seed: Input should be a valid integer, came "1"'),
    (UNITS + "seed: -1\nbatch_size: 0", r"line 2: seed: .*came -1 \(and 1 more\)"),
    (UNITS + f"seed: {2**63}", "seed: Input should be less than 9223372036854775808"),
    (UNITS + "model: {timeout: .inf}", "model.timeout: Input should be a finite number"),
    (UNITS + "model: {timeout: .nan}", "model.timeout: Input should be a finite number"),
    ("units:\n- a\n- 3", "line 3: units.1: Input should be a valid string, came 3"),
    ("units: []", "units: .*at least 1 item"),
    ("seed: 1", "^f: the key 'units' is missing"),
    # recipes
    (
        UNITS + "recipe: foo",
        "line 2: recipe 'foo' is not known: "
        "expected one of fourier, draft, article, maco, classes, true",
    ),
    (UNITS + "recipe:\n  name: foo", "line 3: recipe 'foo' is not known"),
    (UNITS + "recipe: {name: [1]}", r"recipe \[1\] is not known"),
    (UNITS + "recipe: 4", "recipe: Input should be an object, came 4"),
    (UNITS + "recipe: {optimizer: adam}", 'recipe.optimizer: .*object, came "adam"'),
    (UNITS + "recipe: {name: article, blur: {kernel: 4}}", "recipe.blur: kernel must be odd"),
    # clusters
    (UNITS + "cluster: foo", "'foo' .*does not match any of the expected tags: 'local', 'threads'"),
    (UNITS + "cluster: {workers: 2}", "line 2: the key 'cluster.kind' is missing"),
    (UNITS + "cluster: null", "cluster: Input should be an object, came null"),
    (
        UNITS + "cluster: {kind: local, workers: x}",
        "cluster.workers: Input should be 'auto', or Input should be a valid integer, came \"x\"$",
    ),
    (UNITS + "cluster: {kind: address, address: x, device: tpu}", 'cluster.device: .*came "tpu"'),
    (UNITS + "render: {variants: 0}", "render.variants: .*equal to 1, came 0$"),
    (UNITS + "render: {diversity: -1}", "render.diversity: .*equal to 0, came -1$"),
    (UNITS + "render: {variant: 2}", "unknown key 'render.variant': did you mean 'variants'"),
    (
        UNITS + "render: {precision: float16}",
        "render.precision: Input should be 'auto', 'float32' or 'bfloat16', came \"float16\"$",
    ),
    (UNITS + "render: {compiler: jit}", "render.compiler: .*'graph' or 'xla', came \"jit\"$"),
    (UNITS + "model: {range: [0]}", r"model.range: Input should be 'auto', .* came \[0\]$"),
    (UNITS + "model: {range: [.inf, 1]}", "model.range: .* came "),
    (
        UNITS + "model: {range: [3, 3]}",
        r"^f, line 2: model.range: black and white must differ, came \[3, 3\]$",
    ),
    (
        UNITS + "recipe: {steps: 6}\nrender: {snapshots: 7}",
        r"^f: render.snapshots \(7\) must not be above recipe.steps \(6\)$",
    ),
    # YAML
    (UNITS + "units: [b]", r"line 2: the key 'units' stands there twice \(first on line 1\)"),
    (UNITS + "image:\n  size: 64\n  size: 32", "line 4: the key 'image.size' stands there twice"),
    (UNITS + "a: &x 1\nb: *x", "line 3: YAML aliases"),
    (UNITS + "output: !!str 5", "line 2: YAML tags"),
    (UNITS + "output: !!python/object:os.system x", "line 2: YAML tags"),
    (UNITS + "2020-01-01: x", "keys must be str"),
    (UNITS + "seed: 2020-13-45", "f is not YAML: month must be"),
    ("units: [a", "f is not YAML: while parsing a flow sequence"),
    ("a: 1\n---\nb: 2", "f is not YAML: expected a single document"),
    ("[" * 400, "f is not YAML"),
    ("", "expected a mapping with `units` and more, came nothing"),
    ("[]", "expected a mapping with `units` and more, came list"),
]


def test_default_configuration_is_valid() -> None:
    assert yaml_file.load(Path("atlas_config.yaml")).recipe.name == "fourier"


def test_unknown_key_names_line_and_nearest() -> None:
    with pytest.raises(ConfigError, match="line 1: unknown key 'unitz': did you mean 'units'"):
        yaml_file.parse("unitz: [a]\nunits: [a]")


@pytest.mark.parametrize(("text", "message"), BAD)
def test_bad_input_is_named_in_one_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as info:
        parse(text, "f")
    assert "\n" not in str(info.value)
    assert len(str(info.value)) < 400


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no configuration .*none\.yaml: run where"):
        yaml_file.load(tmp_path / "none.yaml")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"cannot be read: .*utf-8"):
        yaml_file.load(path)
    with pytest.raises(ConfigError, match=r"cannot be read: .*directory"):
        yaml_file.load(tmp_path)


def test_defaults() -> None:
    config = parse(UNITS)
    assert config == AtlasConfig(units=("mixed4:1",))
    assert (config.seed, config.image.size, config.device) == (0, 128, "cpu")


def test_settings_change_values_and_make_keys() -> None:
    settings = ["image.size=64", "recipe.steps=7", "recipe.optimizer.rate=0.5", "units=[a:1, b:2]"]
    config = parse(UNITS + "recipe: fourier", settings=settings)
    assert config.units == ("a:1", "b:2")
    assert (config.image.size, config.recipe.steps) == (64, 7)
    assert config.recipe.optimizer == Adam(rate=0.5)


def test_settings_reach_into_a_cluster_named_by_its_kind() -> None:
    assert parse(UNITS + "cluster: threads", settings=["cluster.workers=3"]).cluster == Threads(
        workers=3
    )
    assert parse(UNITS, settings=["cluster=threads"]).cluster == Threads()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("seed", "expected key.path=value, as in image.size=64"),
        ("=3", "expected key.path=value"),
        ("a..b=3", "expected key.path=value"),
        ("seed=[", r"'\[' is not a YAML value"),
        ("seed=2020-13-45", "is not a YAML value"),
        ("units.x=3", "'units' holds no keys"),
        ("image.sise=3", "--set image.sise=3: unknown key 'image.sise': did you mean 'size'"),
        ("image.size=4", "^f, --set image.size=4: image.size: Input should be greater"),
        ("image={size: 4}", "--set image={size: 4}: image.size: Input should be greater"),
        ("seed=", "--set seed=: seed: Input should be a valid integer, came null"),
    ],
)
def test_bad_settings_are_named(setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse(UNITS + "image:\n  size: 64", "f", [setting])


def test_every_number_of_a_recipe_can_be_set() -> None:
    text = UNITS + "recipe: {name: article, blur: {sigma: 3}, transforms: {jitter: {pixels: 5}}}"
    recipe = parse(text).recipe
    assert recipe.blur is not None
    assert (recipe.blur.sigma, recipe.blur.kernel) == (3.0, 3)
    assert recipe.transforms.jitter is not None
    assert (recipe.transforms.jitter.pixels, recipe.transforms.jitter.probability) == (5, 0.25)
    assert recipe.transforms.pad is not None
    assert recipe.steps == 200


def test_a_style_changes_parts_of_its_recipe() -> None:
    text = (
        UNITS
        + """recipe:
  steps: 9
  styles:
    - {}
    - {parametrization: {decay: 2.0}, transforms: {scale: {least: 0.4}, rotate: null}}
    - {parametrization: {kind: maco}}
"""
    )
    recipe = parse(text).recipe
    first, second, third = recipe.each
    assert {each.steps for each in recipe.each} == {9}
    assert first == recipe.model_copy(update={"styles": ()})
    assert second.parametrization == Spectrum(decay=2.0)
    assert second.transforms == Transforms(jitter=Jitter(), scale=Scale(least=0.4, most=1.1))
    assert third.parametrization == Maco()
    assert parse(UNITS + "recipe: draft", settings=["recipe.styles=[{}, {}]"]).recipe.styles


@pytest.mark.parametrize("said", ["true", "'true'", "{name: true}", "{name: 'true', steps: 3}"])
def test_the_recipe_true_is_one_though_yaml_reads_a_boolean(said: str) -> None:
    config = parse(UNITS + f"recipe: {said}")
    assert config.recipe.name == "true"
    assert config.recipe.styles == RECIPES["true"].styles


def test_settings_name_the_recipe_true_and_change_it() -> None:
    assert parse(UNITS, settings=["recipe=true"]).recipe == RECIPES["true"]
    changed = parse(UNITS + "recipe: true", settings=["recipe.steps=4"]).recipe
    assert changed == RECIPES["true"].model_copy(update={"steps": 4})
    with pytest.raises(ConfigError, match=r"recipe False is not known"):
        parse(UNITS + "recipe: {name: false}")


@pytest.mark.parametrize(
    ("text", "variants"),
    [("recipe: true", 3), ("recipe: {name: true, styles: []}", 1), ("recipe: draft", 1),
     ("recipe: true\nrender: {variants: 2, snapshots: 1}", 2),
     ("recipe: {styles: [{}, {}]}\nrender: {snapshots: 1}", 2)],
)  # fmt: skip
def test_a_recipe_asks_for_a_variant_a_style(text: str, variants: int) -> None:
    assert parse(UNITS + text).render.variants == variants


@pytest.mark.parametrize(
    ("styles", "message"),
    [
        (
            "[{decay: 2}]",
            r"unknown key 'recipe\.styles\.0\.decay': expected one of parametrization",
        ),
        (
            "[{parametrization: {decay: -1}}]",
            r"recipe\.styles\.0\.parametrization\.decay: .* came -1",
        ),
        ("[7]", r"recipe\.styles\.0: .* came 7"),
        ("7", r"recipe\.styles: .* came 7"),
    ],
)
def test_a_style_that_is_none_is_refused(styles: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse(UNITS + f"recipe: {{styles: {styles}}}")


def test_parts_of_a_recipe_can_be_left_out_and_exchanged() -> None:
    text = UNITS + "recipe: {transforms: {rotate: null}, optimizer: {kind: normalised, rate: 0.1}}"
    recipe = parse(text, settings=["recipe.parametrization.kind=pixel"]).recipe
    assert recipe.transforms.rotate is None
    assert recipe.transforms.jitter is not None
    assert recipe.optimizer == Normalised(rate=0.1)
    assert recipe.parametrization == Pixel()

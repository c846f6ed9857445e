"""Tests of variations: what they are called, and what they must have in common."""

from pathlib import Path

import atlases
import pytest

from pipeline.config.schema import AtlasConfig
from pipeline.config.weights import Weights
from pipeline.errors import ConfigError
from pipeline.plan.provenance import Provenance
from pipeline.study import variations


@pytest.fixture
def base(tmp_path: Path) -> Path:
    path = tmp_path / "base.yaml"
    path.write_text("units: [mixed4:0-3]\nimage: {size: 64}\n")
    return path


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        (["recipe=draft", "recipe=fourier"], ["draft", "fourier"]),
        (["recipe.steps=32", "recipe.steps=64"], ["steps-32", "steps-64"]),
        (["recipe=draft;recipe.steps=9", "recipe=draft"], ["steps-9", "draft"]),
        (["recipe=draft; seed=1", "recipe=draft;seed=2;"], ["seed-1", "seed-2"]),
        (["recipe=draft;seed=1", "recipe=maco;seed=2"], ["draft_seed-1", "maco_seed-2"]),
        (
            ["recipe.transforms.jitter.pixels=4", "recipe.transforms.rotate={degrees: 9}"],
            ["pixels-4", "rotate-degrees-9"],
        ),
        (["recipe.blur=null"], ["blur-null"]),
        (
            ["recipe.transforms.rotate.until=4", "recipe.transforms.jitter.until=4"],
            ["recipe.transforms.rotate.until-4", "recipe.transforms.jitter.until-4"],
        ),
    ],
)
def test_changes_are_called_after_what_differs(
    base: Path, changes: list[str], names: list[str]
) -> None:
    found = variations.of_changes(base, changes)
    assert list(found) == names


def test_changes_come_on_top_of_what_all_have(base: Path) -> None:
    changes = ["recipe=draft;recipe.steps=7", "image.size=96"]
    found = variations.of_changes(base, changes, ["image.size=80", "seed=3"])
    first, second = found.values()
    assert (first.recipe.name, first.recipe.steps, first.image.size) == ("draft", 7, 80)
    assert (second.recipe.name, second.image.size, second.seed) == ("fourier", 96, 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["recipe=draf"], r"--vary 'recipe=draf': .*recipe 'draf' is not known"),
        (["recipe"], r"--vary 'recipe': --set 'recipe': expected key\.path=value"),
        (["seed=1", "seed=1"], r"two variations are called 'seed-1', the second is 'seed=1'"),
    ],
)
def test_changes_that_cannot_be(base: Path, changes: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        variations.of_changes(base, changes)


def test_files_are_called_after_themselves_or_their_folders(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("draft.yaml", "my best.yaml", "a/c.yaml", "b/c.yaml")]
    for number, path in enumerate(paths):
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"units: [mixed4:0]\nseed: {number}\n")
    found = variations.of_files(paths[:2], ["image.size=64"])
    assert list(found) == ["draft", "my-best"]
    assert [(c.seed, c.image.size) for c in found.values()] == [(0, 64), (1, 64)]
    assert list(variations.of_files(paths[2:])) == ["a-c", "b-c"]
    with pytest.raises(ConfigError, match=r"called 'a-c', the second is .*c\.yaml: rename it"):
        variations.of_files([paths[2], paths[2]])
    with pytest.raises(ConfigError, match="there is no configuration"):
        variations.of_files([tmp_path / "none.yaml"])


def _config(**keys: object) -> AtlasConfig:
    return AtlasConfig(units=("mixed4:0",), **keys)  # type: ignore[arg-type]


def test_variations_of_several_sources_are_joined() -> None:
    one, other = {"a": _config()}, {"b": _config(seed=1)}
    assert list(variations.joined(one, other)) == ["a", "b"]
    with pytest.raises(ConfigError, match="two variations are called 'a'"):
        variations.joined(one, {"a": _config(seed=1)})
    with pytest.raises(ConfigError, match="two variations at least, came 1"):
        variations.joined(one)
    with pytest.raises(ConfigError, match="the variations a and b say the same: change one"):
        variations.joined(one, {"b": _config(output="elsewhere")})


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "-c"])
def test_names_are_names_of_folders(name: str) -> None:
    with pytest.raises(ConfigError, match="expected a name of letters, digits"):
        variations.several({"a": _config(), name: _config(seed=1)})


def test_names_differ_by_more_than_case() -> None:
    with pytest.raises(ConfigError, match="Draft and draft would be one folder on disks that"):
        variations.several({"Draft": _config(), "draft": _config(seed=1)})


def test_each_has_a_folder_of_its_own(tmp_path: Path) -> None:
    placed = variations.placed({"a": _config(), "b": _config(seed=1)}, tmp_path)
    assert [config.output for config in placed.values()] == [
        str(tmp_path / "a"),
        str(tmp_path / "b"),
    ]


def _made(*patterns: str, **how: object) -> Provenance:
    return atlases.provenance(*(patterns or ("mixed2:0-3",)), **how)  # type: ignore[arg-type]


def test_what_is_alike_may_be_compared() -> None:
    variations.refuse_unlike({"a": _made(), "b": _made(batch_size=2), "c": _made("mixed2:3-5")})


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"size": 16}, r"image\.size differs: 8 in mine, 16 in his; .*make them alike"),
        ({"span": (0.0, 1.0)}, r"model\.range differs: \(-1\.0, 1\.0\) in mine, \(0\.0, 1\.0\) in"),
    ],
)
def test_other_sizes_and_ranges_are_refused(other: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        variations.refuse_unlike({"mine": _made(), "like": _made(), "his": _made(**other)})


def test_other_networks_are_refused() -> None:
    other = Provenance(
        _made().fingerprint, ("mixed2:0",), Weights("file", Path("v.h5"), "1" * 64),
        atlases.ARCHITECTURE,
    )  # fmt: skip
    message = (
        r"the network differs: small of w\.h5 \(SHA-256 000000000000\) in mine, "
        r"small of v\.h5 \(SHA-256 111111111111\) in his"
    )
    with pytest.raises(ConfigError, match=message):
        variations.refuse_unlike({"mine": _made(), "his": other})


def test_no_unit_in_common_is_refused() -> None:
    message = "no unit in common: units are mixed2:0-3 in mine; mixed2:4 mixed4:all in his"
    with pytest.raises(ConfigError, match=message):
        variations.refuse_unlike({"mine": _made(), "his": _made("mixed2:4", "mixed4:all")})

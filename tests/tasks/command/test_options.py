"""Tests of the words that commands share: ids that look like options, folders, columns."""

import re
from pathlib import Path

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from pipeline.errors import AtlasFolderError, ConfigError
from tasks.command import options
from tasks.command.printing import Format

FRAME = pd.DataFrame({"unit": ["a:1"], "activation": [2.0], "alive": [True]})


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_is_told_from_a_unit() -> None:
    assert options.folder_and_units(["a:1", "-b:2"]) == (None, ["a:1", "-b:2"])
    assert options.folder_and_units(["data/atlas", "a:1"]) == ("data/atlas", ["a:1"])
    assert options.folder_and_units(["s3://b/atlas", "a:1"]) == ("s3://b/atlas", ["a:1"])


def test_a_folder_may_be_called_like_a_unit(here: Path) -> None:
    (here / "a:1").mkdir()
    assert options.folder_and_units(["a:1", "a:2"]) == ("a:1", ["a:2"])
    assert options.folder_and_units(["a:2", "a:1"]) == (None, ["a:2", "a:1"])


def _parsed(*words: str) -> tuple[int, list[str], int, list[str]]:
    """The exit code of a command that takes units, and what it was given."""
    app, given = typer.Typer(), []

    @app.command(cls=options.TakesUnits)
    def show(units: list[str], top: int = 10, only: options.Only = None) -> None:
        given.append((units, top, only or []))

    code = CliRunner().invoke(app, list(words)).exit_code
    return (code, *given[0]) if given else (code, [], 0, [])


@pytest.mark.parametrize(
    ("words", "units", "top", "only"),
    [
        (["-a:1"], ["-a:1"], 10, []),
        (["b:2", "-mixed4/x.y:3@1,2#1", "--top", "3"], ["b:2", "-mixed4/x.y:3@1,2#1"], 3, []),
        (["--top", "3", "-a:1", "b:2"], ["-a:1", "b:2"], 3, []),
        (["--only", "-a:1", "-deepdream:a+b"], ["-deepdream:a+b"], 10, ["-a:1"]),
        (["-a:1", "--", "-b:2", "--top"], ["-a:1", "-b:2", "--top"], 10, []),
    ],
)
def test_ids_of_negative_units_are_no_options(
    words: list[str], units: list[str], top: int, only: list[str]
) -> None:
    assert _parsed(*words) == (0, units, top, only)


@pytest.mark.parametrize("words", [["-x", "a:1"], ["-a:"], ["--tip=3", "a:1"], []])
def test_what_is_no_id_is_an_option_still(words: list[str]) -> None:
    assert _parsed(*words)[0] == 2


def test_a_configuration_is_the_named_one_or_the_one_here(here: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no configuration atlas_config\.yaml"):
        options.load_config()
    for name in ("atlas_config", "other"):
        (here / f"{name}.yaml").write_text(f"units: [a:1]\noutput: {name}\n")
    assert options.load_config().output == "atlas_config"
    assert options.load_config(Path("other.yaml")).output == "other"
    changed = options.load_config(Path("other.yaml"), "elsewhere", ["seed=3"])
    assert (changed.output, changed.seed) == ("elsewhere", 3)


def test_defaults_are_for_where_no_configuration_is_named_nor_here(here: Path) -> None:
    assert options.config_or_default(None, ["image.size=64"]).image.size == 64
    with pytest.raises(ConfigError, match=r"there is no configuration none\.yaml"):
        options.config_or_default(Path("none.yaml"), None)
    with pytest.raises(ConfigError, match=r"^the defaults, --set imag=3: unknown key 'imag'"):
        options.config_or_default(None, ["imag=3"])
    (here / "atlas_config.yaml").write_text("units: [a:1]\nseed: 7\n")
    assert options.config_or_default(None, None).seed == 7


def test_an_atlas_is_the_named_one_or_the_configurations(here: Path) -> None:
    (here / "atlas_config.yaml").write_text("units: [a:1]\noutput: mine\n")
    for named, expected in ((None, "mine"), ("yours", "yours")):
        with pytest.raises(AtlasFolderError, match=f"/{expected} is not there"):
            options.open_atlas(named)


def test_a_folder_may_stand_before_an_expression() -> None:
    assert options.folder_and(["alive"], "EXPR") == (None, "alive")
    assert options.folder_and(["data/atlas", "alive"], "EXPR") == ("data/atlas", "alive")
    said = "expected [DIR] EXPR, came 3 arguments: put EXPR in quotes"
    with pytest.raises(ConfigError, match=re.escape(said)):
        options.folder_and(["activation", ">", "1"], "EXPR")


def test_a_table_has_a_few_columns_and_a_file_all() -> None:
    few = ["unit", "alive"]
    assert list(options.chosen(FRAME, None, few, Format.TABLE).columns) == few
    assert list(options.chosen(FRAME, None, few, Format.CSV).columns) == list(FRAME.columns)
    for form in Format:
        found = options.chosen(FRAME, "alive, unit", few, form)
        assert list(found.columns) == ["alive", "unit"]
    with pytest.raises(ConfigError, match="no column 'unity'; did you mean 'unit'"):
        options.chosen(FRAME, "alive,unity", few, Format.CSV)

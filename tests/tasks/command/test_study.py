"""The command that compares recipes, as a user types it."""

import json
from pathlib import Path

import pandas as pd
import pytest
from builds import configuration
from command import call

pytestmark = pytest.mark.usefixtures("cpu")


@pytest.fixture
def atlas(
    tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    """A function that runs the command where a configuration of the small network is."""
    text = configuration(tiny_model, tmp_path / "atlas", ("relu:0-3", "deep:0-1"))
    (tmp_path / "atlas_config.yaml").write_text(f"{text}site: false\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *arguments: call(capfd, monkeypatch, "study", *arguments)


CHANGES = ("--vary", "recipe.steps=3", "--vary", "recipe.steps=6")
FEW = ("--set", "explore.responses=false")


def test_changes_are_compared(atlas, tmp_path: Path) -> None:
    code, text, error = atlas(*CHANGES, *FEW, "--sheet", "plot.png")
    assert code == 0, error
    lines = [line.split() for line in text.splitlines()]
    assert lines[0] == [
        "section", "measure", "variation", "units", "median", "against", "steps-3", "95", "%",
        "better",
    ]  # fmt: skip
    assert lines[1][:4] == ["relu", "activation", "steps-3", "4"]
    assert "6 units, the same in all." in text
    assert "kept is not compared: not measured in steps-3, steps-6." in text
    assert text.endswith("saved study\n")
    assert "steps-6, 2 of 2" in error
    assert (tmp_path / "plot.png").is_file()
    assert not (tmp_path / "atlas").exists()
    code, text, error = atlas(*CHANGES, *FEW, "--against", "steps-6", "--json")
    found = json.loads(text)
    assert (code, found["against"]) == (0, "steps-6")
    summary = pd.read_parquet("study/summary.parquet")
    assert len(found["summary"]) == len(summary)
    assert "4 units are there, 0 to go" in error or "6 units are there, 0 to go" in error


def test_files_are_variations(atlas, tmp_path: Path) -> None:
    text = (tmp_path / "atlas_config.yaml").read_text()
    for name, seed in (("one", 1), ("two", 2)):
        (tmp_path / f"{name}.yaml").write_text(f"{text}seed: {seed}\n")
    code, text, _ = atlas("one.yaml", "two.yaml", *FEW, "-o", "deep/s", "--set", "units=[deep:0]")
    assert code == 0
    assert {path.name for path in (tmp_path / "deep/s").iterdir() if path.is_dir()} == {
        "one",
        "two",
    }
    assert "1 units, the same in all." in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "there is nothing to compare: name configurations, or changes to one"),
        (("--vary", "seed=1"), "a study compares two variations at least, came 1"),
        (("-c", "a.yaml", "b.yaml"), "-c a.yaml: it is what --vary changes"),
        ((*CHANGES, "-o", "s3://bucket/study"), "a study is in a folder of this machine"),
        ((*CHANGES, "--measure", "activation_robust"), "not ranked by activation_robust"),
        (("--vary", "recipe.step=3", "--vary", "seed=1"), "did you mean 'steps'"),
        (("nothing.yaml", *CHANGES), "there is no configuration nothing.yaml"),
        ((*CHANGES, "--against", "none"), "no variation 'none' to hold others against"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(
    atlas, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    code, text, error = atlas(*arguments)
    assert (code, text) == (2, "")
    assert message in " ".join(error.split())
    assert not (tmp_path / "study").exists()

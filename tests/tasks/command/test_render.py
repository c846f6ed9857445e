"""`atlas render`: of an atlas, its own picture; else the one that the configuration means."""

import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from builds import build, configuration
from command import call
from PIL import Image

from pipeline import Atlas
from pipeline.config import yaml_file
from tasks.build import run

pytestmark = pytest.mark.usefixtures("cpu")


@pytest.fixture
def atlas(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """A function that runs the command."""
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *arguments: call(capfd, monkeypatch, *arguments)


@pytest.fixture(autouse=True)
def here(
    finished: run.Report, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """Where a user works: the atlas in a folder with a space, a configuration of another recipe."""
    shutil.copytree(finished.folder.path, tmp_path / "an atlas")
    text = configuration(tiny_model, Path("an atlas"), ("relu:0", "-relu:1#1"))
    text = text.replace("size: 24", "size: 32").replace("steps: 4", "steps: 2")
    (tmp_path / "atlas_config.yaml").write_text(f"{text}seed: 7\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("words", [[], ["an atlas"]], ids=["default", "named"])
@pytest.mark.parametrize("unit", ["relu:3", "-relu:1", "relu:2@center", "logits:1"])
def test_render_of_an_atlas_is_its_own(atlas, words: list[str], unit: str) -> None:
    code, text, _ = atlas("render", *words, unit, "-o", "one.png")
    assert (code, f"as the atlas {Path('an atlas').absolute()} has it" in text) == (0, True)
    tile = Atlas.open("an atlas").image(unit)
    with Image.open("one.png") as image:
        np.testing.assert_array_equal(np.asarray(image), tile)


def test_render_by_a_configuration_that_is_named(atlas) -> None:
    for named in (["-c", "atlas_config.yaml"], ["--set", "seed=8"]):
        code, text, _ = atlas("render", "relu:3", *named, "-o", "one.png")
        assert (code, "as configured" in text) == (0, True)
        with Image.open("one.png") as image:
            assert image.size == (32, 32)
        code, _, error = atlas("render", "an atlas", "relu:3", *named)
        assert (code, "either an atlas, came an atlas, or a configuration" in error) == (2, True)


def test_the_hint_at_a_film_gives_the_atlass_picture(atlas) -> None:
    config = yaml_file.load(Path("atlas_config.yaml"), ["output=no films", "image.size=24"])
    build(config)
    code, _, error = atlas("show", "no films", "-relu:1#1", "--film", "way.webp")
    hint = error.partition("alone: atlas ")[2].replace("FILE", "way")
    assert (code, shlex.split(hint)[:2]) == (2, ["render", str(Path("no films").absolute())])
    assert atlas(*shlex.split(hint), "-o", "one.png")[0] == 0
    tile = Atlas.open("no films").image("-relu:1#1")
    with Image.open("one.png") as image:
        np.testing.assert_array_equal(np.asarray(image), tile)
    with Image.open("way.webp") as film:
        assert film.n_frames == 3


def test_weights_of_an_atlas_that_moved_are_told(atlas, tiny_model: Path, tmp_path: Path) -> None:
    moved, path = tmp_path / "moved.keras", tmp_path / "was.keras"
    moved.write_bytes(tiny_model.read_bytes())
    path.write_bytes(tiny_model.read_bytes())
    build(yaml_file.load(Path("atlas_config.yaml"), [f"model.weights={path}", "output=a"]))
    path.unlink()
    code, _, error = atlas("render", "a", "relu:0")
    assert (code, "the atlas's weights are not at" in error, error.count("\n")) == (2, True, 1)
    path.write_bytes(b"others")
    code, _, error = atlas("render", "a", "relu:0")
    assert (code, "are not those of the atlas: expected SHA" in error) == (2, True)
    settings = ("-o", "a", "--set", f"model.weights={moved}")
    assert atlas("build", *settings)[0] == 0
    assert atlas("render", "a", "relu:0")[0] == 0


def test_render_says_where_an_atlas_was_computed_otherwise(
    atlas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.plan.machine.tensorflow", lambda: "1.0")
    code, _, error = atlas("render", "an atlas", "relu:3", "-o", "one.png")
    assert (code, "here is 1.0: bits may differ" in error) == (0, True)

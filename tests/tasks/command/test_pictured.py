"""The commands that invert and caricature a picture, as a user types them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from command import call
from PIL import Image

pytestmark = pytest.mark.usefixtures("cpu")

Called = Callable[..., tuple[int, str, str]]


@pytest.fixture
def atlas(
    written: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Called:
    """A function that runs the command where a configuration of the small network is."""
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *arguments: call(capfd, monkeypatch, *arguments)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "cat.png")
    return tmp_path / "cat.png"


def test_a_strip_of_layers_stands_beside_the_picture(
    atlas: Called, picture: Path, tmp_path: Path
) -> None:
    code, text, error = atlas(
        "invert", "cat.png", "--layer", "relu", "--layer", "deep", "--images", "out", "--json"
    )
    assert code == 0, error
    told = json.loads(text)
    units = [unit["unit"] for unit in told["units"]]
    assert units == ["invert:relu@cat.png", "invert:deep@cat.png"]
    for unit in told["units"]:
        assert unit["start"] < unit["activation"] <= 1
    with Image.open(tmp_path / "cat-inversion.png") as strip:
        assert strip.width > 3 * strip.height / 2
    assert {file.name for file in (tmp_path / "out").iterdir()} == {"relu.png", "deep.png"}


def test_the_layers_are_those_of_the_atlas(atlas: Called, picture: Path, built: Path) -> None:
    code, text, error = atlas("caricature", "cat.png")
    assert code == 0, error
    assert [line.split()[0] for line in text.splitlines()[1:3]] == ["relu", "deep"]
    assert "saved cat-caricature.png" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none.png", "--layer", "relu"), "the picture none.png cannot be read"),
        (("cat.png", "--layer", "nope"), "the network has no layer 'nope'"),
        (("cat.png", "--layer", "relu", "-o", "a.tiff"), "expected a file that ends in"),
        (("cat.png", "--layer", "relu", "--images", "no/out"), "there is no folder"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    atlas: Called, picture: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    before = sorted(tmp_path.iterdir())
    code, text, error = atlas("invert", *arguments)
    assert (code, text) == (2, "")
    assert message in " ".join(error.split())
    assert sorted(tmp_path.iterdir()) == before

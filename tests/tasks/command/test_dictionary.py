"""The command that learns dictionaries, as a user types it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from builds import build
from command import call
from PIL import Image

from pipeline import Atlas
from pipeline.config import vectors, yaml_file
from pipeline.errors import UnitError

pytestmark = pytest.mark.usefixtures("cpu")

Called = Callable[..., tuple[int, str, str]]


@pytest.fixture
def atlas(
    written: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Called:
    """A function that runs the command where a configuration of the small network is."""
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *arguments: call(capfd, monkeypatch, "dictionary", *arguments)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Twelve pictures of noise, and a file that is none."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(12):
        pixels = random.integers(0, 256, (24, 24, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


def test_a_dictionary_is_learned_and_becomes_units(
    atlas: Called, pictures: Path, written: Path, tmp_path: Path
) -> None:
    asked = ("relu", "--pictures", str(pictures), "--parts", "3", "-o", "parts.safetensors")
    code, text, error = atlas(*asked)
    assert code == 0, error
    assert "13 pictures" in error
    assert "learning 3 parts of 5,808 places by nmf" in error
    found = vectors.load("parts", tmp_path / "parts.safetensors")
    assert found.values.shape == (3, 8)
    assert found.layer == "relu"
    lines = text.splitlines()
    assert lines[-3:] == ["directions: {parts: parts.safetensors}", "and under units",
                          "  - relu@dir/parts:all"]  # fmt: skip
    plain = written.read_text().replace("units:\n", "units:\n  - relu@dir/parts:all\n")
    config = yaml_file.parse(f"{plain}directions: {{parts: {tmp_path / 'parts.safetensors'}}}\n")
    rows = Atlas.open(build(config, only=("relu@dir/parts:all",)).folder).index.set_index("unit")
    some = rows.loc[[f"relu@dir/parts:{number}" for number in range(3)]]
    np.testing.assert_array_equal(some["variance_share"], found.shares)
    assert (some["status"] == "done").all()
    wrong = config.model_copy(
        update={"units": ("deep@dir/parts:0",), "output": str(tmp_path / "other")}
    )
    with pytest.raises(UnitError, match="are of the layer 'relu', not 'deep'"):
        build(wrong)


def test_the_same_is_learned_again_and_of_another_seed_another(
    atlas: Called, pictures: Path, tmp_path: Path
) -> None:
    asked = ("relu", "--pictures", str(pictures), "--parts", "2", "--method", "ica", "--json")
    code, text, _ = atlas(*asked)
    told = json.loads(text)
    assert (code, told["parts"], len(told["closest_channel"])) == (0, 2, 2)
    file = tmp_path / "relu-ica-2.safetensors"
    before = file.read_bytes()
    atlas(*asked)
    assert file.read_bytes() == before
    atlas(*asked, "--seed", "5")
    assert file.read_bytes() != before


def test_without_pictures_the_atlass_own_are_seen(
    atlas: Called, built: Path, written: Path, tmp_path: Path
) -> None:
    code, _, error = atlas("relu", "--parts", "2", "--method", "pca")
    assert code == 0, error
    assert "21 of 21 pictures" in error
    assert (tmp_path / "relu-pca-2.safetensors").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("relu",), "there is no atlas to learn from: name pictures, --pictures FOLDER"),
        (("nope", "--pictures", "pictures"), "the network has no layer 'nope'"),
        (("relu", "--method", "som"), "--method som: expected one of nmf, pca, ica, sparse"),
        (("relu", "--parts", "9", "--method", "pca"), "of a layer of 8 channels pca has 1 to 8"),
        (("relu", "-o", "parts.npy"), "expected a .safetensors file in a folder that is there"),
        (("relu", "-o", "no/parts.safetensors"), "expected a .safetensors file in a folder"),
        (("relu", "--pictures", "none"), "none is not there"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    atlas: Called, pictures: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    code, text, error = atlas(*arguments)
    assert (code, text) == (2, "")
    assert message in " ".join(error.split())
    assert not list(tmp_path.glob("*.safetensors"))

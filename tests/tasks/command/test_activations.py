"""The command that lays out activation atlases, as a user types it."""

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
def pictures(tmp_path: Path) -> Path:
    """Sixteen pictures, of noise and of stripes, each in a folder."""
    random = np.random.default_rng(0)
    for number in range(8):
        stripes = np.zeros((24, 24, 3), np.uint8)
        stripes[:: 2 + number % 3] = random.integers(100, 256, 3)
        images = {"noise": random.integers(0, 256, (24, 24, 3), np.uint8), "stripes": stripes}
        for name, pixels in images.items():
            folder = tmp_path / "pictures" / name
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    return tmp_path / "pictures"


def test_cells_are_laid_out_and_become_units(
    atlas: Called, pictures: Path, written: Path, tmp_path: Path
) -> None:
    code, text, error = atlas(
        "activations", "relu", "--pictures", str(pictures), "--grid", "3", "--places", "160",
        "-o", "cells.safetensors",
    )  # fmt: skip
    assert code == 0, error
    assert "laying out 160 places" in error
    assert "of 3 x 3 cells have three or more of 160 places of 16 pictures; they are for" in text
    found = vectors.load("cells", tmp_path / "cells.safetensors")
    assert found.cells is not None
    assert len(found.classes) == len(found.values) > 3
    assert set(found.classes) <= {"0", "1", "2"}  # of the network's classifier, without names
    plain = written.read_text().replace("units:\n", "units:\n  - relu@dir/cells:all\n")
    written.write_text(f"{plain}directions: {{cells: cells.safetensors}}\n")
    only = ("relu@dir/cells:all",)
    rows = Atlas.open(build(yaml_file.load(written), only=only).folder).index.set_index("unit")
    some = rows.loc[[f"relu@dir/cells:{n}" for n in range(len(found.values))]]
    np.testing.assert_array_equal(some[["cell_row", "cell_col"]].to_numpy(int), found.cells)
    assert some["class_name"].tolist() == list(found.classes)
    code, _, error = atlas("mosaic", "--order", "activations", "-o", "cells.png", "--tile", "16")
    assert code == 0, error
    with Image.open(tmp_path / "cells.png") as mosaic:
        assert (
            mosaic.height == 4 + 40 + 3 * (16 + 14) + 4
        )  # a grid of three rows, whatever is empty


def test_the_same_is_laid_out_again(atlas: Called, pictures: Path, tmp_path: Path) -> None:
    asked = ("activations", "relu", "--pictures", str(pictures), "--grid", "3", "--json")
    code, text, _ = atlas(*asked)
    told = json.loads(text)
    assert (code, told["pictures"], told["grid"]) == (0, 16, 3)
    assert told["places"] == 16 * 22 * 22
    file = tmp_path / "relu-activations.safetensors"
    before = file.read_bytes()
    atlas(*asked)
    assert file.read_bytes() == before
    atlas(*asked, "--seed", "5")
    assert file.read_bytes() != before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nope", "--pictures", "pictures"), "the network has no layer 'nope'"),
        (("relu", "--pictures", "none"), "none is not there"),
        (("relu", "--pictures", "pictures", "-o", "a.npy"), "expected a .safetensors file in a"),
        (("relu", "--pictures", "pictures", "--places", "16", "--grid", "200"), "leave every cell"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    atlas: Called, pictures: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    code, text, error = atlas("activations", *arguments)
    assert (code, text) == (2, "")
    assert message in " ".join(error.split())
    assert not list(tmp_path.glob("*.safetensors"))


def test_an_atlas_without_cells_has_no_such_order(atlas: Called, built: Path) -> None:
    code, _, error = atlas("mosaic", "--order", "activations", "-o", "cells.png")
    assert code != 0
    assert "`atlas activations` makes cells that have one" in " ".join(error.split())

"""Tests of the judge of several methods' pictures."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import defaults_judge

pytestmark = pytest.mark.usefixtures("cpu")


def test_what_is_kept_is_a_share_of_the_activation() -> None:
    random = np.random.default_rng(0)
    flat = np.full((2, 75, 75, 3), 128, np.uint8)
    noisy = random.integers(0, 256, (2, 75, 75, 3), dtype=np.uint8)
    found = defaults_judge.strengths("mixed0", [7, 64, 1], {"flat": flat, "noisy": noisy})
    assert set(found) == {"flat", "noisy"}
    # A picture without anything in it looks the same whatever is done to it.
    assert found["flat"]["kept_by_nobodys"] == pytest.approx([1.0, 1.0], abs=1e-3)
    assert all(0.0 <= share < 0.9 for share in found["noisy"]["kept_by_nobodys"])
    assert found["flat"]["robust"] == pytest.approx(found["flat"]["plain"], abs=1e-3)


def test_pictures_are_found_by_layer_and_method(tmp_path: Path) -> None:
    for name in ("mixed2-draft", "mixed4-draft", "mixed4-tf-keras-vis"):
        np.savez(tmp_path / f"{name}.npz", images=np.zeros((1, 2, 2, 3), np.uint8))
    assert set(defaults_judge.images_of(tmp_path, "mixed4")) == {"draft", "tf-keras-vis"}


@pytest.mark.slow
def test_pictures_are_tried_on_photographs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    photographs, folder = tmp_path / "photographs", tmp_path / "folder"
    photographs.mkdir()
    folder.mkdir()
    for number in range(12):
        coarse = Image.fromarray(random.integers(0, 256, (9, 12, 3), dtype=np.uint8))
        coarse.resize((240, 180), Image.Resampling.BICUBIC).save(photographs / f"{number}.jpg")
    drawn = {"mixed2": [7, 3, 100]}
    (folder / "drawn.json").write_text(json.dumps(drawn))
    pictures = random.integers(0, 256, (3, 75, 75, 3), dtype=np.uint8)
    np.savez(folder / "mixed2-some.npz", images=pictures)
    np.savez(folder / "mixed2-turned.npz", images=pictures[[1, 0, 2]])
    np.savez(folder / "mixed2-few.npz", images=pictures[:2])
    arguments = ["judge", str(folder), "--photographs", str(photographs)]
    monkeypatch.setattr("sys.argv", arguments)
    defaults_judge.main()
    found = json.loads((folder / "judged.json").read_text())
    methods = found["layers"]["mixed2"]
    assert found["tried"]["photographs"] == 12
    assert found["tried"]["eyes"] == {"mixed2": {"own": "mixed1", "judge": "block9_add"}}
    for eye in ("told_own", "told_judge"):
        assert len(methods["some"][eye]) == len(methods[defaults_judge.PHOTO][eye]) == 3
        assert all(0.0 <= auroc <= 1.0 for auroc in methods["some"][eye])
        # The same picture in its place, another in the places of the other two.
        assert methods["some"][eye][2] == methods["turned"][eye][2]
        assert methods["some"][eye][:2] != methods["turned"][eye][:2]
        assert eye not in methods["few"]

"""Tests of class names."""

import json
import zipfile
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest

from pipeline.config.class_names import class_names
from pipeline.config.weights import Weights
from pipeline.errors import ConfigError

BUNDLED = Weights("bundled", Path("nowhere.h5"), "")


def test_imagenet_names_are_in_keras_order() -> None:
    names = class_names("auto", 1000, BUNDLED, "")
    assert (names[0], names[207], names[999]) == ("tench", "golden retriever", "toilet tissue")
    assert all(name and name == name.strip() for name in names)


def test_imagenet_names_are_unique_but_for_the_cranes() -> None:
    names = class_names("auto", 1000, BUNDLED, "")
    assert [name for name, times in Counter(names).items() if times > 1] == ["crane"]
    assert (names[134], names[517]) == ("crane", "crane")
    assert (names[638], names[639]) == ("maillot", "tank suit")


def test_other_counts_have_no_names() -> None:
    assert class_names("auto", 3, BUNDLED, "") == ("", "", "")


@pytest.mark.parametrize(
    "text", ["cat\nsmall dog\n", "cat\r\nsmall dog\r\n\r\n", "\ufeffcat\n small dog"]
)
def test_a_text_file_has_one_name_a_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes(text.encode())
    assert class_names(str(path), 2, BUNDLED, "") == ("cat", "small dog")


def test_a_json_file_has_a_list(tmp_path: Path) -> None:
    path = tmp_path / "names.json"
    path.write_text('["cat", "Köter"]', encoding="utf-8")
    assert class_names(str(path), 2, BUNDLED, "") == ("cat", "Köter")


def test_paths_are_relative_to_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "names.txt").write_text("cat\n")
    monkeypatch.chdir(tmp_path)
    assert class_names("names.txt", 1, BUNDLED, "") == ("cat",)


def test_a_count_that_does_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("cat\ndog\n")
    with pytest.raises(ConfigError, match=r"names\.txt are 2, but the network has 3 classes"):
        class_names(str(path), 3, BUNDLED, "")


def test_an_empty_file_has_no_names(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.touch()
    with pytest.raises(ConfigError, match="are 0, but the network has 1 class"):
        class_names(str(path), 1, BUNDLED, "")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read: No such file.*expected `auto`") as info:
        class_names(str(tmp_path / "none.txt"), 2, BUNDLED, "")
    assert isinstance(info.value.__cause__, FileNotFoundError)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read: it is not UTF-8"):
        class_names(str(path), 2, BUNDLED, "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "are not JSON: Expecting value"),
        ('{"0": "cat"}', "are not a JSON list of strings: got a dict"),
        ('["cat", 7]', "are not all strings: number 1 is 7"),
    ],
)
def test_a_json_file_of_another_form(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "names.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        class_names(str(path), 2, BUNDLED, "")


def _mine(folder: Path) -> Weights:
    return Weights("file", folder / "net.keras", "")


@pytest.mark.parametrize("name", ["net.classes.txt", "classes.txt"])
def test_a_list_beside_a_file_comes_before_imagenets(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("\n".join(f"class {n}" for n in range(1000)))
    weights = _mine(tmp_path)
    assert class_names("auto", 1000, weights, "resnet50")[7] == "class 7"
    assert class_names("imagenet", 1000, weights, "resnet50")[7] == "cock"
    with pytest.raises(ConfigError, match=rf"the names in .*{name} are 1000, but .* has 3 classes"):
        class_names("auto", 3, weights, "resnet50")


def test_a_list_in_a_keras_archive_is_found(tmp_path: Path) -> None:
    weights = _mine(tmp_path)
    with zipfile.ZipFile(weights.path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"class_names": ["cat", "dog"]}))
    assert class_names("auto", 2, weights, "") == ("cat", "dog")
    (tmp_path / "net.classes.json").write_text('["a", "b"]')
    assert class_names("auto", 2, weights, "") == ("a", "b")


@pytest.mark.parametrize("names", [["cat", "dog"], '["cat", "dog"]', np.array([b"cat", b"dog"])])
def test_a_list_in_hdf5_is_found(names: object, tmp_path: Path) -> None:
    path = tmp_path / "net.h5"
    with h5py.File(path, "w") as file:
        file.attrs["classes"] = names
    assert class_names("auto", 2, Weights("file", path, ""), "") == ("cat", "dog")


@pytest.mark.parametrize(("network", "first"), [
    ("resnet50", "tench"), ("efficientnet_lite0", "tench"), ("functional_3", ""), ("mine", ""),
])  # fmt: skip
def test_only_networks_known_to_be_imagenets_have_its_names(
    network: str, first: str, tmp_path: Path
) -> None:
    assert class_names("auto", 1000, _mine(tmp_path), network)[0] == first

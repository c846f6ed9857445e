"""Tests of class names."""

from collections import Counter
from pathlib import Path

import pytest

from pipeline.config.class_names import class_names
from pipeline.errors import ConfigError


def test_imagenet_names_are_in_keras_order() -> None:
    names = class_names("auto", 1000)
    assert (names[0], names[207], names[999]) == ("tench", "golden retriever", "toilet tissue")
    assert all(name and name == name.strip() for name in names)


def test_imagenet_names_are_unique_but_for_the_cranes() -> None:
    names = class_names("auto", 1000)
    assert [name for name, times in Counter(names).items() if times > 1] == ["crane"]
    assert (names[134], names[517]) == ("crane", "crane")
    assert (names[638], names[639]) == ("maillot", "tank suit")


def test_other_counts_have_no_names() -> None:
    assert class_names("auto", 3) == ("", "", "")


@pytest.mark.parametrize(
    "text", ["cat\nsmall dog\n", "cat\r\nsmall dog\r\n\r\n", "\ufeffcat\n small dog"]
)
def test_a_text_file_has_one_name_a_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes(text.encode())
    assert class_names(str(path), 2) == ("cat", "small dog")


def test_a_json_file_has_a_list(tmp_path: Path) -> None:
    path = tmp_path / "names.json"
    path.write_text('["cat", "Köter"]', encoding="utf-8")
    assert class_names(str(path), 2) == ("cat", "Köter")


def test_paths_are_relative_to_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "names.txt").write_text("cat\n")
    monkeypatch.chdir(tmp_path)
    assert class_names("names.txt", 1) == ("cat",)


def test_a_count_that_does_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text("cat\ndog\n")
    with pytest.raises(ConfigError, match=r"names\.txt are 2, but the network has 3 classes"):
        class_names(str(path), 3)


def test_an_empty_file_has_no_names(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.touch()
    with pytest.raises(ConfigError, match="are 0, but the network has 1 class"):
        class_names(str(path), 1)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read: No such file.*expected `auto`") as info:
        class_names(str(tmp_path / "none.txt"), 2)
    assert isinstance(info.value.__cause__, FileNotFoundError)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read: it is not UTF-8"):
        class_names(str(path), 2)


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
        class_names(str(path), 2)

"""What a user says is in pictures: by subfolders, by a table, by names of crops."""

from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from pipeline.errors import ConfigError
from pipeline.examples import labels
from pipeline.examples.labels import Labels
from pipeline.examples.source import Picture, found_in

NAMES = ("loose.png", "cats/1.png", "cats/2.png", "dogs/small/1.png")


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    for name in NAMES:
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4)).save(path)
    return tmp_path / "mine"


@pytest.fixture
def pictures(mine: Path) -> list[Picture]:
    return found_in(mine)


def _said(pictures: list[Picture]) -> dict[str, tuple[str, ...]]:
    return {picture.id: picture.labels for picture in pictures}


def _write(file: Path, text: str) -> Labels:
    file.write_text(text, encoding="utf-8")
    return Labels(file)


def test_a_subfolder_is_a_label(pictures: list[Picture]) -> None:
    assert _said(pictures) == {
        "loose.png": (),
        "cats/1.png": ("cats",),
        "cats/2.png": ("cats",),
        "dogs/small/1.png": ("small",),
    }


def test_a_list_of_files_has_no_labels_of_its_own(mine: Path) -> None:
    (mine / "list.txt").write_text("cats/1.png\n")
    assert _said(found_in(mine / "list.txt")) == {"cats/1.png": ()}


def test_a_table_names_pictures_below_the_folder_by_path_or_beside_it(
    mine: Path, pictures: list[Picture], tmp_path: Path
) -> None:
    said = _write(
        tmp_path / "labels.csv",
        "label,path,by\ncat;pet,cats/1.png,me\nred,./cats/1.png,me\ncat,cats/1.png,me\n"
        f"dog,{mine}/dogs/small/1.png,me\n pet ,mine/loose.png,me\n,cats/2.png,me\n",
    )
    assert _said(said.put(pictures)) == {
        "loose.png": ("pet",),
        "cats/1.png": ("cat", "pet", "red"),
        "cats/2.png": (),
        "dogs/small/1.png": ("dog",),
    }


def test_parquet_with_lists_and_with_the_rows_of_an_array(tmp_path: Path) -> None:
    rows = [Picture(str(number), "/a.zarr", number) for number in range(3)]
    frame = pd.DataFrame({"path": [0, 2], "label": [["a", "b"], ["a"]]})
    frame.to_parquet(tmp_path / "labels.parquet")
    said = Labels(tmp_path / "labels.parquet").put(rows)
    assert _said(said) == {"0": ("a", "b"), "1": (), "2": ("a",)}


def test_crops_are_told_by_a_column_or_by_their_names(tmp_path: Path) -> None:
    names = ("a/photo_3.png", "a/photo_12.png", "a/photo.png", "b/photo_3.png", "7.png", "b/8.png")
    pictures = [Picture(name, f"/{name}") for name in names]
    stems = [picture.group for picture in Labels(crops=True).put(pictures)]
    assert stems == ["a/photo", "a/photo", "a/photo", "b/photo", "", ""]
    rows = "".join(f"{name},x,{name[-5]}\n" for name in names[:4])
    said = _write(tmp_path / "labels.csv", f"path,label,group\n{rows}")
    assert [picture.group for picture in said.put(pictures)] == ["3", "2", "o", "3", "", ""]


BAD = {
    "path,tag\ncats/1.png,x\n": "no column 'label': expected 'path' and 'label', it has path, tag",
    "path;label\ncats/1.png;x\n": "has no column 'path'.* it has path;label",
    "": "cannot be read as a table: No columns to parse",
    "path,label\n": "has no rows: expected 'path' and 'label' in each",
    "path,label\ncats/1.png,;\n": "has no label: expected one in each row",
    "path,label\nx.png,a\ny.png,a\ncats/1.png,a\n": (
        r"names 2 pictures that the 4 lack, 'x\.png' first: expected names as"
    ),
    'path,label\n"a,b\n': "cannot be read as a table",
}


@pytest.mark.parametrize("text", BAD)
def test_a_bad_table_is_told_in_a_line(pictures: list[Picture], tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=BAD[text]) as told:
        _write(tmp_path / "labels.csv", text).put(pictures)
    assert "\n" not in str(told.value)


def test_a_file_that_is_none(pictures: list[Picture], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none.csv cannot be read as a table: .*No such file"):
        Labels(tmp_path / "none.csv").put(pictures)
    with pytest.raises(ConfigError, match=r"labels.txt: expected a .csv or a .parquet, with colu"):
        Labels(tmp_path / "labels.txt").put(pictures)
    for name in ("labels.csv", "labels.parquet"):
        (tmp_path / name).write_bytes(b"\xff\x00PAR1")
        with pytest.raises(ConfigError, match=f"{name} cannot be read as a table"):
            Labels(tmp_path / name).put(pictures)


def test_a_cell_is_one_line_of_text() -> None:
    cells = {" a\n b ": "a b", None: "", float("nan"): "", 3: "3"}
    assert [labels.text(cell) for cell in cells] == list(cells.values())

"""The commands that ask an atlas, as a user types them, on made-up numbers."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import atlases
import pandas as pd
import pytest
from command import call
from PIL import Image
from rich.console import Console

from pipeline import Atlas
from pipeline.explore import index
from pipeline.store.store import Store
from tasks.command import printing


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an atlas in `atlas`, and none in the configuration."""
    place = tmp_path_factory.mktemp("asked")
    store = Store.create(
        place / "atlas",
        atlases.provenance("mixed2:0-5", "-mixed2:1", "mixed4:0-9", variants=2, diversity=1.0),
    )
    atlases.measure(atlases.commit(store))
    index.refresh(store)
    return place


@pytest.fixture
def atlas(folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """A function that runs the command where the atlas is."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *arguments: call(capfd, monkeypatch, *arguments)


def test_similar_units_as_a_table(atlas, folder: Path) -> None:
    code, text, error = atlas("similar", "atlas", "mixed4:2", "--top", "3")
    assert (code, error) == (0, "")
    lines = [line.split() for line in text.splitlines()]
    assert lines[0] == ["unit", "distance", "activation", "selectivity"]
    expected = list(Atlas.open(folder / "atlas").similar("mixed4:2", 3)["unit"])
    assert [line[0] for line in lines[1:]] == expected


def test_similar_units_of_a_negative_one(atlas) -> None:
    rows = json.loads(atlas("similar", "atlas", "-mixed2:1", "--format", "json")[1])
    assert rows[0]["unit"] == "mixed2:1"
    assert len(rows) == 10
    assert isinstance(rows[0]["nearest"], list)
    code, text, _ = atlas(
        "similar", "--top", "1", "atlas", "-mixed2:1", "--columns", "unit", "--format", "csv"
    )
    assert (code, text.split()) == (0, ["unit", "mixed2:1"])


def test_the_strongest_negative_unit_is_the_lowest(atlas) -> None:
    ask = ("query", "atlas", 'layer == "mixed2"', "--columns", "unit", "--format", "csv")
    assert atlas(*ask, "--top", "1")[1].split() == ["unit", "mixed2:5#1"]
    negative = ("query", "atlas", "direction:negative", "--columns", "unit", "--format", "csv")
    assert atlas(*negative, "--top", "1")[1].split() == ["unit", "-mixed2:1"]
    raw = atlas(*negative, "--top", "1", "--sort", "-activation")[1]
    assert raw.split() == ["unit", "-mixed2:1#1"]


def test_a_table_has_no_empty_columns_and_is_counted(atlas) -> None:
    code, text, error = atlas("query", "atlas", "mixed4:2#0")
    assert (code, error) == (0, "1 of 34 units\n")
    assert text.split()[:2] == ["unit", "status"]
    assert "class_name" not in text
    assert "<NA>" not in text
    assert "class_name" in atlas("query", "atlas", "mixed4:2", "--columns", "unit,class_name")[1]
    heads = atlas("query", "atlas", "own_rank < 9 and alive", "--sort", "-sparsity")[1].split("\n")[
        0
    ]
    assert {"own_rank", "sparsity"} < set(heads.split())  # what was asked is shown


def test_a_unit_is_shown_a_figure_a_line(atlas) -> None:
    code, text, _ = atlas("show", "atlas", "mixed4:2")
    figures = dict(line.split(maxsplit=1) for line in text.splitlines())
    assert (code, figures["activation"], figures["selectivity"]) == (0, "3", figures["selectivity"])
    assert len(figures["selectivity"]) < 7
    assert len(figures["nearest"].split()) == 10
    assert len(figures["image_sha256"]) == 64


@pytest.mark.parametrize(
    ("environment", "is_drawn"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ],
)
def test_a_picture_needs_colours(
    atlas, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], is_drawn: bool
) -> None:
    terminal = Console(force_terminal=True, soft_wrap=True, _environ=environment)
    monkeypatch.setattr(printing, "out", terminal)
    assert ("▀" in atlas("show", "atlas", "mixed4:2")[1]) == is_drawn


def _to(folder: Path, output: object, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tasks.command.main", *words],
        cwd=folder, stdout=output, stderr=subprocess.PIPE, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("words", [("query", "atlas", "alive"), ("show", "atlas", "mixed4:2")])
def test_an_output_that_takes_nothing(folder: Path, words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = _to(folder, full, *words)
    assert done.returncode == 1
    assert done.stderr.endswith("atlas: the output cannot be written: No space left on device\n")
    assert done.stderr.count("\n") <= 2
    read, write = os.pipe()
    os.close(read)  # as `head` that has enough
    try:
        done = _to(folder, write, *words)
    finally:
        os.close(write)
    assert (done.returncode, done.stderr.replace("26 of 34 units\n", "")) == (141, "")


def test_lists_in_every_format(atlas, folder: Path) -> None:
    ask = ("query", "atlas", '"mixed2:1" in nearest', "--columns", "unit,nearest,nearest_distance")
    rows = json.loads(atlas(*ask, "--format", "json")[1])
    assert rows
    assert all("mixed2:1" in row["nearest"] for row in rows)
    found = list(csv.DictReader(io.StringIO(atlas(*ask, "--format", "csv")[1])))
    assert [row["nearest"].split() for row in found] == [row["nearest"] for row in rows]
    assert [len(row["nearest_distance"].split()) for row in found] == [10] * len(rows)
    table = atlas(*ask)[1].splitlines()
    assert len(table) == len(rows) + 1
    assert not any("[" in line or "\\n" in line for line in table)
    done = subprocess.run(
        [sys.executable, "-m", "tasks.command.main", *ask, "--format", "parquet"],
        cwd=folder, capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    frame = pd.read_parquet(io.BytesIO(done.stdout))
    assert [list(names) for names in frame["nearest"]] == [row["nearest"] for row in rows]


def test_compare_keeps_the_order(atlas, folder: Path, tmp_path: Path) -> None:
    one, other, expected = (tmp_path / f"{name}.png" for name in ("one", "other", "expected"))
    assert atlas("compare", "atlas", "-mixed2:1", "mixed2:1", "-o", str(one))[0] == 0
    assert atlas("compare", "-o", str(other), "atlas", "mixed2:1", "-mixed2:1")[0] == 0
    Atlas.open(folder / "atlas").compare(["-mixed2:1", "mixed2:1"], expected)
    assert one.read_bytes() == expected.read_bytes() != other.read_bytes()


def test_compare_saves_a_sheet(atlas, tmp_path: Path) -> None:
    code, text, _ = atlas("compare", "atlas", "mixed2:1", "mixed4:1", "-o", str(tmp_path / "c.png"))
    assert (code, text) == (0, f"saved {tmp_path / 'c.png'}\n")
    with Image.open(tmp_path / "c.png") as found:
        assert found.format == "PNG"


@pytest.mark.parametrize("kind", ["png", "pdf"])
def test_a_contact_sheet(atlas, tmp_path: Path, kind: str) -> None:
    if kind == "pdf":
        pytest.importorskip("reportlab")
    path = tmp_path / f"s.{kind}"
    code, text, _ = atlas(
        "sheet", "atlas", "layer == 'mixed4'", "-o", str(path), "--caption", "unit,activation",
        "--columns", "2", "--tile", "16", "--sort", "-activation", "--top", "3",
        "--heading", "best",
    )  # fmt: skip
    assert (code, text) == (0, f"saved {path}, 3 units\n")
    assert path.read_bytes()[:4] in (b"\x89PNG", b"%PDF")


def test_an_atlas_differs_from_another(atlas, folder: Path, tmp_path: Path) -> None:
    there = shutil.copytree(folder / "atlas", tmp_path / "there")
    store = Store.open(there)
    record = store.records.one("mixed4", 4)
    assert record is not None
    store.records.drop(record)
    code, text, error = atlas("diff", "atlas", str(there), "--format", "csv", "--top", "5")
    assert code == 0
    assert error == f"30 units in both, 4 only in atlas, 0 only in {there}\n"
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 5
    assert float(rows[0]["response_distance"]) == 0
    path = tmp_path / "d.png"
    code, text, error = atlas(
        "diff", "atlas", str(there), "--by", "image_distance", "--sheet", str(path), "--tile", "16"
    )
    assert code == 0
    assert error.startswith(f"sheet: {path}\n")
    assert text.split()[:3] == ["unit", "activation_before", "activation_after"]
    assert path.is_file()
    assert len(json.loads(atlas("diff", "atlas", str(there), "--format", "json")[1])) == 30


@pytest.mark.parametrize("kind", ["csv", "zip"])
def test_an_export(atlas, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    assert atlas("export", "atlas", "--format", kind, "-o", str(path))[0] == 0
    if kind == "zip":
        with zipfile.ZipFile(path) as archive:
            assert "atlas/index.parquet" in archive.namelist()
    assert atlas("export", "atlas", "--format", kind, "-o", str(path))[0] == 2


def test_what_is_not_measured_is_one_line_and_2(atlas, tmp_path: Path) -> None:
    Store.create(tmp_path / "new", atlases.provenance("mixed2:0-5"))
    code, _, error = atlas("similar", str(tmp_path / "new"), "mixed2:1")
    assert code == 2
    assert "has no responses yet: `atlas build`" in error
    assert error.count("\n") == 1


def test_asking_never_imports_tensorflow(folder: Path) -> None:
    for arguments in (
        ["similar", "atlas", "mixed2:1"],
        ["compare", "atlas", "mixed2:1"],
        ["sheet", "atlas", "alive", "-o", "s.png"],
        ["diff", "atlas", "atlas"],
    ):
        code = (
            f"import sys; from tasks.command import main; sys.argv = ['atlas', *{arguments}]\n"
            "try: main.main()\nexcept SystemExit as ended: assert not ended.code, ended.code\n"
            "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=folder, capture_output=True, timeout=60, check=False
        )
        assert done.returncode == 0, (arguments, done.stderr)


def test_one_grammar_for_units(atlas, tmp_path: Path) -> None:
    def found(*words: str) -> list[str]:
        code, text, error = atlas("query", "atlas", *words, "--columns", "unit", "--format", "csv")
        assert (code, error) == (0, "")
        return text.split()[1:]

    assert found("mixed4:2") == ["mixed4:2", "mixed4:2#1"]
    assert found("mixed2:1,mixed4:2#1") == ["mixed2:1", "mixed2:1#1", "mixed4:2#1", "-mixed2:1",
                                            "-mixed2:1#1"]  # fmt: skip
    assert found("-mixed2:1#0") == ["-mixed2:1"]
    assert found("layer:mixed4 activation > 1009") == ["mixed4:9#1"]
    sheet = tmp_path / "s.png"
    assert atlas("compare", "atlas", "mixed4:2,mixed4:3", "-o", str(sheet))[0] == 0
    both = sheet.read_bytes()
    assert atlas("compare", "atlas", "mixed4:2", "mixed4:3", "-o", str(sheet))[0] == 0
    assert sheet.read_bytes() == both
    assert atlas("sheet", "atlas", "-mixed2:1,mixed4:0-3", "-o", str(sheet))[0] == 0
    code, _, error = atlas("query", "atlas", "mixed9:1")
    assert (code, "no layer 'mixed9'" in error) == (2, True)


def test_csv_has_no_mark_from_either_command(atlas, folder: Path, tmp_path: Path) -> None:
    done = _to(folder, subprocess.PIPE, "query", "atlas", "status:done", "--format", "csv")
    assert atlas("export", "atlas", "--format", "csv", "-o", str(tmp_path / "i.csv"))[0] == 0
    assert (tmp_path / "i.csv").read_text(encoding="utf-8") == done.stdout
    assert done.stdout.startswith("unit,")


@pytest.mark.parametrize(
    "words", [("mosaic", "atlas", "-o"), ("show", "atlas", "mixed4:2", "--save")]
)
def test_a_png_is_called_so(atlas, folder: Path, words: tuple[str, ...]) -> None:
    code, _, error = atlas(*words, "m.jpg")
    assert (code, "m.jpg: expected a file that ends in .png" in error) == (2, True)
    assert not (folder / "m.jpg").exists()
    code, _, error = atlas(*words, "nowhere/m.png")
    assert (code, "there is no folder" in error) == (2, True)


def test_what_there_is_no_image_of(atlas) -> None:
    code, _, error = atlas("show", "atlas", "logits:1")
    assert (code, "unit logits:1 is unavailable: the atlas's weights have no" in error) == (2, True)
    code, _, error = atlas("show", "atlas", "mixed2:1@1,1")
    assert (code, "/atlas mixed2:1@1,1` renders it alone" in error) == (2, True)
    for words in (("similar",), ("compare",)):
        code, _, error = atlas(*words, "atlas", "logits:1")
        assert (code, "is unavailable: the atlas's weights have no" in error) == (2, True)
    code, text, error = atlas("query", "atlas", "mixed2:1@1,1")
    assert (code, text, "renders it alone; add it to `units`" in error) == (0, "no unit\n", True)


def test_notes_by_the_command(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(folder / "atlas", tmp_path / "atlas")
    monkeypatch.chdir(tmp_path)

    def note(*arguments: str) -> tuple[int, str, str]:
        return call(capfd, monkeypatch, "note", "atlas", *arguments)

    assert note() == (0, "", "")
    assert note("mixed4:2", "curves, [left]")[:2] == (0, "mixed4:2: curves, [left]\n")
    assert note("-mixed2:1", "a head: seen from 3 sides") == (
        0, "-mixed2:1: a head: seen from 3 sides\n", "",
    )  # fmt: skip
    assert note("mixed4:2") == (0, "mixed4:2: curves, [left]\n", "")
    assert note("mixed4:3") == (0, "mixed4:3: no note\n", "")
    code, text, _ = call(capfd, monkeypatch, "query", "atlas", "note:curves", "--format", "csv")
    assert next(csv.DictReader(io.StringIO(text)))["note"] == "curves, [left]"
    pd.DataFrame(
        {"unit": ["mixed4:3", "mixed4:2", "mixed4:4"], "note": ["dogs", None, " fur "]}
    ).to_csv("notes.csv", index=False)
    code, text, error = note("--from", "notes.csv", "--json")
    assert (code, error) == (0, "")
    assert json.loads(text) == {
        "-mixed2:1": "a head: seen from 3 sides", "mixed4:2": "curves, [left]",
        "mixed4:3": "dogs", "mixed4:4": "fur",
    }  # fmt: skip
    assert note("mixed4:3", "--delete") == (0, "mixed4:3: no note\n", "")
    assert "note               fur" in call(capfd, monkeypatch, "show", "atlas", "mixed4:4")[1]


WRONG_NOTES = {
    ("mixed4:99", "x"): "mixed4:99",
    ("mixed4:9@1,1", "x"): "mixed4:9@1,1 is not in the atlas's configuration",
    ("mixed4:2", " "): "the note on mixed4:2 is empty: --delete takes one away",
    ("mixed4:2", "two", "words"): "expected \\[DIR] UNIT TEXT, with TEXT in quotes",
    ("--delete",): "UNIT --delete",
    ("mixed4:2", "--from", "notes.csv"): "or --from FILE.csv",
    ("--from", "notes.csv"): "unit 'mixed9:1': the network has no layer",
}


@pytest.mark.parametrize("words", WRONG_NOTES)
def test_a_note_that_cannot_be_is_told_in_a_line(
    atlas, folder: Path, words: tuple[str, ...]
) -> None:
    (folder / "notes.csv").write_text("unit,note\nmixed4:1,fine\nmixed9:1,x\n")
    code, text, error = atlas("note", "atlas", *words)
    assert (code, text) == (2, "")
    assert WRONG_NOTES[words].replace("\\", "") in error
    assert error.count("\n") == 1
    assert not (folder / "atlas/notes.json").exists()

"""Tests of how the command prints: counts, lines, frames, files."""

import io
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import studies
from PIL import Image

from pipeline.config.recipes import RECIPES
from pipeline.errors import ConfigError
from pipeline.publish import site
from pipeline.store.folder import LocalFolder
from pipeline.study.comparison import compare
from pipeline.verify import Finding
from tasks.build.estimate import Estimate
from tasks.build.run import Report
from tasks.command import printing
from tasks.command.printing import Format

FRAME = pd.DataFrame(
    {
        "unit": ["a:1", "-a:1"],
        "activation": [1234.5678, np.nan],
        "class_name": ["café [b]", None],
        "nearest": [["-a:1", "b:2"], None],
    }
)


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((1234, 0, 0, 0), "1,234 units done, in 9 min 5 s"),
        ((0, 3, 2, 1000), "0 units done, 2 failed, 3 missing, 1,000 unavailable, in 9 min 5 s"),
    ],
)
def test_a_report_counts_what_there_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], counts: tuple[int, ...], expected: str
) -> None:
    printing.show_report(Report(*counts, 545.4, LocalFolder(tmp_path)))
    assert capsys.readouterr().out.splitlines() == [
        expected,
        f"mosaic  {tmp_path}/mosaic.png",
        f"index   {tmp_path}/index.parquet",
    ]


def test_a_study_is_a_table_and_what_has_to_be_known(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")  # nothing is cut
    made = {"a": studies.index(), "[b]": studies.index(times=2.0)}
    printing.show_study(compare(made, dict.fromkeys(made, RECIPES["draft"])))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:4] == ["section", "measure", "variation", "units"]
    assert lines[2].split() == ["[b]", "12", "13.0", "×2.00", "2.00", "to", "2.00", "100", "%"]
    assert "24 units, the same in all." in lines


def test_a_report_names_the_page_where_there_is_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = LocalFolder(tmp_path)
    folder.write_bytes(site.NAME, b"")
    printing.show_report(Report(1, 0, 0, 0, 1.0, folder))
    assert capsys.readouterr().out.endswith(f"page    {tmp_path}/site/index.html\n")


def test_findings_are_counted_by_section_and_named_where_not_whole(
    capsys: pytest.CaptureFixture[str],
) -> None:
    printing.show_findings(
        [
            Finding("mixed4/000000", "whole"),
            Finding("mixed4/000001", "damaged", "images of [mixed4] cannot be read"),
            Finding("crops/mixed4/000000", "whole"),
            Finding("index.parquet", "stale", "it is not there yet"),
            Finding("crops/mixed4/000001", "lost", "it is gone"),
            Finding("records/mixed4/.new-x", "left over", "half-written"),
            Finding("notes.txt", "foreign", "it is not the atlas's"),
        ]
    )
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert [line.split() for line in lines[:4]] == [
        ["part", "whole", "damaged", "lost", "stale", "left", "over", "foreign"],
        ["mixed4", "1", "1", "0", "0", "0", "0"],
        ["crops/mixed4", "1", "0", "1", "0", "0", "0"],
        ["the", "atlas", "0", "0", "0", "1", "1", "1"],
    ]
    assert lines[4:] == [
        "damaged: mixed4/000001: images of [mixed4] cannot be read",
        "stale: index.parquet: it is not there yet",
        "lost: crops/mixed4/000001: it is gone",
        "left over: records/mixed4/.new-x: half-written",
        "foreign: notes.txt: it is not the atlas's",
    ]


def test_pictures_that_were_left_out_are_named_as_they_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    printing.show_left_out(1002, {"[red]a[/red].png": "it is no picture"})
    assert capsys.readouterr().out.splitlines() == [
        "1,001 pictures seen, 1 left out",
        "left out: [red]a[/red].png: it is no picture",
    ]


def test_what_the_weights_have_nothing_for_is_one_line_or_none() -> None:
    assert printing.unavailable(0) == []
    [line] = printing.unavailable(1002)
    assert line.startswith("1,002 logits and softmax units are unavailable: these weights have no")


def test_a_table_rounds_and_marks_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    printing.show_frame(FRAME, Format.TABLE)
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["unit", "activation", "class_name", "nearest"],
        ["a:1", "1235", "café", "[b]", "-a:1", "b:2"],
        ["-a:1", "–", "–", "–"],
    ]
    printing.show_frame(FRAME.head(0), Format.TABLE)
    assert capsys.readouterr().out == "no unit\n"


def test_values_for_people() -> None:
    values = (np.float32(1.5427699), 0.25, 7, True, "a", pd.NA, None, np.float64("nan"))
    assert [printing.text_of(v) for v in values] == [
        "1.543", "0.25", "7", "True", "a", "–", "–", "–",
    ]  # fmt: skip
    assert printing.text_of(np.array([0.45131, 2.0])) == "0.4513 2"


def test_csv_has_every_digit_and_lists_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    printing.show_frame(FRAME, Format.CSV)
    assert capsys.readouterr().out.splitlines() == [
        "unit,activation,class_name,nearest",
        "a:1,1234.5678,café [b],-a:1 b:2",
        "-a:1,,,",
    ]


def test_json_has_lists_and_letters_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    printing.show_frame(FRAME, Format.JSON)
    text = capsys.readouterr().out
    assert "café" in text
    assert text.endswith("]\n")
    assert json.loads(text) == [
        {
            "unit": "a:1", "activation": 1234.5678, "class_name": "café [b]",
            "nearest": ["-a:1", "b:2"],
        },
        {"unit": "-a:1", "activation": None, "class_name": None, "nearest": None},
    ]  # fmt: skip


def test_parquet_is_all_that_is_written(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    printing.show_frame(FRAME, Format.PARQUET)
    sys.stdout.flush()
    found = pd.read_parquet(io.BytesIO(capsysbinary.readouterr().out))
    assert found["unit"].tolist() == ["a:1", "-a:1"]
    assert found["nearest"][0].tolist() == ["-a:1", "b:2"]


def test_a_picture_is_a_png_and_called_so(tmp_path: Path) -> None:
    image = Image.new("RGB", (3, 2), "red")
    printing.save(image, tmp_path / "picture.PNG")
    with Image.open(tmp_path / "picture.PNG") as found:
        assert (found.format, found.size) == ("PNG", (3, 2))
    for name in ("picture", "picture.jpg"):
        with pytest.raises(ConfigError, match=rf"{name}: expected a file that ends in \.png"):
            printing.save(image, tmp_path / name)
        assert not (tmp_path / name).exists()


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    image = Image.new("RGB", (3, 2))
    with pytest.raises(ConfigError, match=r"none/a\.png: there is no folder .*none"):
        printing.save(image, tmp_path / "none" / "a.png")
    (tmp_path / "way.png").mkdir()
    with pytest.raises(ConfigError, match=r"way\.png cannot be written: "):
        printing.save(image, tmp_path / "way.png")
    (tmp_path / "way.gif").mkdir()
    with pytest.raises(ConfigError, match=r"way\.gif cannot be written: "):
        printing.save_film(np.zeros((2, 4, 4, 3), np.uint8), tmp_path / "way.gif")


def test_a_section_of_a_plan_is_a_row() -> None:
    table = printing.table("section", "units", "missing", "batches", "TFLOP", "time", "MB")
    printing.add_cost(table, "mixed4", 1768, Estimate(1500, 94, 2.5e15, 65.0, 12_340_000))
    printing.add_cost(table, "logits", 1, Estimate(0, 0, 0.0, None, 0))
    rows = list(zip(*(column.cells for column in table.columns), strict=True))
    assert rows == [
        ("mixed4", "1,768", "1,500", "94", "2,500.0", "1 min 5 s", "12.3"),
        ("logits", "1", "0", "0", "0.0", "–", "0.0"),
    ]

"""Tests of the section on pictures of classes: what it counts, and where it is put."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks import class_table
from benchmarks.report import put

NAMES = [f"class {number}" for number in range(10)]


def _found(first: list[int], second: list[int]) -> dict[str, Any]:
    return {
        "ranks": {"Lite1": first, "Lite2": second}, "classes": [2, 5, 7, 8], "steps": 9,
        "seconds": 1.26, "machine": "a machine", "date": "2026-11-26",
    }  # fmt: skip


KEPT = {
    "classes:logits:224": _found([0, 0, 0, 3], [0, 0, 1, 9]),
    "fourier:p:128": _found([0, 9, 0, 0], [0, 0, 0, 0]),
}


def test_a_row_counts_what_each_judge_and_both_put_first() -> None:
    text = class_table.section(KEPT, NAMES)
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert rows == [
        "| `fourier` | its probability | 128 | 4 | 9 | 75% | 100% | 75% | 75% | 1.3 |",
        "| `classes` | its logit | 224 | 4 | 9 | 75% | 50% | 50% | 75% | 1.3 |",
    ]
    assert "class 2, class 5, class 7, class 8." in text
    assert "for each: class 7 (1, 2); class 8 (4, 10)." in text


def test_a_section_takes_the_place_of_its_former_self(tmp_path: Path) -> None:
    page = tmp_path / "BENCHMARKS.md"
    page.write_text("# Benchmarks\n\n## One\n\ntext\n")
    put(page, f"{class_table.HEADING}\n\nold")
    assert page.read_text() == f"# Benchmarks\n\n## One\n\ntext\n\n{class_table.HEADING}\n\nold\n"
    page.write_text(page.read_text() + "\n## Two\n\nlast\n")
    put(page, f"{class_table.HEADING}\n\nnew")
    assert page.read_text().splitlines() == [
        "# Benchmarks", "", "## One", "", "text", "", class_table.HEADING, "", "new", "",
        "## Two", "", "last",
    ]  # fmt: skip


def test_a_sheet_holds_all_pictures_in_rows_and_is_small_enough() -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 224, 224, 3), np.uint8)
    data = class_table.page(images)
    assert len(data) < class_table.MOST
    assert Image.open(BytesIO(data)).size == (2240, 448)


def test_nothing_is_written_where_nothing_was_measured(tmp_path: Path) -> None:
    class_table.again(tmp_path / "BENCHMARKS.md", tmp_path / "classes.json")
    assert list(tmp_path.iterdir()) == []

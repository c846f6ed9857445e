"""Tests of the section on families of networks."""

import json
from pathlib import Path
from typing import Any

from benchmarks import family_table


def _found(ours: float, plain: float, dead: int = 0) -> dict[str, Any]:
    return {
        "activations": {"relu": 3, "silu": 1}, "layer": "mid", "channels": 64,
        "left": [5, dead, dead], "dead": {str(n): n / 2 for n in range(dead)},
        "ours": ours, "plain": 3 * plain, "compiled": plain, "batched": ours / 2,
        "size": 80, "machine": "a machine",
    }  # fmt: skip


def test_rows_and_what_is_slow() -> None:
    text = family_table.section({"B": _found(0.01, 0.05, 2), "A": _found(0.01, 0.015)})
    rows = [line for line in text.splitlines() if line.startswith("| ")][2:]
    assert rows == [
        "| A | relu, silu | `mid` | 64 | 5, 0 | 0 | 0 "
        "| 10.0 | 45.0 | 15.0 | 5.0 | 4.5, 1.5 and 0.5 |",
        "| B | relu, silu | `mid` | 64 | 5, 2, 2 | 2 | 1 "
        "| 10.0 | 150.0 | 50.0 | 5.0 | 15.0, 5.0 and 0.5 |",
    ]
    assert "Less than 2 times as fast as the compiled one: A." in text
    assert "takes 50% to 50% of our time there" in text
    assert "Less than" not in family_table.section({"B": _found(0.01, 0.05)})


def test_it_is_put_into_a_report_from_what_was_kept(tmp_path: Path) -> None:
    family_table.again(tmp_path / "B.md", tmp_path / "none.json")
    assert not (tmp_path / "B.md").exists()
    kept = tmp_path / "kept.json"
    kept.write_text(json.dumps({"A": _found(0.01, 0.05)}))
    family_table.again(tmp_path / "B.md", kept)
    assert family_table.HEADING in (tmp_path / "B.md").read_text()

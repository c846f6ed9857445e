"""Tests of the section on what pictures tell."""

import json
from pathlib import Path

from benchmarks import truth_table

AT = {
    "layer": "mixed3", "picture": 0.871, "plain": 0.79, "photo": 0.83, "photo_plain": 0.86,
    "better": 0.65, "tells": 0.9, "photo_tells": 0.4, "known": 768, "shuffled": 0.5,
    "shuffled_plain": 0.64, "shuffled_tells": 0.0243, "planted": 0.52, "planted_tells": 0.03,
}  # fmt: skip
FOUND = {
    "trained": {
        "mixed4": {"units": 768, "strength": 1.4, "own": AT, "judge": AT | {"layer": "block9_add"}}
    },
    "random": {"mixed4": {"units": 64, "own": AT | {"picture": 0.93, "tells": 0.97}}},
    "tried": {"judge": "EfficientNet-Lite0, block9_add", "photographs": 106, "crops": 2438},
    "size": 128,
    "machine": "2 cores",
}


def test_the_section_says_on_what_and_by_whom(tmp_path: Path) -> None:
    kept = tmp_path / "truth.json"
    kept.write_text(json.dumps(FOUND))
    truth_table.again(tmp_path / "B.md", kept)
    text = (tmp_path / "B.md").read_text()
    assert "2,438 crops of 106 photographs" in text
    assert "by another network (EfficientNet-Lite0, block9_add)" in text
    assert "| mixed4 | `mixed3`, own | 0.87 | 0.79 | 0.83 | 0.86 | 65 % | 90 % | 40 % |" in text
    row = "| mixed4 | `mixed3`, own | 0.50 | 0.64 | 2.4 % | 0.93 | 97 % | 0.52 | 3 % |"
    assert row in text
    assert "the judge's `block9_add` | 0.50 | 0.64 | 2.4 % |  |  | 0.52 | 3 % |" in text


def test_nothing_kept_leaves_the_report(tmp_path: Path) -> None:
    truth_table.again(tmp_path / "B.md", tmp_path / "none.json")
    assert not (tmp_path / "B.md").exists()

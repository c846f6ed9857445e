"""Tests of the section on peers by their own defaults."""

import json
from pathlib import Path
from typing import Any

from benchmarks import defaults_table

HIGH = [4.0, 5.0, 6.0, 4.0, 5.0, 6.0, 5.0, 5.0]


def _method(robust: list[float], **more: Any) -> dict[str, Any]:
    count = len(robust)
    return {
        "steps": 56, "version": "1.2", "settings": "its own", "seconds": [0.5, 0.4],
        "robust": robust, "plain": robust, "kept": [0.5] * count,
        "kept_by_nobodys": [0.75] * count, **more,
    }  # fmt: skip


def _run(**more: Any) -> dict[str, Any]:
    half = [value / 2 for value in HIGH]
    half[0] = 0.0
    methods = {
        "fourier": _method(HIGH, told_judge=[0.7] * 8, told_own=[0.9] * 8),
        "xplique": _method(half, told_judge=[float("nan"), *[0.6] * 7], told_own=[0.8] * 8),
        "xplique-maco": _method([1.0, 1.0]),
        "photograph": {"told_judge": [0.75] * 8, "told_own": [0.85] * 8},
    }
    eyes = {"mixed4": {"own": "mixed3", "judge": "block9_add"}}
    tried = {"judge": "Lite0, block9_add", "photographs": 88, "crops": 1945, "eyes": eyes}
    return {
        "channels": {"mixed4": [*range(8)]}, "size": 128, "layers": {"mixed4": methods},
        "absent": {"tf-keras-vis": "tf-keras-vis is not installed: pip install it"},
        "tried": tried, "workers": 2, "isa": "Intel AVX-512", "machine": "2 cores, X",
        "minutes": 24.2, "date": "2026-11-27", **more,
    }  # fmt: skip


def test_a_row_says_how_high_how_sure_and_what_fails() -> None:
    text = defaults_table.section({"own": _run()})
    lines = text.partition("### `mixed4`")[2].partition("| method | processor | version")[0]
    rows = {line.split(" | ")[0].strip("| "): line for line in lines.splitlines()}
    assert rows["channel atlas, `fourier`"] == (
        "| channel atlas, `fourier` | its own | 8 | 56 | 0.45 (0.40–0.50) | 5.00 (4.00–6.00) |  | "
        "0 | 0.50 (0.50–0.50) | 0.75 (0.75–0.75) | 0.70 (0.70–0.70) | 0.90 (0.90–0.90) |"
    )
    # A dead channel has no ratio; every other is half as high.
    assert "| 0.50 (0.50–0.50) | 1 | 0.50" in rows["xplique"]
    assert "| 0.60 (0.60–0.60) | 0.80" in rows["xplique"]
    # Two channels have no interval, and pictures of two are not contrasted.
    assert "| 2 | 56 | 0.45 (0.40–0.50) | 1.00 | " in rows["xplique's MaCo"]
    assert rows["xplique's MaCo"].endswith("| 0.50 | 0.75 |  |  |")
    assert rows["the strongest photograph"].endswith("| 0.75 (0.75–0.75) | 0.85 (0.85–0.85) |")


def test_it_says_on_what_against_which_others_and_what_is_left_out() -> None:
    text = defaults_table.section({"own": _run()})
    assert "on 2 cores, X, oneDNN computing with Intel AVX-512" in text
    assert "same method's pictures of the other channels drawn from that layer" in text
    assert "of 1,945 crops of 88 photographs, by another network (Lite0, block9_add)" in text
    assert "`mixed3` for `mixed4`" in text
    assert "tf-keras-vis: tf-keras-vis is not installed: pip install it." in text
    assert "Channels: `mixed4`: 0, 1, 2, 3, 4, 5, 6, 7." in text
    without = defaults_table.section({"own": _run(tried=None)})
    assert "not measured, without photographs" in without


def test_two_processors_share_a_table_and_the_section_is_put_once(tmp_path: Path) -> None:
    kept, page = tmp_path / "kept.json", tmp_path / "B.md"
    kept.write_text(json.dumps({"own": _run(), "avx2": _run(isa="Intel AVX2")}))
    page.write_text("# Benchmarks\n\n## Circuits\n\nMany.\n")
    defaults_table.again(page, kept)
    once = page.read_text()
    defaults_table.again(page, kept)
    assert page.read_text() == once
    assert "## Circuits\n\nMany.\n" in once
    assert once.count("### `mixed4`") == 1
    assert "| xplique | its own | " in once
    assert "| xplique | held to AVX2 | " in once
    defaults_table.again(tmp_path / "C.md", tmp_path / "none.json")
    assert not (tmp_path / "C.md").exists()

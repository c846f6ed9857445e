"""Tests of measuring a GPU, on the CPU: the same way, the time that is over, what is written."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from benchmarks import on_gpu, on_gpu_process, on_gpu_table
from benchmarks.on_gpu_table import Case, Ran, Rate, Where
from pipeline.config.recipes import RECIPES

CASE = Case("draft", "graph", "float32", 4)
CARD = Where("gpu", "NVIDIA H100 80GB HBM3", "driver 570.1, CUDA 12.5.1, TensorFlow 2.21.0")
RATE = Rate(CASE, 12.0, [0.02, 0.04], [0.03, 0.05], ["a", "a", "a"], 4, 1e12, 400e12)
RAN = Ran(CARD, [[RATE], [RATE]], [], 3.8, 128, 64)
PAGE = "# GPUs\n\n## Measured\n\n**Nothing was.**\n\n## On paper\n\nMuch.\n"


def test_a_case_is_timed_and_gives_equal_bytes(cpu: None) -> None:
    found = on_gpu_process.rate(CASE, "mixed0", 75, 2, 1, 2, lambda _: 5e9)
    assert len(found.rendering) == len(found.whole) == 1
    assert 0 < found.rendering[0] <= found.whole[0]
    assert len(found.digests) == 2
    assert len({*found.digests}) == 1
    assert found.at_once == 2
    assert found.operations == 4 * on_gpu_process.operations("mixed0", 75)
    assert found.product == 5e9


def test_the_operations_of_growing_images_are_not_counted(cpu: None) -> None:
    case = replace(CASE, recipe="article", channels=2)
    assert on_gpu_process.rate(case, "mixed0", 96, 2, 1, 4, lambda _: 5e9).operations is None


def test_a_recipe_of_several_styles_is_rendered_in_each() -> None:
    units = on_gpu_process.rendered(RECIPES["true"], "mixed4", 4)
    assert [u.id for u in units] == ["mixed4:0", "mixed4:0#1", "mixed4:0#2", "mixed4:1"]
    assert [u.id for u in on_gpu_process.rendered(RECIPES["draft"], "mixed4", 2)] == [
        "mixed4:0", "mixed4:1",
    ]  # fmt: skip


def test_a_matrix_product_is_timed(cpu: None) -> None:
    assert 1e8 < on_gpu_process.product("cpu", "float32") < 1e13


def test_processes_measure_on_the_cpu_and_one_that_fails_leaves_the_others(
    capsys: pytest.CaptureFixture[str],
) -> None:
    wrong = replace(CASE, recipe="none")
    ran = on_gpu.measure([[wrong, CASE]], "cpu", 120.0, 75, 4, 1, "mixed0")
    assert [rate.failed for rate in ran.rates[0]] == ["KeyError: 'none'", ""]
    assert ran.where is not None
    assert ran.where.device == "cpu"
    text = on_gpu_table.section(ran)
    assert text.startswith("## Tried on the CPU\n")
    assert "Failed: none, graph, float32, 4 channels: KeyError: 'none'." in text
    assert "| all 3 in 1 process |" in text
    assert "draft, graph, float32, 4 channels: " in capsys.readouterr().out


def test_a_process_at_work_is_ended_when_the_time_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(on_gpu, "_LEAST", 0.0)
    ran = on_gpu.measure([[CASE]], "cpu", 0.5)
    assert ran.where is None
    assert ran.missing == [CASE]
    assert "Not measured, since the time was over: draft, graph" in on_gpu_table.section(ran)


def test_a_case_at_work_when_the_time_is_over_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    up = asdict(CARD)
    monkeypatch.setattr(on_gpu, "lines", lambda *_: iter([up, asdict(RATE)]))
    slow, later = replace(CASE, compiler="xla"), replace(CASE, recipe="fourier")
    ran = on_gpu.measure([[CASE, slow, later]], "gpu", 60.0)
    said = "not done after 0 s, when the time was over"
    assert [(rate.case, rate.failed) for rate in ran.rates[0]] == [(CASE, ""), (slow, said)]
    assert ran.missing == [later]
    text = on_gpu_table.section(ran)
    assert f"Failed: draft, xla, float32, 4 channels: {said}." in text
    assert "Not measured, since the time was over: fourier, graph" in text


def test_xla_comes_last() -> None:
    compilers = [of[0].compiler for of in on_gpu.plan()]
    assert compilers == ["graph", "graph", "graph", "xla", "xla"]


def test_without_time_nothing_is_begun() -> None:
    ran = on_gpu.measure(on_gpu.plan(), "gpu", 0.0)
    assert str(ran.missing[0]) == "fourier, graph, float32, 64 channels"
    assert len(ran.missing) == 11
    assert not on_gpu_table.put(ran, Path("not", "there"))


def test_where_a_process_does_not_start_the_reason_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    with pytest.raises(SystemExit, match="the driver lists one: make install GPU=1"):
        on_gpu.measure([[CASE]], "gpu", 60.0)


def test_without_a_gpu_one_line_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(on_gpu, "gpus", tuple)
    monkeypatch.setattr("sys.argv", ["on_gpu", "--out", str(tmp_path / "gpu.md")])
    with pytest.raises(SystemExit, match=r"no GPU here: .*; to .* CPU: make bench-gpu DEVICE=cpu"):
        on_gpu.main()
    assert not (tmp_path / "gpu.md").exists()


def test_figures_of_a_gpu_take_the_place_of_what_stood_there(tmp_path: Path) -> None:
    page = tmp_path / "gpu.md"
    page.write_text(PAGE)
    assert on_gpu_table.put(RAN, page)
    once = page.read_text()
    assert on_gpu_table.put(RAN, page)
    assert page.read_text() == once
    assert "Nothing was" not in once
    assert once.index("## Measured") < once.index("## On paper\n\nMuch.\n")
    assert "on one NVIDIA H100 80GB HBM3 (driver 570.1, CUDA 12.5.1, TensorFlow 2.21.0)" in once
    # 4 images in 0.03 s, 10^12 operations each: 133 of the product's 400, and of the card's 495.
    row = "| 4 | 133 | 100 | 12 | 133 | 0.33 | 0.27 | all 6 in 2 processes |"
    assert f"| `draft` | graph | float32 {row}" in once


def test_figures_of_a_cpu_are_not_written(tmp_path: Path) -> None:
    page = tmp_path / "gpu.md"
    page.write_text(PAGE)
    assert not on_gpu_table.put(replace(RAN, where=Where("cpu", "thread of X", "TF")), page)
    assert page.read_text() == PAGE


def test_other_bytes_and_other_cards_are_told() -> None:
    other = replace(RATE, digests=["b", "b", "b"], at_once=2)
    ran = replace(RAN, where=replace(CARD, card="NVIDIA H100 PCIe"), rates=[[other], [RATE]])
    row = "| 4, 2 at once | 133 | 100 | 12 | 133 | 0.33 |  | no: 2 of 6 in 2 processes |"
    assert row in on_gpu_table.section(ran)

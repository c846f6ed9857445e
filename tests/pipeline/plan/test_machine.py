"""Tests of what is told of this machine."""

from pathlib import Path

import pytest

from pipeline.plan import machine

CPUINFO = """\
processor\t: 0
model name\t: Some Processor @ 2.00GHz
flags\t\t: fpu sse2 avx512f{flag} rtm
bugs\t\t: avx512_bf16

processor\t: 1
flags\t\t: fpu sse2 amx_bf16
"""


@pytest.mark.parametrize(
    ("flag", "is_here", "expected"),
    [
        (" avx512_bf16", True, "bfloat16"),
        (" amx_bf16 amx_tile", True, "bfloat16"),
        (" avx512_bf16x", True, "float32"),
        ("", True, "float32"),
        (" avx512_bf16", False, "float32"),
    ],
)
def test_bfloat16_is_for_processors_here_that_multiply_it(
    flag: str, is_here: bool, expected: str, tmp_path: Path
) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(CPUINFO.format(flag=flag))
    assert machine.best_precision(is_here, path) == expected


@pytest.mark.parametrize("text", [None, "", "Features : bf16 asimd", "flags", "\x00\xff"])
def test_where_nothing_is_known_it_is_float32(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    if text is not None:
        path.write_text(text, encoding="latin-1")
    assert machine.best_precision(True, path) == "float32"


def test_the_processor_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(CPUINFO.format(flag=""))
    assert machine.processor(path) == "Some Processor @ 2.00GHz"
    assert machine.processor(tmp_path / "none")

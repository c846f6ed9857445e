"""Tests of holding oneDNN to fewer instructions."""

import pytest

from benchmarks import isa
from pipeline.network import device

needs_onednn = pytest.mark.skipif(not device.HAS_ONEDNN, reason="TensorFlow has no oneDNN here")


@needs_onednn
def test_a_process_that_is_started_then_keeps_to_avx2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "DEFAULT")
    assert isa.hold("avx2") == "Intel AVX2"


def test_where_it_does_not_take_hold_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "DEFAULT")
    monkeypatch.setattr(isa, "told", lambda: "Intel AVX-512")
    with pytest.raises(
        SystemExit, match="expected oneDNN to keep to Intel AVX2, not Intel AVX-512"
    ):
        isa.hold("avx2")
    assert isa.hold("own") == "Intel AVX-512"

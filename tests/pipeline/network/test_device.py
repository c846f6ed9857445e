"""Tests of choosing where TensorFlow computes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

from pipeline.config import schema
from pipeline.network import device
from pipeline.plan import machine

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.usefixtures("cpu")


def test_a_process_on_the_cpu_sees_no_gpu_and_has_one_thread() -> None:
    environment = device.environment("cpu")
    assert environment["CUDA_VISIBLE_DEVICES"] == "-1"
    assert {environment[k] for k in environment if k.endswith("_NUM_THREADS")} == {"1"}


def test_a_process_on_a_gpu_keeps_the_gpus_it_was_given() -> None:
    assert "CUDA_VISIBLE_DEVICES" not in device.environment("gpu")


def test_using_the_cpu_sets_this_process_up() -> None:
    assert tf.config.threading.get_intra_op_parallelism_threads() == 1
    assert tf.config.threading.get_inter_op_parallelism_threads() == 1
    assert tf.config.experimental.list_physical_devices("GPU") == []
    assert os.environ["KERAS_BACKEND"] == "tensorflow"


@pytest.mark.parametrize(
    ("kind", "compiler", "told"),
    [("cpu", "graph", ""), ("cpu", "xla", ""), ("gpu", "graph", "tf"), ("gpu", "xla", "xla")],
)
def test_a_gpu_is_told_to_be_deterministic(
    kind: schema.Device, compiler: schema.Compiler, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[bool] = []
    for name in ("XLA_FLAGS", *device.environment(kind)):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: calls.append(True))
    device.use(kind, compiler)
    assert bool(calls) == (told == "tf")
    assert ("--xla_gpu_deterministic_ops=true" in os.environ["XLA_FLAGS"]) == (told == "xla")


def test_xla_is_told_once_beside_what_it_was_told_before(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in device.environment("gpu"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    monkeypatch.setenv("XLA_FLAGS", "--xla_gpu_autotune_level=0")
    for _ in range(2):
        device.use("gpu", "xla")
        told = os.environ["XLA_FLAGS"].split()
        assert told == ["--xla_gpu_autotune_level=0", "--xla_gpu_deterministic_ops=true"]


def test_using_the_same_device_again_is_allowed_while_it_runs() -> None:
    tf.constant(1.0)
    device.use("cpu")
    assert tf.config.threading.get_intra_op_parallelism_threads() == 1


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


LATE = """
import tensorflow
from pipeline.network import device
print(bool(device.refusal()))
device.use("cpu")
"""


@pytest.mark.parametrize("switch", ["0", "1"])
def test_a_process_that_computes_by_other_convolutions_is_refused(switch: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LATE], env=os.environ | {"TF_ENABLE_ONEDNN_OPTS": switch},
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if switch == "1" or not device.HAS_ONEDNN:
        assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr
    else:
        assert done.stdout == "True\n"
        assert "UsageError: TensorFlow was imported here with oneDNN switched off" in done.stderr


def test_these_tests_compute_by_onednn() -> None:
    assert device.refusal() == ""


def test_a_process_without_tensorflow_may_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "tensorflow")
    assert device.refusal() == ""

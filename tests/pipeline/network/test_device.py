"""Tests of choosing where TensorFlow computes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

from pipeline.config import schema
from pipeline.network import device

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
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
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

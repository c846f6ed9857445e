"""Tests of choosing where TensorFlow computes."""

import os

import pytest
import tensorflow as tf
from tensorflow.python.framework import config

from pipeline import device


@pytest.fixture(scope="module", autouse=True)
def _cpu() -> None:
    device.use("cpu")


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


def test_operations_are_deterministic() -> None:
    assert config.is_op_determinism_enabled()


def test_using_the_same_device_again_is_allowed_while_it_runs() -> None:
    tf.constant(1.0)
    device.use("cpu")
    assert tf.config.threading.get_intra_op_parallelism_threads() == 1

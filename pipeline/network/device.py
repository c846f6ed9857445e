"""Where TensorFlow computes: chosen here, once, before its first operation.

One thread a process: the fastest split of a CPU measured so far. And on x86 always oneDNN, with
which an image's bits depend neither on the size of its batch nor on its row; with TensorFlow's own
convolutions they do. TensorFlow settles that as it is imported, and by itself switches oneDNN on
for some processors only.

Keras is set here too: what a user's keras.json, environment or notebook says of numbers, layouts
and backends would change pixels.
"""

import contextlib
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipeline.config.schema import Compiler, Device
from pipeline.errors import UsageError

HAS_ONEDNN = sys.platform in ("linux", "win32") and platform.machine() in ("x86_64", "AMD64")
"""Whether TensorFlow as it is installed here has oneDNN to switch on."""
_DETERMINISTIC = "--xla_gpu_deterministic_ops=true"


def environment(device: Device) -> dict[str, str]:
    """Environment variables for a process that computes on a device.

    They must be set before the process imports NumPy or TensorFlow.
    """
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    common = {
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_ENABLE_ONEDNN_OPTS": "1",
        "KERAS_BACKEND": "tensorflow",
    }
    visible = {"CUDA_VISIBLE_DEVICES": "-1"} if device == "cpu" else {}
    return {**threads, **common, **visible}


def use(device: Device, compiler: Compiler = "graph") -> None:
    """Set this process, and Keras for this thread, up to compute, the same way each time.

    A CPU with one thread always does. A GPU is told to: TensorFlow by a switch that XLA does not
    know (its max-pooling then does not compile), XLA by a flag of its own.

    Raises:
        UsageError: TensorFlow was imported before, and computes on the CPU without oneDNN; or
            Keras was, with another backend.
        RuntimeError: TensorFlow was already running with other threads.
    """
    os.environ.update(environment(device))
    if device == "gpu" and compiler == "xla":
        flags = os.environ.get("XLA_FLAGS", "").split()
        os.environ["XLA_FLAGS"] = " ".join(dict.fromkeys([*flags, _DETERMINISTIC]))
    _keras()  # it imports TensorFlow, and says nothing
    import tensorflow as tf  # noqa: PLC0415, the environment must be set first

    if reason := refusal(device):
        raise UsageError(reason)
    _set(_PLAIN)
    tf.get_logger().setLevel("ERROR")  # it warns of every section's own compilation
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    if device == "gpu" and compiler == "graph":
        tf.config.experimental.enable_op_determinism()
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)


@contextlib.contextmanager
def borrowed(device: Device = "cpu") -> Iterator[None]:
    """Give this process its own settings of Keras back at the end, whatever `use` sets meanwhile.

    Raises:
        UsageError: Keras does not start.
    """
    os.environ.update(environment(device))
    before = _settings()
    try:
        yield
    finally:
        _set(before)


@dataclass(frozen=True)
class _Settings:
    """What Keras makes of layers and numbers where they do not say it; the policy is a thread's."""

    floatx: str
    epsilon: float
    layout: str
    policy: Any


_PLAIN = _Settings("float32", 1e-7, "channels_last", "float32")
"""Keras as it comes."""


def _settings() -> _Settings:
    known = _keras().config
    return _Settings(
        known.floatx(), known.epsilon(), known.image_data_format(), known.dtype_policy()
    )


def _set(wanted: _Settings) -> None:
    known = _keras().config
    known.set_floatx(wanted.floatx)
    known.set_epsilon(wanted.epsilon)
    known.set_image_data_format(wanted.layout)
    known.set_dtype_policy(wanted.policy)


def _keras() -> Any:
    try:
        with contextlib.nullcontext() if "keras" in sys.modules else _silent():
            import keras  # noqa: PLC0415, the environment must be set first
    except ValueError as error:
        raise UsageError(
            f"Keras does not start: {str(error).splitlines()[0]} Mend or delete your keras.json, "
            "in ~/.keras or where KERAS_HOME says"
        ) from error
    return keras


def refusal(device: Device = "cpu") -> str:
    """Why this process cannot compute as others do; empty where it can, or may yet."""
    keras: Any = sys.modules.get("keras")
    backend = keras.backend.backend() if hasattr(keras, "backend") else "tensorflow"
    if backend != "tensorflow":
        return (
            f"Keras was imported here with the backend {backend}: expected tensorflow; set "
            "KERAS_BACKEND=tensorflow in the environment before anything imports Keras"
        )
    if device != "cpu" or not HAS_ONEDNN or "tensorflow" not in sys.modules:
        return ""
    from tensorflow.python.util import _pywrap_util_port  # noqa: PLC0415, nothing public tells

    if _pywrap_util_port.IsMklEnabled():
        return ""
    return (
        "TensorFlow was imported here with oneDNN switched off, which changes pixels: set "
        "TF_ENABLE_ONEDNN_OPTS=1 in the environment before anything imports TensorFlow or Keras"
    )


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Nothing from below Python reaches the terminal: TensorFlow greets there, whatever is set."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)

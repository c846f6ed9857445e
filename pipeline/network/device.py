"""Where TensorFlow computes: chosen here, once, before its first operation.

One thread a process: the fastest split of a CPU measured so far. And on x86 always oneDNN, with
which an image's bits depend neither on the size of its batch nor on its row; with TensorFlow's own
convolutions they do. TensorFlow settles that as it is imported, and by itself switches oneDNN on
for some processors only.
"""

import contextlib
import os
import platform
import sys
from collections.abc import Iterator

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
    """Set this process up to compute on a device, the same way each time.

    A CPU with one thread always does. A GPU is told to: TensorFlow by a switch that XLA does not
    know (its max-pooling then does not compile), XLA by a flag of its own.

    Raises:
        UsageError: TensorFlow was imported before, and computes on the CPU without oneDNN.
        RuntimeError: TensorFlow was already running with other threads.
    """
    os.environ.update(environment(device))
    if device == "gpu" and compiler == "xla":
        flags = os.environ.get("XLA_FLAGS", "").split()
        os.environ["XLA_FLAGS"] = " ".join(dict.fromkeys([*flags, _DETERMINISTIC]))
    with _silent():
        import tensorflow as tf  # noqa: PLC0415, the environment must be set first

    if device == "cpu" and (reason := refusal()):
        raise UsageError(reason)
    tf.get_logger().setLevel("ERROR")  # it warns of every section's own compilation
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    if device == "gpu" and compiler == "graph":
        tf.config.experimental.enable_op_determinism()
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)


def refusal() -> str:
    """Why this process cannot compute on the CPU as others do; empty where it can, or may yet."""
    if not HAS_ONEDNN or "tensorflow" not in sys.modules:
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

"""Where TensorFlow computes: chosen here, once, before its first operation.

One thread a process: the fastest split of a CPU measured so far, and the one whose results do not
depend on the size of a batch.
"""

import contextlib
import os
from collections.abc import Iterator

from pipeline.config.schema import Compiler, Device

_DETERMINISTIC = "--xla_gpu_deterministic_ops=true"


def environment(device: Device) -> dict[str, str]:
    """Environment variables for a process that computes on a device.

    They must be set before the process imports NumPy or TensorFlow.
    """
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    common = {
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_ENABLE_ONEDNN_OPTS": "1",  # said outright: with and without it, the last bits differ
        "KERAS_BACKEND": "tensorflow",
    }
    visible = {"CUDA_VISIBLE_DEVICES": "-1"} if device == "cpu" else {}
    return {**threads, **common, **visible}


def use(device: Device, compiler: Compiler = "graph") -> None:
    """Set this process up to compute on a device, the same way each time.

    A CPU with one thread always does. A GPU is told to: TensorFlow by a switch that XLA does not
    know (its max-pooling then does not compile), XLA by a flag of its own.

    Raises:
        RuntimeError: TensorFlow was already running with other threads.
    """
    os.environ.update(environment(device))
    if device == "gpu" and compiler == "xla":
        flags = os.environ.get("XLA_FLAGS", "").split()
        os.environ["XLA_FLAGS"] = " ".join(dict.fromkeys([*flags, _DETERMINISTIC]))
    with _silent():
        import tensorflow as tf  # noqa: PLC0415, the environment must be set first

    tf.get_logger().setLevel("ERROR")  # it warns of every section's own compilation
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    if device == "gpu" and compiler == "graph":
        tf.config.experimental.enable_op_determinism()
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)


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

"""Which instructions oneDNN computes with, and how to hold it to fewer.

A processor that has more can be made to compute as one of AVX2 alone does: oneDNN's convolutions
and products, that is. What TensorFlow does beside them was built for AVX2 anyhow.
"""

import os
import re
import subprocess
import sys
from collections.abc import Mapping

HELD: Mapping[str, Mapping[str, str]] = {
    "own": {},
    "avx2": {"ONEDNN_MAX_CPU_ISA": "AVX2", "TF_ENABLE_ONEDNN_OPTS": "1"},
}
"""By name, what is set before TensorFlow starts."""
_NAMES = {"avx2": "Intel AVX2"}
_ASK = (
    "import tensorflow as tf; tf.nn.conv2d(tf.ones((1, 8, 8, 8)), tf.ones((3, 3, 8, 8)), 1, 'SAME')"
)


def hold(name: str) -> str:
    """Hold oneDNN to some instructions, in processes that this one starts from now on.

    Returns:
        What oneDNN says that it computes with.

    Raises:
        SystemExit: it does not keep to them.
    """
    os.environ.update(HELD[name])
    found = told()
    if found != _NAMES.get(name, found):
        raise SystemExit(
            f"expected oneDNN to keep to {_NAMES[name]}, not {found or 'what it does not tell'}: "
            "this processor cannot stand for one of AVX2"
        )
    return found


def told() -> str:
    """What a new process's oneDNN says that it computes with; nothing where it says nothing."""
    environment = {
        **os.environ, "ONEDNN_VERBOSE": "1", "TF_ENABLE_ONEDNN_OPTS": "1",
        "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2",
    }  # fmt: skip
    command = [sys.executable, "-c", _ASK]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    line = re.search(r"cpu,isa:(.*)", done.stdout)
    return line[1].strip() if line else ""

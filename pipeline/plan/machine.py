"""What this machine is: its processor, its best precision, and what is installed."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipeline.config.schema import Precision

_RECORDED = ("channel-atlas", "tensorflow", "tensorflow-cpu", "keras", "numpy", "zarr", "pillow")


def versions() -> dict[str, str]:
    """What else might change last bits: Python, platform, processor, and the libraries."""
    found = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor(),
    }
    for name in _RECORDED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def tensorflow() -> str:
    """TensorFlow's version, whichever package it is of."""
    installed = versions()
    return installed.get("tensorflow") or installed.get("tensorflow-cpu") or "none"


_BFLOAT16 = {"avx512_bf16", "amx_bf16"}
"""Flags of x86 processors that multiply bfloat16 in hardware."""


_PROCESSORS = Path("/proc/cpuinfo")
"""Where Linux lists the processors."""


def best_precision(is_here: bool, processors: Path = _PROCESSORS) -> Precision:
    """The faster precision of a pool, where it was measured.

    Args:
        is_here: whether this machine's own CPU computes. Of others nothing is known: float32.
        processors: Linux' list of processors.
    """
    flags = _processor("flags", processors).split() if is_here else []
    return "bfloat16" if _BFLOAT16 & set(flags) else "float32"


def processor(processors: Path = _PROCESSORS) -> str:
    """The model of this machine's processor, as far as it can be told."""
    return _processor("model name", processors) or platform.processor() or platform.machine()


def _processor(key: str, processors: Path) -> str:
    """What Linux says of the first processor, or nothing."""
    try:
        lines = processors.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    found = (line.partition(":")[2] for line in lines if line.partition(":")[0].strip() == key)
    return next(found, "").strip()

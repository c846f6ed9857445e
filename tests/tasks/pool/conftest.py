"""Processes that workers may not be, and a scheduler of somebody else's."""

from collections.abc import Iterator

import pytest
from distributed import LocalCluster
from processes import scheduler_of

from pipeline.network import device


@pytest.fixture
def scheduler() -> Iterator[LocalCluster]:
    """A scheduler without workers."""
    with scheduler_of(0) as one:
        yield one


@pytest.fixture
def without_onednn(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow as it is where it was imported with oneDNN switched off."""
    if not device.HAS_ONEDNN:
        pytest.skip("TensorFlow has no oneDNN here")
    from tensorflow.python.util import _pywrap_util_port

    monkeypatch.setattr(_pywrap_util_port, "IsMklEnabled", lambda: False)

"""Processes that workers may not be."""

import pytest

from pipeline.network import device


@pytest.fixture
def without_onednn(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow as it is where it was imported with oneDNN switched off."""
    if not device.HAS_ONEDNN:
        pytest.skip("TensorFlow has no oneDNN here")
    from tensorflow.python.util import _pywrap_util_port

    monkeypatch.setattr(_pywrap_util_port, "IsMklEnabled", lambda: False)

"""Tests of Keras' networks and their weights, held against the Keras that is installed."""

from typing import Any

import keras
import pytest

from pipeline.config.applications import APPLICATIONS, INCEPTION, Download
from pipeline.model import keras_private

pytestmark = pytest.mark.usefixtures("cpu")


class _AskedError(Exception):
    """Keras asks for a file."""


def _made() -> list[str]:
    """Keras' networks, by the names of their classes."""
    found = vars(keras.applications).items()
    return sorted(name for name, make in found if name[0].isupper() and callable(make))


def test_all_of_kerass_networks_are_there() -> None:
    assert sorted(APPLICATIONS) == _made()
    assert INCEPTION in APPLICATIONS


@pytest.mark.parametrize("name", ["ConvNeXtBase", "EfficientNetB0", "MobileNetV2", "NASNetMobile"])
def test_keras_asks_for_the_file_of_that_name_address_and_hash(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def ask(fname: str, origin: str, **rest: Any) -> None:
        asked.append(Download(fname, origin, rest.get("file_hash") or ""))
        raise _AskedError

    monkeypatch.setattr(keras_private.file_utils, "get_file", ask)
    with pytest.raises(_AskedError):
        getattr(keras.applications, name)(weights="imagenet")
    assert asked == [APPLICATIONS[name]]


def test_the_hash_tells_its_algorithm() -> None:
    assert Download("x", "y", "0" * 64).algorithm == "sha256"
    assert APPLICATIONS[INCEPTION].algorithm == "md5"

"""Tests of addresses: which are paths, and which an object store's."""

import sys
from pathlib import Path

import pytest

from pipeline.errors import ConfigError
from pipeline.store.folder import LocalFolder
from pipeline.store.object_store import RemoteFolder
from pipeline.store.place import at


@pytest.mark.parametrize("address", ["data/atlas", "C:/atlas", "s3:/atlas", "a b://c", "mixed4:1"])
def test_a_path_is_a_folder_of_a_disk(address: str) -> None:
    for given in (address, Path(address)):
        found = at(given)
        assert isinstance(found, LocalFolder)
        assert found.path == Path(address).absolute()


@pytest.mark.parametrize("address", ["s3://bucket/atlas", "gs://bucket/a/b"])
def test_an_address_is_an_object_stores(address: str) -> None:
    found = at(f"{address}/")
    assert isinstance(found, RemoteFolder)
    assert str(found) == address


def test_a_folder_is_left_as_it_is(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path)
    assert at(folder) is folder


def test_without_obstore_an_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pipeline.store.object_store", None)
    with pytest.raises(
        ConfigError,
        match=r"s3://b/a is in .*needs obstore: pip install 'channel-atlas\[object-store",
    ):
        at("s3://b/a")
    assert isinstance(at("b/a"), LocalFolder)

"""Tests of an atlas folder in an object store, against an S3 server on loopback."""

import hashlib
import itertools
import json
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from folders import Noting
from s3 import SECRET, Door

from pipeline import Atlas, verify
from pipeline.errors import AtlasFolderError, ConfigError
from pipeline.explore import index
from pipeline.plan.provenance import Provenance
from pipeline.sheets import mosaics
from pipeline.store.folder import Folder
from pipeline.store.object_store import RemoteFolder
from pipeline.store.place import at
from pipeline.store.store import Store

Make = Callable[..., Provenance]
Build = Callable[..., Store]


@pytest.fixture
def folder(door: Door) -> RemoteFolder:
    found = at(f"s3://bucket/people/{uuid.uuid4()}")
    assert isinstance(found, RemoteFolder)
    return found


def test_files_are_written_read_listed_and_deleted(folder: Folder) -> None:
    folder.write_bytes("a/b/one", b"1")
    folder.write_bytes("a/two", b"22")
    folder.write_bytes("a/two", b"333")
    assert folder.read("a/two") == b"333"
    assert list(folder.files("a")) == ["two"]
    assert folder.files("a")["two"][0] == 3
    assert folder.folders("a") == ["b"]
    assert folder.folders("") == ["a"]
    assert folder.has("a/b/one")
    folder.delete("a/b/one")
    folder.delete("a/b/one")
    assert not folder.has("a/b/one")
    with pytest.raises(FileNotFoundError):
        folder.read("a/b/one")


def test_stamps_change_with_the_content(folder: Folder) -> None:
    folder.write_bytes("a/b/one", b"1")
    before = folder.stamps("a", ["a/b/one", "a/none"])
    assert before["a/none"] is None
    folder.write_bytes("a/b/one", b"2")
    assert folder.stamps("a", ["a/b/one"])["a/b/one"] != before["a/b/one"]


def test_a_digest_follows_the_content(folder: Folder) -> None:
    folder.write_bytes("one", b"1")
    first = folder.digest("one")
    assert folder.digest("one") == first
    folder.write_bytes("one", b"2")
    assert folder.digest("one") != first


def test_a_digest_is_taken_while_writing(folder: Folder, door: Door, tmp_path: Path) -> None:
    here = Noting(tmp_path)
    for place in (folder, here):
        found = place.write_digested("a/one", lambda file: [file.write(b"1"), file.write(b"2")])
        assert place.digest("a/one") == found == hashlib.sha256(b"12").hexdigest()
    assert here.read_names == []
    assert not [path for way, path in door.log if way == "GET" and path.endswith("/a/one")]
    assert {folder.read("a/one"), here.read("a/one")} == {b"12"}


def test_many_files_are_read_in_their_order(folder: Folder) -> None:
    names = [f"n/{number}" for number in range(40)]
    for name in names:
        folder.write_bytes(name, name.encode())
    read = list(folder.read_all([*names, "n/none"]))
    assert [content for _, content in read[:-1]] == [name.encode() for name in names]
    assert isinstance(read[-1][1], FileNotFoundError)


def test_a_swap_happens_where_nobody_wrote(folder: RemoteFolder) -> None:
    assert folder.version("lock") == (None, None)
    assert folder.swap("lock", None, b"mine")
    assert not folder.swap("lock", None, b"other")
    content, version = folder.version("lock")
    assert content == b"mine"
    assert folder.swap("lock", version, b"again")
    assert not folder.swap("lock", version, b"late")
    assert folder.read("lock") == b"again"


def test_what_fails_for_a_moment_is_tried_again(folder: Folder, door: Door) -> None:
    ways = itertools.cycle(["error", "drop", "slow", ""])
    door.fail = lambda *_: next(ways)
    for number in range(8):
        folder.write_bytes(f"{number}", b"content")
        assert folder.read(f"{number}") == b"content"


def test_what_fails_for_good_is_said_without_its_address(
    folder: Folder, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.fail = lambda *_: "error"
    with pytest.raises(OSError, match="does not answer as it should") as told:
        folder.read("one")
    assert SECRET not in str(told.value)
    assert "http" not in str(told.value)
    with pytest.raises(AtlasFolderError, match="cannot be read"):
        Store.open(folder)


def test_an_atlas_there_is_like_one_here(
    folder: Folder, tmp_path, make_provenance: Make, build: Build
) -> None:
    made = make_provenance("mixed2:0-5", "-mixed4:1", snapshots=2)
    here, there = build(tmp_path / "atlas", made), build(folder, made)
    for store in (here, there):
        index.refresh(store)
        mosaics.draw(store, mosaics.WHOLE, 16)
        mosaics.draw(store, "mixed2", 16)
    for name in ("index.parquet", "mosaic.png", "mosaic.json", "records/mixed2/000000.json"):
        assert here.folder.read(name) == there.folder.read(name)
    one, two = Atlas.open(tmp_path / "atlas"), Atlas.open(str(folder))
    assert one.status() == two.status()
    np.testing.assert_array_equal(one.image("mixed2:4"), two.image("mixed2:4"))
    np.testing.assert_array_equal(one.film("-mixed4:1"), two.film("-mixed4:1"))
    assert index.is_current(there)


def test_damage_there_is_found_and_mended(
    folder: Folder, make_provenance: Make, build: Build
) -> None:
    store = build(folder, make_provenance("mixed2:0-5"))
    verify.trust(store)
    name = next(n for n in store.arrays.files_of("mixed2", 1) if "images" in n)
    content = bytearray(folder.read(name))
    content[len(content) // 2] ^= 1
    folder.write_bytes(name, bytes(content))
    [damaged] = verify.drop_damaged(store)
    assert damaged.part == "mixed2/000001"
    assert [batch.chunk for batch in store.missing(store.provenance.sections()[0])] == [1]


def test_nothing_there_holds_a_secret(
    folder: RemoteFolder, make_provenance: Make, build: Build
) -> None:
    import obstore

    build(folder, make_provenance("mixed2:0"))
    names = [item["path"] for page in obstore.list(folder.store) for item in page]
    assert names
    for name in names:
        assert SECRET.encode() not in folder.read(name)
    assert SECRET not in repr(folder)
    assert SECRET not in json.dumps(make_provenance().to_json())


@pytest.mark.parametrize(
    "address", ["https://me:hush@store.example/atlas", "s3://bucket/atlas?X-Amz-Signature=hush"]
)
def test_an_address_with_credentials_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(ConfigError, match="holds credentials or a query") as told:
        at(address)
    assert "hush" not in str(told.value)


@pytest.mark.parametrize("address", ["gopher://a/b", "s3://"])
def test_an_address_of_no_store(address: str) -> None:
    with pytest.raises(ConfigError, match="is no address of an object store"):
        at(address)

"""Tests of verification: every kind of damage is named, taken away, and nothing else is."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipeline import verify
from pipeline.errors import DamageError
from pipeline.examples import strongest
from pipeline.explore import index
from pipeline.plan.provenance import Provenance
from pipeline.publish import site
from pipeline.sheets import mosaics
from pipeline.store import parquet
from pipeline.store.records import Record
from pipeline.store.store import Store

Make = Callable[..., Provenance]
Build = Callable[..., Store]


@pytest.fixture
def store(tmp_path: Path, make_provenance: Make, build: Build) -> Store:
    """A finished atlas of three batches, found whole."""
    made = build(tmp_path, make_provenance("mixed2:0-5", "mixed4:1", "logits:0"))
    index.refresh(made)
    for section in (mosaics.WHOLE, "mixed2", "mixed4"):
        mosaics.draw(made, section, 16)
    verify.trust(made)
    return made


def _flip(path: Path, place: float = 0.5, bit: int = 1) -> None:
    content = bytearray(path.read_bytes())
    content[int((len(content) - 1) * place)] ^= bit
    path.write_bytes(content)


def _states(store: Store) -> dict[str, str]:
    return {finding.part: finding.state for finding in verify.verify(store)}


def _chunks(store: Store) -> Iterator[Path]:
    for path in (store.folder.path / "atlas.zarr").rglob("c/*"):
        yield from (file for file in path.rglob("*") if file.is_file())


def test_a_whole_atlas(store: Store) -> None:
    assert _states(store) == dict.fromkeys(
        ["mixed2/000000", "mixed2/000001", "mixed4/000000", "index.parquet", "mosaic.png",
         "mosaics/mixed2.png", "mosaics/mixed4.png"],
        "whole",
    )  # fmt: skip
    assert verify.drop_damaged(store) == []


@pytest.mark.parametrize("place", [0.0, 0.3, 0.9, 1.0])
def test_a_flipped_bit_in_any_chunk(store: Store, place: float) -> None:
    for path in sorted(_chunks(store)):
        old = path.read_bytes()
        _flip(path, place)
        section, _, _, chunk = path.relative_to(store.folder.path / "atlas.zarr").parts[:4]
        damaged = [part for part, state in _states(store).items() if state == "damaged"]
        assert damaged == [f"{section}/{int(chunk):06d}"], path
        path.write_bytes(old)


@pytest.mark.parametrize("damage", ["gone", "empty", "short"])
def test_a_chunk_lost_with_the_power(store: Store, damage: str) -> None:
    path = next(path for path in sorted(_chunks(store)) if "images" in str(path))
    content = path.read_bytes()
    path.unlink() if damage == "gone" else path.write_bytes(
        b"" if damage == "empty" else content[: len(content) // 2]
    )
    [found] = verify.drop_damaged(store)
    assert (found.part, found.state) == ("mixed2/000000", "damaged")
    assert [batch.chunk for batch in store.missing(store.provenance.sections()[0])] == [0]
    assert store.missing(store.provenance.sections()[1]) == []


def test_other_content_with_a_right_checksum(store: Store) -> None:
    """Two batches' chunks changed places: each is whole, and neither is what its record says."""
    images = store.folder.path / "atlas.zarr/mixed2/images/c"
    one, two = images / "0/0/0/0", images / "1/0/0/0"
    content = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(content)
    damaged = [part for part, state in _states(store).items() if state == "damaged"]
    assert damaged == ["mixed2/000000", "mixed2/000001"]


@pytest.mark.parametrize("name", ["images", "trajectory", "statistics"])
def test_chunks_that_changed_places_are_not_read(store: Store, name: str) -> None:
    one, two = (
        next(f for f in _chunks(store) if f"mixed2/{name}/c/{n}/" in str(f)) for n in (0, 1)
    )
    content = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(content)
    for record in store.records.of("mixed2"):
        for offset in (None, 0):
            with pytest.raises(DamageError, match=f"{name} of batch mixed2/.* SHA-256 differs"):
                store.read(record, name, offset)
    assert store.read(store.records.of("mixed4")[0], name) is not None


@pytest.mark.parametrize("place", [0.05, 0.5, 0.95])
def test_a_flipped_bit_in_a_record(store: Store, place: float) -> None:
    _flip(store.folder.path / "records/mixed2/000001.json", place)
    states = _states(store)
    assert states["records/mixed2/000001.json"] == "damaged"
    assert "mixed2/000001" not in states


@pytest.mark.parametrize("place", [0.1, 0.5, 0.99])
@pytest.mark.parametrize(
    "name", ["index.parquet", "index.json", "mosaic.png", "mosaic.json", "mosaics/mixed2.png"]
)
def test_a_flipped_bit_in_what_is_drawn_from_the_store(
    store: Store, name: str, place: float
) -> None:
    _flip(store.folder.path / name, place)
    damaged = [part for part, state in _states(store).items() if state == "damaged"]
    assert damaged == [name.replace(".json", ".parquet" if "index" in name else ".png")]


def test_a_flipped_bit_in_any_file_of_the_page(store: Store) -> None:
    site.write(store)
    assert _states(store)["site/index.html"] == "whole"
    files = [*(store.folder.path / "site").rglob("*.*"), store.folder.path / "site.json"]
    before = {path: path.read_bytes() for path in files}
    for path in files:
        _flip(path)
        damaged = [f for f in verify.verify(store) if f.state == "damaged"]
        assert [f.part for f in damaged] == [str(path.relative_to(store.folder.path))]
        verify.repair(store, damaged)
        assert not site.is_current(store)
        site.write(store)
        assert {path: path.read_bytes() for path in files} == before
    assert _states(store)["site/index.html"] == "whole"


def test_a_flipped_bit_in_what_was_found_in_pictures(store: Store) -> None:
    name = strongest.SPREAD_NAME
    rows = pd.DataFrame({"unit": ["mixed4:1"], "pictures": [1], "q50": [0.5], "q99": [1.0]})
    parquet.write(store.folder, name, [rows], lambda: {"state": ""})
    assert _states(store)[name] == "whole"
    _flip(store.folder.path / name)
    [damaged] = [f for f in verify.verify(store) if f.state == "damaged"]
    assert (damaged.part, damaged.files) == (name, (name, "natural.json"))
    assert damaged.maker == "atlas examples"


class Noting(Store):
    """An atlas that notes which of its batches are read through."""

    def __init__(self, *of: Any) -> None:
        super().__init__(*of)
        self.read_through: list[int] = []

    def check(self, record: Record) -> str:
        self.read_through.append(record.chunk)
        return super().check(record)


def test_what_is_trusted_is_not_read_again(store: Store) -> None:
    store = Noting(store.folder, store.provenance)
    assert verify.drop_damaged(store) == []
    assert store.read_through == []
    path = store.folder.path / "atlas.zarr/mixed2/statistics/c/1/0"
    path.write_bytes(path.read_bytes())  # as a copy of the folder would be
    assert verify.drop_damaged(store) == []
    assert store.read_through == [1]


@pytest.mark.parametrize("text", [b"", b"[]", b'{"stamps": {}}', b'{"stamps": 3, "self": "x"}'])
def test_damaged_trust_trusts_nothing(store: Store, text: bytes) -> None:
    store.folder.write_bytes("whole.json", text)
    _flip(store.folder.path / "atlas.zarr/mixed2/statistics/c/1/0")
    assert [finding.part for finding in verify.drop_damaged(store)] == ["mixed2/000001"]


def test_trust_is_of_a_record_not_of_its_place(store: Store) -> None:
    """A record that was written anew is not trusted for the sake of the one before."""
    name = store.records.name("mixed2", 1)
    record = json.loads(store.folder.read(name))
    record.pop("self")
    record["sha256"]["images"] = "0" * 64
    from pipeline.store.seal import seal

    store.folder.write_json(name, seal(record))
    assert [finding.part for finding in verify.drop_damaged(store)] == ["mixed2/000001"]


def test_repair_takes_away_what_is_damaged_alone(store: Store) -> None:
    _flip(store.folder.path / "atlas.zarr/mixed2/images/c/0/0/0/0")
    _flip(store.folder.path / "mosaic.png")
    _flip(store.folder.path / "records/mixed4/000000.json")
    before = {p: p.read_bytes() for p in store.folder.path.rglob("*") if p.is_file()}
    verify.repair(store, [f for f in verify.verify(store) if f.state == "damaged"])
    gone = {str(p.relative_to(store.folder.path)) for p in before if not p.exists()}
    assert gone == {
        "records/mixed2/000000.json", "records/mixed4/000000.json", "mosaic.png", "mosaic.json"
    }  # fmt: skip
    states = _states(store)
    assert "damaged" not in states.values()
    assert states["index.parquet"] == states["mosaic.png"] == "stale"


def test_decay_leaves_no_mark_and_is_found_by_a_build_after_distrust(store: Store) -> None:
    path = store.folder.path / "atlas.zarr/mixed2/images/c/0/0/0/0"
    before = path.stat()
    _flip(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert verify.drop_damaged(store) == []
    assert _states(store)["mixed2/000000"] == "damaged"
    verify.distrust(store)
    assert [finding.part for finding in verify.drop_damaged(store)] == ["mixed2/000000"]


def test_what_killed_writers_left_is_named_and_taken_away(store: Store) -> None:
    left = ["atlas.zarr/mixed2/images/c/0/0/0/0.1f.partial", "records/mixed2/.new-x"]
    for name in left:
        (store.folder.path / name).write_bytes(b"half")
    found = [finding for finding in verify.verify(store) if finding.state == "left over"]
    assert [finding.part for finding in found] == left
    verify.repair(store, found)
    assert set(_states(store).values()) == {"whole"}


def test_damaged_metadata_is_written_anew(store: Store) -> None:
    path = store.folder.path / "atlas.zarr/mixed2/images/zarr.json"
    content = path.read_text()
    for damage in ("{", content.replace("uint8", "int8"), content.replace("zstd", "zst")):
        path.write_text(damage)
        (section, *_) = store.provenance.sections()
        assert not store.has_room(section, [])
        store.prepare(section, [])
        assert json.loads(path.read_text()) == json.loads(content)
    assert verify.drop_damaged(store) == []

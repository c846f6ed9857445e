"""Tests of arrays: room, chunks and fills; and that metadata is this project's, or refused."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from pipeline.ascent.results import Results
from pipeline.errors import DamageError
from pipeline.plan.batches import Batch, Section
from pipeline.store.arrays import Arrays
from pipeline.store.layout import Layout
from pipeline.store.place import at
from pipeline.store.store import Store

Fake = Callable[..., Results]
LAYOUTS = {
    "weight": Layout((2,), "float32", float("nan"), ("side",), {"unit": "g"}),
    "mark": Layout((), "uint8", 7, ()),
}
KIND = {"kind": "thing"}


@dataclass(frozen=True)
class Thing:
    """What has an id, and is no unit."""

    id: str


def _batch(chunk: int, *names: str) -> Batch[Thing]:
    return Batch("shelf", chunk, 3, tuple(map(Thing, names)))


def _values(*numbers: int) -> Mapping[str, np.ndarray]:
    """For each number a weight of it and its half, and a mark."""
    some = np.array(numbers, np.float32)
    return {"weight": np.stack([some, some / 2], axis=1), "mark": some.astype(np.uint8)}


@pytest.fixture
def arrays(tmp_path: Path) -> Arrays:
    """Arrays of things, with room for six of them, three a chunk."""
    made = Arrays(at(tmp_path), "things/", LAYOUTS)
    made.make_room("shelf", 6, 3, KIND)
    return made


@pytest.mark.parametrize(
    ("asked", "strange"),
    [
        (("shelf", 6, 3, KIND), []),
        (("shelf", 3, 3, KIND), []),
        (("shelf", 3, 3, KIND, 6), []),
        (("shelf", 3, 3, KIND, 3), ["/weight", "/mark"]),
        (("shelf", 7, 3, KIND), ["/weight", "/mark"]),
        (("shelf", 6, 2, KIND), ["/weight", "/mark"]),
        (("shelf", 6, 3, {"kind": "unit"}), [""]),
        (("chest", 6, 3, KIND), ["", "/weight", "/mark"]),
    ],
)
def test_there_is_room_for_as_many_rows_or_fewer(
    arrays: Arrays, asked: tuple[Any, ...], strange: list[str]
) -> None:
    names = {f"{arrays.folder_of(asked[0])}{name}/zarr.json" for name in strange}
    assert set(arrays.strange(*asked)) == names


def test_arrays_of_another_layout_are_strange(arrays: Arrays) -> None:
    wide = LAYOUTS | {"weight": dataclasses.replace(LAYOUTS["weight"], shape=(3,))}
    [name] = Arrays(arrays.folder, "things/", wide).strange("shelf", 6, 3, KIND)
    assert name == "atlas.zarr/things/shelf/weight/zarr.json"
    more = LAYOUTS | {"size": LAYOUTS["mark"]}
    [name] = Arrays(arrays.folder, "things/", more).strange("shelf", 6, 3, KIND)
    assert name == "atlas.zarr/things/shelf/size/zarr.json"


def test_more_room_leaves_the_chunks(arrays: Arrays) -> None:
    arrays.write(_batch(1, "a", "b"), _values(4, 6))
    before = [arrays.folder.read(name) for name in arrays.files_of("shelf", 1)]
    arrays.make_room("shelf", 9, 3, KIND)
    assert not arrays.strange("shelf", 9, 3, KIND)
    assert [arrays.folder.read(name) for name in arrays.files_of("shelf", 1)] == before
    found = arrays.read("shelf", "weight", 1, slice(3, 5))
    np.testing.assert_array_equal(found, [[4, 2], [6, 3]])


def test_a_chunk_is_written_whole(arrays: Arrays) -> None:
    """What a killed writer left in the rows behind is gone."""
    arrays.write(_batch(0, "a", "b", "c"), _values(2, 4, 6))
    arrays.write(_batch(0, "a"), _values(8))
    weights = arrays.read("shelf", "weight", 0, slice(0, 3))
    np.testing.assert_array_equal(weights, [[8, 4], [np.nan] * 2, [np.nan] * 2])
    assert arrays.read("shelf", "mark", 0, slice(0, 3)).tolist() == [8, 7, 7]
    assert arrays.read("shelf", "mark", 0, 0) == 8


def test_where_chunks_are(arrays: Arrays) -> None:
    folder = "atlas.zarr/things/shelf"
    assert arrays.folder_of("shelf") == folder
    assert arrays.files_of("shelf", 1) == [f"{folder}/weight/c/1/0", f"{folder}/mark/c/1"]
    arrays.write(_batch(1, "a"), _values(1))
    assert all(map(arrays.folder.has, arrays.files_of("shelf", 1)))
    assert not any(map(arrays.folder.has, arrays.files_of("shelf", 0)))


def test_a_note_is_replaced_and_sections_stay(arrays: Arrays, tmp_path: Path) -> None:
    for attributes in ({"made": 1}, {"made": 2, "by": "me"}):
        arrays.note(attributes)
        group = zarr.open_group(tmp_path / "atlas.zarr", mode="r")
        assert dict(group.attrs) == attributes
    assert arrays.names("shelf") == ["weight", "mark"]


def _rows_of_a_chunk(document: dict[str, Any], rows: int) -> None:
    document["chunk_grid"]["configuration"]["chunk_shape"][0] = rows


STRANGE: dict[str, Callable[[dict[str, Any]], None]] = {
    "numbers": lambda document: document.update(data_type="float64"),
    "longer rows": lambda document: document.update(shape=[6, 4]),
    "a chunk for all": lambda document: _rows_of_a_chunk(document, 1 << 40),
    "no checksum": lambda document: document["codecs"].pop(),
}


@pytest.mark.parametrize("change", STRANGE.values(), ids=STRANGE)
def test_metadata_that_is_not_this_projects_is_refused(
    arrays: Arrays, tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    arrays.write(_batch(0, "a"), _values(1))
    path = tmp_path / "atlas.zarr/things/shelf/weight/zarr.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    with pytest.raises(ValueError, match="the metadata of weight is not this project's"):
        arrays.names("shelf")
    with pytest.raises(ValueError, match="the metadata of weight is not this project's"):
        arrays.read("shelf", "weight", 0, 0)
    assert arrays.read("shelf", "mark", 0, 0) == 1


def test_images_of_zeros_are_stored(
    begun: tuple[Store, Section, list[Batch]], fake_results: Fake
) -> None:
    store, _, batches = begun
    black = dataclasses.replace(fake_results(batches[0]), images=np.zeros((4, 8, 8, 3), np.uint8))
    record = store.commit(batches[0], black)
    assert store.folder.has(store.arrays.file_of("mixed2", "images", 0))
    assert not store.read(record, "images").any()


@pytest.mark.parametrize(
    "codec",
    [
        {"name": "numcodecs.pickle", "configuration": {}},
        {"name": "numcodecs.json2", "configuration": {}},
        {"name": "gzip", "configuration": {"level": 1}},
    ],
)
def test_a_store_cannot_say_how_it_is_decoded(
    begun: tuple[Store, Section, list[Batch]], fake_results: Fake, codec: dict[str, object]
) -> None:
    store, _, batches = begun
    record = store.commit(batches[0], fake_results(batches[0]))
    path = store.folder.path / "atlas.zarr/mixed2/images/zarr.json"
    document = json.loads(path.read_text())
    document["codecs"].append(codec)
    path.write_text(json.dumps(document))
    with pytest.raises(DamageError, match=r"images of batch mixed2/000000 cannot be read"):
        store.read(record, "images")

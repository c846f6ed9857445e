"""Tests of an opened atlas."""

from collections.abc import Callable
from pathlib import Path

import atlases
import numpy as np
import pytest
from folders import Noting
from PIL import Image

from pipeline import Atlas, Card
from pipeline.errors import (
    AtlasFolderError,
    ConfigError,
    MissingError,
    NotMeasuredError,
    UnitError,
)
from pipeline.explore import index
from pipeline.plan.provenance import Provenance
from pipeline.store.records import Failure
from pipeline.store.store import Store

Make = Callable[..., Provenance]
Build = Callable[..., Store]


@pytest.fixture
def atlas(tmp_path: Path, make_provenance: Make, build: Build) -> Atlas:
    """Four of six channels and two neurons, done."""
    made = make_provenance("mixed2:all", "mixed4:0-1@center", "logits:1", batch_size=4)
    build(tmp_path, made, most=1)
    return Atlas.open(str(tmp_path))


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(AtlasFolderError, match="none is not there: expected a folder with atlas"):
        Atlas.open(tmp_path / "none")
    with pytest.raises(
        AtlasFolderError, match=r"holds no atlas: expected a folder with atlas.zarr"
    ):
        Atlas.open(tmp_path)


def test_images_and_trajectories(atlas: Atlas) -> None:
    image = atlas.image("mixed2:3")
    expected = np.random.default_rng(4).integers(0, 256, (8, 8, 3), np.uint8)
    np.testing.assert_array_equal(image, expected)
    np.testing.assert_array_equal(atlas.trajectory("mixed2:3"), np.full(4, 4, np.float32))
    np.testing.assert_array_equal(atlas.image("mixed4:1@center"), atlas.image("mixed4:1@1,1"))


def test_a_film_is_the_snapshots_and_the_image(
    tmp_path: Path, make_provenance: Make, build: Build
) -> None:
    build(tmp_path, make_provenance("mixed2:0-2", snapshots=3))
    atlas = Atlas.open(tmp_path)
    film, image = atlas.film("mixed2:2"), atlas.image("mixed2:2")
    assert film.shape == (4, 8, 8, 3)
    assert film.dtype == np.uint8
    np.testing.assert_array_equal(film[:3], [image // 2] * 3)
    np.testing.assert_array_equal(film[3], image)
    with pytest.raises(MissingError, match=r"`atlas render \S+ mixed2:5` renders it alone"):
        atlas.film("mixed2:5")


def test_an_atlas_without_snapshots_has_no_films(atlas: Atlas) -> None:
    with pytest.raises(
        NotMeasuredError,
        match=r"keeps no snapshots: .* render\.snapshots.*: atlas render \S+ mixed2:3 --film FILE",
    ):
        atlas.film("mixed2:3")


def test_variants_are_units_of_the_atlas(
    tmp_path: Path, make_provenance: Make, build: Build
) -> None:
    build(tmp_path, make_provenance("mixed2:0-1", variants=2, diversity=1.0))
    atlas = Atlas.open(tmp_path)
    assert (atlas.image("mixed2:1#1") != atlas.image("mixed2:1")).any()
    np.testing.assert_array_equal(atlas.image("mixed2:1#0"), atlas.image("mixed2:1"))
    assert atlas.row("mixed2:1#1")["variant"] == 1
    assert list(atlas.query("variant == 1")["unit"]) == ["mixed2:0#1", "mixed2:1#1"]
    with pytest.raises(UnitError, match=r"unit mixed2:1#2: with render\.diversity"):
        atlas.image("mixed2:1#2")


def test_units_not_built_or_not_there(atlas: Atlas) -> None:
    with pytest.raises(MissingError, match="unit mixed2:5 is not built yet, or failed"):
        atlas.image("mixed2:5")
    with pytest.raises(MissingError, match=r"unit mixed4:9 is not in"):
        atlas.trajectory("mixed4:9")
    with pytest.raises(UnitError, match="no layer 'mixed9'"):
        atlas.image("mixed9:1")
    with pytest.raises(UnitError, match="names 2 units"):
        atlas.unit("mixed2:0-1")


def test_an_open_atlas_sees_what_is_added(atlas: Atlas, build: Build) -> None:
    with pytest.raises(MissingError, match="not built yet"):
        atlas.image("mixed2:5")
    build(atlas.folder, atlas.provenance)
    assert atlas.image("mixed2:5").shape == (8, 8, 3)


def test_status_and_failures(atlas: Atlas) -> None:
    Store.open(atlas.folder).records.note_failures(
        [Failure("mixed2/000001", ("mixed2:4",), "it died")]
    )
    assert atlas.status() == {
        "mixed2": {"done": 4, "missing": 1, "failed": 1, "unavailable": 0},
        "neurons-mixed4": {"done": 2, "missing": 0, "failed": 0, "unavailable": 0},
        "logits": {"done": 0, "missing": 0, "failed": 0, "unavailable": 1},
    }
    assert atlas.failures() == {"mixed2/000001": "it died"}
    counts = atlas.index.groupby("section")["status"].value_counts()
    assert counts["mixed2", "done"] == 4
    assert "6 of 9 units" in repr(atlas)


def test_the_index_is_read_where_it_is_current(atlas: Atlas, build: Build) -> None:
    made = atlas.index
    index.refresh(Store.open(atlas.folder))
    assert atlas.index.equals(made)
    changed = made.assign(recipe="mine").astype(index.TYPES)
    state = index.notes(atlas.folder)["state"]
    index.write([changed], atlas.provenance, state, atlas.folder)
    assert set(atlas.index["recipe"]) == {"mine"}
    build(atlas.folder, atlas.provenance)
    assert set(atlas.index["recipe"]) == {"fourier"}
    atlas.folder.write_bytes("index.parquet", b"damaged")
    assert set(atlas.index["recipe"]) == {"fourier"}


def test_the_index_is_read_once_while_nothing_changes(
    atlas: Atlas, build: Build, tmp_path: Path
) -> None:
    index.refresh(Store.open(atlas.folder))
    folder = Noting(tmp_path)
    atlas = Atlas.open(folder)
    first, second = atlas.index, atlas.index
    atlas.row("mixed2:3"), atlas.query("activation > 0")
    assert folder.read_names.count(index.NAME) == 1
    first["activation"] = 0.0  # nobody else's
    assert second.equals(atlas.index)
    assert atlas.row("mixed2:3")["activation"] == 4.0
    build(atlas.folder, atlas.provenance)
    assert atlas.row("mixed2:5")["status"] == "done"
    index.refresh(Store.open(atlas.folder))
    assert atlas.row("mixed2:5")["status"] == "done"
    assert folder.read_names.count(index.NAME) == 2


def test_an_atlas_is_a_collection_of_its_units(atlas: Atlas) -> None:
    ids = [f"mixed2:{channel}" for channel in range(6)]
    assert list(atlas) == [*ids, "mixed4:0@1,1", "mixed4:1@1,1", "logits:1"]
    assert len(atlas) == 9
    assert all(unit in atlas for unit in atlas)
    assert "mixed4:1@center" in atlas
    strange = ["mixed4:9", "mixed9:1", "mixed2:0-1", "mixed2:0#7", "no id", "", 3, None]
    assert [unit for unit in strange if unit in atlas] == []


def test_an_item_is_a_card(atlas: Atlas, tmp_path: Path) -> None:
    card = atlas["mixed2:3"]
    assert isinstance(card, Card)
    assert (card.unit, card.row["activation"]) == ("mixed2:3", 4.0)
    np.testing.assert_array_equal(card.image, atlas.image("mixed2:3"))
    np.testing.assert_array_equal(card.trajectory, atlas.trajectory("mixed2:3"))
    assert atlas["mixed4:1@center"].unit == "mixed4:1@1,1"
    card.save(str(tmp_path / "card.png"))
    with Image.open(tmp_path / "card.png") as found:
        np.testing.assert_array_equal(found, card.image)


def test_an_item_that_is_not_built_has_no_image(atlas: Atlas, tmp_path: Path) -> None:
    card = atlas["mixed2:5"]
    assert (card.row["status"], card.image, card.trajectory) == ("missing", None, None)
    with pytest.raises(MissingError, match="unit mixed2:5 has no image: it is missing"):
        card.save(tmp_path / "card.png")


def test_what_is_no_item(atlas: Atlas) -> None:
    with pytest.raises(
        MissingError, match=r"unit mixed4:9 is not in .*configuration: `atlas render \S+ mixed4:9`"
    ):
        atlas["mixed4:9"]
    with pytest.raises(UnitError, match="no layer 'mixed9'"):
        atlas["mixed9:1"]


def test_paths_may_be_texts(tmp_path: Path, make_provenance: Make) -> None:
    store = atlases.commit(Store.create(tmp_path / "atlas", make_provenance("mixed2:0-3")))
    atlases.measure(store)
    index.refresh(store)
    atlas = Atlas.open(tmp_path / "atlas")
    for number, place in enumerate((str, Path)):
        name = f"{tmp_path}/{number}"
        atlas.sheet(["mixed2:0"], place(f"{name}-sheet.png"))
        atlas.compare(["mixed2:0"], place(f"{name}-compare.png"))
        atlas.mosaic(place(f"{name}-mosaic.png"))
        atlas.export("csv", place(f"{name}-index.csv"))
        changed = atlas.diff(atlas).frame
        atlas.diff_sheet(atlas, changed, place(f"{name}-diff.png"))
    assert len([path for path in tmp_path.iterdir() if path.is_file()]) == 10


def test_a_mosaic_that_cannot_be_written(atlas: Atlas, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none/m\.png: there is no folder"):
        atlas.mosaic(tmp_path / "none" / "m.png")


def test_rows(atlas: Atlas) -> None:
    row = atlas.row("mixed2:3")
    assert (row["unit"], row["activation"]) == ("mixed2:3", 4.0)
    assert "y" not in row
    with pytest.raises(
        MissingError, match=r"unit mixed4:9 is not in .*configuration: `atlas render \S+ mixed4:9`"
    ):
        atlas.row("mixed4:9")


def test_queries(atlas: Atlas) -> None:
    found = atlas.query('kind == "channel" and status == "done"', sort="-activation", top=2)
    assert list(found["unit"]) == ["mixed2:3", "mixed2:2"]
    assert list(atlas.query("activation > 0", sort="activation")["activation"])[-1] == 4
    with pytest.raises(ConfigError, match="no column 'activatoin'; did you mean 'activation'"):
        atlas.query("alive", sort="-activatoin")


def test_a_contact_sheet(atlas: Atlas, tmp_path: Path) -> None:
    atlas.sheet(["mixed2:0", "mixed2:5"], tmp_path / "s.png", "two", tile=32)
    with Image.open(tmp_path / "s.png") as found:
        assert found.format == "PNG"

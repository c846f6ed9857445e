"""Tests of crops: of which pictures, where in them, and whether they are still right."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from atlases import show
from PIL import Image

from pipeline import Atlas
from pipeline.errors import NotMeasuredError
from pipeline.examples import crops, source, strongest
from pipeline.examples.crops import SIZE, Crops
from pipeline.examples.source import Picture
from pipeline.plan.provenance import Provenance
from pipeline.store.store import Store

Make = Callable[..., Provenance]
Build = Callable[..., Store]


def test_crops_are_of_the_pictures(shown: Store) -> None:
    crops = Crops(shown)
    batches = crops.pending()
    crops.prepare_all(shown.provenance.available_sections(), batches)
    with pytest.raises(NotMeasuredError, match="are not cut out yet"):
        Atlas(shown).example_crops("mixed2:3")
    for batch in batches:
        crops.cut(batch)
    assert crops.pending() == []
    found = Atlas(shown).example_crops("mixed2:3")
    assert found.shape == (9, SIZE, SIZE, 3)
    assert found[:, 30, 30, 0].tolist() == [68, 67, 66, 65, 64, 63, 62, 61, 60]


def test_a_crop_is_the_part_that_excites_the_unit(shown: Store, pictures: list[Picture]) -> None:
    best = strongest.by_unit(shown)["mixed2:3"][0]
    left, top, right, bottom = (round(400 * place) for place in best.box)
    image = Image.new("RGB", (400, 400), "blue")
    image.paste("red", (left, top, right, bottom))
    image.save(next(picture.path for picture in pictures if picture.id == best.picture))
    cut = Crops(shown)
    batches = cut.pending()
    cut.prepare_all(shown.provenance.available_sections(), batches)
    cut.cut(batches[0])
    found = Atlas(shown).example_crops("mixed2:3")[0]
    assert (found[4:-4, 4:-4] == (255, 0, 0)).all()


def test_of_few_pictures_there_are_few_crops(
    tmp_path: Path, make_provenance: Make, build: Build
) -> None:
    store = build(tmp_path / "atlas", make_provenance("mixed2:0-5"))
    first, second = store.records.of("mixed2")
    assert crops.shown(store, first) == {}
    show(store, tmp_path, ["a", "b", "c"])
    found = crops.shown(store, second)
    assert list(found) == ["mixed2:4", "mixed2:5"]
    for of_unit in found.values():
        assert [example.picture for example in of_unit.examples] == ["a", "b", "c"]
        assert of_unit.crops.shape == (3, SIZE, SIZE, 3)
        assert of_unit.crops[:, 9, 9].tolist() == [[0, 0, 0], [37, 91, 53], [74, 182, 106]]
    assert not np.any(Crops(store).of(second)[:, 3:])  # what is left of the ranks


def test_crops_of_other_units_are_none(tmp_path: Path, make_provenance: Make, build: Build) -> None:
    store = build(tmp_path / "atlas", make_provenance("mixed2:0-3"))
    assert crops.state_of(store) == ""
    show(store, tmp_path, ["a"])
    [record] = store.records.of("mixed2")
    assert Crops(store).of(record) is not None
    assert crops.state_of(store) != ""
    others = dataclasses.replace(record, units=("mixed2:0", "mixed2:1", "mixed2:2", "mixed2:5"))
    assert Crops(store).of(others) is None
    assert crops.shown(store, others) == {}
    Crops(store).clear()
    assert crops.state_of(store) == ""
    assert [batch.chunk for batch in Crops(store).pending()] == [0]


def test_a_picture_is_decoded_once_for_all_batches(
    shown: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []
    load = source.load

    def noting(picture: Picture, size: int) -> tuple[np.ndarray, int]:
        decoded.append(picture.id)
        return load(picture, size)

    monkeypatch.setattr(source, "load", noting)
    cut = Crops(shown)
    batches = cut.pending()
    cut.prepare_all(shown.provenance.available_sections(), batches)
    for batch in batches:
        cut.cut(batch)
    assert len(batches) > 1
    assert len(decoded) == len(set(decoded)) > strongest.BEST

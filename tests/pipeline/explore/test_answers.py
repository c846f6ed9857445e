"""Tests of what responses answer of one unit."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from atlases import measure

from pipeline import Atlas
from pipeline.errors import NotMeasuredError, UnitError
from pipeline.explore import index
from pipeline.plan.provenance import Provenance
from pipeline.store.store import Store

Make = Callable[..., Provenance]
Build = Callable[..., Store]


@pytest.fixture
def store(tmp_path: Path, make_provenance: Make, build: Build) -> Store:
    made = build(tmp_path, make_provenance("mixed2:0-5", "-mixed2:1", "mixed4:0-2"))
    measure(made)
    index.refresh(made)
    return made


@pytest.fixture
def atlas(store: Store) -> Atlas:
    return Atlas.open(store.folder)


def test_responses_to_a_unit_strongest_first(atlas: Atlas) -> None:
    found = atlas.responses("mixed4:2")
    assert list(found.columns) == ["layer", "channel", "unit", "mean", "peak", "z"]
    assert len(found) == 6 + 10
    assert found.iloc[0]["unit"] == "mixed4:2"
    assert found["z"].is_monotonic_decreasing
    assert (found["peak"] == found["mean"] + 1).all()
    assert list(found["unit"]) == [f"{r.layer}:{r.channel}" for r in found.itertuples()]


def test_z_is_measured_against_the_spread_over_the_atlas(atlas: Atlas) -> None:
    every = [atlas.responses(unit).set_index("unit")["z"] for unit in atlas.index["unit"]]
    table = np.stack([z.loc[sorted(z.index)] for z in every])
    np.testing.assert_allclose(table.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(table.std(axis=0), 1, rtol=1e-5)


def test_similar_units_are_rows_nearest_first(atlas: Atlas) -> None:
    found = atlas.similar("mixed2:1", top=20)
    assert "mixed2:1" not in set(found["unit"])
    assert len(found) == 9
    assert found["distance"].is_monotonic_increasing
    assert found["distance"].between(0, 2).all()
    assert found.iloc[0]["unit"] == "-mixed2:1"  # its noise is the same
    assert set(atlas.index.columns) < set(found.columns)
    assert len(atlas.similar("mixed2:1", top=2)) == 2


def test_similar_units_are_those_of_the_index(atlas: Atlas) -> None:
    row = atlas.row("mixed4:1")
    found = atlas.similar("mixed4:1", top=9)
    distances = dict(zip(found["unit"], found["distance"], strict=True))
    expected = dict(zip(row["nearest"], row["nearest_distance"], strict=True))
    assert distances == pytest.approx(expected, abs=1e-3)


def test_without_responses_it_says_how_to_get_them(
    tmp_path: Path, make_provenance: Make, build: Build
) -> None:
    atlas = Atlas.open(build(tmp_path, make_provenance("mixed2:0-5")).folder)
    for ask in (atlas.responses, atlas.similar):
        with pytest.raises(NotMeasuredError, match="has no responses yet: `atlas build`"):
            ask("mixed2:1")


def test_a_unit_without_responses_is_named(atlas: Atlas) -> None:
    with pytest.raises(
        NotMeasuredError, match="unit mixed4:5 has no responses: it is not in the atlas's conf"
    ):
        atlas.similar("mixed4:5")
    with pytest.raises(UnitError, match="mixed2 has channels 0 to 5, not 9"):
        atlas.responses("mixed2:9")


def test_an_open_atlas_sees_responses_that_are_added(
    tmp_path: Path, make_provenance: Make, build: Build
) -> None:
    made = make_provenance("mixed2:0-5")
    store = build(tmp_path, made, most=1)
    measure(store)
    atlas = Atlas.open(tmp_path)
    assert len(atlas.similar("mixed2:0")) == 3
    build(tmp_path, made)
    measure(store)
    assert len(atlas.similar("mixed2:0")) == 5

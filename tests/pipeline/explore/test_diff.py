"""Tests of how two atlases differ."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from atlases import results

from pipeline import Atlas
from pipeline.ascent.results import Results
from pipeline.errors import ConfigError, MissingError
from pipeline.explore.diff import MEASURES
from pipeline.plan.provenance import Provenance
from pipeline.store.store import Store

Make = Callable[..., Provenance]
Build = Callable[..., Store]


def test_the_most_changed_comes_first(pair: tuple[Atlas, Atlas]) -> None:
    frame = pair[0].diff(pair[1]).frame
    assert len(frame) == 7
    first, rest = frame.iloc[0], frame.iloc[1:]
    assert first["unit"] == "mixed2:2"
    assert (first["activation_before"], first["activation_after"]) == (3, -1)
    assert first["activation_change"] == -4
    assert first["image_distance"] > 0.3
    assert first["response_distance"] > 0.01
    assert (rest[["activation_change", "image_distance", "response_distance"]] == 0).all(axis=None)


def test_units_of_only_one_are_listed(pair: tuple[Atlas, Atlas]) -> None:
    changes = pair[0].diff(pair[1])
    assert (changes.only_before, changes.only_after) == (("mixed4:0",), ("mixed4:2",))


def test_the_other_way_round_only_signs_change(pair: tuple[Atlas, Atlas]) -> None:
    one = pair[0].diff(pair[1]).frame.set_index("unit")
    other = pair[1].diff(pair[0]).frame.set_index("unit").loc[one.index]
    np.testing.assert_allclose(one["activation_change"], -other["activation_change"])
    for name in ("image_distance", "response_distance"):
        np.testing.assert_allclose(one[name], other[name], atol=1e-6)


def test_an_atlas_does_not_differ_from_itself(pair: tuple[Atlas, Atlas]) -> None:
    changes = pair[0].diff(pair[0])
    assert (changes.frame[list(MEASURES)] == 0).all(axis=None)
    assert changes.only_before == changes.only_after == ()


@pytest.mark.parametrize("by", MEASURES)
def test_rows_go_by_the_size_of_a_change(pair: tuple[Atlas, Atlas], by: str) -> None:
    rows = pair[0].diff(pair[1]).ordered(by)
    assert rows[by].abs().is_monotonic_decreasing
    with pytest.raises(ConfigError, match="'unit' is no measure of change: expected response_d"):
        pair[0].diff(pair[1]).ordered("unit")


def test_without_responses_images_tell(
    tmp_path: Path, make_provenance: Make, build: Build, pair: tuple[Atlas, Atlas]
) -> None:
    plain = build(tmp_path / "c", make_provenance("mixed2:0-5"))
    frame = Atlas.open(plain.folder).diff(pair[1]).frame
    assert frame["response_distance"].isna().all()
    assert frame.iloc[0]["unit"] == "mixed2:2"


def test_images_of_other_sizes_are_compared_at_the_smaller(
    tmp_path: Path, make_provenance: Make, pair: tuple[Atlas, Atlas]
) -> None:
    store = Store.create(tmp_path / "large", make_provenance("mixed2:0-5", size=16))
    [section] = store.provenance.sections()
    store.prepare(section, store.missing(section))
    for batch in store.missing(section):
        found = results(batch)
        twice = found.images.repeat(2, axis=1).repeat(2, axis=2)
        snapshots = np.zeros((len(twice), 0, 16, 16, 3), np.uint8)
        store.commit(batch, Results(twice, found.trajectory, snapshots, found.statistics))
    frame = pair[0].diff(Atlas.open(store.folder)).frame
    assert frame["image_distance"].max() < 1e-6


def test_nothing_in_common(
    tmp_path: Path, make_provenance: Make, build: Build, pair: tuple[Atlas, Atlas]
) -> None:
    other = Atlas.open(build(tmp_path / "d", make_provenance("mixed4:7")).folder)
    with pytest.raises(MissingError, match="have no unit in common that both have built"):
        pair[0].diff(other)

"""Tests of strong, middle and weak pictures, and of where units fire in them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from atlases import across, show

from pipeline.examples import across as kept
from pipeline.examples import seen
from pipeline.examples.across import Across
from pipeline.examples.strongest import BEST
from pipeline.plan.provenance import Provenance
from pipeline.store.store import Store

Make = Callable[..., Provenance]
Build = Callable[..., Store]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_picks_are_strong_middle_and_weak(sign: float) -> None:
    values = np.arange(101, dtype=np.float32)
    found = kept.picks(values, np.ones(101, bool), sign)
    strongest = [100 - n for n in range(9)] if sign > 0 else list(range(9))
    assert [pick.number for pick in found[:BEST]] == strongest
    middle, weak = found[BEST : BEST + 3], found[BEST + 3 :]
    assert [round(pick.standing, 1) for pick in middle] == [0.6, 0.5, 0.4]
    assert [pick.number for pick in weak] == ([2, 1, 0] if sign > 0 else [98, 99, 100])
    assert weak[-1].standing == 0
    assert [pick.place for pick in found] == list(range(kept.PLACES))


@pytest.mark.parametrize("count", [0, 1, 5, 9, 12, 15])
def test_of_few_pictures_only_the_strongest_are_shown(count: int) -> None:
    found = kept.picks(np.arange(count, dtype=np.float32), np.ones(count, bool), 1.0)
    assert [pick.place for pick in found] == list(range(min(BEST, count)))


def test_what_could_not_be_read_is_not_shown() -> None:
    read = np.arange(80) % 2 == 0
    found = kept.picks(np.arange(80, dtype=np.float32), read, 1.0)
    assert len(found) == kept.PLACES
    assert all(read[pick.number] for pick in found)


def test_a_map_becomes_no_larger_than_is_kept() -> None:
    field = np.zeros((32, 8), np.float32)
    field[:2] = 4
    found = kept.smaller(field)
    assert found.shape == (16, 8)
    np.testing.assert_allclose(found[0], 4)
    np.testing.assert_allclose(found[1:], 0)


def test_a_batch_has_numbers_crops_and_heat(
    tmp_path: Path, make_provenance: Make, build: Build
) -> None:
    store = build(tmp_path / "atlas", make_provenance("mixed2:0-5", "-mixed2:0-1"))
    assert kept.state_of(store) == ""
    show(store, tmp_path, [f"{n:02d}" for n in range(20)])
    [record, *_] = store.records.of("mixed2")
    found = Across(store).of(record)
    assert found is not None
    assert found["number"][0, :BEST].tolist() == list(range(9))
    assert found["number"][0, -3:].tolist() == [17, 18, 19]
    assert found["crops"][0, -1, 5, 5].tolist() == [37 * 19 % 256, 91 * 19 % 256, 53 * 19 % 256]
    heat = found["heat"][1, 0]  # channel 1 fires in row 1 of 4
    assert (heat[1, :5] == 127).all()
    assert not heat[[0, 2, 3]].any()
    assert kept.state_of(store) != ""
    assert not Across(store).pending()


def test_what_is_the_same_is_kept_and_what_is_of_other_pictures_goes(
    tmp_path: Path, make_provenance: Make, build: Build
) -> None:
    store = build(tmp_path / "atlas", make_provenance("mixed2:0-5"))
    show(store, tmp_path, [f"{n:02d}" for n in range(20)])
    table = Across(store)
    table.forget_changed()
    assert not table.pending()
    show_again(store, tmp_path)
    Across(store).forget_changed()
    assert len(Across(store).pending()) == 2
    across(store)
    assert not Across(store).pending()


def show_again(store: Store, folder: Path) -> None:
    """See other pictures, in place of those that were seen."""
    store.folder.delete(seen.LIST)
    show(store, folder, [f"other {n:02d}" for n in range(30)])

"""Tests of the tables of what was looked at: what is to be seen, what stays, what is forgotten."""

from dataclasses import replace
from pathlib import Path

import atlases
import numpy as np
import pytest
from atlases import CUT, LATENTS, look

from pipeline.errors import DamageError
from pipeline.examples import seen
from pipeline.store.store import Store
from pipeline.truth import features
from pipeline.truth.cuttings import LEAST
from pipeline.truth.features import JUDGE, LIST


def _cuttings(store: Store) -> dict[str, features.Cuttings]:
    return {table.eye: table for table in features.cuttings_of(store, features.noted(store))}


def _chunks(store: Store) -> dict[str, list[int]]:
    """The chunks of photographs that are committed, by eye."""
    return {
        eye: [record.chunk for record in table.records.of(features.PILE.name)]
        for eye, table in _cuttings(store).items()
    }


def test_nothing_is_there_before_anybody_looked(shown: Store) -> None:
    assert features.noted(shown) is None
    assert features.tables(shown) == []
    assert features.state_of(shown) == ""
    assert len(features.photographs(shown, 1000)) == 40
    assert len(features.photographs(shown, 12)) == 12
    assert features.photographs(shown, LEAST - 1) == []


def test_what_was_seen_is_read_back_cutting_by_cutting(shown: Store) -> None:
    look(shown)
    tables = _cuttings(shown)
    assert set(tables) == {"own/mixed2", "own/mixed4", JUDGE}
    assert tables[JUDGE].counts().tolist() == [CUT] * 40
    assert tables[JUDGE].all("mean").shape == (40 * CUT, LATENTS)
    first = atlases._latents("0.png")
    assert (tables[JUDGE].all("mean")[:CUT] == first).all()
    mean, peak = (tables["own/mixed4"].all(name) for name in ("mean", "peak"))
    assert (peak == mean + 1).all()
    wanted = features.photographs(shown, 200)
    assert features.pending(shown, wanted) == []
    assert features.is_of(shown, wanted, features.noted(shown).eyes)
    assert features.state_of(shown) != ""


def test_it_goes_on_where_it_was(shown: Store) -> None:
    look(shown, most=2)
    wanted = features.photographs(shown, 200)
    assert [batch.chunk for batch in features.pending(shown, wanted)] == [2, 3, 4]
    before = features.state_of(shown)
    look(shown)
    assert features.pending(shown, wanted) == []
    assert features.state_of(shown) != before


def test_a_photograph_that_changed_is_seen_again_and_the_others_stay(
    shown: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(shown)
    pictures = seen.listed(shown)
    pictures[9] = replace(pictures[9], stamp="8:8")
    monkeypatch.setattr(seen, "listed", lambda _: pictures)
    wanted, eyes = features.photographs(shown, 200), features.noted(shown).eyes
    assert not features.is_of(shown, wanted, eyes)
    features.begin(shown, wanted, eyes)
    assert set(map(tuple, _chunks(shown).values())) == {(0, 2, 3, 4)}


def test_fewer_photographs_leave_what_stands_where_it_did(shown: Store) -> None:
    look(shown)
    eyes, wanted = features.noted(shown).eyes, features.photographs(shown, 200)[:20]
    features.begin(shown, wanted, eyes)
    assert set(map(tuple, _chunks(shown).values())) == {(0, 1)}
    assert [batch.chunk for batch in features.pending(shown, wanted)] == [2]


def test_another_judge_looks_anew_and_the_own_network_does_not(shown: Store) -> None:
    look(shown)
    eyes, wanted = features.noted(shown).eyes, features.photographs(shown, 200)
    other = replace(eyes, judge=replace(eyes.judge, layer="another", channels=3))
    features.begin(shown, wanted, other)
    assert _chunks(shown) == {"own/mixed2": [*range(5)], "own/mixed4": [*range(5)], JUDGE: []}
    faces = features.pictures_of(shown, features.noted(shown))
    assert [bool(shown.pending([face])) for face in faces] == [False, True]
    features.begin(shown, wanted, replace(eyes, judge=None))
    assert set(_cuttings(shown)) == {"own/mixed2", "own/mixed4"}


def test_a_layer_that_units_read_from_now_on_is_seen_with_peaks(shown: Store) -> None:
    look(shown)
    wanted, eyes = features.photographs(shown, 200), features.noted(shown).eyes
    features.begin(shown, wanted, replace(eyes, own={"mixed4": "mixed2"}))
    assert _chunks(shown)["own/mixed2"] == []  # it has no peaks any more
    assert _chunks(shown)["own/mixed4"] == [*range(5)]


def test_a_damaged_note_is_told_and_begun_anew(shown: Store, tmp_path: Path) -> None:
    look(shown)
    path = tmp_path / "atlas" / LIST
    path.write_text(path.read_text().replace("0.png", "x.png"))
    with pytest.raises(DamageError, match="does not match its own digest"):
        features.noted(shown)
    assert features.known(shown) is None
    look(shown)
    assert len(features.noted(shown).photographs) == 40


def test_all_of_it_can_be_forgotten(shown: Store) -> None:
    look(shown)
    features.forget(shown)
    assert features.noted(shown) is None
    assert not shown.folder.has(LIST)
    assert shown.folder.folders("truth") == [] or not any(
        table.records.sections() for table in features.tables(shown)
    )
    features.forget(shown)  # of nothing


def test_photographs_of_few_cuttings_are_kept_apart(shown: Store) -> None:
    """Rows are padded; what is read back is not."""
    look(shown, most=0)
    wanted = features.photographs(shown, 200)
    batch = features.pending(shown, wanted)[0]
    counts = [1, 2, 3, 1, 1, 1, 1, 1]
    values = np.arange(11 * 50, dtype=np.float32).reshape(11, 50)
    found = {
        table.eye: {"mean": values[:, :n], "peak": values[:, :n]}
        for table in _cuttings(shown).values()
        for n in [{"own/mixed2": 6, "own/mixed4": 50, JUDGE: LATENTS}[table.eye]]
    }
    features.commit(shown, batch, counts, found)
    assert (_cuttings(shown)["own/mixed4"].all("mean") == values).all()
    assert _cuttings(shown)[JUDGE].counts().tolist() == counts

"""Tests of the nearest units of another atlas: by photographs, else by looks, and said which."""

from pathlib import Path

import numpy as np
import pairs as made
import pytest

from pipeline.examples.strongest import Measured
from pipeline.together import counterparts
from pipeline.together.opened import Side


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> tuple[Side, Side]:
    folder = tmp_path_factory.mktemp("counterparts")
    one = made.write(folder / "one", patterns=("mixed2:0-5",), photographs=24)
    other = made.write(
        folder / "other", patterns=("block:0-5",), photographs=24, architecture=made.OTHER
    )
    return Side("one", "one", one), Side("other", "other", other)


def test_photographs_tell_which_units_are_counterparts(
    sides: tuple[Side, Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    sees = rng.normal(size=(6, 24)).astype(np.float32)
    order = {"mixed2": [0, 1, 2, 3, 4, 5], "block": [5, 0, 1, 2, 3, 3]}
    monkeypatch.setattr(
        Measured, "values", lambda _, unit: sees[order[unit.layers[0]][unit.index]] * 3 + 7
    )
    found = counterparts.find(*sides)
    assert found.measure == "the correlation of activations over the 24 photographs that both saw"
    rows = found.frame.set_index("unit")
    assert rows["nearest"].to_dict() == {
        "mixed2:0": "block:1", "mixed2:1": "block:2", "mixed2:2": "block:3", "mixed2:3": "block:4",
        "mixed2:4": rows.loc["mixed2:4", "nearest"], "mixed2:5": "block:0",
    }  # fmt: skip
    assert rows.loc["mixed2:5", "likeness"] == pytest.approx(1, abs=1e-5)
    assert rows["mutual"].tolist() == [True, True, True, True, False, True]


def test_without_photographs_looks_tell_and_it_is_said(tmp_path: Path) -> None:
    one = Side("one", "one", made.write(tmp_path / "one", patterns=("mixed2:0-5",)))
    store = made.write(tmp_path / "other", patterns=("block:0-5",), architecture=made.OTHER)
    found = counterparts.find(one, Side("other", "other", store))
    assert found.measure.endswith("at 16 × 16 px: no photographs in common")
    assert found.frame["nearest"].tolist() == [f"block:{n}" for n in range(6)]  # the same pictures
    assert found.frame["mutual"].all()
    assert np.allclose(found.frame["likeness"].astype(float), 1, atol=1e-4)


def test_few_photographs_or_others_are_none_in_common(tmp_path: Path) -> None:
    few = Side("few", "few", made.write(tmp_path / "few", photographs=counterparts.FEWEST - 1))
    assert counterparts.photographed(few, few) is None
    assert counterparts._same("12:77", "12:78")
    assert not counterparts._same("12:77", "13:77")
    assert not counterparts._same("", None)


def test_many_rows_are_looked_at_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.eye(7, dtype=np.float32)
    other = rows[[3, 1, 6, 0]]
    whole = counterparts._nearest(rows, other)
    monkeypatch.setattr(counterparts, "_AT_ONCE", 2)
    for one, two in zip(whole, counterparts._nearest(rows, other), strict=True):
        assert one.tolist() == two.tolist()
    assert whole[2].tolist() == [3, 1, 6, 0]

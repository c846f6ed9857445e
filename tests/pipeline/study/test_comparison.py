"""Tests of studies on made-up indices, whose answers are known."""

import numpy as np
import pandas as pd
import pytest
import studies

from pipeline.config.recipes import RECIPES, Recipe
from pipeline.errors import ConfigError, MissingError
from pipeline.study.comparison import ALL, Study, compare, ranking


def _recipes(*names: str) -> dict[str, Recipe]:
    return {name: RECIPES[name] for name in names}


def _study(**indices: pd.DataFrame) -> Study:
    return compare(indices, _recipes(*indices))


def _row(study: Study, section: str, measure: str, variation: str) -> pd.Series:
    rows = study.summary
    key = (rows["section"] == section) & (rows["measure"] == measure)
    [row] = [row for _, row in rows[key & (rows["variation"] == variation)].iterrows()]
    return row


def test_factors_and_medians_are_those_of_the_numbers() -> None:
    study = _study(draft=studies.index(), fourier=studies.index(times=3.0))
    assert study.variations == ("draft", "fourier")
    assert study.sections == ("mixed2", "mixed4")
    row = _row(study, "mixed2", "activation", "fourier")
    assert (row["median"], row["units"], row["pairs"], row["kind"]) == (19.5, 12, 12, "factor")
    assert [row["change"], row["low"], row["high"]] == pytest.approx([3, 3, 3])
    assert (row["better"], row["against"]) == (1.0, "draft")
    first = _row(study, "mixed2", "activation", "draft")
    assert first["median"] == 6.5
    assert first[["change", "low", "high", "better"]].isna().all()


def test_layers_of_different_scales_are_joined_by_factors() -> None:
    study = _study(draft=studies.index(), fourier=studies.index(times=3.0))
    row = _row(study, ALL, "activation", "fourier")
    assert row["change"] == pytest.approx(3)
    assert row["pairs"] == 24
    assert pd.isna(row["median"])  # of other scales
    assert any("a factor, since layers have scales of their own" in note for note in study.notes)
    alone = _study(**{n: studies.index().head(12) for n in ("draft", "fourier")})
    assert ALL not in set(alone.summary["section"])


def test_seconds_are_better_where_they_are_less_and_resampled_by_batches() -> None:
    study = _study(fourier=studies.index(times=3.0), draft=studies.index())
    row = _row(study, ALL, "seconds", "draft")
    assert row["change"] == pytest.approx(1 / 3)
    assert row["better"] == 1.0
    assert row["low"] == pytest.approx(1 / 3)  # of six batches
    assert pd.isna(_row(study, "mixed2", "seconds", "draft")["low"])  # of three
    assert any("for seconds of whole batches" in note for note in study.notes)


def test_views_that_an_ascent_used_are_left_out_for_all() -> None:
    one = studies.index(kept=9.0, **studies.kept(turn=0.0, noise=0.2))
    other = studies.index(kept=9.0, **studies.kept(turn=1.0, noise=0.6))
    study = _study(draft=one, article=other)
    row = _row(study, "mixed2", "kept", "article")
    assert (row["kind"], row["median"]) == ("difference", pytest.approx(0.525))
    assert row["change"] == pytest.approx(0.1)  # of noise, jpeg, grey and mirror: 0.4 / 4
    assert "kept is the mean over noise, jpeg, grey, mirror." in study.notes
    [left] = [note for note in study.notes if note.startswith("Left out of kept, for all")]
    assert "turn (transforms.rotate of draft)" in left
    assert "blur (blur of article)" in left
    np.testing.assert_allclose(study.units["kept_turn"].unique(), [0, 1])
    assert ranking(study).name == "kept"


def test_what_is_not_measured_is_said_and_not_invented() -> None:
    study = _study(draft=studies.index(prediction=0.6), fourier=studies.index())
    assert set(study.summary["measure"]) == {"activation", "seconds"}
    assert study.units["kept"].isna().all()
    assert "kept is not compared: not measured in draft, fourier." in study.notes
    assert "prediction is not compared: not measured in fourier." in study.notes
    assert "activation_robust" not in study.units
    assert ranking(study).name == "activation"


def test_predictions_rank_where_there_are_any() -> None:
    made = {"prediction": 0.6, "prediction_own": 0.9, **studies.kept()}
    study = _study(draft=studies.index(**made), fourier=studies.index(**made | {"prediction": 0.7}))
    assert ranking(study).name == "prediction"
    row = _row(study, ALL, "prediction", "fourier")
    assert (row["median"], row["change"]) == (pytest.approx(0.7), pytest.approx(0.1))
    assert _row(study, ALL, "prediction_own", "fourier")["better"] == 0.5


def test_variants_of_a_unit_are_resampled_together() -> None:
    ids = [f"mixed2:{n}" for n in range(4)] + [f"mixed2:{n}#{v}" for n in range(4) for v in (1, 2)]
    made = {n: studies.index().head(12).assign(unit=ids) for n in ("draft", "fourier")}
    row = _row(_study(**made), "mixed2", "activation", "fourier")
    assert (row["pairs"], row["change"]) == (12, 1)
    assert pd.isna(row["low"])  # of four units


def test_negative_units_are_better_where_they_are_lower() -> None:
    way = {"direction": "negative"}
    study = _study(draft=studies.index(2, **way), fourier=studies.index(2, times=0.0, **way))
    row = _row(study, "mixed2", "activation", "fourier")
    assert (row["better"], row["counted"]) == (1.0, 0)
    note = "4 units have no factor of activation in fourier, for a value of zero or less or a"
    assert any(each.startswith(note) for each in study.notes)


def test_only_units_that_all_have_built_are_compared() -> None:
    less = studies.index()
    less.loc[:3, "status"] = "missing"
    study = _study(draft=studies.index(), fourier=less.tail(22))
    assert study.notes[0] == (
        "20 units that all have built are compared, of 24 of draft, 22 of fourier."
    )
    assert len(study.units) == 40
    assert _study(draft=less, fourier=less).notes[0].startswith("20 units that all")
    same = _study(draft=studies.index(), fourier=studies.index())
    assert same.notes[0] == "24 units, the same in all."
    with pytest.raises(MissingError, match="no unit that all have built: draft, fourier"):
        _study(draft=studies.index().head(12), fourier=studies.index().tail(12))


def test_another_may_be_what_others_are_held_against() -> None:
    names = ("draft", "fourier", "article")
    made = {name: studies.index(times=1.0 + n) for n, name in enumerate(names)}
    study = compare(made, _recipes(*names), "article")
    assert study.against == "article"
    assert _row(study, ALL, "activation", "draft")["change"] == pytest.approx(1 / 3)
    assert pd.isna(_row(study, ALL, "activation", "article")["change"])
    with pytest.raises(
        ConfigError, match=r"no variation 'maco' .*: expected one of draft, fourier"
    ):
        compare(made, _recipes(*names), "maco")
    with pytest.raises(ConfigError, match="two variations at least, came 1"):
        _study(draft=studies.index())


def test_equal_studies_are_equal() -> None:
    made = {"draft": studies.index(), "fourier": studies.index(activation=np.arange(1.0, 25.0))}
    pd.testing.assert_frame_equal(_study(**made).summary, _study(**made).summary)

"""Tests of what is compared, read by name from indices."""

import numpy as np
import pytest
import studies

from pipeline.errors import ConfigError
from pipeline.study import measures


def test_robust_activation_never_ranks_recipes() -> None:
    assert "activation_robust" not in measures.MEASURES
    message = (
        r"not ranked by activation_robust: it is the mean over shifts, .*; expected activation, "
    )
    with pytest.raises(ConfigError, match=message):
        measures.ranked_by("activation_robust")
    with pytest.raises(ConfigError, match="not ranked by seconds: it is what everything is held"):
        measures.ranked_by("seconds")
    with pytest.raises(ConfigError, match=r"'keep' is no measure of a study: expected .*kept"):
        measures.ranked_by("keep")
    assert measures.ranked_by("kept").name == "kept"


def test_views_are_those_that_all_know_of() -> None:
    whole = studies.index(**studies.kept())
    less = studies.index(**{"kept_noise": 0.5, "kept_turn": np.nan, "kept_grey": 0.1})
    assert measures.views([whole, whole]) == list(studies.VIEWS)
    assert measures.views([whole, less]) == ["noise", "grey"]
    assert measures.views([whole, studies.index()]) == []


def test_what_is_wanting_and_where() -> None:
    bare, told = studies.index(), studies.index(prediction=0.7)
    assert measures.wanting({"a": bare, "b": told}, [], []) == {
        "kept": "not measured in a, b",
        "prediction": "not measured in a",
        "prediction_own": "not measured in a, b",
    }
    whole = studies.index(prediction=0.7, prediction_own=0.8, kept=0.5, **studies.kept())
    both = {"a": whole, "b": whole}
    assert measures.wanting(both, ["turn", "grey"], ["grey"]) == {}
    assert measures.wanting(both, ["turn"], []) == {"kept": "no view is left"}
    assert measures.wanting(both, [], []) == {"kept": "not measured view by view"}


def test_predictions_of_other_trials_are_wanting() -> None:
    whole = studies.index(prediction=0.7, prediction_own=0.8, kept=0.5, **studies.kept())
    three = {"a": whole, "b": whole, "c": whole}
    assert measures.wanting(three, ["grey"], ["grey"], dict.fromkeys("abc", "1")) == {}
    found = measures.wanting(three, ["grey"], ["grey"], {"a": "1", "b": "1", "c": "2"})
    assert list(found) == ["prediction", "prediction_own"]
    assert found["prediction"].startswith("in a other photographs were shown, or another judge saw")
    assert "than in c: show all the same ones" in found["prediction"]


def test_rows_have_kept_by_fair_views_alone() -> None:
    index = studies.index(4, kept=0.9, **studies.kept(turn=1.0, grey=0.2, noise=0.4))
    index.loc[1, "kept_noise"] = None
    found = measures.rows(index, ["mixed4:0", "mixed2:1", "mixed2:0"], ["noise", "grey"])
    assert list(found["unit"]) == ["mixed4:0", "mixed2:1", "mixed2:0"]
    np.testing.assert_allclose(found["kept"], [0.3, np.nan, 0.3])
    np.testing.assert_allclose(found["kept_turn"], 1.0)
    assert found["prediction"].isna().all()
    assert measures.rows(index, ["mixed2:0"], [])["kept"].isna().all()

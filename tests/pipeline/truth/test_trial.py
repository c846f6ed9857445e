"""Tests of trials: which pictures are held against which, by whose eyes."""

from dataclasses import replace
from pathlib import Path

import atlases
import numpy as np
import pandas as pd
import pytest
from atlases import look

from pipeline.store.store import Store
from pipeline.truth import features, trial


@pytest.fixture
def tried(shown: Store) -> pd.DataFrame:
    look(shown)
    return pd.DataFrame(trial.rows(shown)).set_index("unit")


def test_nothing_comes_of_nothing(shown: Store) -> None:
    assert list(trial.rows(shown)) == []
    look(shown, most=0)
    assert list(trial.rows(shown)) == []


def test_pictures_of_what_channels_see_tell(tried: pd.DataFrame) -> None:
    channels = tried[tried.index.str.fullmatch(r"mixed4:\d+")]
    assert len(channels) == 50
    assert channels["prediction"].median() > 0.9
    assert channels["prediction_own"].median() > 0.7
    assert channels["tells"].mean() > 0.8
    low, high = channels["prediction_low"], channels["prediction_high"]
    assert ((low <= channels["prediction"]) & (channels["prediction"] <= high)).all()


def test_of_a_negative_unit_that_excites_which_lowers_it(tried: pd.DataFrame) -> None:
    assert np.isfinite(tried.loc["-mixed4:0", "prediction_photo"])
    assert tried.loc["-mixed4:0", "prediction"] > 0.9  # its picture is of what is not to be there
    neuron, channel = tried.loc["mixed4:0@1,1"], tried.loc["mixed4:0"]
    assert neuron["prediction"] == pytest.approx(channel["prediction"], abs=0.2)


def test_what_has_no_others_or_nobody_before_it_has_no_figures(tried: pd.DataFrame) -> None:
    alone = tried.loc["deepdream:mixed2+mixed4"]
    assert alone[["prediction", "prediction_own", "tells"]].isna().all()
    few = tried.loc["mixed2:0"]
    assert np.isfinite(few["prediction"])
    assert pd.isna(few["prediction_null"])
    assert few["tells"] is None
    assert pd.isna(few["prediction_own"])  # mixed2 is the first layer


def test_a_negative_units_own_channel_is_no_other(shown: Store) -> None:
    look(shown)
    [pool] = [p for p in trial.pools(shown) if p.units[0].reads == ("mixed4",)]
    numbers = dict(zip([unit.id for unit in pool.units], pool.subjects.number, strict=True))
    assert numbers["-mixed4:1"] == numbers["mixed4:1"] == numbers["mixed4:1@1,1"]
    assert numbers["mixed4:2"] != numbers["mixed4:1"]


def test_variants_are_tried_each_and_all_together(tmp_path: Path) -> None:
    made = atlases.provenance("mixed4:all", architecture=atlases.WIDE, batch_size=16, variants=2)
    store = atlases.commit(Store.create(tmp_path / "atlas", made))
    atlases.show(store, tmp_path, [f"{number}.png" for number in range(30)])
    look(store)
    found = pd.DataFrame(trial.rows(store))
    assert found["prediction_pictures"].value_counts().to_dict() == {1: 100, 2: 100}
    lone = found[found["prediction_pictures"] == 1].set_index("unit")["prediction"]
    both = found[found["prediction_pictures"] == 2].set_index("unit")["prediction"]
    assert both["mixed4:3"] == both["mixed4:3#1"]
    assert both.mean() > lone.mean()  # each has noise of its own


def test_halves_are_of_equal_size_and_drawn_by_the_seed() -> None:
    names = [f"{number}.png" for number in range(41)]
    found = trial.halves(names, 0)
    assert found.sum() == 20
    assert (found == trial.halves(names, 0)).all()
    assert (found != trial.halves(names, 1)).any()


def test_no_judge_no_verdict(shown: Store) -> None:
    look(shown)
    noted = features.noted(shown)
    features.begin(shown, features.photographs(shown, 200), replace(noted.eyes, judge=None))
    found = pd.DataFrame(trial.rows(shown)).set_index("unit")
    assert np.isfinite(found.loc["mixed4:0", "prediction_own"])
    assert "prediction" not in found or found["prediction"].isna().all()

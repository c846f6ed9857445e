"""Why a picture excites a unit, on the real network with made-up other pictures."""

import json
from pathlib import Path

import atlases
import numpy as np
import pandas as pd
import pytest

from pipeline.config import yaml_file
from pipeline.errors import UnitError
from pipeline.explore import why
from pipeline.network.describe import describe
from pipeline.plan.resolve import resolve_provenance
from pipeline.store.store import Store

SIZE = 80


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, cpu: None) -> Store:
    """An atlas in which nothing is built, yet."""
    said = {
        "units": ["mixed0:0-3", "mixed2:0-39", "logits:1"],
        "model": {"weights": "bundled"},
        "image": {"size": SIZE},
    }
    known = resolve_provenance(yaml_file.parse(json.dumps(said)), describe)
    return Store.create(tmp_path_factory.mktemp("why") / "a", known)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """A grey picture with stripes in its upper left quarter."""
    found = np.full((SIZE, SIZE, 3), 128, np.uint8)
    found[: SIZE // 2, : SIZE // 2 : 4] = 255
    return found


def test_where_and_by_which_channels(
    store: Store, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    units = store.provenance.units()[4:44]
    usual = {unit.id: (0.0, 1.0) for unit in units}
    monkeypatch.setattr(why, "_usual", lambda _: usual)
    found = why.reasons(store, picture, top=4)
    excess = [reason.excess for reason in found]
    assert len(found) == 4
    assert excess == sorted(excess, reverse=True)
    strongest = found[0]
    assert strongest.occlusion[:4, :4].sum() > strongest.occlusion[4:, 4:].sum()
    assert strongest.acting.shape == (7, 7) or strongest.acting.ndim == 2
    assert -1.0 <= strongest.agreement <= 1.0
    assert set(strongest.sources["source_layer"]) == {"mixed0"}
    assert set(strongest.sources["target"]) == {strongest.unit.id}


def test_named_units_and_the_negative_direction(store: Store, picture: np.ndarray) -> None:
    known = store.provenance
    up, down = why.reasons(store, picture, [known.unit("mixed2:3"), known.unit("-mixed2:3")])
    assert up.activation == down.activation
    np.testing.assert_array_equal(up.occlusion, -down.occlusion)
    assert np.isnan(up.excess)  # the atlas knows no other pictures
    rows = why.table([up, down])
    assert isinstance(rows, pd.DataFrame)
    assert rows["unit"].tolist() == ["mixed2:3", "-mixed2:3"]
    assert rows["built_from"][0][:1] == rows["held_back_by"][1][:1]


def test_a_neuron_is_traced_where_its_channel_fires_most(store: Store, picture: np.ndarray) -> None:
    known = store.provenance
    places = [known.unit(f"mixed2:3@{place}") for place in ("0,0", "6,6")]
    one, other = why.reasons(store, picture, places)
    assert one.activation == other.activation > 0
    assert set(one.sources["target"]) == {"mixed2:3@0,0"}
    assert one.sources["source"].tolist() == other.sources["source"].tolist()
    [best] = one.sources.nlargest(1, "attribution").to_dict("records")
    assert best["share"] == pytest.approx(-best["ablation_zero"] / one.activation, rel=1e-4)
    assert one.acting.any()


def test_a_negative_unit_is_above_its_usual_where_it_is_lowered() -> None:
    known = atlases.provenance("mixed2:0-3", "-mixed2:0-3")
    flat = np.zeros((why.PLACES, why.PLACES), np.float32)
    down = [why.Reason(known.unit("-mixed2:1"), value, 4.0, 1.0, flat) for value in (1.0, 4.0, 7.0)]
    assert [reason.excess for reason in down] == [1.0, 0.0, -1.0]
    up = why.Reason(known.unit("mixed2:1"), 1.0, 4.0, 7.0, flat)
    assert up.excess == -1.0


def test_what_is_usual_of_both_directions(tmp_path: Path) -> None:
    store = atlases.commit(
        Store.create(tmp_path / "a", atlases.provenance("mixed2:0-3", "-mixed2:0-3"))
    )
    atlases.measure(store)
    usual = why._usual(store)
    assert usual["mixed2:1"][0] == usual["-mixed2:1"][0]
    assert usual["-mixed2:1"][1] < usual["mixed2:1"][0] < usual["mixed2:1"][1]


def test_what_has_no_reason_is_refused(store: Store, picture: np.ndarray) -> None:
    with pytest.raises(UnitError, match=r"^unit logits:1: expected a channel, a neuron or"):
        why.reasons(store, picture, [store.provenance.unit("logits:1")])


def test_a_patch_covers_each_place_with_the_mean_colour() -> None:
    picture = np.zeros((16, 16, 3), np.uint8)
    picture[:8] = 200
    covered = why.cover(picture)
    assert covered.shape == (64, 16, 16, 3)
    assert (covered[0, :3, :3] == 100).all()
    assert (covered[-1, 13:, 13:] == 100).all()
    assert (covered[0, 4:] == picture[4:]).all()
    assert ((covered == 100).all(axis=3).sum(axis=(1, 2)) <= 16).all()
    assert (covered == 100).any(axis=0).all()


def test_a_map_is_told_at_the_places_of_the_patches() -> None:
    values = np.zeros((16, 16), np.float32)
    values[:8, :8] = 1.0
    seen = why.coarse(values)
    assert seen.shape == (why.PLACES, why.PLACES)
    assert seen[0, 0] == 1.0
    assert seen[-1, -1] == 0.0

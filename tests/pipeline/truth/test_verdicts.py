"""Tests of predictions.parquet: what is in it, whether it is of now, and the index's columns."""

from pathlib import Path

import atlases
import pytest
from atlases import look

from pipeline import Atlas, verify
from pipeline.errors import NotMeasuredError
from pipeline.explore import index
from pipeline.store.store import Store
from pipeline.truth import features, verdicts


def test_before_anything_was_tried_there_is_nothing(shown: Store) -> None:
    assert verdicts.is_current(shown)
    assert len(verdicts.read(shown)) == len(verdicts.columns(shown)) == 0
    assert verdicts.tried(shown) is None
    assert Atlas(shown).judge == ""
    with pytest.raises(NotMeasuredError, match=r"'prediction' was not measured.*ten photographs"):
        Atlas(shown).query("prediction > 0.5")


def test_it_is_of_what_was_seen_and_says_so(shown: Store) -> None:
    before = index.identity(index.of(shown))
    look(shown)
    assert not verdicts.is_current(shown)
    verdicts.write(shown)
    assert verdicts.is_current(shown)
    tried = verdicts.tried(shown)
    assert (tried.judge, tried.photographs, tried.crops) == ("Another, some_layer", 40, 560)
    found = verdicts.read(shown)
    assert found["tells"].dtype == "boolean"
    assert len(found) == 60 == len(set(found["unit"]))
    rows = index.of(shown).set_index("unit")
    assert (
        rows.loc["mixed4:3", "prediction"] == found.set_index("unit").loc["mixed4:3", "prediction"]
    )
    assert index.identity(index.of(shown)) != before
    look(shown, judge="f" * 64)
    assert not verdicts.is_current(shown)


def test_equal_atlases_have_equal_tables(shown: Store) -> None:
    look(shown)
    verdicts.write(shown)
    first = shown.folder.read(verdicts.NAME)
    verdicts.write(shown)
    assert shown.folder.read(verdicts.NAME) == first


def test_the_index_has_all_variants_together(tmp_path: Path) -> None:
    made = atlases.provenance("mixed4:all", architecture=atlases.WIDE, batch_size=16, variants=2)
    store = atlases.commit(Store.create(tmp_path / "atlas", made))
    atlases.show(store, tmp_path, [f"{number}.png" for number in range(30)])
    look(store)
    verdicts.write(store)
    rows = index.of(store).set_index("unit")
    assert (rows["prediction_pictures"] == 2).all()
    assert rows.loc["mixed4:3", "prediction"] == rows.loc["mixed4:3#1", "prediction"]


def test_what_is_forgotten_is_told_as_nothing(shown: Store) -> None:
    look(shown)
    verdicts.write(shown)
    features.forget(shown)
    assert not verdicts.is_current(shown)
    verdicts.write(shown)
    assert verdicts.is_current(shown)
    assert len(verdicts.read(shown)) == 0
    assert verdicts.tried(shown).photographs == 0


def test_verify_reads_all_of_it(shown: Store) -> None:
    look(shown)
    verdicts.write(shown)
    index.refresh(shown)
    verify.trust(shown)

    def states() -> dict[str, str]:
        return {f.part: f.state for f in verify.verify(shown) if f.state not in ("whole", "stale")}

    assert states() == {}
    folder = Path(str(shown.folder))
    chunk = next(folder.glob("atlas.zarr/truth/cuttings/judge/photographs/mean/c/1/0/0"))
    chunk.write_bytes(chunk.read_bytes()[:-9])
    assert states() == {"truth/cuttings/judge/photographs/000001": "damaged"}
    [finding] = [f for f in verify.verify(shown) if f.state == "damaged"]
    assert finding.maker == "atlas examples"
    verify.repair(shown, [finding])
    look(shown)
    assert states() == {}
    (folder / verdicts.NAME).unlink()
    (folder / features.LIST).write_text("{}")
    assert {verdicts.NAME, features.LIST} <= set(states())

"""Names of units, by labels of pictures whose responses are made up."""

from dataclasses import replace
from pathlib import Path

import atlases
import numpy as np
import pytest

from pipeline import Atlas, verify
from pipeline.errors import NotMeasuredError
from pipeline.examples import seen, strongest
from pipeline.examples.source import READ, UNREADABLE, Picture
from pipeline.explore import index, names
from pipeline.store.store import Store

COLOURS = ("red", "green", "blue")
PATTERNS = ("mixed2:0-5", "-mixed2:1", "mixed2:0@1,1", "mixed4:0-3")


def _squares() -> list[Picture]:
    """Sixty squares of three colours in turn."""
    return [
        Picture(f"{COLOURS[n % 3]}/{n}.png", f"/{n}", labels=(COLOURS[n % 3],)) for n in range(60)
    ]


def _see(store: Store, pictures: list[Picture], **how: bool) -> None:
    """Channel 0 of mixed2 sees red, channel 1 anything but green; others nothing in particular."""
    seen.begin(store, pictures, **how)
    tables = seen.tables(store)
    batches = seen.pending(store, tables)
    seen.prepare(tables, batches)
    for batch in batches:
        found = {}
        for table in tables:
            random = np.random.default_rng([table.layer.channels, batch.chunk])
            mean = random.random((len(batch.units), table.layer.channels), np.float32)
            colours = [picture.labels[:1] for picture in batch.units]
            if table.layer.name == "mixed2":
                mean[:, 0] += [colour == ("red",) for colour in colours]
                mean[:, 1] -= [colour == ("green",) for colour in colours]
            state = [UNREADABLE if p.id == "red/0.png" else READ for p in batch.units]
            found[table.layer.name] = {
                "mean": mean,
                "peak": mean + 1,
                "place": np.zeros(mean.shape, np.int32),
                "state": np.array(state, np.uint8)[:, None],
            }
        seen.commit(tables, batch, found)
    strongest.summarise(store)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return atlases.commit(Store.create(tmp_path / "atlas", atlases.provenance(*PATTERNS)))


@pytest.fixture
def named(store: Store) -> Store:
    _see(store, _squares())
    names.write(store)
    return store


def test_a_unit_that_sees_red_is_called_so_and_a_random_one_is_not(named: Store) -> None:
    index.refresh(named)
    frame = Atlas(named).index.set_index("unit")
    called = frame["name"].dropna().to_dict()
    red = dict.fromkeys(("mixed2:0", "mixed2:1", "mixed2:0@1,1"), "red")
    assert called == red | {"-mixed2:1": "green"}
    assert frame.loc["mixed2:0", "name_auroc"] == 1
    assert frame["name_auroc"].notna().sum() == 4
    told = names.by_unit(named)
    assert told["mixed2:0"].count == 19  # one could not be read
    assert not told["mixed4:2"].is_name
    assert 0 < told["mixed4:2"].low < told["mixed4:2"].auroc < told["mixed4:2"].high < 1


def test_the_table_has_every_unit_and_label(named: Store) -> None:
    table = Atlas(named).names
    assert len(table) == len(PATTERNS and Atlas(named)) * 3
    assert list(table.columns) == [
        "unit", "label", "auroc", "low", "high", "count", "p", "is_name",
    ]  # fmt: skip
    red = table[(table["unit"] == "mixed2:0")].set_index("label")
    assert red.loc["red", "is_name"]
    assert red.loc["red", "p"] < 0.01
    assert red.loc["green", "auroc"] < 0.5
    assert red["low"].notna().tolist() == [False, False, True]  # blue, green, red
    np.testing.assert_allclose(table[table["unit"] == "-mixed2:1"]["auroc"].iloc[1], 1, rtol=1e-6)


def test_it_is_asked_for_as_any_column_is(named: Store) -> None:
    index.refresh(named)
    atlas = Atlas(named)
    for asked in ('name == "red"', 'name:"red"', "name:RED", "red"):
        found = set(atlas.query(asked)["unit"])
        assert found == {"mixed2:0", "mixed2:1", "mixed2:0@1,1"}, asked
    assert set(atlas.query("name:red name_auroc > 0.99")["unit"]) == {"mixed2:0", "mixed2:0@1,1"}
    best = atlas.query("mixed2:all", sort="-name_auroc")["unit"]
    assert set(best[:3]) == {"mixed2:0", "mixed2:0@1,1", "-mixed2:1"}
    assert "name" in atlas["mixed2:0"]._repr_html_()


def test_without_labels_nothing_is_written_and_a_name_is_a_classs(store: Store) -> None:
    _see(store, [replace(picture, labels=()) for picture in _squares()])
    assert names.is_current(store)
    assert names.by_unit(store) == {}
    assert Atlas(store).names.empty
    index.refresh(store)
    assert Atlas(store).query('name == "red"').empty
    with pytest.raises(NotMeasuredError, match=r"'name_auroc' was not measured.*with labels, does"):
        Atlas(store).query("name_auroc > 0.5")


def test_labels_that_nobody_may_have_give_an_empty_table(store: Store) -> None:
    _see(store, [replace(picture, labels=("all",)) for picture in _squares()])
    names.write(store)
    assert names.is_current(store)
    assert names.read(store).empty
    assert names.by_unit(store) == {}


def test_other_labels_are_other_names(named: Store) -> None:
    index.refresh(named)
    assert names.is_current(named)
    others = [replace(picture, labels=("mine", *picture.labels)) for picture in _squares()]
    before = [record for t in seen.tables(named) for record in t.records.of("pictures")]
    seen.begin(named, [replace(others[0], labels=("only",)), *others[1:]])
    assert [r for t in seen.tables(named) for r in t.records.of("pictures")] == before
    assert seen.listed(named)[1].labels == ("mine", "green")
    assert not names.is_current(named)
    names.write(named)
    assert names.is_current(named)
    assert not index.is_current(named)


def test_equal_atlases_have_equal_bytes_and_are_whole(named: Store, tmp_path: Path) -> None:
    again = atlases.commit(Store.create(tmp_path / "again", atlases.provenance(*PATTERNS)))
    _see(again, _squares())
    names.write(again)
    assert named.folder.read(names.NAME) == again.folder.read(names.NAME)
    index.refresh(named)
    states = {f.part: f.state for f in verify.verify(named)}
    assert states[names.NAME] == states[index.NAME] == "whole"
    path = named.folder.path / names.NAME
    path.write_bytes(path.read_bytes()[:-1])
    [found] = [f for f in verify.verify(named) if f.part == names.NAME]
    assert (found.state, found.maker) == ("damaged", "atlas examples")
    assert names.by_unit(named) == {}
    verify.repair(named, [found])
    assert not named.folder.has(names.NAME)


def test_the_identity_of_an_index_without_names_is_what_it_was(store: Store) -> None:
    frame = index.of(store)
    older = frame.drop(columns=[*index.LATER, "note"])
    assert frame["name"].isna().all()
    whole = older.drop(columns=[n for n in index.TIMINGS if n in older])
    import hashlib

    text = whole.to_json(orient="split", double_precision=15)
    assert index.identity(frame) == hashlib.sha256(text.encode()).hexdigest()

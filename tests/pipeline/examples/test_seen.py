"""Tests of what is noted of pictures that an atlas is shown."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from atlases import ARCHITECTURE

from pipeline.errors import ConfigError, DamageError
from pipeline.examples import seen, strongest
from pipeline.examples.source import Picture
from pipeline.plan.architecture import CLASSES
from pipeline.plan.provenance import Provenance
from pipeline.store.store import Store

Make = Callable[..., Provenance]
See = Callable[..., None]


def test_pictures_are_seen_once_in_batches(store: Store, pictures: list[Picture], see: See) -> None:
    seen.begin(store, pictures)
    assert seen.listed(store) == pictures
    assert [len(b.units) for b in seen.pending(store, seen.tables(store))] == [64, 36]
    see(store, most=1)
    seen.begin(store, pictures)  # the same: goes on
    assert [b.chunk for b in seen.pending(store, seen.tables(store))] == [1]
    see(store)
    assert seen.pending(store, seen.tables(store)) == []
    assert seen.left_out(store) == {"099.png": "it is no picture, or is damaged"}


def test_other_pictures_are_refused_or_replace(shown: Store, pictures: list[Picture]) -> None:
    with pytest.raises(ConfigError, match=r"was shown 100 other pictures, from .*--replace"):
        seen.begin(shown, pictures[:5])
    assert strongest.is_current(shown)
    seen.begin(shown, pictures[:5], replace=True)
    assert not strongest.is_current(shown)
    assert [b.chunk for b in seen.pending(shown, seen.tables(shown))] == [0]


def test_damage_is_seen(shown: Store) -> None:
    path = shown.folder.path / "examples/pictures.json"
    path.write_text(path.read_text().replace("001.png", "777.png"))
    with pytest.raises(DamageError, match="is damaged"):
        seen.listed(shown)


def test_what_one_layer_has_not_seen_is_seen_again(
    store: Store, pictures: list[Picture], see: See
) -> None:
    seen.begin(store, pictures)
    see(store)
    _, last = tables = seen.tables(store)
    [_, record] = last.records.of(seen.PILE.name)
    last.records.drop(record)
    [batch] = seen.pending(store, tables)
    assert (batch.chunk, batch.units) == (1, tuple(pictures[64:]))


def test_a_state_follows_what_was_seen(store: Store, pictures: list[Picture], see: See) -> None:
    states = [seen.state_of(store)]
    seen.begin(store, pictures)
    states.append(seen.state_of(store))
    for most in (1, None):
        see(store, most)
        states.append(seen.state_of(store))
    assert states[:2] == ["", ""]
    assert len(set(states)) == 3
    assert seen.state_of(Store.open(store.folder)) == states[-1]


@pytest.mark.parametrize(
    ("patterns", "classes", "expected"),
    [
        (("mixed4:0", "mixed2:1"), 3, ["mixed2", "mixed4"]),
        (("mixed4:0", "logits:1"), 3, ["mixed4", CLASSES]),
        (("mixed4:0", "logits:1"), None, ["mixed4"]),
    ],
)
def test_the_layers_and_classes_of_the_units_see(
    tmp_path: Path, make_provenance: Make, patterns: tuple[str, ...], classes: int | None,
    expected: list[str],
) -> None:  # fmt: skip
    architecture = dataclasses.replace(ARCHITECTURE, classes=classes)
    store = Store.create(tmp_path, make_provenance(*patterns, architecture=architecture))
    found = seen.tables(store)
    assert [table.layer.name for table in found] == expected
    if expected[-1] == CLASSES:
        assert found[-1].layer.channels == 3
        assert found[-1].records.place == "examples/_classes"  # a folder of its own, in there

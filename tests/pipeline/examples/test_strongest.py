"""What pictures tell of units, with made-up responses to made-up pictures."""

import shutil
from collections.abc import Callable

import numpy as np
import pytest

from pipeline import Atlas, verify
from pipeline.errors import NotMeasuredError
from pipeline.examples import seen, strongest
from pipeline.examples.source import Picture
from pipeline.explore import index
from pipeline.store.store import Store

See = Callable[..., None]


def test_the_strongest_nine_and_what_in_them_excites_a_channel(shown: Store) -> None:
    found = Atlas(shown).examples("mixed2:3")
    assert [e.rank for e in found] == list(range(9))
    assert [e.activation for e in found] == [98, 97, 96, 95, 94, 93, 92, 91, 90]
    assert found[0].picture == "068.png"
    layer = shown.provenance.architecture.layers["mixed2"]
    row, column = divmod((68 + 3) % (layer.width * layer.height), layer.width)
    left, top, right, bottom = found[0].box
    assert right - left == bottom - top == 0.5
    assert left <= (column + 0.5) / layer.width <= right
    assert top <= (row + 0.5) / layer.height <= bottom


def test_downwards_the_weakest_are_the_strongest(shown: Store) -> None:
    assert [e.activation for e in Atlas(shown).examples("-mixed2:1")] == list(range(9))


def test_a_neuron_and_a_layer_have_theirs(shown: Store) -> None:
    assert Atlas(shown).examples("mixed2:2@center")[0].activation == 99  # the largest anywhere
    dream = Atlas(shown).examples("deepdream:mixed2+mixed4")
    assert len(dream) == 9
    assert dream[0].box == (0, 0, 1, 1)
    sums = [sum(np.mean((p + 10 * np.arange(c)) % 99) for c in (6, 10)) for p in range(99)]
    assert dream[0].activation == pytest.approx(max(sums), rel=1e-5)


def test_the_index_says_where_the_stored_image_stands(shown: Store) -> None:
    index.refresh(shown)
    row = Atlas(shown).row("mixed2:4")  # its stored image is made up to be at 5
    assert (row["activation"], row["natural_median"]) == (5, 49)
    assert row["natural_quantile"] == pytest.approx(5 / 99)
    assert row["natural_p99"] == pytest.approx(np.quantile(np.arange(99), 0.99))
    assert Atlas(shown).row("-mixed2:1")["natural_quantile"] == pytest.approx(96 / 99)
    spread = Atlas(shown).natural.set_index("unit")
    assert (spread["pictures"] == 99).all()
    assert spread.loc["mixed2:0", ["q00", "q50", "q100"]].tolist() == [0, 49, 98]


def test_where_all_that_was_seen_is_gone_there_is_no_standing(shown: Store) -> None:
    shutil.rmtree(shown.folder.path / "examples")
    index.refresh(shown)
    row = Atlas(shown).row("mixed2:4")
    assert "natural_quantile" not in row
    assert row["natural_median"] == 49


def test_an_index_without_them_is_no_longer_current(
    store: Store, pictures: list[Picture], see: See
) -> None:
    index.refresh(store)
    seen.begin(store, pictures)
    see(store)
    strongest.summarise(store)
    assert not index.is_current(store)


def test_an_atlas_that_was_shown_nothing_says_so(store: Store) -> None:
    with pytest.raises(NotMeasuredError, match="was shown no pictures: `atlas examples FOLDER`"):
        Atlas(store).examples("mixed2:3")
    assert strongest.by_unit(store) == {}
    assert seen.left_out(store) == {}


def test_verification_reads_them_too(shown: Store) -> None:
    name = seen.tables(shown)[0].arrays.files_of("pictures", 1)[0]
    path = shown.folder.path / name
    path.write_bytes(path.read_bytes()[:-1])
    damaged = [finding.part for finding in verify.verify(shown) if finding.state == "damaged"]
    assert damaged == ["examples/mixed2/pictures/000001"]

"""What pictures tell of units, with made-up responses to made-up pictures."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline import Atlas, verify
from pipeline.errors import ConfigError, DamageError, NotMeasuredError
from pipeline.examples import seen, strongest
from pipeline.examples.crops import SIZE, Crops
from pipeline.examples.source import READ, UNREADABLE, Picture
from pipeline.explore import index
from pipeline.plan.provenance import Provenance
from pipeline.store.store import Store

Make = Callable[..., Provenance]
Build = Callable[..., Store]
COUNT = 100
PATTERNS = ("mixed2:0-5", "-mixed2:1", "mixed2:2@center", "deepdream:mixed2+mixed4")


@pytest.fixture
def store(tmp_path: Path, make_provenance: Make, build: Build) -> Store:
    return build(tmp_path / "atlas", make_provenance(*PATTERNS))


@pytest.fixture
def pictures(tmp_path: Path) -> list[Picture]:
    """Pictures of one colour each; the last is none."""
    (tmp_path / "mine").mkdir()
    for number in range(COUNT - 1):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / "mine" / f"{number:03d}.png")
    names = [f"{number:03d}.png" for number in range(COUNT)]
    return [Picture(name, str(tmp_path / "mine" / name)) for name in names]


def _see(store: Store, most: int | None = None) -> None:
    """Channel c responds to picture p with (p + 10 c) % 99, somewhere."""
    tables = seen.tables(store)
    batches = seen.pending(store, tables)
    seen.prepare(tables, batches)
    for batch in batches[:most]:
        numbers = np.array([int(picture.id[:3]) for picture in batch.units])
        found = {}
        for table in tables:
            channels = np.arange(table.layer.channels)
            mean = ((numbers[:, None] + 10 * channels) % (COUNT - 1)).astype(np.float32)
            spots = table.layer.width * table.layer.height
            place = (numbers[:, None] + channels).astype(np.int32) % spots
            state = np.where(numbers < COUNT - 1, READ, UNREADABLE).astype(np.uint8)[:, None]
            found[table.layer.name] = {
                "mean": mean,
                "peak": mean + 1,
                "place": place,
                "state": state,
            }
        seen.commit(tables, batch, found)


@pytest.fixture
def shown(store: Store, pictures: list[Picture]) -> Store:
    seen.begin(store, pictures)
    _see(store)
    strongest.summarise(store)
    return store


def test_pictures_are_seen_once_in_batches(store: Store, pictures: list[Picture]) -> None:
    seen.begin(store, pictures)
    assert seen.listed(store) == pictures
    assert [len(b.units) for b in seen.pending(store, seen.tables(store))] == [64, 36]
    _see(store, most=1)
    seen.begin(store, pictures)  # the same: goes on
    assert [b.chunk for b in seen.pending(store, seen.tables(store))] == [1]
    _see(store)
    assert seen.pending(store, seen.tables(store)) == []
    assert seen.left_out(store) == {"099.png": "it is no picture, or is damaged"}


def test_other_pictures_are_refused_or_replace(shown: Store, pictures: list[Picture]) -> None:
    with pytest.raises(ConfigError, match=r"was shown 100 other pictures, from .*--replace"):
        seen.begin(shown, pictures[:5])
    assert strongest.is_current(shown)
    seen.begin(shown, pictures[:5], replace=True)
    assert not strongest.is_current(shown)
    assert [b.chunk for b in seen.pending(shown, seen.tables(shown))] == [0]


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


def test_an_index_without_them_is_no_longer_current(store: Store, pictures: list[Picture]) -> None:
    index.refresh(store)
    seen.begin(store, pictures)
    _see(store)
    strongest.summarise(store)
    assert not index.is_current(store)


def test_crops_are_of_the_pictures(shown: Store) -> None:
    crops = Crops(shown)
    batches = crops.pending()
    crops.prepare_all(shown.provenance.available_sections(), batches)
    with pytest.raises(NotMeasuredError, match="are not cut out yet"):
        Atlas(shown).example_crops("mixed2:3")
    for batch in batches:
        crops.cut(batch)
    assert crops.pending() == []
    found = Atlas(shown).example_crops("mixed2:3")
    assert found.shape == (9, SIZE, SIZE, 3)
    assert found[:, 30, 30, 0].tolist() == [68, 67, 66, 65, 64, 63, 62, 61, 60]


def test_an_atlas_that_was_shown_nothing_says_so(store: Store) -> None:
    with pytest.raises(NotMeasuredError, match="was shown no pictures: `atlas examples FOLDER`"):
        Atlas(store).examples("mixed2:3")
    assert strongest.by_unit(store) == {}
    assert seen.left_out(store) == {}


def test_damage_is_seen(shown: Store) -> None:
    path = shown.folder.path / "examples/pictures.json"
    path.write_text(path.read_text().replace("001.png", "777.png"))
    with pytest.raises(DamageError, match="is damaged"):
        seen.listed(shown)


def test_verification_reads_them_too(shown: Store) -> None:
    name = seen.tables(shown)[0].arrays.files_of("pictures", 1)[0]
    path = shown.folder.path / name
    path.write_bytes(path.read_bytes()[:-1])
    damaged = [finding.part for finding in verify.verify(shown) if finding.state == "damaged"]
    assert damaged == ["examples/mixed2/pictures/000001"]

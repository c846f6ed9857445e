"""What pictures keep under other views: known shares, what is stored, and pictures that lie."""

from collections.abc import Callable, Sequence
from pathlib import Path

import atlases
import numpy as np
import pytest

from pipeline import Atlas, verify
from pipeline.config.recipes import RECIPES
from pipeline.config.weights import resolve
from pipeline.explore import index
from pipeline.plan.kinds import CHANNEL
from pipeline.plan.provenance import Provenance
from pipeline.plan.units import Unit
from pipeline.store.store import Store
from pipeline.truth import kept
from pipeline.truth.views import VIEWS

Make = Callable[..., Provenance]
Build = Callable[..., Store]
NAMES = [f"kept_{view.name}" for view in VIEWS]


@pytest.fixture
def store(tmp_path: Path, make_provenance: Make, build: Build) -> Store:
    """A finished atlas, of which nothing was seen otherwise."""
    return build(tmp_path / "a", make_provenance("mixed2:0-5", "-mixed4:1", "mixed4:0-1@1,1"))


def _mean(images: np.ndarray, units: Sequence[Unit]) -> np.ndarray:
    del units
    return images.mean(axis=(1, 2, 3))


def test_shares_are_of_what_was_gained() -> None:
    seen = np.array([[4, 10, 2, 30], [3, -2, 6, -20], [-3, -1, -5, 0]], np.float32)
    start, end = np.array([2, 6, -5], np.float32), np.array([10, -2, -1], np.float32)
    found = kept.shares(seen, start, end, np.array([1, -1, 1]))
    np.testing.assert_allclose(found, [[0.25, 1, 0, 1], [0.375, 1, 0, 1], [0.5, 1, 0, 1]])


@pytest.mark.parametrize(("start", "end", "sign"), [(2, 2, 1), (2, 1, 1), (0, 0, -1), (1, 2, -1)])
def test_what_gained_nothing_keeps_nothing_that_could_be_told(start, end, sign) -> None:
    given = [np.array([number], np.float32) for number in (start, end, sign)]
    assert np.isnan(kept.shares(np.ones((1, 3), np.float32), *given)).all()


def test_each_view_is_measured_by_the_unit_where_it_went(store: Store) -> None:
    """Judged by the mean of all pixels, whatever stays as bright is kept."""
    asked: list[Unit] = []

    def see(images: np.ndarray, units: Sequence[Unit]) -> np.ndarray:
        asked.extend(units)
        return _mean(images, units)

    known = store.provenance
    units = [known.unit("mixed4:0@1,2"), known.unit("mixed4:1@1,2")]
    images = np.random.default_rng(0).integers(0, 256, (2, 24, 24, 3), np.uint8)
    found = kept.measure(images, units, known, see)
    assert (found.shape, found.dtype) == ((2, len(VIEWS)), np.float32)
    np.testing.assert_allclose(found, np.repeat(_mean(images, units)[:, None], 8, 1), rtol=0.1)
    mirrored = [view.name for view in VIEWS].index("mirror")
    assert asked[2 * mirrored].id == "mixed4:0@1,0"
    assert asked[0].id == "mixed4:0@1,2"


def test_each_image_is_seen_once(store: Store) -> None:
    wanted = [batch.key for batch in kept.pending(store)]
    assert wanted == [
        "mixed2/000000", "mixed2/000001", "negative-mixed4/000000", "neurons-mixed4/000000",
    ]  # fmt: skip
    assert kept.pending(atlases.keep(store)) == []


def test_the_index_tells_shares_and_their_mean(store: Store) -> None:
    index.refresh(atlases.keep(store))
    assert index.is_current(store)
    rows = index.read(store.folder).set_index("unit")
    # From 2 to 6 (`atlases.results`), with 1, 2, … eighths of that left (`atlases.keep`).
    np.testing.assert_allclose(rows.loc["mixed2:5", NAMES].astype(float), np.arange(1, 9) / 8)
    assert rows.at["mixed2:5", "kept"] == pytest.approx(4.5 / 8)
    assert rows.loc["mixed2:1", ["kept", *NAMES]].isna().all()  # from 2 to 2
    assert rows.loc["-mixed4:1", ["kept", *NAMES]].isna().all()
    found = Atlas.open(store.folder.path).query("kept > 0.5 and kept_noise < 0.2")
    assert "mixed2:5" in set(found["unit"])


def test_the_mean_is_of_what_the_recipe_does_not_climb_by(
    tmp_path: Path, make_provenance: Make, build: Build
) -> None:
    plain = make_provenance("mixed2:0-5")
    recipe = RECIPES["maco"].model_copy(update={"steps": atlases.STEPS})
    fingerprint = plain.fingerprint.model_copy(update={"recipe": recipe})
    store = build(tmp_path, Provenance(fingerprint, *_rest(plain)))
    row = kept.columns(atlases.keep(store)).loc["mixed2:5"]
    assert row["kept_crop"] == 7 / 8
    assert row["kept"] == pytest.approx((36 - 7) / 8 / 7, abs=1e-4)


def _rest(known: Provenance) -> tuple:
    return known.patterns, known.weights, known.architecture


def test_an_atlas_without_it_keeps_its_identity_and_its_state(store: Store) -> None:
    before = index.state_of(store)
    identity = index.identity(index.of(store))
    assert kept.state_of(store) == ""
    assert index.of(store)["kept"].isna().all()
    atlases.keep(store)
    assert index.state_of(store) != before
    assert index.identity(index.of(store)) != identity


def test_a_killed_build_goes_on_and_ends_alike(
    store: Store, tmp_path: Path, make_provenance: Make, build: Build
) -> None:
    whole = atlases.keep(build(tmp_path / "b", store.provenance))
    atlases.keep(store, most=2)
    assert [b.key for b in kept.pending(store)] == [
        "negative-mixed4/000000",
        "neurons-mixed4/000000",
    ]
    atlases.keep(Store.open(store.folder))
    for path in (whole.folder.path / "atlas.zarr/truth").rglob("*"):
        if path.is_file():
            there = store.folder.path / path.relative_to(whole.folder.path)
            assert there.read_bytes() == path.read_bytes()
    assert kept.state_of(store) == kept.state_of(whole)


def test_damage_is_seen_and_measured_again(store: Store) -> None:
    table = kept.Kept(atlases.keep(store))
    assert all(f.state in ("whole", "stale") for f in verify.verify(store))
    verify.trust(store)
    store.folder.write_bytes(table.arrays.file_of("mixed2", "activation", 1), b"damaged")
    wrong = [f for f in verify.verify(store) if f.is_loss]
    assert [(f.part, f.maker) for f in wrong] == [("truth/kept/mixed2/000001", "atlas build")]
    verify.repair(store, wrong)
    assert [batch.key for batch in kept.pending(store)] == ["mixed2/000001"]
    store.folder.delete(table.records.name("mixed2", 0))
    assert {f.state for f in verify.verify(store) if f.part == table.records.name("mixed2", 0)} == {
        "lost"
    }


def test_units_that_left_the_configuration_are_not_told(
    store: Store, make_provenance: Make
) -> None:
    atlases.keep(store)
    fewer = Store.create(store.folder.path, make_provenance("mixed2:0-3"))
    index.refresh(fewer)
    assert list(index.read(fewer.folder)["unit"]) == [f"mixed2:{n}" for n in range(4)]
    assert kept.pending(fewer) == []


@pytest.fixture(scope="module")
def rendered(cpu):
    """Pictures of four channels of the real `mixed2`, by `draft`; the engine; and the units."""
    from pipeline.ascent.engine import Engine

    del cpu
    units = [Unit(CHANNEL, ("mixed2",), index) for index in (3, 64, 129, 200)]
    engine = Engine(resolve("bundled"), RECIPES["draft"], 80, 0, 4)
    return engine.compute(units), engine, units


def _planted(units: Sequence[Unit], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures that excite channels by plain gradient ascent on noise, and where they began."""
    import tensorflow as tf

    from pipeline.network.network import load
    from pipeline.plan.pixels import floats, quantise

    network = load(resolve("bundled"), units[0].layers)
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, (len(units), size, size, 3))
    pixels = tf.Variable(floats(quantise(noise)))
    channels = tf.constant([unit.index for unit in units])

    @tf.function
    def step() -> None:
        with tf.GradientTape() as tape:
            means = tf.reduce_mean(network(pixels)[units[0].layers[0]], axis=(1, 2))
            score = tf.reduce_sum(tf.gather(means, channels, batch_dims=1))
        slope = tape.gradient(score, pixels)
        slope /= tf.math.reduce_std(slope, axis=(1, 2, 3), keepdims=True) + 1e-12
        pixels.assign(tf.clip_by_value(pixels + 0.02 * slope, -1.0, 1.0))

    begun = quantise(pixels.numpy())
    for _ in range(30):
        step()
    return begun, quantise(pixels.numpy())


def test_a_picture_that_was_planted_keeps_less_than_one_that_was_rendered(
    rendered, make_provenance: Make
) -> None:
    results, engine, units = rendered
    known = make_provenance()
    begun, planted = _planted(units, engine.size)
    ones = np.ones(len(units))
    start, end = engine.see(begun, units), engine.see(planted, units)
    assert (end > results.statistics.activation).mean() > 0.5  # it is as strong as the real ones
    lies = kept.shares(kept.measure(planted, units, known, engine.see), start, end, ones)
    statistics = results.statistics
    true = kept.shares(
        kept.measure(results.images, units, known, engine.see),
        statistics.activation_start, statistics.activation, ones,
    )  # fmt: skip
    assert (lies.mean(axis=1) < 0.7 * true.mean(axis=1)).all()


def test_what_is_kept_depends_on_nobody_else(rendered, make_provenance: Make) -> None:
    results, engine, units = rendered
    known = make_provenance()
    together = kept.measure(results.images, units, known, engine.see)
    for rows in ([2], [3, 0], [1, 2, 3]):
        few = [units[row] for row in rows]
        found = kept.measure(results.images[rows], few, known, engine.see)
        np.testing.assert_array_equal(found, together[rows])

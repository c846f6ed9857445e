"""Tests of the engine: units in, finished batches out."""

import dataclasses
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from pipeline.ascent.engine import Engine
from pipeline.ascent.measure import Meter
from pipeline.ascent.render import PLAIN, Rendered, Renderer
from pipeline.ascent.results import NAMES, Results
from pipeline.config.recipes import RECIPES, Transforms
from pipeline.config.schema import Render
from pipeline.config.weights import Weights, resolve
from pipeline.errors import WeightsError, WorkError
from pipeline.network.network import load
from pipeline.plan.architecture import Reading
from pipeline.plan.kinds import CHANNEL, KINDS, LOGITS
from pipeline.plan.provenance import Provenance
from pipeline.plan.units import Unit

pytestmark = pytest.mark.usefixtures("cpu")

SIZE = 80
RECIPE = RECIPES["fourier"].model_copy(update={"steps": 3, "revive": 1})


@pytest.fixture
def engine() -> Engine:
    return Engine(resolve("bundled"), RECIPE, SIZE, seed=0, batch_size=4)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """A file of a network of three convolutions and three classes."""
    keras.utils.set_random_seed(7)
    image = keras.Input((None, None, 3))
    x = layers.Conv2D(8, 3, activation="relu", name="one")(image)
    x = layers.Conv2D(8, 3, strides=2, activation="relu", name="two")(x)
    x = layers.Conv2D(4, 3, activation="relu", name="three")(x)
    x = layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    path = tmp_path_factory.mktemp("model") / "small.keras"
    keras.Model(image, x).save(path)
    return Weights("file", path, "0" * 64)


Make = Callable[..., Engine]


@pytest.fixture
def make(small: Weights) -> Make:
    """A function that makes an engine of the small network."""

    def made(batch_size: int = 16, options: Render = PLAIN, **more: Any) -> Engine:
        return Engine(small, RECIPE, 24, seed=0, batch_size=batch_size, options=options, **more)

    return made


def _units(layer: str, count: int, variants: int = 1) -> list[Unit]:
    firsts = [Unit(CHANNEL, (layer,), index) for index in range(count)]
    return [unit.sibling(number) for unit in firsts for number in range(variants)]


def _assert_equal(some: Results, others: Results, rows: Sequence[int] | None = None) -> None:
    """Equal to the bytes, timings apart; `some` is these rows of `others`."""
    some = dataclasses.replace(some, statistics=_untimed(some))
    others = dataclasses.replace(others, statistics=_untimed(others))
    assert some.arrays().keys() == others.arrays().keys()
    for name, values in others.arrays().items():
        expected = values if rows is None else values[list(rows)]
        np.testing.assert_array_equal(some.arrays()[name], expected, name)


def _untimed(results: Results):
    return dataclasses.replace(results.statistics, seconds=0 * results.statistics.seconds)


def test_a_batch_comes_out_rendered_and_measured(engine: Engine) -> None:
    results = engine.compute([Unit(CHANNEL, ("mixed0",), index) for index in (3, 64, 200)])
    assert results.images.shape == (3, SIZE, SIZE, 3)
    assert results.images.dtype == np.uint8
    assert results.trajectory.shape == (3, 3)
    arrays = results.arrays()
    assert arrays["trajectory"].dtype == arrays["statistics"].dtype == np.float32
    assert arrays["statistics"].shape == (3, len(NAMES))
    statistics = results.statistics
    assert (statistics.activation > statistics.activation_start).all()
    assert (statistics.activation_peak >= statistics.activation).all()
    assert (statistics.steps == 3).all()
    assert (statistics.seconds > 0).all()


def test_images_are_seen_as_they_were_measured(make: Make) -> None:
    engine, units = make(batch_size=4), _units("one", 6)
    results = [engine.compute(part) for part in (units[:4], units[4:])]
    images = np.concatenate([each.images for each in results])
    measured = np.concatenate([each.statistics.activation for each in results])
    np.testing.assert_array_equal(engine.see(images, units), measured)
    np.testing.assert_array_equal(engine.see(images[::-1], units[::-1]), measured[::-1])


def test_the_last_two_networks_are_kept(make: Make) -> None:
    engine = make()

    def compiled(layer: str) -> object:
        return engine.compiled(Unit(CHANNEL, (layer,), 0))[0]

    first, second = compiled("one"), compiled("two")
    assert compiled("one") is first
    compiled("three")  # `two` was used longest ago
    assert len(engine._compiled) == 2
    assert compiled("one") is first
    assert compiled("two") is not second
    assert len(engine._compiled) == 2


def test_classes_without_a_classifier_are_refused(engine: Engine) -> None:
    with pytest.raises(WeightsError, match="these weights have no classifier"):
        engine.compute([Unit(LOGITS, (), 3)])


def test_an_engine_is_made_as_its_atlas_says(make_provenance: Callable[..., Provenance]) -> None:
    weights = resolve("bundled")
    how = {"variants": 3, "diversity": 0.5, "snapshots": 2, "batch_size": 7, "span": (0.0, 255.0)}
    made = dataclasses.replace(make_provenance(**how), weights=weights)
    engine = Engine.of(made)
    assert (engine.weights, engine.batch_size, engine.size) == (weights, 7, made.size)
    assert engine.options == made.render
    assert engine.options.group == 3
    assert engine.reading.range == (0.0, 255.0)


@pytest.mark.parametrize(
    ("kind", "variants", "batch"),
    [("channel", 2, 16), ("logits", 2, 16), ("channel", 4, 32), ("logits", 8, 16)],
)
def test_variants_that_know_each_other_are_the_same_alone_and_in_any_order(
    make: Make, kind: str, variants: int, batch: int
) -> None:
    layer = ("two",) if kind == "channel" else ()
    indices = (0, 2, 1, 5, 7) if batch == 32 else (0, 2, 1)  # 20 images, in a shape of their own
    firsts = [Unit(KINDS[kind], layer, index) for index in indices]  # type: ignore[arg-type]
    units = [unit.sibling(number) for unit in firsts for number in range(variants)]
    options = Render(variants=variants, diversity=3.0, snapshots=2, precision="float32")
    engine = make(batch, options)
    together = engine.compute(units * 2)
    for rows in ([variants + 1], [2 * variants, 1], [2 * variants + 1, 0, variants]):
        _assert_equal(engine.compute([units[row] for row in rows]), together, rows)


def test_images_in_bfloat16_are_measured_in_float32(make: Make, small: Weights) -> None:
    engine, units = make(options=Render(precision="bfloat16")), _units("two", 3)
    results = engine.compute(units)
    meter = Meter(load(small, ("two",)), 24)
    np.testing.assert_array_equal(
        results.statistics.activation, meter.plain(results.images, units, 16)
    )
    assert (results.images != make().compute(units).images).any()


# Memory -----------------------------------------------------------------------------------------


def _exhausted() -> BaseException:
    return tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")


@dataclasses.dataclass
class Memory:
    """Room for so many images at once, and the shapes that were tried."""

    most: int
    error: Callable[[], BaseException] = _exhausted
    tried: list[int] = dataclasses.field(default_factory=list)

    def take(self, shape: int) -> None:
        self.tried.append(shape)
        if shape > self.most:
            raise self.error()

    def renderer(self, *how: Any) -> Renderer:
        return _Limited(self, *how)


class _Limited(Renderer):
    """A renderer that has some memory and no more."""

    def __init__(self, memory: Memory, *how: Any) -> None:
        super().__init__(*how)
        self._memory = memory

    def render(self, units: Sequence[Unit], seed: int, batch: int, *more: Any) -> Rendered:
        self._memory.take(len(self.padded(units, batch)))
        return super().render(units, seed, batch, *more)


@pytest.mark.parametrize("error", [_exhausted, MemoryError])
def test_a_batch_that_does_not_fit_is_halved_once_and_for_good(
    make: Make, caplog: pytest.LogCaptureFixture, error: Callable[[], BaseException]
) -> None:
    units, memory = _units("two", 8, 2)[:13], Memory(8, error)
    expected = make().compute(units)
    engine, tried = make(renderer=memory.renderer), memory.tried
    with caplog.at_level(logging.WARNING, "pipeline.ascent.engine"):
        _assert_equal(engine.compute(units), expected)
        assert (tried, engine.most) == ([16, 8, 8], 8)
        _assert_equal(engine.compute(units[::-1]), expected, range(12, -1, -1))
    assert tried[3:] == [8, 8]
    [record] = [r for r in caplog.records if r.name == "pipeline.ascent.engine"]
    assert record.getMessage() == (
        "a batch of images of 24 px does not fit in memory: from here on 8 at once, which changes "
        "no pixel"
    )


def test_a_batch_of_groups_is_halved_into_groups(make: Make) -> None:
    options = Render(variants=3, diversity=1.0, precision="float32")
    units, memory = _units("two", 5, 3), Memory(8)
    engine = make(options=options, renderer=memory.renderer)
    _assert_equal(engine.compute(units), make(options=options).compute(units))
    assert (memory.tried, engine.most) == ([15, 6, 6, 6], 6)


def test_where_half_a_batch_does_not_fit_either_it_is_told(make: Make) -> None:
    memory = Memory(7)
    engine = make(renderer=memory.renderer)
    said = (
        r"^8 images of 24 px do not fit in memory together: lower image.size, or use fewer workers"
    )
    with pytest.raises(WorkError, match=said) as told:
        engine.compute(_units("two", 8, 2))
    assert isinstance(told.value.__cause__, tf.errors.ResourceExhaustedError)
    assert memory.tried == [16, 8]


def test_the_smallest_batch_is_not_halved(make: Make) -> None:
    memory = Memory(3)
    engine = make(renderer=memory.renderer)
    with pytest.raises(WorkError, match=r"^4 images of 24 px do not fit in memory together"):
        engine.compute(_units("two", 1))
    assert (memory.tried, engine.most) == ([4], None)


def test_other_errors_halve_nothing(make: Make) -> None:
    engine = make(renderer=Memory(3, lambda: ValueError("no luck")).renderer)
    with pytest.raises(ValueError, match="no luck"):
        engine.compute(_units("two", 8))
    assert engine.most is None


def test_a_network_of_grey_images_gets_grey_pictures(tmp_path: Path) -> None:
    image = keras.Input((None, None, 1))
    conv = layers.Conv2D(4, 3, name="conv")(layers.Rescaling(1 / 255)(image))
    path = tmp_path / "grey.keras"
    keras.Model(image, conv).save(path)
    weights = Weights("file", path, "0" * 64)
    engine = Engine(weights, RECIPES["draft"], 24, 0, 4, reading=Reading((0.0, 255.0)))
    results = engine.compute([Unit(CHANNEL, ("conv",), number) for number in range(4)])
    assert np.ptp(results.images) > 50
    np.testing.assert_array_equal(results.images[..., 0], results.images[..., 1])
    np.testing.assert_array_equal(results.images[..., 0], results.images[..., 2])
    assert (results.statistics.activation > results.statistics.activation_start).all()


SURROUND = np.array([
    [-0.18, -0.05, -0.07, -0.04, -0.18], [-0.06, 0.03, 0.01, 0.02, -0.06],
    [-0.09, 0.03, 0.27, 0.03, -0.10], [-0.05, 0.03, 0.04, 0.05, -0.08],
    [-0.17, -0.04, -0.13, -0.05, -0.14],
])  # fmt: skip
"""EfficientNet-Lite0's `block9_d`, channel 546: every spot lowers it, stripes raise it."""


def _over_a_hill(path: Path) -> Weights:
    """Two channels of ReLU6 that read one each: highest where that is silent, but for stripes; and
    a plain one, which rises by itself."""
    image = keras.Input((None, None, 3))
    expand = layers.Conv2D(2, 4, strides=4, name="expand")
    depth = layers.DepthwiseConv2D(5, padding="same", name="d")
    x = layers.ReLU(6.0, name="read")(expand(image))
    model = keras.Model(image, layers.ReLU(6.0, name="depth")(depth(x)))
    kernel = np.random.default_rng(0).normal(0, 0.3, (4, 4, 3, 2))
    expand.set_weights([kernel - kernel.mean((0, 1), keepdims=True), np.array([-0.8, -0.8])])
    plain = np.zeros((5, 5))
    plain[2, 2] = 0.3
    depth.set_weights([np.stack([3.1 * SURROUND, plain], axis=-1)[..., None], np.array([1.4, 0.1])])
    model.save(path)
    return Weights("file", path, "0" * 64)


def test_a_unit_that_every_spot_lowers_begins_anew_with_a_lit_map(tmp_path: Path) -> None:
    weights = _over_a_hill(tmp_path / "hill.keras")
    still = RECIPES["draft"].model_copy(update={"transforms": Transforms()})
    units = _units("depth", 2)

    def computed(some: Sequence[Unit], **reading: bool) -> Results:
        how = Reading(is_living=True, **reading)
        return Engine(weights, still, 24, 0, 4, reading=how).compute(some)

    before, after = computed(units), computed(units, begins_lit=True)
    assert before.statistics.activation[0] < 1.001 * before.statistics.activation_start[0]
    assert after.statistics.activation_start[0] == before.statistics.activation_start[0]
    assert after.statistics.activation[0] > 1.2 * after.statistics.activation_start[0]
    assert before.statistics.activation[1] > before.statistics.activation_start[1]
    _assert_equal(computed(units[1:], begins_lit=True), after, [1])
    _assert_equal(computed(units[:1], begins_lit=True), after, [0])
    np.testing.assert_array_equal(after.images[1], before.images[1])


def test_time_is_the_processor_s_where_that_is_asked_for(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "process_time", lambda: 7.0)  # it did nothing
    units = _units("one", 2)
    assert (make(by_processor=True).compute(units).statistics.seconds == 0).all()
    assert (make().compute(units).statistics.seconds > 0).all()
    monkeypatch.setattr(time, "process_time", lambda: 1e6 * time.monotonic())  # of other threads
    seconds = make(by_processor=True).compute(units).statistics.seconds
    assert (seconds > 0).all()
    assert (seconds < 600).all()

"""Tests of the objectives: what they are, and that climbing them raises them."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from pipeline.ascent import objectives
from pipeline.config.weights import resolve
from pipeline.model import model_file
from pipeline.network.living import Revival
from pipeline.network.network import CLASSES, FEATURES, Network, load
from pipeline.plan.directions import Direction
from pipeline.plan.kinds import CHANNEL, DEEPDREAM, KINDS, LOGITS, NEURON, SOFTMAX
from pipeline.plan.units import Unit

pytestmark = pytest.mark.usefixtures("cpu")

SIZE = 80


@pytest.fixture(scope="module")
def two_layers() -> Network:
    return load(resolve("bundled"), ("mixed0", "mixed2"))


@pytest.fixture(scope="module")
def classes() -> Network:
    """A classifier of seven classes on the real mixed2."""
    model = model_file.read(resolve("bundled")).model
    pooled = layers.GlobalAveragePooling2D()(model.get_layer("mixed2").output)
    model = keras.Model(model.input, layers.Dense(7)(pooled))
    return Network(model, (CLASSES,), Revival())


def _values(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def test_a_channel_is_its_spatial_mean() -> None:
    values = _values(3, 4, 5, 6)
    units = [Unit(CHANNEL, ("a",), index) for index in (5, 0, 3)]
    got = objectives.activation("channel", {"a": values}, objectives.aim(units, (4, 5)))
    expected = [values[i, :, :, index].mean() for i, index in enumerate((5, 0, 3))]
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 17, 35])
def test_a_neuron_is_the_number_at_its_place(size: int) -> None:
    values = _values(1, size, size + 1, 2)
    places = [(0, 0), (size - 1, size), (size // 2, (size + 1) // 2)]
    units = [Unit(NEURON, ("a",), 1, row, column) for row, column in places]
    target = objectives.aim(units, (size, size + 1))
    repeated = np.repeat(values, len(units), axis=0)
    got = objectives.activation("neuron", {"a": repeated}, target)
    np.testing.assert_array_equal(got, [values[0, row, column, 1] for row, column in places])


def test_a_neuron_keeps_its_place_on_a_smaller_map() -> None:
    values = _values(1, 3, 3, 1)
    target = objectives.aim([Unit(NEURON, ("a",), 0, 5, 0)], (6, 6))
    assert objectives.activation("neuron", {"a": values}, target)[0] == values[0, 2, 0, 0]


def test_deepdream_is_the_sum_of_the_layers_means() -> None:
    a, b = _values(2, 4, 4, 3), _values(2, 2, 2, 9)
    target = objectives.aim([Unit(DEEPDREAM, ("a", "b"))] * 2, (4, 4))
    got = objectives.activation("deepdream", {"a": a, "b": b}, target)
    expected = a.mean(axis=(1, 2, 3)) + b.mean(axis=(1, 2, 3))
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-7)


def test_classes_are_their_logit_or_probability() -> None:
    logits = _values(2, 7)
    exponents = np.exp(logits)
    for kind, numbers in (
        ("logits", logits),
        ("softmax", exponents / exponents.sum(axis=1, keepdims=True)),
    ):
        target = objectives.aim([Unit(KINDS[kind], (), 6), Unit(KINDS[kind], (), 2)], (1, 1))  # type: ignore[arg-type]
        activations = {CLASSES: tf.constant(logits)}
        got = objectives.activation(kind, activations, target)  # type: ignore[arg-type]
        np.testing.assert_allclose(got, [numbers[0, 6], numbers[1, 2]], rtol=1e-5)
        field = objectives.field(kind, activations, target)  # type: ignore[arg-type]
        np.testing.assert_allclose(field, numbers, rtol=1e-5)


def test_a_probabilitys_score_is_its_log_odds_however_near_to_0_or_1() -> None:
    target = objectives.aim([Unit(SOFTMAX, (), index) for index in (6, 2, 0, 0)], (1, 1))
    logits = np.concatenate([_values(2, 7), np.zeros((2, 7), np.float32)])
    logits[2:, 0] = 200.0, -200.0
    got = objectives.score("softmax", {CLASSES: tf.constant(logits)}, target).numpy()
    for row, own in enumerate(target.index):
        rivals = np.exp(np.delete(logits[row], own).astype(np.float64)).sum()
        assert got[row] == pytest.approx(logits[row, own] - np.log(rivals), rel=1e-5)
    plain = objectives.activation("softmax", {CLASSES: tf.constant(logits)}, target).numpy()
    np.testing.assert_array_equal(np.argsort(got), [3, *np.argsort(plain[:2]), 2])


@pytest.mark.parametrize("kind", ["channel", "neuron", "deepdream", "logits"])
def test_the_score_of_other_units_is_their_activation(kind: str) -> None:
    units = [Unit(KINDS[kind], ("a",), index, 1, 2) for index in (4, 1)]
    values = {CLASSES: _values(2, 5)} if kind == "logits" else {"a": _values(2, 3, 4, 5)}
    target = objectives.aim(units, (3, 4))
    activation = objectives.activation(kind, values, target)
    np.testing.assert_array_equal(objectives.score(kind, values, target), activation)


def test_the_sign_is_in_the_aim_and_not_in_the_activation() -> None:
    values = _values(2, 3, 3, 4)
    units = [Unit(CHANNEL, ("a",), 1), Unit(CHANNEL, ("a",), 1, negative=True)]
    target = objectives.aim(units, (3, 3))
    np.testing.assert_array_equal(target.sign, [1.0, -1.0])
    got = objectives.activation("channel", {"a": np.stack([values[0]] * 2)}, target)
    assert got[0] == got[1]


@pytest.mark.parametrize("kind", ["channel", "neuron"])
def test_the_field_of_a_channel_or_neuron_is_its_map(kind: str) -> None:
    values = _values(2, 3, 4, 5)
    units = [Unit(KINDS[kind], ("a",), index, 0, 0) for index in (4, 1)]  # type: ignore[arg-type]
    field = objectives.field(kind, {"a": values}, objectives.aim(units, (3, 4)))  # type: ignore[arg-type]
    np.testing.assert_array_equal(field, [values[0, :, :, 4].ravel(), values[1, :, :, 1].ravel()])


def test_the_field_of_deepdream_is_everything_in_its_layers() -> None:
    a, b = _values(2, 4, 4, 3), _values(2, 2, 2, 9)
    target = objectives.aim([Unit(DEEPDREAM, ("a", "b"))] * 2, (4, 4))
    field = objectives.field("deepdream", {"a": a, "b": b}, target)
    np.testing.assert_array_equal(field, np.hstack([a.reshape(2, -1), b.reshape(2, -1)]))


def test_outputs_are_the_layers_or_the_classes() -> None:
    assert objectives.outputs(Unit(CHANNEL, ("mixed4",), 3)) == ("mixed4",)
    assert objectives.outputs(Unit(DEEPDREAM, ("a", "b"))) == ("a", "b")
    assert objectives.outputs(Unit(SOFTMAX, (), 3)) == (CLASSES,)


def test_outputs_end_in_a_map_where_one_is_wanted() -> None:
    for unit, expected in (
        (Unit(CHANNEL, ("mixed4",), 3), ("mixed4",)),
        (Unit(DEEPDREAM, ("a", "b")), ("a", "b")),
        (Unit(LOGITS, (), 3), (CLASSES, FEATURES)),
    ):
        assert objectives.outputs(unit, with_features=True) == expected


# How alike variants are ---------------------------------------------------------------------------


def _alike(maps: np.ndarray, group: int) -> np.ndarray:
    return np.asarray(objectives.similarity({"first": maps[:, :1], "last": maps}, group))


@pytest.mark.parametrize("group", [2, 3, 5])
def test_equal_images_are_alike_whatever_their_strength(group: int) -> None:
    maps = np.repeat(_values(2, 4, 5, 6), group, axis=0)
    maps *= np.arange(1, 2 * group + 1, dtype=np.float32)[:, None, None, None]
    np.testing.assert_allclose(_alike(maps, group), 1.0, rtol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 9), (3, 4, 2), (7, 7, 32)])
def test_similarity_is_a_cosine(shape: tuple[int, ...]) -> None:
    alike = _alike(_values(6, *shape), 3)
    assert alike.shape == (6,)
    assert (np.abs(alike) <= 1.0 + 1e-5).all()
    assert not _alike(np.zeros((2, *shape), np.float32), 2).any()


def test_images_of_other_channels_are_not_alike() -> None:
    maps = np.zeros((2, 3, 3, 4), np.float32)
    maps[0, ..., :2], maps[1, ..., 2:] = _values(3, 3, 2), _values(3, 3, 2)
    np.testing.assert_allclose(_alike(maps, 2), 0.0, atol=1e-6)


def test_similarity_needs_no_order_of_siblings_places_or_groups() -> None:
    maps = np.abs(_values(6, 4, 4, 5))
    alike = _alike(maps, 3)
    assert np.ptp(alike) > 1e-3
    order = [2, 0, 1, 5, 4, 3]
    np.testing.assert_allclose(_alike(maps[order], 3), alike[order], rtol=1e-5)
    np.testing.assert_allclose(_alike(maps[:, ::-1, ::-1], 3), alike, rtol=1e-5)
    np.testing.assert_array_equal(_alike(np.roll(maps, 3, axis=0), 3), np.roll(alike, 3))


def test_an_image_is_pushed_from_its_siblings_and_from_nothing_else() -> None:
    maps = tf.constant(np.abs(_values(4, 3, 3, 5)))
    with tf.GradientTape() as tape:
        tape.watch(maps)
        alike = objectives.similarity({"a": maps}, 2)
    pushes = tape.jacobian(alike, maps).numpy()
    for image in range(4):
        moved = [of for of in range(4) if pushes[image, of].any()]
        assert moved == [image]
    apart = objectives.similarity({"a": maps - 0.1 * tf.einsum("iijkl->ijkl", pushes)}, 2)
    assert (apart < alike).numpy().all()


def _climb(network: Network, units: list[Unit], steps: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Plain activations before and after a few signed steps on pixels."""
    target = objectives.aim(units, network.map_size(SIZE))
    image = tf.constant(0.2 * _values(1, SIZE, SIZE, 3))
    images = tf.repeat(image, len(units), axis=0)

    @tf.function
    def slope(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(images)
            value = objectives.activation(units[0].kind.name, network(images), target)
            score = tf.reduce_sum(value * target.sign)
        return value, tape.gradient(score, images)

    seen = []
    for _ in range(steps + 1):
        value, gradient = slope(images)
        seen.append(value.numpy())
        deviation = tf.math.reduce_std(gradient, axis=(1, 2, 3), keepdims=True)
        images += 0.02 * gradient / (deviation + 1e-12)
    return seen[0], seen[-1]


@pytest.mark.parametrize(
    "units",
    [
        [Unit(CHANNEL, ("mixed2",), index) for index in (0, 70, 200, 287)],
        [Unit(NEURON, ("mixed2",), index, 3, 4) for index in (0, 70, 200, 287)],
        [Unit(DEEPDREAM, ("mixed0", "mixed2"))],
        [Unit(LOGITS, (), index) for index in range(3)],
        [Unit(SOFTMAX, (), index) for index in range(3)],
    ],
    ids=lambda units: units[0].kind,
)
def test_climbing_an_objective_raises_it_and_its_negative_lowers_it(
    units: list[Unit], two_layers: Network, classes: Network
) -> None:
    network = classes if units[0].kind.needs_classifier else two_layers
    if units[0].kind.has_channel:
        network = Network(
            keras.Model(two_layers.model.input, two_layers.model.get_layer("mixed2").output),
            ("mixed2",),
            Revival(),
        )
    down = [Unit(u.kind, u.layers, u.index, u.row, u.column, negative=True) for u in units]
    before, after = _climb(network, units + down)
    count = len(units)
    living = before[:count] != 0
    assert living.any()
    assert (after[:count] > before[:count])[living].all()
    assert (after[count:] < before[count:])[living].all()


DIRECTIONS = ("direction", "direction at a place", "cosine", "cosine at a place")


def _directions(kind: str, vectors: np.ndarray, power: float = 0.0) -> list[Unit]:
    """A unit for each vector, at row 1, column 2, the second negative."""
    of = [Direction(str(n), row.tobytes(), power=power) for n, row in enumerate(vectors)]
    place = (1, 2) if "place" in kind else (None, None)
    return [
        Unit(KINDS[kind], ("a",), 0, *place, negative=n == 1, direction=direction)
        for n, direction in enumerate(of)
    ]


@pytest.mark.parametrize("kind", DIRECTIONS)
def test_a_direction_is_a_weighted_sum_of_its_layers_numbers(kind: str) -> None:
    values, vectors = _values(2, 3, 4, 5), _values(2, 5)[::-1].copy()
    target = objectives.aim(_directions(kind, vectors, 2.0), (3, 4))
    seen = values[:, 1, 2] if "place" in kind else values.mean(axis=(1, 2))
    got = objectives.activation(kind, {"a": values}, target)
    np.testing.assert_allclose(got, (seen * vectors).sum(axis=1), rtol=1e-4, atol=1e-6)
    maps = (values * vectors[:, None, None]).sum(axis=3).reshape(2, -1)
    field = objectives.field(kind, {"a": values}, target)
    np.testing.assert_allclose(field, maps, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", DIRECTIONS[2:])
def test_a_cosine_is_lucids_at_each_place_and_turns_with_the_sign(kind: str) -> None:
    values, vectors = _values(2, 3, 4, 5), _values(2, 5) + 0.5
    target = objectives.aim(_directions(kind, vectors, 2.0), (3, 4))
    got = objectives.score(kind, {"a": values}, target).numpy()
    for number, sign in enumerate((1.0, -1.0)):
        seen = values[number, 1:2, 2:3] if "place" in kind else values[number]
        seen = seen.reshape(-1, 5)
        dots = seen @ vectors[number]
        cosines = dots / np.linalg.norm(seen, axis=1) / np.linalg.norm(vectors[number])
        expected = (dots * np.maximum(sign * cosines, 0.1) ** 2).mean()
        assert got[number] == pytest.approx(expected, rel=1e-4)


def test_a_place_where_all_is_silent_has_a_gradient_that_is_a_number() -> None:
    values = tf.Variable(np.zeros((1, 2, 2, 5), np.float32))
    target = objectives.aim(_directions("cosine", _values(1, 5), 2.0), (2, 2))
    with tf.GradientTape() as tape:
        score = objectives.score("cosine", {"a": values}, target)
    assert np.isfinite(tape.gradient(score, values)).all()


@pytest.mark.parametrize("kind", DIRECTIONS)
def test_a_direction_does_not_depend_on_its_row(kind: str) -> None:
    values, vectors = _values(8, 3, 4, 65), _values(8, 65)
    for count in (4, 8):
        target = objectives.aim(_directions(kind, vectors, 1.5)[:count], (3, 4))
        got = [
            judge(kind, {"a": tf.constant(values[:count])}, target).numpy()[:4]
            for judge in (objectives.activation, objectives.score, objectives.field)
        ]
        before = got if count == 4 else before  # noqa: F821
        for now, then in zip(got, before, strict=True):
            np.testing.assert_array_equal(now, then)

"""Tests of the ascent: images that depend on their unit alone, and end alive."""

import hashlib
from collections.abc import Sequence
from itertools import pairwise

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from pipeline.ascent import objectives, parametrizations, render
from pipeline.ascent.render import Rendered, Renderer
from pipeline.config.recipes import (
    RECIPES,
    Adam,
    Blur,
    Maco,
    Octaves,
    Pixel,
    Recipe,
    Scale,
    Spectrum,
    Style,
    Transforms,
)
from pipeline.config.schema import Render
from pipeline.config.weights import resolve
from pipeline.model import model_file
from pipeline.network.living import Revival
from pipeline.network.network import CLASSES, Network, load
from pipeline.plan import batches
from pipeline.plan.kinds import CHANNEL, KINDS, LOGITS, NEURON
from pipeline.plan.units import Unit

pytestmark = pytest.mark.usefixtures("cpu")

SIZE = 80
SHORT = RECIPES["fourier"].model_copy(update={"steps": 4, "revive": 2})
DEAD = 95
"""A channel of mixed2 that starts silent, with no gradient, at this size and seed."""


@pytest.fixture(scope="module")
def mixed2() -> Network:
    return load(resolve("bundled"), ("mixed2",))


@pytest.fixture(scope="module")
def renderer(mixed2: Network) -> Renderer:
    return Renderer(mixed2, SHORT, SIZE)


@pytest.fixture(scope="module")
def toy() -> Network:
    """A network small enough for many steps."""
    image = keras.Input((None, None, 3))
    kernel = np.random.default_rng(0).normal(size=(5, 5, 3, 4)).astype(np.float32)
    conv = layers.Conv2D(4, 5, strides=2, name="conv")
    model = keras.Model(image, conv(image))
    conv.set_weights([kernel, np.zeros(4, np.float32)])
    return Network(model, ("conv",), Revival())


def _channels(numbers: Sequence[int], layer: str = "mixed2") -> list[Unit]:
    return [Unit(CHANNEL, (layer,), number) for number in numbers]


def _article(**changes: object) -> Recipe:
    return RECIPES["article"].model_copy(update={"steps": 8, "revive": 2, **changes})


def _assert_alone_or_not(renderer: Renderer, units: Sequence[Unit]) -> None:
    """Every unit gives the same bytes alone, in a batch, and in another order."""
    together = renderer.render(units, 0, 8)
    backwards = renderer.render(units[::-1], 0, 8)
    alone = renderer.render(units[1:2], 0, 8)
    for name in ("images", "first", "trajectory"):
        whole = getattr(together, name)
        np.testing.assert_array_equal(getattr(backwards, name)[::-1], whole)
        np.testing.assert_array_equal(getattr(alone, name)[0], whole[1])
    assert len({image.tobytes() for image in together.images}) == len(units)


def test_a_channel_is_the_same_in_any_company(renderer: Renderer) -> None:
    _assert_alone_or_not(renderer, _channels([5, 70, 100, 200, 287]))


def test_a_neuron_is_the_same_in_any_company(renderer: Renderer) -> None:
    units = [Unit(NEURON, ("mixed2",), index, 3, 4) for index in (5, 70, 100)]
    _assert_alone_or_not(renderer, units)


def test_a_negative_unit_is_the_same_in_any_company(renderer: Renderer) -> None:
    units = [Unit(CHANNEL, ("mixed2",), i, negative=True) for i in (5, 70, 100)]
    _assert_alone_or_not(renderer, units)


def test_a_logit_is_the_same_in_any_company() -> None:
    model = model_file.read(resolve("bundled")).model
    pooled = layers.GlobalAveragePooling2D()(model.get_layer("mixed0").output)
    network = Network(keras.Model(model.input, layers.Dense(7)(pooled)), (CLASSES,), Revival())
    units = [Unit(LOGITS, (), index) for index in (0, 3, 6)]
    _assert_alone_or_not(Renderer(network, SHORT, SIZE), units)


def test_images_are_finished_uint8_and_climb(renderer: Renderer) -> None:
    rendered = renderer.render(_channels([5, 70, 100]), 0, 16)
    assert rendered.images.shape == rendered.first.shape == (3, SIZE, SIZE, 3)
    assert rendered.images.dtype == rendered.first.dtype == np.uint8
    assert rendered.trajectory.shape == (3, 4)
    assert rendered.trajectory.dtype == np.float32
    assert (rendered.trajectory[:, -1] > rendered.trajectory[:, 0]).all()


def test_another_seed_gives_another_image(renderer: Renderer) -> None:
    units = _channels([5])
    one, two, again = (renderer.render(units, seed, 4).images for seed in (0, 1, 0))
    assert (one != two).any()
    np.testing.assert_array_equal(one, again)


def test_a_batch_draws_each_units_own_numbers(renderer: Renderer) -> None:
    first = renderer.render(_channels([5, 70, 5]), 0, 4).first
    assert (first[0] != first[1]).any()
    np.testing.assert_array_equal(first[0], first[2])


@pytest.mark.parametrize("negative", [False, True])
def test_the_trajectory_is_the_plain_activation(toy: Network, negative: bool) -> None:
    unit = Unit(CHANNEL, ("conv",), 1, negative=negative)
    recipe = SHORT.model_copy(update={"transforms": Transforms(), "steps": 12})
    rendered = Renderer(toy, recipe, 16).render([unit], 0, 4)
    digest = hashlib.sha256(f"0/{unit.id}".encode()).digest()
    key = int.from_bytes(digest[:16], "little")
    form = parametrizations.make(recipe.parametrization, 16)
    start = form.start(np.random.Generator(np.random.Philox(key=key)))
    expected = toy(form.image(tf.constant(start[None])))["conv"].numpy()[0, :, :, 1].mean()
    trajectory = rendered.trajectory[0]
    assert trajectory[0] == pytest.approx(expected, rel=1e-3, abs=1e-6)
    steps = np.diff(trajectory)
    assert (steps < 0).all() if negative else (steps > 0).all()


def test_a_silent_channel_comes_alive_only_by_reviving(mixed2: Network) -> None:
    def end(revive: int) -> Rendered:
        form = Spectrum(decay=1.0)  # from whose start the channel is silent
        changes = {"steps": 16, "revive": revive, "parametrization": form}
        recipe = RECIPES["fourier"].model_copy(update=changes)
        return Renderer(mixed2, recipe, SIZE).render(_channels([DEAD]), 0, 4)

    assert not end(0).trajectory.any()
    revived = end(12)
    assert revived.trajectory[0, 0] == 0
    assert revived.trajectory[0, -1] > 0
    target = objectives.aim(_channels([DEAD]), (1, 1))
    stored = tf.constant(revived.images / np.float32(127.5) - 1, tf.float32)
    assert objectives.activation("channel", mixed2(stored), target)[0] > 0


@pytest.mark.parametrize(("count", "expected"), [(1, 4), (4, 4), (5, 8), (8, 8), (9, 12), (12, 12)])
def test_batches_are_padded_to_a_few_shapes(count: int, expected: int) -> None:
    padded = batches.pad(_channels(range(count)), 12)
    assert len(padded) == expected
    assert padded == [Unit(CHANNEL, ("mixed2",), i % count) for i in range(expected)]


def test_a_small_largest_batch_is_the_shape() -> None:
    assert len(batches.pad(_channels([1]), 1)) == 1
    assert len(batches.pad(_channels([1, 2]), 3)) == 3


def test_octaves_grow_to_the_size_asked() -> None:
    sizes, steps, firsts = zip(*render._schedule(RECIPES["article"], 299), strict=True)
    assert sizes[-1] == 299
    for small, large in pairwise(sizes):
        assert large / small == pytest.approx(1.15, rel=0.01)
    assert steps == (50, 50, 50, 50)
    assert firsts == (0, 50, 100, 150)


@pytest.mark.parametrize("steps", [1, 3, 7])
def test_octaves_share_the_steps_and_none_is_without(steps: int) -> None:
    schedule = render._schedule(_article(steps=steps), 80)
    assert sum(count for _, count, _ in schedule) == steps
    assert all(count > 0 for _, count, _ in schedule)
    assert schedule[-1][0] == 80


def test_the_network_sees_each_octaves_size(toy: Network) -> None:
    seen: list[int] = []

    class Watched(Network):
        def __call__(self, images: tf.Tensor, *, revive: bool = False) -> dict[str, tf.Tensor]:
            seen.append(images.shape[1])
            return super().__call__(images, revive=revive)

    watched = Watched(toy.model, toy.outputs, Revival())
    rendered = Renderer(watched, _article(), 80).render(_channels([0], "conv"), 0, 4)
    assert list(dict.fromkeys(seen)) == [53, 60, 70, 80]
    assert rendered.images.shape == rendered.first.shape == (1, 80, 80, 3)
    assert rendered.trajectory.shape == (1, 8)


@pytest.mark.parametrize("noise", ["normal", "uniform"])
@pytest.mark.parametrize("kind", ["channel", "neuron"])
def test_the_article_recipe_climbs_from_both_noises(toy: Network, noise: str, kind: str) -> None:
    recipe = _article(parametrization=Pixel(noise=noise), steps=40)  # type: ignore[arg-type]
    units = [Unit(KINDS[kind], ("conv",), index, 2, 2) for index in range(3)]  # type: ignore[arg-type]
    rendered = Renderer(toy, recipe, 32).render(units, 0, 4)
    assert (rendered.trajectory[:, -1] > rendered.trajectory[:, 0] + 0.5).all()


def test_the_article_recipe_is_the_same_in_any_company(mixed2: Network) -> None:
    recipe = _article(octaves=Octaves(count=2), steps=4)
    _assert_alone_or_not(Renderer(mixed2, recipe, SIZE), _channels([5, 70, 100]))


@pytest.mark.parametrize("form", [Spectrum(), Maco()])
def test_a_spectrum_in_octaves_is_the_same_in_any_company(
    mixed2: Network, form: Spectrum | Maco
) -> None:
    changes = {"parametrization": form, "octaves": Octaves(count=2, growth=1.4), "steps": 4}
    recipe = RECIPES["fourier"].model_copy(update=changes)
    _assert_alone_or_not(Renderer(mixed2, recipe, SIZE), _channels([5, 70, 100]))


@pytest.mark.parametrize("step", [0, 9, 49, 199])
def test_blur_is_a_gaussian_whose_sigma_falls(step: int) -> None:
    dot = np.zeros((1, 7, 7, 3), np.float32)
    dot[0, 3, 3] = 1.0
    blurred = render._blurred(tf.constant(dot), Blur(sigma=25.0, kernel=3), tf.constant(step))
    sigma = 25.0 / (step + 1)
    weights = np.exp(-0.5 * (np.arange(-1, 2) / sigma) ** 2)
    weights /= weights.sum()
    expected = np.outer(weights, weights)
    for colour in range(3):
        np.testing.assert_allclose(blurred[0, 2:5, 2:5, colour], expected, rtol=1e-4, atol=1e-7)


def test_blur_keeps_an_even_image_and_ends_at_its_step() -> None:
    even = tf.fill((1, 5, 5, 3), 0.3)
    blur = Blur(until=10)
    np.testing.assert_allclose(render._blurred(even, blur, tf.constant(0)), even, rtol=1e-5)
    noise = tf.constant(np.random.default_rng(0).normal(size=(1, 5, 5, 3)).astype(np.float32))
    assert (render._blurred(noise, blur, tf.constant(9)).numpy() != noise.numpy()).any()
    np.testing.assert_array_equal(render._blurred(noise, blur, tf.constant(10)), noise)


# Snapshots --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "recipe", [SHORT.model_copy(update={"steps": 9}), _article(steps=9)], ids=lambda r: r.name
)
def test_snapshots_begin_with_the_start_and_change_nothing(toy: Network, recipe: Recipe) -> None:
    units = _channels(range(3), "conv")
    plain = Renderer(toy, recipe, 32).render(units, 0, 4)
    kept = Renderer(toy, recipe, 32, Render(snapshots=4)).render(units, 0, 4)
    for name in ("images", "first", "trajectory"):
        np.testing.assert_array_equal(getattr(kept, name), getattr(plain, name))
    assert plain.snapshots.shape == (3, 0, 32, 32, 3)
    assert kept.snapshots.shape == (3, 4, 32, 32, 3)
    assert kept.snapshots.dtype == plain.snapshots.dtype == np.uint8
    np.testing.assert_array_equal(kept.snapshots[:, 0], kept.first)
    film = np.concatenate([kept.snapshots, kept.images[:, None]], axis=1)
    assert (film[:, 1:] != film[:, :-1]).any(axis=(2, 3, 4)).all()


def test_snapshots_are_evenly_spaced(toy: Network) -> None:
    steady = {"transforms": Transforms(), "optimizer": Adam(fall=0.0)}

    def rendered(steps: int, snapshots: int = 0) -> Rendered:
        recipe = SHORT.model_copy(update={**steady, "steps": steps})
        units = _channels([1], "conv")
        return Renderer(toy, recipe, 16, Render(snapshots=snapshots)).render(units, 0, 4)

    np.testing.assert_array_equal(rendered(12, 4).snapshots[:, 3], rendered(9).images)


@pytest.mark.parametrize(("snapshots", "steps"), [(1, 1), (3, 48), (7, 48), (24, 48), (48, 48)])
def test_as_many_snapshots_as_asked_for_lie_at_equal_distances(snapshots: int, steps: int) -> None:
    marks = sorted(render._marks(snapshots, steps))
    assert marks[0] == 0
    assert len(marks) == snapshots
    assert set(np.diff([*marks, steps])) <= {steps // snapshots, -(-steps // snapshots)}


# Variants ---------------------------------------------------------------------------------------


def test_variants_differ_from_start_to_end_and_are_units_like_others(toy: Network) -> None:
    units = [_channels([2], "conv")[0].sibling(number) for number in range(3)]
    renderer = Renderer(toy, SHORT, 32, Render(variants=3))
    _assert_alone_or_not(renderer, units)
    first = renderer.render(units, 0, 4).first
    assert len({image.tobytes() for image in first}) == 3


def test_each_variant_is_as_its_style_renders_it(mixed2: Network) -> None:
    soft = Style(parametrization=Spectrum(decay=2.0))
    wide = Style(transforms=Transforms(scale=Scale(least=0.4)))
    recipe = SHORT.model_copy(update={"styles": (soft, wide)})
    renderer = Renderer(mixed2, recipe, SIZE, Render(snapshots=2))
    units = [unit.sibling(number) for unit in _channels([5, 70]) for number in (1, 0, 2)]
    rendered = renderer.render(units, 0, 8)
    for row, unit in enumerate(units):
        own = Renderer(mixed2, recipe.each[unit.variant % 2], SIZE, Render(snapshots=2))
        alone = own.render([unit], 0, 8)
        for name, values in vars(alone).items():
            np.testing.assert_array_equal(values[0], getattr(rendered, name)[row], err_msg=name)
    assert renderer.by_style(units) == [[1, 2, 4, 5], [0, 3]]


def _kept_apart(mixed2: Network, diversity: float, steps: int, variants: int = 2) -> Renderer:
    recipe = RECIPES["fourier"].model_copy(update={"steps": steps, "revive": 2})
    options = Render(variants=variants, diversity=diversity)
    return Renderer(mixed2, recipe, SIZE, options)


def _siblings(numbers: Sequence[int], variants: int = 2) -> list[Unit]:
    return [unit.sibling(n) for unit in _channels(numbers) for n in range(variants)]


def test_diversity_makes_variants_less_alike_and_they_stay_active(mixed2: Network) -> None:
    units = _siblings([5, 70])
    target = objectives.aim(units, mixed2.map_size(SIZE))

    def ended(diversity: float) -> tuple[np.ndarray, np.ndarray]:
        rendered = _kept_apart(mixed2, diversity, 12).render(units, 0, 4)
        seen = mixed2(tf.constant(rendered.images / np.float32(127.5) - 1, tf.float32))
        alike = objectives.similarity(seen, 2)
        return np.asarray(alike), np.asarray(objectives.activation("channel", seen, target))

    (alone, free), (apart, held) = ended(0.0), ended(2.0)
    assert apart.mean() < alone.mean() - 0.02
    assert (held > 0.3 * free).all()


@pytest.mark.parametrize(("variants", "others"), [(4, [5, 100, 200]), (8, [5])])
def test_larger_groups_of_variants_are_the_same_in_any_company(
    mixed2: Network, variants: int, others: list[int]
) -> None:
    renderer = _kept_apart(mixed2, 2.0, 2, variants)
    alone = renderer.render(_siblings([70], variants), 0, 16)
    together = renderer.render(_siblings([*others, 70], variants), 0, 16)
    first = renderer.render(_siblings([70, *others], variants), 0, 16)
    for name in ("images", "first", "trajectory"):
        expected = getattr(alone, name)
        np.testing.assert_array_equal(getattr(together, name)[-variants:], expected)
        np.testing.assert_array_equal(getattr(first, name)[:variants], expected)
    assert len({image.tobytes() for image in together.images}) == 16


def test_variants_that_know_each_other_are_the_same_in_any_company(mixed2: Network) -> None:
    renderer = _kept_apart(mixed2, 2.0, 2)
    together = renderer.render(_siblings([5, 70, 100, 200, 287]), 0, 16)
    for rows, group in ((slice(2, 4), [70]), (slice(4, 8), [100, 200])):
        few = renderer.render(_siblings(group), 0, 16)
        for name in ("images", "first", "trajectory"):
            np.testing.assert_array_equal(getattr(few, name), getattr(together, name)[rows])


# Arithmetic -------------------------------------------------------------------------------------


def test_bfloat16_is_the_same_in_any_company_and_close_to_float32(
    mixed2: Network, renderer: Renderer
) -> None:
    units = _channels([5, 70, 100, 200, 287])
    half = Renderer(load(resolve("bundled"), ("mixed2",), precision="bfloat16"), SHORT, SIZE)
    together, alone = half.render(units, 0, 8), half.render(units[2:3], 0, 8)
    for name in ("images", "first", "trajectory"):
        np.testing.assert_array_equal(getattr(alone, name)[0], getattr(together, name)[2])
    full = renderer.render(units, 0, 8)
    np.testing.assert_array_equal(together.first, full.first)
    assert (together.images != full.images).any()
    np.testing.assert_allclose(together.trajectory[:, 0], full.trajectory[:, 0], atol=0.02)
    target = objectives.aim(units, (1, 1))
    measured = [
        objectives.activation(
            "channel", mixed2(tf.constant(images / np.float32(127.5) - 1, tf.float32)), target
        )
        for images in (together.images, full.images)
    ]
    np.testing.assert_allclose(*measured, rtol=0.25)
    np.testing.assert_allclose(*np.mean(measured, axis=1), rtol=0.05)


def test_xla_is_the_same_in_any_company_and_close_to_the_graph(toy: Network) -> None:
    recipe = SHORT.model_copy(update={"steps": 2})
    units = _channels(range(4), "conv")
    compiled = Network(toy.model, toy.outputs, Revival(), compiler="xla")
    xla = Renderer(compiled, recipe, 32, Render(compiler="xla"))
    _assert_alone_or_not(xla, units)
    one, other = xla.render(units, 0, 8), Renderer(toy, recipe, 32).render(units, 0, 8)
    np.testing.assert_array_equal(one.first, other.first)
    assert np.abs(one.images.astype(int) - other.images).max() <= 1
    np.testing.assert_allclose(one.trajectory, other.trajectory, rtol=1e-4, atol=1e-6)

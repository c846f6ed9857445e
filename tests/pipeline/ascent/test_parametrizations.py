"""Tests of the parametrizations: where they start, what they can show."""

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from pipeline.ascent import optimizers, parametrizations
from pipeline.config.recipes import Adam, Maco, Pixel, Spectrum

pytestmark = pytest.mark.usefixtures("cpu")

SPECS = [Spectrum(), Pixel(noise="normal"), Pixel(noise="uniform")]
HELD = Spectrum(contrast=1.0)
FORMS = {
    "spectrum": SPECS[0], "held": HELD, "normal": SPECS[1], "uniform": SPECS[2], "maco": Maco()
}  # fmt: skip


def _starts(form: parametrizations.Parametrization, count: int = 2) -> tf.Tensor:
    return tf.constant(np.stack([form.start(np.random.default_rng(i)) for i in range(count)]))


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("size", [16, 17])
def test_images_have_the_shape_and_range_promised(name: str, size: int) -> None:
    form = parametrizations.make(FORMS[name], size)
    numbers = _starts(form)
    for wild in (numbers, form.settle(numbers * 1e4)):
        image = form.image(wild).numpy()
        assert image.shape == (2, size, size, 3)
        assert image.dtype == np.float32
        assert np.abs(image).max() <= 1.0


@pytest.mark.parametrize("spec", SPECS, ids=["spectrum", "normal", "uniform"])
def test_any_image_can_be_fitted(spec: Spectrum | Pixel) -> None:
    form = parametrizations.make(spec, 16)
    wanted = np.random.default_rng(9).uniform(-0.8, 0.8, (1, 16, 16, 3)).astype(np.float32)
    optimizer = optimizers.make(Adam(rate=0.05, beta1=0.9, warmup=0, fall=0.0), 400)

    @tf.function
    def fit(numbers: tf.Tensor) -> tf.Tensor:
        slots = optimizer.slots(numbers)
        for number in tf.range(400):
            with tf.GradientTape() as tape:
                tape.watch(numbers)
                score = -tf.reduce_sum((form.image(numbers) - wanted) ** 2)
            gradient = tape.gradient(score, numbers)
            numbers, slots = optimizer.step(numbers, gradient, slots, number)
            numbers = form.settle(numbers)
        return form.image(numbers)

    start = _starts(form, 1)
    before = np.abs(form.image(start).numpy() - wanted).mean()
    after = np.abs(fit(start).numpy() - wanted).mean()
    assert before > 0.3
    assert after < 0.05


def test_uniform_noise_fills_its_bounds() -> None:
    form = parametrizations.make(Pixel(noise="uniform", amplitude=0.2), 64)
    start = form.start(np.random.default_rng(0))
    assert np.abs(start).max() <= 0.2
    assert start.std() == pytest.approx(0.2 / np.sqrt(3), rel=0.02)


def test_normal_noise_has_its_deviation_and_is_clipped() -> None:
    narrow = parametrizations.make(Pixel(amplitude=0.1), 64).start(np.random.default_rng(0))
    assert narrow.std() == pytest.approx(0.1, rel=0.02)
    assert abs(narrow.mean()) < 0.01
    wide = parametrizations.make(Pixel(amplitude=1.0), 64).start(np.random.default_rng(0))
    assert np.abs(wide).max() == 1.0
    assert 0.3 < (np.abs(wide) == 1.0).mean() < 0.34  # beyond one deviation


def test_a_spectrum_starts_with_its_deviation_and_decays() -> None:
    numbers = parametrizations.make(Spectrum(deviation=0.02), 64).start(np.random.default_rng(0))
    assert numbers.std() == pytest.approx(0.02, rel=0.03)
    form = parametrizations.make(Spectrum(decay=1.5), 32)
    low, high = np.zeros((2, 1, 2, 3, 32, 17), np.float32)
    low[0, 0, :, 0, 1] = high[0, 0, :, 0, 10] = 1e-3
    contrasts = [form.image(tf.constant(wave)).numpy().std() for wave in (low, high)]
    assert contrasts[0] == pytest.approx(10**1.5 * contrasts[1], rel=0.02)


def test_saturation_gives_more_colour() -> None:
    weak, strong = (parametrizations.make(Spectrum(saturation=s), 16) for s in (1.0, 2.0))
    numbers = _starts(weak)
    assert strong.image(numbers).numpy().std() > 1.5 * weak.image(numbers).numpy().std()


@pytest.mark.parametrize("colours", [1, 3])
def test_contrast_is_held_however_large_the_numbers(colours: int) -> None:
    form = parametrizations.make(Spectrum(contrast=0.8), 17, colours)
    numbers = _starts(form)
    images = form.image(numbers).numpy()
    np.testing.assert_allclose(form.image(numbers * 50.0), images, atol=1e-5)
    seen = 2.0 * np.arctanh(images.astype(np.float64))  # what the sigmoid gets
    planes = seen[..., :1] if colours == 1 else seen @ np.linalg.inv(parametrizations.COLOURS.T)
    np.testing.assert_allclose(np.sqrt(planes.var(axis=(1, 2)).sum(axis=-1)), 0.8, rtol=1e-3)


def test_colours_have_unit_norm_at_most() -> None:
    norms = np.linalg.norm(parametrizations.COLOURS, axis=0)
    assert norms.max() == pytest.approx(1.0)
    assert norms.argmax() == 0  # brightness leads


@pytest.mark.parametrize("size", [16, 17])
def test_the_gradient_of_a_spectrum_is_that_of_its_transform(size: int) -> None:
    random = np.random.default_rng(3)
    numbers = tf.constant(random.standard_normal((2, 2, 3, size, size // 2 + 1)), tf.float32)
    up = tf.constant(random.standard_normal((2, 3, size, size)), tf.float32)

    def gradient(planes: Callable[[tf.Tensor], tf.Tensor]) -> np.ndarray:
        with tf.GradientTape() as tape:
            tape.watch(numbers)
            seen = planes(numbers) * up
        return tape.gradient(seen, numbers).numpy()

    plain = gradient(lambda n: tf.signal.irfft2d(tf.complex(n[:, 0], n[:, 1]), [size, size]))
    np.testing.assert_allclose(gradient(parametrizations._planes), plain, atol=1e-6)


@pytest.mark.parametrize("spec", [Spectrum(), Maco(), Pixel()])
def test_images_of_grey_are_rgb_of_three_equal_channels(spec: Spectrum | Maco | Pixel) -> None:
    form = parametrizations.make(spec, 16, colours=1)
    start = form.start(np.random.default_rng(0))
    image = form.image(tf.constant(start[None])).numpy()
    assert image.shape == (1, 16, 16, 3)
    assert np.ptp(image) > 0
    np.testing.assert_array_equal(image[..., 0], image[..., 1])
    np.testing.assert_array_equal(image[..., 0], image[..., 2])


def _waves(form: parametrizations.Parametrization, numbers: tf.Tensor) -> np.ndarray:
    """How strong the waves of images are in decorrelated colours, (batch, 3, size, columns)."""
    pixels = 2 * np.arctanh(np.clip(form.image(numbers).numpy().astype(float), -1 + 1e-7, 1 - 1e-7))
    planes = pixels @ np.linalg.inv(parametrizations.COLOURS).T
    return np.abs(np.fft.rfft2(planes.transpose(0, 3, 1, 2))) / pixels.shape[1] ** 2


@pytest.mark.parametrize("size", [16, 17])
def test_phases_move_and_the_strength_of_each_wave_stays(size: int) -> None:
    form = parametrizations.make(Maco(contrast=0.2), size)
    numbers = _starts(form)
    expected = 0.2 * parametrizations.natural(size)
    # Where a wave is its own mirror image only the cosine of its phase is seen.
    columns = slice(1, (size + 1) // 2)
    for seen in (numbers, numbers + 1.0):
        waves = _waves(form, seen)[..., columns]
        np.testing.assert_allclose(waves, np.stack([expected[..., columns]] * 2), rtol=0.02)
    assert np.abs(form.image(numbers).numpy() - form.image(numbers + 1.0).numpy()).max() > 0.1


def test_ascending_phases_raises_what_is_asked_for() -> None:
    form = parametrizations.make(Maco(), 32)
    optimizer = optimizers.make(Adam(rate=0.3, warmup=0, fall=0.0), 60)
    numbers = _starts(form)
    slots = optimizer.slots(numbers)

    def lit(numbers: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(form.image(numbers)[:, 8:24, 8:24], axis=(1, 2, 3))

    before = lit(numbers).numpy()
    for number in range(60):
        with tf.GradientTape() as tape:
            tape.watch(numbers)
            score = tf.reduce_sum(lit(numbers))
        gradient = tape.gradient(score, numbers)
        numbers, slots = optimizer.step(numbers, gradient, slots, tf.constant(number))
    assert (lit(numbers).numpy() > before + 0.3).all()


def test_photographs_have_the_same_waves_at_any_size() -> None:
    small, large = parametrizations.natural(64), parametrizations.natural(1024)
    np.testing.assert_array_equal(small[:, :32, :32], large[:, :32, :32])
    assert (large > 0).all()
    along = large[:, 0, 1:]
    assert (np.diff(along) < 0).all()
    assert np.log2(along[:, 255] / along[:, 510]) == pytest.approx([1.55, 1.29, 1.28], abs=0.02)


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize(("small", "large"), [(16, 24), (17, 24), (16, 23)])
def test_a_grown_image_has_the_same_low_waves(name: str, small: int, large: int) -> None:
    before, after = (parametrizations.make(FORMS[name], size) for size in (small, large))
    streams = [np.random.default_rng(seed) for seed in range(2)]
    numbers = tf.constant(np.stack([before.start(stream) for stream in streams]))
    grown = after.grow(numbers, streams)
    assert grown.shape[1:] == after.start(streams[0]).shape

    def low(image: tf.Tensor) -> np.ndarray:
        waves = np.fft.rfft2(image, axes=(1, 2)) / image.shape[1] ** 2
        return np.concatenate([waves[:, :3, :3], waves[:, -2:, :3]], axis=1)

    first, second = low(before.image(numbers)), low(after.image(grown))
    # Pixels are seen at other places; of phases the higher waves are new, and a sigmoid mixes all.
    off = 0.01 if name == "spectrum" else 0.3
    assert np.abs(second - first).mean() < off * np.abs(first).mean()


def test_waves_above_those_of_a_smaller_image_are_fresh() -> None:
    form = parametrizations.make(Maco(), 16)
    grown = form.grow(tf.zeros((1, 3, 8, 5)), [np.random.default_rng(4)])
    fresh = form.start(np.random.default_rng(4))
    kept = np.zeros((16, 9), bool)
    kept[np.r_[:4, 13:16], :4] = True
    assert (grown[0].numpy() == np.where(kept, 0.0, fresh)).all()

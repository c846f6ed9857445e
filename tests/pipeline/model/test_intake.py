"""Tests of what black and white are to a network."""

# ruff: noqa: PLW0108 (layers are made by tests, and not as this is read: Keras is set up before)

from collections.abc import Callable, Sequence

import keras
import numpy as np
import pytest
from keras import applications, layers, ops

from pipeline.model.graph import flat
from pipeline.model.intake import Told, tell
from pipeline.plan.pixels import SPAN, Range

pytestmark = pytest.mark.usefixtures("cpu")

Tensor = keras.KerasTensor
Way = Callable[[Tensor], Tensor]
BYTES, UNIT = (0.0, 255.0), (0.0, 1.0)
MEAN = np.array([123.675, 116.28, 103.53])
SPREAD = np.array([58.395, 57.12, 57.375])


def _normalised(mean: object, spread: object) -> layers.Normalization:
    return layers.Normalization(mean=mean, variance=np.square(spread))


def _adapted(images: np.ndarray) -> layers.Normalization:
    layer = layers.Normalization()
    layer.adapt(images)
    return layer


def _trained_norm(mean: float, spread: float) -> Way:
    def norm(x: Tensor) -> Tensor:
        layer = layers.BatchNormalization()
        given = layer(x)
        layer.set_weights([np.ones(3), np.zeros(3), np.full(3, mean), np.full(3, spread**2)])
        return given

    return norm


def _noise(black: float, white: float) -> np.ndarray:
    return np.random.default_rng(0).beta(2, 2, (4, 32, 32, 3)) * (white - black) + black


WAYS: dict[str, tuple[Way, Range]] = {
    "Rescaling(1/255)": (lambda x: layers.Rescaling(1 / 255)(x), BYTES),
    "Rescaling(1/127.5, -1)": (lambda x: layers.Rescaling(1 / 127.5, -1)(x), BYTES),
    "Rescaling(2, -1)": (lambda x: layers.Rescaling(2.0, -1.0)(x), UNIT),
    "Rescaling(0.5, 0.5)": (lambda x: layers.Rescaling(0.5, 0.5)(x), SPAN),
    "Rescaling(255)": (lambda x: layers.Rescaling(255.0)(x), UNIT),
    "Rescaling(127.5, 127.5)": (lambda x: layers.Rescaling(127.5, 127.5)(x), SPAN),
    "Normalization(0.5, 0.25)": (lambda x: _normalised(0.5, 0.5)(x), UNIT),
    "Normalization(127.5)": (lambda x: _normalised(127.5, 127.5)(x), BYTES),
    "Normalization of ImageNet": (lambda x: _normalised(MEAN, SPREAD)(x), BYTES),
    "Normalization of ImageNet, 0 to 1": (lambda x: _normalised(MEAN / 255, SPREAD / 255)(x), UNIT),
    "Normalization(0, 255)": (lambda x: _normalised(0.0, 255.0)(x), BYTES),
    "adapted, 0 to 255": (lambda x: _adapted(_noise(0, 255))(x), BYTES),
    "adapted, 0 to 1": (lambda x: _adapted(_noise(0, 1))(x), UNIT),
    "BatchNormalization, 0 to 255": (_trained_norm(127, 70), BYTES),
    "BatchNormalization, 0 to 1": (_trained_norm(0.45, 0.26), UNIT),
    "x * 2 - 1": (lambda x: x * 2 - 1, UNIT),
    "-1 + 2 * x": (lambda x: -1 + 2 * x, UNIT),
    "(x - 0.5) * 2": (lambda x: (x - 0.5) * 2, UNIT),
    "x - 0.5": (lambda x: x - 0.5, UNIT),
    "1 - x": (lambda x: 1.0 - x, UNIT),
    "x / 255": (lambda x: x / 255, BYTES),
    "x / 127.5 - 1": (lambda x: x / 127.5 - 1, BYTES),
    "(x - 127) / 128": (lambda x: (x - 127) / 128, BYTES),
    "x - 128": (lambda x: x - 128, BYTES),
    "(x + 1) / 2": (lambda x: (x + 1) / 2, SPAN),
    "(x + 1) * 127.5": (lambda x: (x + 1) * 127.5, SPAN),
    "caffe": (applications.resnet50.preprocess_input, BYTES),
    "torch": (applications.densenet.preprocess_input, BYTES),
    "tf": (applications.mobilenet.preprocess_input, BYTES),
    "BGR": (lambda x: x[..., ::-1] / 255.0, BYTES),
    "a cast": (lambda x: ops.cast(x, "float32") / 255.0, BYTES),
    "a clip": (lambda x: ops.clip(x, 0, 1) * 2 - 1, UNIT),
    "padding": (lambda x: layers.Rescaling(1 / 255)(layers.ZeroPadding2D(3)(x)), BYTES),
    "resizing": (lambda x: layers.Rescaling(1 / 255)(layers.Resizing(32, 32)(x)), BYTES),
    "augmentation": (lambda x: layers.Rescaling(1 / 255)(layers.RandomFlip()(x)), BYTES),
    "two layers": (
        lambda x: _normalised(MEAN / 255, SPREAD / 255)(layers.Rescaling(1 / 255)(x)), BYTES,
    ),
    "channel by channel": (
        lambda x: ops.stack([(x[..., i] - MEAN[i]) / SPREAD[i] for i in range(3)], -1), BYTES,
    ),
}  # fmt: skip


def _told(way: Way, families: Sequence[str] = ("mine",)) -> Told:
    image = keras.Input((48, 48, 3))
    seen = layers.Conv2D(4, 3)(way(image))
    return tell(flat(keras.Model(image, layers.GlobalAveragePooling2D()(seen))), families)


@pytest.mark.parametrize("name", WAYS)
def test_each_way_to_preprocess_is_known_by_what_it_makes(name: str) -> None:
    way, expected = WAYS[name]
    assert _told(way) == Told(expected, "by its first layers")


@pytest.mark.parametrize(
    "way",
    [lambda x: x + 1, lambda x: 3 * x + 7, lambda x: ops.sqrt(x / 255), _normalised(0.1, 0.1)],
)
def test_what_cannot_be_known_is_not_told(way: Way) -> None:
    told = _told(way)
    assert told.range is None
    assert "of 0 to 255" in told.by


def test_far_from_all_but_nearest_by_far_is_a_guess() -> None:
    assert _told(lambda x: _normalised(30.0, 25.0)(x)) == Told(BYTES, "a guess by its first layers")


@pytest.mark.parametrize(
    "way", [lambda x: x, layers.Normalization(mean=0, variance=1), _trained_norm(0, 1)]
)
def test_without_any_the_name_tells_or_it_is_a_guess(way: Way) -> None:
    assert _told(way).range == SPAN
    assert _told(way).by.startswith("a guess")
    assert _told(way, ("functional_3", "resnet50")) == Told("caffe", "by its name, resnet50")


@pytest.mark.parametrize(("make", "expected"), [
    ("VGG16", "caffe"), ("ResNet50", "caffe"), ("DenseNet121", "torch"), ("ResNet50V2", SPAN),
    ("MobileNet", SPAN), ("MobileNetV2", SPAN), ("NASNetMobile", SPAN), ("Xception", SPAN),
    ("EfficientNetB0", BYTES), ("EfficientNetV2S", BYTES), ("MobileNetV3Small", BYTES),
])  # fmt: skip
def test_networks_of_keras_applications_are_known(make: str, expected: Range) -> None:
    model = getattr(applications, make)(weights=None)
    told = tell(model, (model.name,))
    assert told.range == expected
    assert not told.by.startswith("a guess")


def test_two_ways_in_must_agree() -> None:
    image = keras.Input((48, 48, 3))
    both = layers.Add()([layers.Conv2D(4, 3)(image / 255), layers.Conv2D(4, 3)(image * 2 - 1)])
    assert tell(keras.Model(image, both), ("mine",)).range is None


def test_grey_images_have_a_range_too() -> None:
    image = keras.Input((28, 28, 1))
    model = keras.Model(image, layers.Conv2D(4, 3)(layers.Rescaling(1 / 255)(image)))
    assert tell(model, ("mine",)).range == BYTES

"""Tests of reading Keras models and of what is learnt from their graphs."""

from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from pipeline.config.weights import Weights, resolve
from pipeline.errors import WeightsError
from pipeline.model import model_file
from pipeline.model.head import chosen, heads

pytestmark = pytest.mark.usefixtures("cpu")


@pytest.fixture(scope="module")
def inception() -> keras.Model:
    """InceptionV3 of seven classes, with random weights and a classifier that tells them apart."""
    model = keras.applications.InceptionV3(weights=None, classes=7)
    dense = model.layers[-1]
    dense.set_weights([values * 50 for values in dense.get_weights()])
    return model


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (1, 299, 299, 3)).astype(np.float32)


def _weights(path: Path) -> Weights:
    return Weights("file", path, "0" * 64)


def _saved(model: keras.Model, folder: Path) -> Weights:
    path = folder / "model.keras"
    model.save(path)
    return _weights(path)


def _small(head: list[keras.Layer]) -> keras.Sequential:
    body = [keras.Input((16, 16, 3)), layers.Conv2D(4, 3), layers.GlobalAveragePooling2D()]
    return keras.Sequential([*body, *head])


def _save(model: keras.Model, path: Path) -> None:
    """Write a model as its ending says; `legacy.h5` is the form of Keras' own ImageNet files."""
    if path.name.endswith("legacy.h5"):
        whole = path.with_name("whole.h5")
        model.save(whole)
        with h5py.File(whole) as source, h5py.File(path, "w") as file:
            weights = source["model_weights"]
            file.attrs.update(weights.attrs)
            for name in weights:
                weights.copy(name, file)
    elif path.name.endswith("weights.h5"):
        model.save_weights(path)
    else:
        model.save(path)


@pytest.mark.parametrize("ending", ["keras", "h5", "weights.h5", "legacy.h5"])
def test_each_kind_of_file_gives_the_same_model(
    inception: keras.Model, photo: np.ndarray, ending: str, tmp_path: Path
) -> None:
    path = tmp_path / f"mine.{ending}"
    _save(inception, path)
    found = model_file.read(_weights(path))
    model, head = found.model, chosen(found, heads(found), "")
    assert head is not None
    logits = keras.Model(model.inputs[0], head.logits)(photo)
    expected = inception(photo).numpy()
    assert np.ptp(expected) > 1e-3
    np.testing.assert_allclose(model(photo), expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(keras.ops.softmax(logits), expected, rtol=1e-4, atol=1e-6)
    before = keras.Model(inception.input, inception.layers[-1].input)(photo).numpy()
    kernel, bias = inception.layers[-1].get_weights()
    np.testing.assert_allclose(logits, before @ kernel + bias, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("name", "scales"), [("MobileNetV2", 0), ("EfficientNetB0", 2)])
def test_a_network_of_keras_applications_is_read_by_its_name(
    name: str, scales: int, tmp_path: Path
) -> None:
    made = getattr(keras.applications, name)(weights=None)
    path = tmp_path / f"{name}.legacy.h5"
    _save(made, path)
    found = model_file.read(Weights("file", path, "0" * 64, name))
    for layer in made.layers[1:]:
        for value, expected in zip(
            found.model.get_layer(layer.name).weights, layer.weights, strict=True
        ):
            np.testing.assert_array_equal(value, expected)
    rescaling = [layer for layer in found.model.layers if isinstance(layer, layers.Rescaling)]
    assert len(rescaling) == scales  # for ImageNet's weights Keras has one more of EfficientNet
    head = chosen(found, heads(found), "")
    assert head is not None
    assert head.classes == 1000


def test_a_whole_model_needs_no_name(tmp_path: Path) -> None:
    found = _saved(_small([layers.Dense(2)]), tmp_path)
    with pytest.raises(WeightsError, match=r"a whole model: leave `model.name: VGG16` out"):
        model_file.read(Weights("file", found.path, found.sha256, "VGG16"))


def test_weights_of_another_network_than_the_named_do_not_load(tmp_path: Path) -> None:
    path = tmp_path / "x.legacy.h5"
    _save(_small([layers.Dense(2)]), path)
    with pytest.raises(WeightsError, match=r"x.legacy.h5 does not load: .*`model.name` says"):
        model_file.read(Weights("file", path, "0" * 64, "MobileNetV2"))


def test_the_bundled_weights_end_at_mixed4_and_have_no_classifier() -> None:
    found = model_file.read(resolve("bundled"))
    assert found.model.layers[-1].name == "mixed4"
    assert chosen(found, heads(found), "") is None


def test_weights_of_a_trained_model_load_with_their_optimizer(tmp_path: Path) -> None:
    base = keras.applications.InceptionV3(include_top=False, weights=None)
    model = keras.Model(base.input, base.get_layer("mixed0").output)
    model.compile("sgd")
    model.optimizer.momentum = 0.9
    model.optimizer.build(model.trainable_variables)
    path = tmp_path / "trained.weights.h5"
    model.save_weights(path)
    assert model_file.read(_weights(path)).model.layers[-1].name == "mixed0"


@pytest.mark.parametrize("name", ["x.keras", "x.h5", "x.weights.h5"])
def test_garbage_is_named(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(b"not a model" * 100)
    with pytest.raises(WeightsError, match=rf"{name} is neither a Keras archive nor HDF5"):
        model_file.read(_weights(path))


def test_a_damaged_archive_is_named(tmp_path: Path) -> None:
    weights = _saved(_small([layers.Dense(2)]), tmp_path)
    data = bytearray(weights.path.read_bytes())
    data[: len(data) // 2] = bytes(len(data) // 2)
    weights.path.write_bytes(data)
    with pytest.raises(WeightsError, match=r"model\.keras does not load: .*expected a Keras"):
        model_file.read(weights)


def test_a_lambda_is_named_as_what_does_not_load(tmp_path: Path) -> None:
    weights = _saved(_small([layers.Lambda(lambda x: x * 2)]), tmp_path)
    expected = r"does not load: .*`Lambda` layer.*; expected .* without Python code in it"
    with pytest.raises(WeightsError, match=expected):
        model_file.read(weights)


def test_what_began_a_chain_of_errors_is_named(tmp_path: Path) -> None:
    class Mine(layers.Layer):
        def call(self, x: object) -> object:
            return x

    weights = _saved(_small([Mine()]), tmp_path)
    with pytest.raises(WeightsError, match=r"not load: Could not locate class 'Mine'.*own layers"):
        model_file.read(weights)


def test_weights_of_another_network_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "small.weights.h5"
    keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3)]).save_weights(path)
    with pytest.raises(WeightsError, match=r"holds 1 convolutions: expected .* InceptionV3 \(94\)"):
        model_file.read(_weights(path))


def test_weights_with_another_classifier_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "small.weights.h5"
    _small([layers.Dense(2)]).save_weights(path)
    with pytest.raises(WeightsError, match=r"holds 1 convolutions: expected .* InceptionV3 \(94\)"):
        model_file.read(_weights(path))


def test_grey_images_are_refused(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((8, 8, 4)), layers.Conv2D(2, 3)])
    with pytest.raises(
        WeightsError, match=r"takes \[\(None, 8, 8, 4\)\]: expected one input.*`Conv2D\(4, 1\)`"
    ):
        model_file.read(_saved(model, tmp_path))


def test_a_model_that_was_never_built_is_refused(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="has not yet been built"):
        weights = _saved(keras.Sequential([layers.Conv2D(2, 3)]), tmp_path)
    with pytest.raises(WeightsError, match=r"takes \[\]: expected one input of images"):
        model_file.read(weights)


def test_an_operation_in_hdf5_is_told(tmp_path: Path) -> None:
    image = keras.Input((16, 16, 3))
    path = tmp_path / "ops.h5"
    keras.Model(image, layers.Conv2D(2, 3)(image / 127.5 - 1)).save(path)
    with pytest.raises(
        WeightsError, match=r"has the operation \w+, which .*: save the model as .k"
    ):
        model_file.read(_weights(path))


def test_channels_first_are_told(tmp_path: Path) -> None:
    image = keras.Input((16, 16, 3))
    first = layers.Conv2D(2, 3, data_format="channels_first", name="odd")
    turned = layers.Permute((3, 1, 2))(image)
    weights = _saved(keras.Model(image, first(turned)), tmp_path)
    with pytest.raises(WeightsError, match=r"has its channels first \(odd\).*channels_last"):
        model_file.read(weights)


def test_several_inputs_are_told(tmp_path: Path) -> None:
    one, two = keras.Input((16, 16, 3), name="left"), keras.Input((16, 16, 3), name="right")
    weights = _saved(keras.Model([one, two], layers.Add()([one, two])), tmp_path)
    with pytest.raises(WeightsError, match=r"has 2 inputs, left, right: keep one of images"):
        model_file.read(weights)

"""Tests of models that Keras 2 wrote: real files, and configurations as it writes them."""

import json
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from pipeline.config.weights import Weights
from pipeline.errors import WeightsError
from pipeline.model import keras2, model_file

pytestmark = pytest.mark.usefixtures("cpu")

FILES = Path(__file__).parents[2] / "data" / "keras2"
KERNEL = np.random.default_rng(0).normal(size=(3, 3, 3, 2)).astype(np.float32)
IMAGES = np.random.default_rng(1).uniform(-1, 1, (2, 8, 8, 3)).astype(np.float32)


def turned(x: np.ndarray) -> np.ndarray:
    return x.swapaxes(1, 2)


def mean(x: np.ndarray) -> np.ndarray:
    return x.mean((1, 2), keepdims=True)


def layer(kind: str, name: str, reads: list[Any], **config: Any) -> dict[str, Any]:
    return {
        "class_name": kind,
        "name": name,
        "config": {"name": name, "trainable": True, "dtype": "float32", **config},
        "inbound_nodes": reads,
    }


def model_of(*layers: dict[str, Any]) -> dict[str, Any]:
    image = layer("InputLayer", "image", [], batch_input_shape=[None, 8, 8, 3])
    ends = {"input_layers": [["image", 0, 0]], "output_layers": [[layers[-1]["name"], 0, 0]]}
    config = {"name": "old", "trainable": True, "layers": [image, *layers], **ends}
    return {"class_name": "Functional", "config": config}


def written(
    config: dict[str, Any], folder: Path, weights: dict[str, Any] | None = None, by: str = "2.9.0"
) -> Path:
    path = folder / "old.h5"
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = by
        file.attrs["model_config"] = json.dumps(config)
        for each in config["config"]["layers"]:
            group = file.create_group(f"model_weights/{each['name']}")
            values = (weights or {}).get(each["name"], {})
            group.attrs["weight_names"] = [f"{each['name']}/{key}:0" for key in values]
            for key, value in values.items():
                group[f"{each['name']}/{key}:0"] = value
    return path


def read(path: Path) -> keras.Model:
    return model_file.read(Weights("file", path, "0" * 64)).model


def conv(name: str = "conv", **config: Any) -> dict[str, Any]:
    taken = {"filters": 2, "kernel_size": [3, 3], "use_bias": False, **config}
    return layer("Conv2D", name, [[["image", 0, 0, {}]]], **taken)


@pytest.mark.parametrize("name", ["mixed.h5", "mixed.keras", "chain.h5", "chain.keras", "tf23.h5"])
def test_a_real_file_gives_what_keras_2_predicts(name: str) -> None:
    known = np.load((FILES / name).with_suffix(".npz"))
    values = np.asarray(read(FILES / name)(known["images"], training=False))
    assert np.ptp(known["predicted"]) > 0.01
    np.testing.assert_allclose(
        values, known["predicted"], atol=1e-5 * np.abs(known["predicted"]).max()
    )


def test_layers_keep_their_names_with_a_dot_for_a_slash() -> None:
    names = {layer.name for layer in read(FILES / "mixed.keras").layers}
    assert {"first.conv", "deep.conv", "deep.norm", "twice", "top"} <= names


@pytest.mark.parametrize("by", ["2.2.4-tf", "2.3.1", "2.15.0"])
def test_the_version_is_told(by: str, tmp_path: Path) -> None:
    path = written(model_of(conv()), tmp_path, {"conv": {"kernel": KERNEL}}, by)
    assert keras2.version(path) == by
    assert keras2.wrote(path)
    keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3)]).save(tmp_path / "n.keras")
    assert not keras2.wrote(tmp_path / "n.keras")


@pytest.mark.parametrize(
    ("function", "settings", "expected"),
    [
        ("math.truediv", {"y": 127.5, "name": None}, lambda x: x / 127.5),
        ("math.subtract", {"y": [0.1, 0.2, 0.3]}, lambda x: x - np.array([0.1, 0.2, 0.3])),
        ("__operators__.add", {"y": 1.0}, lambda x: x + 1),
        ("compat.v1.transpose", {"perm": [0, 2, 1, 3], "conjugate": False}, turned),
        ("nn.leaky_relu", {"alpha": 0.1}, lambda x: np.where(x > 0, x, 0.1 * x)),
        ("math.reduce_mean", {"axis": [1, 2], "keepdims": True}, mean),
        ("nn.bias_add", {"bias": [1, 2, 3]}, lambda x: x + np.array([1, 2, 3])),
    ],
)  # fmt: skip
def test_operations_of_tensorflow_are_those_of_keras(
    function: str, settings: dict[str, Any], expected: Any, tmp_path: Path
) -> None:
    node = [["image", 0, 0, settings]]
    path = written(model_of(layer("TFOpLambda", "tf.op", node, function=function)), tmp_path)
    np.testing.assert_allclose(read(path)(IMAGES), expected(IMAGES), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("kind", "config", "expected"),
    [
        ("Activation", {"activation": "hard_sigmoid"}, lambda x: np.clip(0.2 * x + 0.5, 0, 1)),
        ("LeakyReLU", {"alpha": 0.2}, lambda x: np.where(x > 0, x, 0.2 * x)),
        ("ThresholdedReLU", {"theta": 0.1}, lambda x: np.where(x > 0.1, x, 0)),
        ("GaussianNoise", {"stddev": 0.1, "rng_type": "stateless"}, lambda x: x),
        ("SpatialDropout2D", {"rate": 0.1, "noise_shape": None, "seed": None}, lambda x: x),
        ("Rescaling", {"scale": 2.0, "offset": 1.0}, lambda x: 2 * x + 1),
    ],
)
def test_layers_are_what_they_were(
    kind: str, config: dict[str, Any], expected: Any, tmp_path: Path
) -> None:
    path = written(model_of(layer(kind, "one", [[["image", 0, 0, {}]]], **config)), tmp_path)
    np.testing.assert_allclose(read(path)(IMAGES), expected(IMAGES), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (layer("Lambda", "one", [[["image", 0, 0, {}]]]), "its layer one is a Lambda, Python code"),
        (layer("Mine", "one", [[["image", 0, 0, {}]]]), "its layer one is a Mine, which Keras 3"),
        (
            layer("TFOpLambda", "one", [["image", 0, 0, {}]], function="compat.v1.shape"),
            "is an operation compat.v1.shape of TensorFlow",
        ),
        (conv("one", groups=7), r"its layer one \(Conv2D\) cannot be built"),
        (conv("one", activation="mine"), "its activation 'mine' is none of Keras'"),
        (conv("one", sparse_kernel=5), "has sparse_kernel, which Keras 3 does not have"),
        (conv("one"), r"has weights 0, not 1"),
        (layer("ReLU", "one", [[["gone", 0, 0, {}]]]), "its layer one reads what is not there"),
    ],
)
def test_what_is_not_to_be_had_is_named_with_a_way_out(
    part: dict[str, Any], said: str, tmp_path: Path
) -> None:
    path = written(model_of(part), tmp_path)
    way = r"was written by Keras 2\.9\.0, and .*" + said + ".*load it with that Keras.*save it as"
    with pytest.raises(WeightsError, match=way) as caught:
        read(path)
    assert "\n" not in str(caught.value)

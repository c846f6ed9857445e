"""Reading Keras models from weights files, and what of a model's graph must be known.

The one place that knows which kinds of file there are.
"""

import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from pipeline.errors import WeightsError
from pipeline.weights import Weights


def read(weights: Weights) -> keras.Model:
    """The whole Keras model that a weights file holds, in float32, with RGB input."""
    keras.utils.clear_session()  # layer names such as conv2d_3 count from zero again
    try:
        model = _read_any(weights)
    except WeightsError:
        raise
    except Exception as error:  # Keras raises many types for a file that does not fit
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise WeightsError(
            f"the weights file {weights.path} does not load: {reason[0][:200]}; expected a Keras "
            "model (.keras, .h5) or weights of Keras' InceptionV3 (.weights.h5, .h5)"
        ) from error
    if len(model.inputs) != 1 or len(model.inputs[0].shape) != 4 or model.inputs[0].shape[-1] != 3:
        raise WeightsError(
            f"the model in {weights.path} takes {[tuple(i.shape) for i in model.inputs]}: "
            "expected one input of RGB images, (batch, height, width, 3)"
        )
    return keras.Model(model.inputs[0], model.outputs, name=model.name)


def _read_any(weights: Weights) -> keras.Model:
    path = weights.path
    if zipfile.is_zipfile(path):
        return keras.models.load_model(path, compile=False, safe_mode=True)
    if not h5py.is_hdf5(path):
        raise WeightsError(
            f"the weights file {path} is neither a Keras archive nor HDF5: expected a .keras, "
            ".h5 or .weights.h5 file that Keras wrote"
        )
    with h5py.File(path, "r") as file:
        whole = "model_config" in file.attrs
    if whole:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    return _read_inception(path)


def _read_inception(path: Path) -> keras.Model:
    """InceptionV3 with the weights of a file that holds all of it, or its first layers."""
    convolutions, classes = _inventory(path)
    base = keras.applications.InceptionV3(
        include_top=classes is not None, weights=None, classes=classes or 1000,
        input_shape=(299, 299, 3) if classes is not None else (None, None, 3),
    )
    names = ["mixed10", *(f"mixed{i}" for i in range(9, -1, -1))]
    if classes is None:
        cuts = {name: keras.Model(base.input, base.get_layer(name).output) for name in names}
        fitting = [m for m in cuts.values() if _convolutions(m) == convolutions]
        if not fitting:
            raise WeightsError(
                f"the weights file {path} holds {convolutions} convolutions: expected those of "
                f"Keras' InceptionV3 ({_convolutions(base)}), or of its layers through one of "
                "mixed0 to mixed10"
            )
        base = fitting[0]
    base.load_weights(path)
    return base


def _convolutions(model: keras.Model) -> int:
    return sum(isinstance(layer, keras.layers.Conv2D) for layer in model.layers)


def _inventory(path: Path) -> tuple[int, int | None]:
    """How many convolutions an HDF5 weights file holds, and its classes, if any."""
    kernels: list[tuple[int, ...]] = []

    def visit(_: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.ndim in (2, 4):
            kernels.append(item.shape)

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    dense = [shape for shape in kernels if len(shape) == 2]
    return sum(len(shape) == 4 for shape in kernels), dense[-1][1] if dense else None


def classifier(model: keras.Model) -> keras.KerasTensor | None:
    """The logits of a model that ends in a vector of classes, or None.

    A softmax at the end, as an activation or as a layer, is taken off.
    """
    if len(model.outputs) != 1 or len(model.outputs[0].shape) != 2:
        return None
    last = model.layers[-1]
    if isinstance(last, keras.layers.Softmax) or (
        isinstance(last, keras.layers.Activation) and activation(last) == "softmax"
    ):
        return last.input
    if isinstance(last, keras.layers.Dense) and activation(last) == "softmax":
        config = {**last.get_config(), "activation": "linear", "name": f"{last.name}_logits"}
        linear = keras.layers.Dense.from_config(config)
        logits = linear(last.input)
        linear.set_weights(last.get_weights())
        return logits
    return model.outputs[0]


def activation(layer: keras.Layer) -> str | None:
    return getattr(getattr(layer, "activation", None), "__name__", None)


def parents(layer: keras.Layer) -> list[str]:
    """Names of the layers that a layer reads."""
    if isinstance(layer, keras.layers.InputLayer):
        return []
    tensors = layer.input if isinstance(layer.input, list | tuple) else [layer.input]
    return [tensor._keras_history.operation.name for tensor in tensors]


def operations(layer: keras.Layer) -> int:
    """Multiplications and additions of a layer's convolution or product, for one image."""
    if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D):
        _, height, width, _ = layer.output.shape
        return 2 * height * width * int(np.prod(layer.kernel.shape))
    if isinstance(layer, keras.layers.Dense):
        return 2 * int(np.prod(layer.kernel.shape))
    return 0

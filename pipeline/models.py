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
    """The whole Keras model that a weights file holds, with RGB input.

    Raises:
        WeightsError: the file does not load, or its model does not take RGB images.
    """
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
    inputs: list[keras.KerasTensor] = getattr(model, "inputs", None) or []  # none if never built
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].shape[-1] != 3:
        raise WeightsError(
            f"the model in {weights.path} takes {[tuple(i.shape) for i in inputs]}: "
            "expected one input of RGB images, (batch, height, width, 3)"
        )
    return keras.Model(inputs[0], model.outputs, name=model.name)


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
        include_top=classes is not None,
        weights=None,
        classes=classes or 1000,
        input_shape=(299, 299, 3) if classes is not None else (None, None, 3),
    )
    ends = [base.get_layer(f"mixed{i}").output for i in range(11)]
    cuts = [keras.Model(base.input, end, name=base.name) for end in ends]
    candidates = cuts if classes is None else [base]
    fitting = [model for model in candidates if _convolutions(model) == convolutions]
    if not fitting:
        raise WeightsError(
            f"the weights file {path} holds {convolutions} convolutions: expected those of "
            f"Keras' InceptionV3 ({_convolutions(base)}), or, without a classifier, of its layers "
            "through one of mixed0 to mixed10"
        )
    fitting[0].load_weights(path)
    return fitting[0]


def _convolutions(model: keras.Model) -> int:
    return sum(isinstance(layer, keras.layers.Conv2D) for layer in model.layers)


def _inventory(path: Path) -> tuple[int, int | None]:
    """How many convolutions an HDF5 weights file holds, and its classes, if any."""
    kernels: list[tuple[int, ...]] = []

    def visit(name: str, item: Any) -> None:
        optimizer = name.startswith("optimizer")  # a compiled model's slots have kernels' shapes
        if isinstance(item, h5py.Dataset) and item.ndim in (2, 4) and not optimizer:
            kernels.append(item.shape)

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    dense = [shape for shape in kernels if len(shape) == 2]
    return sum(len(shape) == 4 for shape in kernels), dense[-1][1] if dense else None


def classifier(model: keras.Model) -> keras.KerasTensor | None:
    """The logits of a model that ends in a vector of classes, or None.

    A softmax at the end, as an activation, a layer or an operation, is taken off.
    """
    if len(model.outputs) != 1 or len(model.outputs[0].shape) != 2:
        return None
    last = model.outputs[0]._keras_history.operation
    if type(last).__name__ == "Softmax" or (
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


def activation(layer: keras.Operation) -> str | None:
    """The name of a layer's activation, or None where it has none."""
    return getattr(getattr(layer, "activation", None), "__name__", None)


def parents(model: keras.Model) -> dict[str, list[str]]:
    """What each operation of a model reads, by name, in order of depth.

    Operations are layers and whatever stands between them, such as a sum of two tensors. One that
    is called several times reads what all its calls read.
    """
    read: dict[str, list[str]] = {operation.name: [] for operation in model.operations}
    for nodes in model._nodes_by_depth.values():
        for node in nodes:
            read[node.operation.name] += [parent.operation.name for parent in node.parent_nodes]
    return read


def operations(layer: keras.Operation) -> int:
    """Multiplications and additions of a layer's convolution or product, for one image."""
    if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D):
        _, height, width, _ = layer.output.shape
        return int(2 * height * width * np.prod(layer.kernel.shape))
    if isinstance(layer, keras.layers.Dense):
        return int(2 * np.prod(layer.kernel.shape))
    return 0

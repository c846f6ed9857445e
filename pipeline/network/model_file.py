"""Reading Keras models from weights files.

The one place that knows which kinds of file there are.
"""

import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras

from pipeline.config.weights import Weights
from pipeline.errors import WeightsError
from pipeline.network import keras2
from pipeline.network.graph import flat


def read(weights: Weights) -> keras.Model:
    """The whole Keras model that a weights file holds, with RGB input and no model inside it.

    Args:
        weights: the resolved weights file.

    Returns:
        A functional model (batch, height, width, 3) to whatever it returns, see `flat`.

    Raises:
        WeightsError: the file does not load, or its model does not take RGB images.
    """
    keras.utils.clear_session()  # layer names such as conv2d_3 count from zero again
    try:
        model = _read_any(weights)
    except WeightsError:
        raise
    except Exception as error:  # Keras raises many types for a file that does not fit
        raise WeightsError(
            f"the weights file {weights.path} does not load: {_reason(error)}; expected a Keras "
            "model (.keras, .h5) of Keras' own layers, without Python code in it, or weights of "
            "Keras' InceptionV3 (.weights.h5, .h5)"
        ) from error
    inputs: list[keras.KerasTensor] = getattr(model, "inputs", None) or []  # none if never built
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].shape[-1] != 3:
        raise WeightsError(
            f"the model in {weights.path} takes {[tuple(i.shape) for i in inputs]}: "
            "expected one input of RGB images, (batch, height, width, 3)"
        )
    return flat(keras.Model(inputs[0], model.outputs, name=model.name))


def _reason(error: BaseException) -> str:
    """The first line of what began a chain of errors, which tells more than what it led to."""
    while error.__cause__ or (error.__context__ and not error.__suppress_context__):
        error = error.__cause__ or error.__context__ or error
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200]


def _read_any(weights: Weights) -> keras.Model:
    path = weights.path
    if zipfile.is_zipfile(path):
        if keras2.wrote(path):
            return keras2.read(path)
        return keras.models.load_model(path, compile=False, safe_mode=True)
    if not h5py.is_hdf5(path):
        raise WeightsError(
            f"the weights file {path} is neither a Keras archive nor HDF5: expected a .keras, "
            ".h5 or .weights.h5 file that Keras wrote"
        )
    with h5py.File(path, "r") as file:
        whole = "model_config" in file.attrs
    if whole:
        if keras2.wrote(path):
            return keras2.read(path)
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

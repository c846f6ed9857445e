"""Reading Keras models from weights files.

The one place that knows which kinds of file there are.
"""

import itertools
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import keras

from pipeline.config.weights import Weights
from pipeline.errors import WeightsError
from pipeline.model import keras2, keras_private
from pipeline.model.graph import flat


@dataclass(frozen=True)
class Read:
    """What a weights file holds.

    Attributes:
        model: a functional model of images (batch, height, width, 3 or 1), with no model in it.
        outputs: the names of its outputs.
        families: its name, and those of the models that it was made of.
    """

    model: keras.Model
    outputs: tuple[str, ...]
    families: tuple[str, ...]


def read(weights: Weights) -> Read:
    """The whole Keras model that a weights file holds.

    Args:
        weights: the resolved weights file.

    Raises:
        WeightsError: the file does not load, or its model does not take images.
    """
    keras.utils.clear_session()  # layer names such as conv2d_3 count from zero again
    try:
        model = _read_any(weights)
    except WeightsError:
        raise
    except Exception as error:  # Keras raises many types for a file that does not fit
        _refuse_operations(weights.path, error)
        raise WeightsError(
            f"the weights file {weights.path} does not load: {_reason(error)}; expected a Keras "
            "model (.keras, .h5) of Keras' own layers, without Python code in it, or weights of "
            "Keras' InceptionV3, or of the network that `model.name` says (.weights.h5, .h5)"
        ) from error
    inputs: list[keras.KerasTensor] = getattr(model, "inputs", None) or []  # none if never built
    _refuse_strange(weights.path, model, inputs)
    if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].shape[-1] not in (1, 3):
        raise WeightsError(
            f"the model in {weights.path} takes {[tuple(i.shape) for i in inputs]}: expected one "
            "input of images in colour or grey, (batch, height, width, 3 or 1)" + _advice(inputs)
        )
    names = tuple(_output_names(model))
    whole = keras.Model(inputs[0], model.outputs, name=model.name)
    families = (model.name, *keras_private.nested_names(whole))
    return Read(flat(whole), names, families)


def _advice(inputs: Sequence[keras.KerasTensor]) -> str:
    """What to do about images of other channels."""
    channels = inputs[0].shape[-1] if inputs and len(inputs[0].shape) == 4 else None
    if channels is None:
        return ""
    return (
        f"; put `Conv2D({channels}, 1)` of your choice on a colour input before it, and save that"
    )


def _refuse_strange(path: Path, model: keras.Model, inputs: Sequence[keras.KerasTensor]) -> None:
    """Raise where a model has several inputs, or its channels first."""
    if len(inputs) > 1:
        raise WeightsError(
            f"the model in {path} has {len(inputs)} inputs, "
            f"{', '.join(tensor.name for tensor in inputs)}: keep one of images, give the others "
            "constants (keras.Model around it), and save that"
        )
    first = [layer for layer in _layers(model) if _is_first(layer)]
    if first:
        raise WeightsError(
            f"the model in {path} has its channels first ({first[0].name}), which CPUs do not "
            "compute: build it with data_format='channels_last' and give it the weights "
            "(get_weights, set_weights), which fit as they are but for a Dense behind a Flatten"
        )


def _layers(model: keras.Model) -> list[keras.Layer]:
    return keras_private.inside(model) if isinstance(model, keras.Layer) else []


def _is_first(layer: keras.Layer) -> bool:
    return getattr(layer, "data_format", None) == "channels_first"


def _output_names(model: keras.Model) -> Iterator[str]:
    """The names of a model's outputs: keys, or else those of what gives them, each once."""
    given = getattr(model, "output", None)  # a sequential model that was never called has none
    keys = given if isinstance(given, dict) else {}
    taken: set[str] = set()
    for output in model.outputs:
        of_layer = keras_private.source(output).name
        name = next((key for key, tensor in keys.items() if tensor is output), of_layer)
        others = (f"{name}_{count}" for count in itertools.count())
        unique = next(each for each in itertools.chain([name], others) if each not in taken)
        taken.add(unique)
        yield unique


def _refuse_operations(path: Path, error: Exception) -> None:
    """Raise where Keras 3 wrote an operation, such as a division, into HDF5, and cannot read it."""
    unknown = re.search(r"Unknown layer: '?(\w+)'?|Could not locate class '(\w+)'", str(error))
    name = next(filter(None, unknown.groups()), "") if unknown else ""
    if not zipfile.is_zipfile(path) and hasattr(keras.ops, _snake(name)):
        raise WeightsError(
            f"the weights file {path} has the operation {name}, which Keras writes into .h5 files "
            "and does not read from them: save the model as .keras"
        ) from error


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _reason(error: BaseException) -> str:
    """The first line of what began a chain of errors, which tells more than what it led to."""
    while error.__cause__ or (error.__context__ and not error.__suppress_context__):
        error = error.__cause__ or error.__context__ or error
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0][:200]


def _read_any(weights: Weights) -> keras.Model:
    path, name = weights.path, weights.name
    if not zipfile.is_zipfile(path) and not h5py.is_hdf5(path):
        raise WeightsError(
            f"the weights file {path} is neither a Keras archive nor HDF5: expected a .keras, "
            ".h5 or .weights.h5 file that Keras wrote"
        )
    if not _is_whole(path):
        return keras_private.application(name, path) if name else _read_inception(path)
    if name:
        raise WeightsError(
            f"{path} holds a whole model: leave `model.name: {name}` out; with it a file of "
            "weights alone is expected, as Keras ships them"
        )
    if keras2.wrote(path):
        return keras2.read(path)
    return keras.models.load_model(path, compile=False, safe_mode=True)


def _is_whole(path: Path) -> bool:
    """Whether a file holds a model, and not weights alone."""
    if zipfile.is_zipfile(path):
        return True
    with h5py.File(path, "r") as file:
        return "model_config" in file.attrs


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

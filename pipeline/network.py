"""The network whose units are visualised: loading, truncation, folding, dead-ReLU gradients.

Only this module knows Keras models. Everything else sees a `Network`: images in, activations out.
"""

import contextlib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import tensorflow as tf

from pipeline.architecture import Architecture, Layer
from pipeline.errors import ConfigError, UnitError, WeightsError
from pipeline.weights import Weights

CLASSES = "classes"
"""The name under which a `Network` returns the logits."""


class Network:
    """A truncated, frozen, folded network.

    Attributes:
        outputs: names of the layers it returns; `CLASSES` stands for the logits.
        fixed_size: the only image side it takes, or None where it takes any.
    """

    def __init__(self, model: keras.Model, outputs: tuple[str, ...], relu: "_Relu") -> None:
        self.outputs = outputs
        self.fixed_size: int | None = model.input_shape[1]
        self.model = model
        self._relu = relu

    def __call__(self, images: tf.Tensor, *, revive: bool = False) -> dict[str, tf.Tensor]:
        """Activations of images.

        Args:
            images: (batch, height, width, 3) float32 in [-1, 1].
            revive: let the gradient pass ReLUs that are silent on a whole image, see `_Relu`.

        Returns:
            By layer name (batch, rows, columns, channels); for `CLASSES` (batch, classes) logits.
        """
        if self.fixed_size not in (None, images.shape[1]):
            images = tf.image.resize(images, (self.fixed_size, self.fixed_size))
        with self._relu.reviving(revive):
            values = self.model(images, training=False)
        values = values if isinstance(values, list | tuple) else [values]
        return dict(zip(self.outputs, values, strict=True))

    def map_size(self, size: int) -> tuple[int, int]:
        """Rows and columns of the first output's map for images of `size` px; (1, 1) of classes."""
        side = self.fixed_size or size
        shape = self.model.compute_output_shape((1, side, side, 3))
        first = shape[0] if isinstance(shape, list) else shape
        return (first[1], first[2]) if len(first) == 4 else (1, 1)


def load(weights: Weights, outputs: tuple[str, ...]) -> Network:
    """Load the part of a network that leads to some outputs.

    Batch norms are folded into the convolutions before them where nothing else reads those, and
    no parameter is trainable.

    Args:
        weights: the resolved weights file.
        outputs: layer names, or `CLASSES` for the logits.

    Raises:
        WeightsError: the file does not load, or has no classifier and `CLASSES` is asked for.
        UnitError: a layer that is not there.
    """
    model = _read(weights)
    tensors = [_output(model, name) for name in outputs]
    relu = _Relu()
    folded = _fold(keras.Model(model.inputs[0], tensors), relu)
    folded.trainable = False
    return Network(folded, outputs, relu)


def describe(weights: Weights, image_size: int) -> Architecture:
    """List a network's layers with channels, at one image size.

    Raises:
        WeightsError: the file does not load.
        ConfigError: the network cannot take images of `image_size` px.
    """
    model = _read(weights)
    has_classes = _classifier(model) is not None
    sized = _resized(model, image_size, weights)
    operations: dict[str, frozenset[tuple[str, int]]] = {}
    layers: dict[str, Layer] = {}
    for depth, layer in enumerate(sized.layers):
        lead = frozenset().union(*(operations[name] for name in _parents(layer)))
        operations[layer.name] = lead | {(layer.name, _operations(layer))}
        shape = getattr(layer.output, "shape", ())
        if len(shape) == 4 and not isinstance(layer, keras.layers.InputLayer):
            cost = sum(count for _, count in operations[layer.name])
            layers[layer.name] = Layer(layer.name, depth, shape[3], shape[1], shape[2], cost)
    total = sum(_operations(layer) for layer in sized.layers)
    classes = sized.output_shape[-1] if has_classes else None
    return Architecture(model.name, image_size, layers, classes, total)


def _resized(model: keras.Model, size: int, weights: Weights) -> keras.Model:
    """The model for square images of one size, to learn the shapes of its maps."""
    fixed = model.input_shape[1]
    if fixed not in (None, size):
        relaxed = _try_any_size(model)
        if relaxed is None:
            raise ConfigError(
                f"image.size: the network in {weights.path} takes only images of {fixed} px, "
                f"not {size}; set image.size: {fixed}"
            )
        model = relaxed
    try:
        sized = keras.models.clone_model(model, input_tensors=keras.Input((size, size, 3)))
    except (ValueError, tf.errors.OpError) as error:
        raise ConfigError(_too_small(size, model)) from error
    if any(0 in (layer.output.shape or ()) for layer in sized.layers):
        raise ConfigError(_too_small(size, model))
    return sized


def _too_small(size: int, model: keras.Model) -> str:
    return (
        f"image.size: {size} px is too small for {model.name}: one of its layers would have an "
        "empty map; InceptionV3 needs 75 px or more"
    )


def _try_any_size(model: keras.Model) -> keras.Model | None:
    """The model with a free image size, or None where it cannot be (a flatten before a dense)."""
    try:
        return keras.models.clone_model(model, input_tensors=keras.Input((None, None, 3)))
    except (ValueError, TypeError, tf.errors.OpError):
        return None


# Reading files ---------------------------------------------------------------------------------


def _read(weights: Weights) -> keras.Model:
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


# Outputs ---------------------------------------------------------------------------------------


def _output(model: keras.Model, name: str) -> keras.KerasTensor:
    if name != CLASSES:
        try:
            return model.get_layer(name).output
        except ValueError as error:
            raise UnitError(f"the network has no layer {name!r}") from error
    logits = _classifier(model)
    if logits is None:
        raise WeightsError(
            "these weights have no classifier, so no logits and no softmax: use "
            "`model.weights: imagenet`, or a model file of yours with its classifier"
        )
    return logits


def _classifier(model: keras.Model) -> keras.KerasTensor | None:
    """The logits of a model that ends in a vector of classes, or None.

    A softmax at the end, as an activation or as a layer, is taken off.
    """
    if len(model.outputs) != 1 or len(model.outputs[0].shape) != 2:
        return None
    last = model.layers[-1]
    if isinstance(last, keras.layers.Softmax) or (
        isinstance(last, keras.layers.Activation) and _activation(last) == "softmax"
    ):
        return last.input
    if isinstance(last, keras.layers.Dense) and _activation(last) == "softmax":
        config = {**last.get_config(), "activation": "linear", "name": f"{last.name}_logits"}
        linear = keras.layers.Dense.from_config(config)
        logits = linear(last.input)
        linear.set_weights(last.get_weights())
        return logits
    return model.outputs[0]


def _activation(layer: keras.Layer) -> str | None:
    return getattr(getattr(layer, "activation", None), "__name__", None)


# Folding ---------------------------------------------------------------------------------------


def _fold(model: keras.Model, relu: "_Relu") -> keras.Model:
    """A copy with batch norms folded, `relu` for every plain ReLU, and a free image size.

    Folding: y = gamma (w x + b - mean) / sqrt(variance + epsilon) + beta is a convolution with
    kernel w s and bias beta + (b - mean) s, where s = gamma / sqrt(variance + epsilon).
    """
    pairs = _foldable(model)
    norms = set(pairs.values())

    def clone(layer: keras.Layer) -> keras.Layer:
        if layer.name in norms:
            return _Folded(name=layer.name)
        config = layer.get_config()
        if layer.name in pairs:
            config["use_bias"] = True
        copy = layer.__class__.from_config(config)
        if _is_plain_relu(layer):
            if isinstance(layer, keras.layers.ReLU):
                return keras.layers.Activation(relu, name=layer.name)
            copy.activation = relu
        return copy

    def build(shape: tuple[int | None, ...]) -> keras.Model:
        image = keras.Input(shape[1:])
        return keras.models.clone_model(model, input_tensors=image, clone_function=clone)

    try:
        folded = build((None, None, None, 3))
    except (ValueError, TypeError, tf.errors.OpError):
        folded = build(model.input_shape)
    for layer in model.layers:
        if layer.name in pairs:
            norm = model.get_layer(pairs[layer.name])
            folded.get_layer(layer.name).set_weights(_folded_weights(layer, norm))
        elif layer.weights and layer.name not in norms:
            folded.get_layer(layer.name).set_weights(layer.get_weights())
    return folded


def _foldable(model: keras.Model) -> dict[str, str]:
    """Convolution name to batch-norm name, for each pair that can be folded."""
    readers: dict[str, list[keras.Layer]] = {}
    for layer in model.layers:
        for parent in _parents(layer):
            readers.setdefault(parent, []).append(layer)
    outputs = {tensor._keras_history.operation.name for tensor in model.outputs}
    return {
        layer.name: readers[layer.name][0].name
        for layer in model.layers
        if type(layer) is keras.layers.Conv2D
        and _activation(layer) == "linear"
        and layer.data_format == "channels_last"
        and layer.name not in outputs
        and len(readers.get(layer.name, ())) == 1
        and _is_plain_norm(readers[layer.name][0])
        and len(layer._inbound_nodes) == 1
    }


def _is_plain_norm(layer: keras.Layer) -> bool:
    return type(layer) is keras.layers.BatchNormalization and layer.axis in (-1, 3)


def _is_plain_relu(layer: keras.Layer) -> bool:
    if isinstance(layer, keras.layers.ReLU):
        return layer.max_value is None and not layer.negative_slope and not layer.threshold
    return _activation(layer) == "relu"


def _folded_weights(conv: keras.Layer, norm: keras.Layer) -> list[np.ndarray]:
    kernel = np.asarray(conv.kernel, np.float64)
    bias = np.asarray(conv.bias, np.float64) if conv.use_bias else 0.0
    scale = 1.0 / np.sqrt(np.asarray(norm.moving_variance, np.float64) + norm.epsilon)
    if norm.scale:
        scale = scale * np.asarray(norm.gamma, np.float64)
    beta = np.asarray(norm.beta, np.float64) if norm.center else 0.0
    folded = beta + (bias - np.asarray(norm.moving_mean, np.float64)) * scale
    return [(kernel * scale).astype(np.float32), folded.astype(np.float32)]


class _Folded(keras.layers.Layer):
    """Stands where a folded batch norm was, so that its name still can be asked for."""

    def call(self, inputs: tf.Tensor, training: object = None, mask: object = None) -> tf.Tensor:
        del training, mask
        return inputs


# The graph -------------------------------------------------------------------------------------


def _parents(layer: keras.Layer) -> list[str]:
    """Names of the layers that a layer reads."""
    if isinstance(layer, keras.layers.InputLayer):
        return []
    tensors = layer.input if isinstance(layer.input, list | tuple) else [layer.input]
    return [tensor._keras_history.operation.name for tensor in tensors]


def _operations(layer: keras.Layer) -> int:
    """Multiplications and additions of a layer's convolution or product, for one image."""
    if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D):
        _, height, width, _ = layer.output.shape
        return 2 * height * width * int(np.prod(layer.kernel.shape))
    if isinstance(layer, keras.layers.Dense):
        return 2 * int(np.prod(layer.kernel.shape))
    return 0


class _Relu:
    """A ReLU whose gradient can be made to pass where a whole image is silent.

    While reviving, an image for which nothing of the gradient would pass this ReLU gets the part
    that pushes the input up. Images with a living gradient are not touched, nor is any value:
    only the way out of a dead start. After lucid's `redirected_relu_grad`
    (github.com/tensorflow/lucid, optvis/overrides).
    """

    __name__ = "relu"

    def __init__(self) -> None:
        self._revive = False

    @contextlib.contextmanager
    def reviving(self, revive: bool) -> Iterator[None]:
        """Trace calls inside with the given gradient."""
        before, self._revive = self._revive, revive
        try:
            yield
        finally:
            self._revive = before

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        return _revived_relu(x) if self._revive else tf.nn.relu(x)


@tf.custom_gradient
def _revived_relu(x: tf.Tensor) -> tuple[tf.Tensor, Any]:
    y = tf.nn.relu(x)

    def gradient(up: tf.Tensor) -> tf.Tensor:
        plain = tf.where(y > 0, up, 0.0)
        axes = list(range(1, len(x.shape)))
        silent = tf.reduce_all(tf.equal(plain, 0.0), axis=axes, keepdims=True)
        return tf.where(silent, tf.where((y <= 0) & (up < 0), 0.0, up), plain)

    return y, gradient

"""Folding batch norms into the convolutions before them.

y = gamma (w x + b - mean) / sqrt(variance + epsilon) + beta is a convolution with kernel w s and
bias beta + (b - mean) s, where s = gamma / sqrt(variance + epsilon). Depthwise convolutions fold as
well, and separable ones by their second kernel.
"""

from collections import Counter
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from pipeline.network import keras_private
from pipeline.network.graph import CONVOLUTIONS, activation, copied, copy_weights, parents


def fold(model: keras.Model, relu: Callable[[tf.Tensor], tf.Tensor]) -> keras.Model:
    """A float32 copy with batch norms folded, `relu` for its last ReLUs, and a free image size.

    A norm is left alone where something else reads its convolution, where no convolution stands
    before it, or where either is not plain. A plain ReLU becomes `relu` where no other stands
    between it and an output. The image size stays fixed where the network works for no other.

    Args:
        model: a functional model of images (batch, height, width, 3).
        relu: what takes the place of the last ReLUs.

    Returns:
        A model with the outputs of `model`, and the names of its layers.
    """
    pairs = _foldable(model)
    last = _last_relus(model)

    def clone(layer: keras.Operation) -> keras.Operation:
        return _reluing(layer, relu) if layer.name in last else _clone(layer, pairs)

    def build(shape: tuple[int | None, ...]) -> keras.Model:
        image = keras.Input(shape[1:])
        return keras.models.clone_model(model, input_tensors=image, clone_function=clone)

    try:
        folded = build((None, None, None, 3))
        _try_another_size(folded, model.input_shape)
    except (ValueError, TypeError, tf.errors.OpError):
        folded = build(model.input_shape)
    _set_weights(folded, model, pairs)
    return folded


def _try_another_size(folded: keras.Model, shape: tuple[int | None, ...]) -> None:
    """Raise a ValueError where a reshape works only for the size that a model was built with."""
    _, height, width, _ = shape
    if height is not None and width is not None:
        shapes = folded.compute_output_shape((1, height + 32, width + 32, 3))
        if {shape[0] for shape in (shapes if isinstance(shapes, list) else [shapes])} != {1}:
            raise ValueError("a reshape makes several images of one")


def _clone(layer: keras.Operation, pairs: dict[str, str]) -> keras.Operation:
    """A layer without its weights, as the folded network has it."""
    if layer.name in pairs.values():
        return _Folded(name=layer.name)
    config = layer.get_config()
    if "dtype" in config and getattr(layer, "quantization_mode", None) is None:
        config["dtype"] = "float32"
    if layer.name in pairs:
        config["use_bias"] = True
    return _Dense.from_config(config) if _is_plain_dense(layer) else copied(layer, config)


def _reluing(layer: keras.Operation, relu: Callable[[tf.Tensor], tf.Tensor]) -> keras.Layer:
    """A layer or operation with a plain ReLU, without its weights, with `relu` instead."""
    if isinstance(layer, keras.layers.ReLU) or not isinstance(layer, keras.Layer):
        return keras.layers.Activation(relu, name=layer.name)
    copy = _clone(layer, {})
    copy.activation = relu
    return copy


def _set_weights(folded: keras.Model, model: keras.Model, pairs: dict[str, str]) -> None:
    norms = set(pairs.values())
    for layer in model.layers:
        if layer.name in pairs:
            norm = model.get_layer(pairs[layer.name])
            folded.get_layer(layer.name).set_weights(_folded_weights(layer, norm))
        elif layer.weights and layer.name not in norms:
            copy_weights(layer, folded.get_layer(layer.name))


def _foldable(model: keras.Model) -> dict[str, str]:
    """Convolution name to batch-norm name, for each pair that can be folded."""
    reads = parents(model)
    readers = Counter(name for names in reads.values() for name in names)
    readers.update(keras_private.source(tensor).name for tensor in model.outputs)
    operations = {operation.name: operation for operation in model.operations}
    return {
        names[0]: norm
        for norm, names in reads.items()
        if len(names) == 1
        and _is_plain_norm(operations[norm])
        and _is_plain_convolution(operations[names[0]])
        and readers[names[0]] == len(reads[names[0]]) == 1  # read once, called once
    }


def _last_relus(model: keras.Model) -> set[str]:
    """Names of the plain ReLUs from which a path without another leads to an output.

    There a dead unit is dead; having every ReLU revive changes no image and takes longer.
    """
    reads = parents(model)
    relus = {operation.name for operation in model.operations if _is_plain_relu(operation)}
    todo = [keras_private.source(tensor).name for tensor in model.outputs]
    reached: set[str] = set()
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo += [] if name in relus else reads[name]
    return reached & relus


def _is_plain_convolution(layer: keras.Operation) -> bool:
    return (
        type(layer) in CONVOLUTIONS
        and activation(layer) == "linear"
        and layer.data_format == "channels_last"
        and not getattr(layer, "lora_enabled", False)
    )


def _is_plain_dense(layer: keras.Operation) -> bool:
    return (
        type(layer) is keras.layers.Dense
        and len(layer.output.shape) == 2
        and layer.quantization_mode is None
        and not layer.lora_enabled
    )


def _is_plain_norm(layer: keras.Operation) -> bool:
    return type(layer) is keras.layers.BatchNormalization and layer.axis in (-1, 3)


def _is_plain_relu(layer: keras.Operation) -> bool:
    if isinstance(layer, keras.layers.ReLU | keras_private.RELU_FUNCTION):
        return layer.max_value is None and not layer.negative_slope and not layer.threshold
    return activation(layer) == "relu" or isinstance(layer, keras_private.RELU_OPERATION)


def _folded_weights(conv: keras.Layer, norm: keras.Layer) -> list[np.ndarray]:
    """The kernels and the bias of a convolution with its norm in them."""
    values = [np.asarray(value, np.float64) for value in conv.get_weights()]
    bias = values.pop() if conv.use_bias else 0.0
    *before, kernel = values  # (rows, columns, inputs, channels); depthwise: their product is
    is_depthwise = isinstance(conv, keras.layers.DepthwiseConv2D)
    scale = 1.0 / np.sqrt(np.asarray(norm.moving_variance, np.float64) + norm.epsilon)
    if norm.scale:
        scale = scale * np.asarray(norm.gamma, np.float64)
    beta = np.asarray(norm.beta, np.float64) if norm.center else 0.0
    folded = beta + (bias - np.asarray(norm.moving_mean, np.float64)) * scale
    kernel = kernel * scale.reshape(kernel.shape[2:] if is_depthwise else -1)
    return [value.astype(np.float32) for value in (*before, kernel, folded)]


class _Folded(keras.layers.Layer):  # type: ignore[misc]
    """Stands where a folded batch norm was, so that its name still can be asked for."""

    def call(self, inputs: tf.Tensor, training: object = None, mask: object = None) -> tf.Tensor:
        """The input; the arguments are those of a batch norm."""
        del training, mask
        return inputs


class _Dense(keras.layers.Dense):  # type: ignore[misc]
    """A dense layer as one product an image.

    In one product of all images, the last bits of the gradient depend on the size of the batch.
    """

    def call(self, inputs: tf.Tensor, training: object = None) -> tf.Tensor:
        """(batch, features) to (batch, units); the arguments are those of a dense layer."""
        del training
        kernel = keras.ops.convert_to_tensor(self.kernel)
        values = tf.matmul(inputs[:, None, :], kernel)[:, 0]  # (batch, 1, units) before the cut
        values = values + self.bias if self.use_bias else values
        return values if self.activation is None else self.activation(values)

"""Folding batch norms into the convolutions before them.

y = gamma (w x + b - mean) / sqrt(variance + epsilon) + beta is a convolution with kernel w s and
bias beta + (b - mean) s, where s = gamma / sqrt(variance + epsilon).
"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from pipeline.models import activation, parents


def fold(model: keras.Model, relu: Callable[[tf.Tensor], tf.Tensor]) -> keras.Model:
    """A copy with batch norms folded, `relu` for every plain ReLU, and a free image size.

    A norm is left alone where something else reads its convolution, or where it is not plain.
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
        for parent in parents(layer):
            readers.setdefault(parent, []).append(layer)
    outputs = {tensor._keras_history.operation.name for tensor in model.outputs}
    return {
        layer.name: readers[layer.name][0].name
        for layer in model.layers
        if type(layer) is keras.layers.Conv2D
        and activation(layer) == "linear"
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
    return activation(layer) == "relu"


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

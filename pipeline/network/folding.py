"""Folding batch norms into the convolutions before them.

y = gamma (w x + b - mean) / sqrt(variance + epsilon) + beta is a convolution with kernel w s and
bias beta + (b - mean) s, where s = gamma / sqrt(variance + epsilon). Depthwise convolutions fold as
well, and separable ones by their second kernel.
"""

from collections import Counter
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from pipeline.model import keras_private
from pipeline.model.graph import CONVOLUTIONS, activation, copied, copy_weights, parents
from pipeline.network import last
from pipeline.network.living import Living, Relu, Revival


def fold(
    model: keras.Model,
    revival: Revival | None = None,
    *,
    is_living: bool = False,
    silent: Sequence[str] = (),
) -> keras.Model:
    """A float32 copy with batch norms folded, its last activations revived, and a free image size.

    A norm is left alone where something else reads its convolution, where no convolution stands
    before it, or where either is not plain. An activation is revived where no other stands between
    it and an output. The image size stays fixed where the network works for no other.

    Args:
        model: a functional model of images (batch, height, width, channels).
        revival: revives them; none are, if nothing is said.
        is_living: whether other activations than plain ReLUs are revived, too.
        silent: names of more that are revived, see `last.silent_at_grey`.

    Returns:
        A model with the outputs of `model`, and the names of its layers.
    """
    pairs = _foldable(model)
    revived = {} if revival is None else last.activations(model, is_living=is_living, silent=silent)

    def clone(layer: keras.Operation) -> keras.Operation:
        if revival is None or layer.name not in revived:
            return _clone(layer, pairs)
        return _reviving(layer, _clone(layer, {}), revival, revived[layer.name])

    def build(shape: tuple[int | None, ...]) -> keras.Model:
        image = keras.Input(shape[1:])
        return keras.models.clone_model(model, input_tensors=image, clone_function=clone)

    try:
        folded = build((None, None, None, model.input_shape[3]))
        _try_another_size(folded, model.input_shape)
    except (ValueError, TypeError, tf.errors.OpError):
        folded = build(model.input_shape)
    _set_weights(folded, model, pairs)
    return folded


def _try_another_size(folded: keras.Model, shape: tuple[int | None, ...]) -> None:
    """Raise a ValueError where a reshape works only for the size that a model was built with."""
    _, height, width, channels = shape
    if height is not None and width is not None:
        shapes = folded.compute_output_shape((1, height + 32, width + 32, channels))
        if {shape[0] for shape in (shapes if isinstance(shapes, list) else [shapes])} != {1}:
            raise ValueError("a reshape makes several images of one")


def _clone(layer: keras.Operation, pairs: dict[str, str]) -> keras.Operation:
    """A layer without its weights, as the folded network has it."""
    if layer.name in pairs.values():
        return Folded(name=layer.name)
    config = layer.get_config()
    if "dtype" in config and getattr(layer, "quantization_mode", None) is None:
        config["dtype"] = "float32"
    if layer.name in pairs:
        config["use_bias"] = True
    return _Dense.from_config(config) if _is_plain_dense(layer) else copied(layer, config)


def _reviving(
    layer: keras.Operation, copy: keras.Operation, revival: Revival, found: last.Last
) -> keras.Layer:
    """The copy of a layer or operation, without its weights, with a living activation."""
    alive: Relu | Living = revival.relu
    if found.curve is not None:
        alive = revival.living(last.function(copy), found.curve, is_read=found.is_read)
    if last.has_own(layer):
        copy.activation = alive
        return copy
    is_weighted = isinstance(layer, keras.Layer) and layer.weights
    return _Alive(copy, alive) if is_weighted else keras.layers.Activation(alive, name=layer.name)


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


class Folded(keras.layers.Layer):  # type: ignore[misc]
    """Stands where a folded batch norm was, so that its name still can be asked for."""

    def call(self, inputs: tf.Tensor, training: object = None, mask: object = None) -> tf.Tensor:
        """The input; the arguments are those of a batch norm."""
        del training, mask
        return inputs


class _Alive(keras.layers.Layer):  # type: ignore[misc]
    """An activation with weights, such as PReLU, whose gradient lives."""

    def __init__(self, inner: keras.Layer, alive: Relu | Living) -> None:
        super().__init__(name=inner.name)
        self.inner = inner
        self._alive = alive

    def build(self, shape: tuple[int | None, ...]) -> None:
        """Make the weights of the activation."""
        self.inner.build(shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """The activation of a tensor."""
        return self._alive(inputs)


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

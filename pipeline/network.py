"""The network whose units are visualised: truncated, frozen, folded; images in, activations out.

Reading files is in `models`, folding in `folding`, the gradient of silent ReLUs in `relu`.
"""

import keras
import tensorflow as tf

from pipeline.architecture import Architecture, Layer
from pipeline.errors import ConfigError, UnitError, WeightsError
from pipeline.folding import fold
from pipeline.models import classifier, operations, parents, read
from pipeline.relu import Relu
from pipeline.weights import Weights

CLASSES = "classes"
"""The name under which a `Network` returns the logits."""


class Network:
    """A truncated, frozen, folded network.

    Attributes:
        outputs: names of the layers it returns; `CLASSES` stands for the logits.
        fixed_size: the only image side it takes, or None where it takes any.
    """

    def __init__(self, model: keras.Model, outputs: tuple[str, ...], relu: Relu) -> None:
        self.outputs = outputs
        self.fixed_size: int | None = model.input_shape[1]
        self.model = model
        self._relu = relu

    def __call__(self, images: tf.Tensor, *, revive: bool = False) -> dict[str, tf.Tensor]:
        """Activations of images.

        Args:
            images: (batch, height, width, 3) float32 in [-1, 1].
            revive: let the gradient pass ReLUs that are silent on a whole image, see `Relu`.

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
    model = read(weights)
    tensors = [_output(model, name) for name in outputs]
    relu = Relu()
    folded = fold(keras.Model(model.inputs[0], tensors), relu)
    folded.trainable = False
    return Network(folded, outputs, relu)


def describe(weights: Weights, image_size: int) -> Architecture:
    """List a network's layers with channels, at one image size.

    Raises:
        WeightsError: the file does not load.
        ConfigError: the network cannot take images of `image_size` px.
    """
    model = read(weights)
    has_classes = classifier(model) is not None
    sized = _resized(model, image_size, weights)
    leading: dict[str, frozenset[tuple[str, int]]] = {}
    layers: dict[str, Layer] = {}
    reads = parents(sized)
    for depth, layer in enumerate(sized.operations):
        lead = frozenset().union(*(leading.get(name, ()) for name in reads[layer.name]))
        leading[layer.name] = lead | {(layer.name, operations(layer))}
        shape = _shape(layer)
        if len(shape) == 4 and isinstance(layer, keras.Layer) and reads[layer.name]:
            cost = sum(count for _, count in leading[layer.name])
            layers[layer.name] = Layer(layer.name, depth, shape[3], shape[1], shape[2], cost)
    total = sum(operations(layer) for layer in sized.operations)
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
    if any(0 in _shape(layer) for layer in sized.operations):
        raise ConfigError(_too_small(size, model))
    return sized


def _shape(layer: keras.Operation) -> tuple[int, ...]:
    """The shape of what a layer returns; empty where it returns several tensors."""
    return tuple(getattr(layer.output, "shape", ()))


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


def _output(model: keras.Model, name: str) -> keras.KerasTensor:
    if name != CLASSES:
        try:
            return model.get_layer(name).output
        except ValueError as error:
            raise UnitError(f"the network has no layer {name!r}") from error
    logits = classifier(model)
    if logits is None:
        raise WeightsError(
            "these weights have no classifier, so no logits and no softmax: use "
            "`model.weights: imagenet`, or a model file of yours with its classifier"
        )
    return logits

"""The network whose units are visualised: truncated, frozen, folded; images in, activations out.

Reading files is in `models`, folding in `folding`, the gradient of silent ReLUs in `relu`.
"""

import keras
import tensorflow as tf

from pipeline.architecture import CLASSES, Architecture, Layer
from pipeline.device import Compiler, Precision
from pipeline.errors import ConfigError, UnitError, WeightsError
from pipeline.folding import fold
from pipeline.models import classifier, copied, operations, parents, read, span
from pipeline.relu import Relu
from pipeline.weights import Weights

FEATURES = "/features"
"""The name under which a `Network` returns the deepest map that its logits come from."""


class Network:
    """A truncated, frozen, folded network.

    Attributes:
        outputs: names of the layers it returns; `CLASSES` stands for the logits, `FEATURES` for
            the deepest map that the logits come from.
        fixed_size: the only image side it takes, or None where it takes any.
    """

    def __init__(
        self,
        model: keras.Model,
        outputs: tuple[str, ...],
        relu: Relu,
        span: tuple[float, float] = (-1.0, 1.0),
        compiler: Compiler = "graph",
    ) -> None:
        self.outputs = outputs
        self.fixed_size: int | None = model.input_shape[1]
        self.model = model
        self._relu = relu
        self._span = span
        self._run = tf.function(self._pass, jit_compile=True) if compiler == "xla" else self._pass

    def __call__(self, images: tf.Tensor, *, revive: bool = False) -> dict[str, tf.Tensor]:
        """Activations of images.

        Args:
            images: (batch, height, width, 3) float32 in [-1, 1].
            revive: let the gradient pass ReLUs that are silent on a whole image, see `Relu`.

        Returns:
            By layer name (batch, rows, columns, channels); for `CLASSES` (batch, classes) logits;
            float32 all of them.
        """
        if self.fixed_size not in (None, images.shape[1]):
            images = tf.image.resize(images, (self.fixed_size, self.fixed_size))
        return dict(zip(self.outputs, self._run(images, revive), strict=True))

    def _pass(self, images: tf.Tensor, revive: bool) -> list[tf.Tensor]:
        black, white = self._span
        if (black, white) != (-1.0, 1.0):
            images = (images + 1.0) * ((white - black) / 2.0) + black
        with self._relu.reviving(revive):
            values = self.model(images, training=False)
        values = values if isinstance(values, list | tuple) else [values]
        return [tf.cast(value, tf.float32) for value in values]

    def map_size(self, size: int) -> tuple[int, int]:
        """Rows and columns of the first output's map for images of `size` px; (1, 1) of classes."""
        side = self.fixed_size or size
        shape = self.model.compute_output_shape((1, side, side, 3))
        first = shape[0] if isinstance(shape, list) else shape
        return (first[1], first[2]) if len(first) == 4 else (1, 1)


def load(
    weights: Weights,
    outputs: tuple[str, ...],
    precision: Precision = "float32",
    compiler: Compiler = "graph",
    span: tuple[float, float] = (-1.0, 1.0),
) -> Network:
    """Load the part of a network that leads to some outputs.

    Batch norms are folded into the convolutions before them where nothing else reads those, and
    no parameter is trainable.

    Args:
        weights: the resolved weights file.
        outputs: layer names, `CLASSES` for the logits, or `FEATURES`.
        precision: what layers compute in; parameters stay float32 (Micikevicius et al., 2018).
        compiler: what compiles the network.
        span: what black and white are to the network.

    Raises:
        WeightsError: the file does not load, or has no classifier and `CLASSES` is asked for.
        UnitError: a layer that is not there.
    """
    model = read(weights)
    tensors = [_output(model, name) for name in outputs]
    relu = Relu()
    folded = fold(keras.Model(model.inputs[0], tensors), relu)
    folded.trainable = False
    if precision != "float32":
        for layer in folded.layers:
            layer.dtype_policy = keras.DTypePolicy(f"mixed_{precision}")
    return Network(folded, outputs, relu, span, compiler)


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
    return Architecture(model.name, image_size, layers, classes, total, span(model))


def _resized(model: keras.Model, size: int, weights: Weights) -> keras.Model:
    """The model for square images of one size, to learn the shapes of its maps."""
    height, width = model.input_shape[1:3]
    fixed = f"{height} x {width}" if height != width else f"{height}"
    only = ConfigError(
        f"image.size: the network in {weights.path} takes only images of {fixed} px, not {size}"
        + (f"; set image.size: {height}" if height == width else ": it cannot be visualised yet")
    )
    if (height, width) not in ((None, None), (size, size)):
        relaxed = _try_any_size(model)
        if relaxed is None:
            raise only
        model = relaxed
    try:
        image = keras.Input((size, size, 3))
        sized = keras.models.clone_model(model, input_tensors=image, clone_function=copied)
    except (ValueError, tf.errors.OpError) as error:
        raise (_too_small(size, model) if height is None else only) from error
    if any(0 in _shape(layer) for layer in sized.operations):
        raise _too_small(size, model)
    return sized


def _shape(layer: keras.Operation) -> tuple[int, ...]:
    """The shape of what a layer returns; empty where it returns several tensors."""
    return tuple(getattr(layer.output, "shape", ()))


def _too_small(size: int, model: keras.Model) -> ConfigError:
    hint = "; it needs 75 px or more" if model.name == "inception_v3" else ""
    return ConfigError(
        f"image.size: {size} px is too small for {model.name}: one of its layers would have an "
        f"empty map{hint}"
    )


def _try_any_size(model: keras.Model) -> keras.Model | None:
    """The model with a free image size, or None where it cannot be (a flatten before a dense)."""
    image = keras.Input((None, None, 3))
    try:
        return keras.models.clone_model(model, input_tensors=image, clone_function=copied)
    except (ValueError, TypeError, tf.errors.OpError):
        return None


def _output(model: keras.Model, name: str) -> keras.KerasTensor:
    if name == FEATURES:
        shapes = {layer: _shape(layer) for layer in model.layers}
        maps = [of for of, shape in shapes.items() if len(shape) == 4 and shape[1:3] != (1, 1)]
        return maps[-1].output
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

"""The network whose units are visualised: truncated, frozen, folded; images in, activations out.

Reading files is in `model_file`, folding in `folding`, the gradient of what is flat in `living`.
"""

import re

import keras
import tensorflow as tf

from pipeline.config.schema import Compiler, Precision
from pipeline.config.weights import Weights
from pipeline.errors import UnitError, WeightsError
from pipeline.network.folding import fold
from pipeline.network.graph import classifier, shape_of
from pipeline.network.living import Revival
from pipeline.network.model_file import read
from pipeline.plan.architecture import CLASSES
from pipeline.plan.pixels import SPAN

FEATURES = "/features"
"""The name under which a `Network` returns the deepest map that its logits come from."""


class Network:
    """A truncated, frozen, folded network.

    Attributes:
        outputs: names of the layers it returns; `CLASSES` stands for the logits, `FEATURES` for
            the deepest map that the logits come from.
        fixed_size: the only image side it takes, or None where it takes any.
        is_living: whether other activations than plain ReLUs are revived.
    """

    def __init__(
        self,
        model: keras.Model,
        outputs: tuple[str, ...],
        revival: Revival,
        span: tuple[float, float] = SPAN,
        compiler: Compiler = "graph",
        *,
        is_living: bool = False,
    ) -> None:
        self.outputs = outputs
        self.fixed_size: int | None = model.input_shape[1]
        self.model = model
        self.is_living = is_living
        self._revival = revival
        self._span = span
        self._run = tf.function(self._pass, jit_compile=True) if compiler == "xla" else self._pass

    def __call__(self, images: tf.Tensor, *, revive: bool = False) -> dict[str, tf.Tensor]:
        """Activations of images.

        Args:
            images: (batch, height, width, 3) float32 in [-1, 1].
            revive: let the gradient pass activations that are silent on a whole image.

        Returns:
            By layer name (batch, rows, columns, channels); for `CLASSES` (batch, classes) logits;
            float32 all of them.
        """
        if self.fixed_size not in (None, images.shape[1]):
            images = tf.image.resize(images, (self.fixed_size, self.fixed_size))
        return dict(zip(self.outputs, self._run(images, revive), strict=True))

    def _pass(self, images: tf.Tensor, revive: bool) -> list[tf.Tensor]:
        black, white = self._span
        if (black, white) != SPAN:
            images = (images + 1.0) * ((white - black) / 2.0) + black
        with self._revival.reviving(revive):
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
    span: tuple[float, float] = SPAN,
    *,
    is_living: bool = False,
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
        is_living: whether other activations than plain ReLUs are revived, see `living`.

    Raises:
        WeightsError: the file does not load, or has no classifier and `CLASSES` is asked for.
        UnitError: a layer that is not there.
    """
    model = read(weights)
    tensors = [_output(model, name) for name in outputs]
    revival = Revival()
    folded = fold(keras.Model(model.inputs[0], tensors), revival, is_living=is_living)
    folded.trainable = False
    for number, layer in enumerate(folded.layers):
        if not re.fullmatch(r"[A-Za-z0-9.][\w.>-]*", layer.name, re.ASCII):
            layer.name = f"layer_{number}"  # TensorFlow refuses the others as names of scopes
    if precision != "float32":
        for layer in folded.layers:
            for part in (layer, getattr(layer, "inner", layer)):
                part.dtype_policy = keras.DTypePolicy(f"mixed_{precision}")
    return Network(folded, outputs, revival, span, compiler, is_living=is_living)


def _output(model: keras.Model, name: str) -> keras.KerasTensor:
    if name == FEATURES:
        shapes = {layer: shape_of(layer) for layer in model.layers}
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

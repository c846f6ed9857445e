"""The network whose units are visualised: truncated, frozen, folded; images in, activations out.

Reading files is in `model_file`, folding in `folding`, the gradient of what is flat in `living`.
"""

import re
from collections.abc import Mapping

import keras
import tensorflow as tf

from pipeline.config.schema import Compiler, Precision
from pipeline.config.weights import Weights
from pipeline.errors import UnitError, WeightsError
from pipeline.model.graph import shape_of
from pipeline.model.head import Head, chosen, heads
from pipeline.model.model_file import read
from pipeline.network import last
from pipeline.network.folding import fold
from pipeline.network.living import Revival
from pipeline.plan.architecture import CLASSES, PLAINLY, Reading, Squash
from pipeline.plan.pixels import SPAN, Range, bounds

FEATURES = "/features"
"""The name under which a `Network` returns the deepest map that its logits come from."""

_LUMA = (0.299, 0.587, 0.114)
"""What of red, green and blue makes grey (ITU-R BT.601), as in Pillow."""


class Network:
    """A truncated, frozen, folded network.

    Attributes:
        outputs: names of the layers it returns; `CLASSES` stands for the logits, `FEATURES` for
            the deepest map that the logits come from.
        fixed_size: the only image side it takes, or None where it takes any.
        is_living: whether other activations than plain ReLUs are revived.
        squash: what makes probabilities of its logits.
        colours: channels of the images it takes: three, or one of grey.
        feeder: where an ascent may begin with a lit map, the earlier layer of which each channel
            of the first output reads one; see `last.feeder`.
    """

    def __init__(
        self,
        model: keras.Model,
        outputs: tuple[str, ...],
        revival: Revival,
        reading: Reading = PLAINLY,
        compiler: Compiler = "graph",
        squash: Squash = "softmax",
        feeder: str | None = None,
    ) -> None:
        self.outputs = outputs
        self.fixed_size: int | None = model.input_shape[1]
        self.model = model
        self.is_living = reading.is_living
        self.squash = squash
        self.feeder = feeder
        self._revival = revival
        self._range = reading.range
        self._map_sizes: dict[int, tuple[int, int]] = {}
        self.colours: int = model.input_shape[3]
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
        images = _taken(images, self._range)
        if self.colours == 1:
            images = tf.reduce_sum(images * _LUMA, axis=3, keepdims=True)
        with self._revival.reviving(revive):
            values = self.model(images, training=False)
        values = values if isinstance(values, list | tuple) else [values]
        return [tf.cast(value, tf.float32) for value in values]

    def returning(self, tensors: Mapping[str, keras.KerasTensor]) -> "Network":
        """The same network, with some of its tensors among the outputs, by the names given."""
        model = keras.Model(self.model.inputs[0], [*self.model.outputs, *tensors.values()])
        reading = Reading(self._range, is_living=self.is_living)
        names = (*self.outputs, *tensors)
        return Network(model, names, self._revival, reading, squash=self.squash)

    def map_size(self, size: int) -> tuple[int, int]:
        """Rows and columns of the first output's map for images of `size` px; (1, 1) of classes."""
        if size not in self._map_sizes:  # Keras takes as long to tell as for two images
            side = self.fixed_size or size
            shape = self.model.compute_output_shape((1, side, side, self.model.input_shape[3]))
            first = shape[0] if isinstance(shape, list) else shape
            self._map_sizes[size] = (first[1], first[2]) if len(first) == 4 else (1, 1)
        return self._map_sizes[size]


def load(
    weights: Weights,
    outputs: tuple[str, ...],
    reading: Reading = PLAINLY,
    precision: Precision = "float32",
    compiler: Compiler = "graph",
) -> Network:
    """Load the part of a network that leads to some outputs.

    Batch norms are folded into the convolutions before them where nothing else reads those, and
    no parameter is trainable.

    Args:
        weights: the resolved weights file.
        outputs: layer names, `CLASSES` for the logits, or `FEATURES`.
        reading: how the network is read.
        precision: what layers compute in; parameters stay float32 (Micikevicius et al., 2018).
        compiler: what compiles the network.

    Raises:
        WeightsError: the file does not load, or has no classifier and `CLASSES` is asked for.
        UnitError: a layer that is not there.
    """
    found = read(weights)
    head = chosen(found, heads(found), reading.output) if CLASSES in outputs else None
    tensors = [_output(found.model, name, head) for name in outputs]
    revival = Revival()
    part = keras.Model(found.model.inputs[0], tensors)
    silent = last.silent_at_grey(part, reading.range) if reading.is_living else ()
    feeder = last.feeder(part) if reading.begins_lit else None
    folded = fold(part, revival, is_living=reading.is_living, silent=silent)
    folded.trainable = False
    for number, layer in enumerate(folded.layers):
        if not re.fullmatch(r"[A-Za-z0-9.][\w.>-]*", layer.name, re.ASCII):
            layer.name = f"layer_{number}"  # TensorFlow refuses the others as names of scopes
    if precision != "float32":
        for layer in folded.layers:
            for part in (layer, getattr(layer, "inner", layer)):
                part.dtype_policy = keras.DTypePolicy(f"mixed_{precision}")
    squash = "softmax" if head is None else head.squash
    return Network(folded, outputs, revival, reading, compiler, squash, feeder)


def _taken(images: tf.Tensor, range_: Range) -> tf.Tensor:
    """Images of [-1, 1] as a network takes them."""
    if range_ == SPAN:
        return images
    if isinstance(range_, tuple):
        black, white = range_
        return (images + 1.0) * ((white - black) / 2.0) + black
    lows, highs = (tf.constant(end, tf.float32) for end in bounds(range_))
    ordered = images[..., ::-1] if range_ == "caffe" else images
    return (ordered + 1.0) * ((highs - lows) / 2.0) + lows


def _output(model: keras.Model, name: str, head: Head | None) -> keras.KerasTensor:
    if name == FEATURES:
        shapes = {layer: shape_of(layer) for layer in model.layers}
        maps = [of for of, shape in shapes.items() if len(shape) == 4 and shape[1:3] != (1, 1)]
        return maps[-1].output
    if name != CLASSES:
        try:
            return model.get_layer(name).output
        except ValueError as error:
            raise UnitError(f"the network has no layer {name!r}") from error
    if head is None:
        raise WeightsError(
            "these weights have no classifier, so no logits and no softmax: use `model.weights: "
            "lite0` or `imagenet`, or a model file of yours with its classifier"
        )
    return head.logits

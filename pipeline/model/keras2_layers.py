"""The layers and operations of Keras 2, each as what Keras 3 has for it.

Initializers, regularizers and constraints are left out: they have no part in a trained network's
values.
"""

import inspect
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from pipeline.model import keras_private


class StrangeError(ValueError):
    """Something in a file of Keras 2 has no like in Keras 3; reads on from "Keras 2, and"."""


@keras.saving.register_keras_serializable("keras2")  # type: ignore[untyped-decorator]
def hard_sigmoid(x: Any) -> Any:
    """Hard sigmoid as in Keras 2, 0.2 x + 0.5; that of Keras 3 is x / 6 + 0.5."""
    return ops.clip(x * 0.2 + 0.5, 0.0, 1.0)


def name_of(name: str) -> str:
    """The name in Keras 3, which takes no `/` in names."""
    return name.replace("/", ".")


def plain(value: Any) -> Any:
    """What is in a file, with lists for all that its JSON says is a tuple, shape or array."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") in ("__tuple__", "TensorShape"):
        return plain(value["items"])
    if value.get("class_name") in ("__numpy__", "__tensor__", "__ndarray__"):
        return plain(value["config"]["value"])
    return {key: plain(each) for key, each in value.items()}


def made(entry: dict[str, Any]) -> keras.Layer:
    """A layer of Keras 3 for one of Keras 2, without its weights."""
    kind, given = entry["class_name"], entry["config"]
    name = given.get("name") or entry["name"]
    if kind == "Lambda":
        raise StrangeError(f"its layer {name} is a Lambda, Python code, which is not run")
    make = _OTHERS.get(kind) or getattr(keras.layers, _RENAMED.get(kind, kind), None)
    if not (inspect.isclass(make) and issubclass(make, keras.Layer)):
        raise StrangeError(f"its layer {name} is a {kind}, which Keras 3 does not have")
    config = {key: value for key, value in given.items() if not key.endswith(_UNUSED)}
    config = _MENDED.get(kind, dict)(config)
    for key in [key for key in config if key.endswith("activation")]:
        config[key] = _activation(config[key])
    if isinstance(config.get("layer"), dict):  # of a layer around a layer
        config["layer"] = made(config["layer"])
    config |= {"name": name_of(name), "dtype": _dtype(given.get("dtype"))}
    known = _taken(make)
    for key in [key for key in config if key not in known]:
        if config.pop(key) not in _NOTHING and key not in _HARMLESS:
            raise StrangeError(f"its layer {name} ({kind}) has {key}, which Keras 3 does not have")
    return make(**config)


def _taken(make: type[keras.Layer]) -> set[str]:
    """The settings that a layer takes, with those that it hands to the classes it is made of."""
    taken: set[str] = set()
    for base in make.__mro__:
        if "__init__" not in vars(base):
            continue
        parameters = inspect.signature(vars(base)["__init__"]).parameters
        taken |= set(parameters)
        if not any(each.kind is each.VAR_KEYWORD for each in parameters.values()):
            break
    return taken


_UNUSED = ("_initializer", "_regularizer", "_constraint", "trainable")
_NOTHING: tuple[Any, ...] = (None, False, 1, [])
"""Values of a setting that say nothing."""
_HARMLESS = (
    "rng_type", "batch_input_shape", "noise_shape", "query_shape", "key_shape", "value_shape",
)  # fmt: skip
"""Settings that change no value."""
_OTHERS = {"LayerScale": keras_private.LAYER_SCALE}
_RENAMED = {
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "SyncBatchNormalization": "BatchNormalization",
    "ThresholdedReLU": "ReLU",
    "FixedDropout": "Dropout",  # of the package efficientnet
}


def _dtype(policy: Any) -> str | None:
    """The name of a policy of precision; some of the first had none."""
    if isinstance(policy, dict):
        policy = policy["config"].get("name") or policy["config"].get("dtype")
    return None if policy in (None, "infer", "infer_with_float32_vars") else policy


def _activation(given: Any) -> Any:
    """An activation by its name, or a layer."""
    if isinstance(given, dict) and given["class_name"] == "function":
        given = given["config"]
    if isinstance(given, dict):
        return made({**given, "name": given["class_name"]})
    if given == "hard_sigmoid":
        return hard_sigmoid
    given = {"softmax_v2": "softmax"}.get(given, given)
    try:
        return keras.activations.get(given)
    except ValueError:
        raise StrangeError(f"its activation {given!r} is none of Keras'") from None


def _norm(config: dict[str, Any]) -> dict[str, Any]:
    axis = config.get("axis", -1)
    return {**config, "axis": axis[0] if isinstance(axis, list) else axis}


def _thresholded(config: dict[str, Any]) -> dict[str, Any]:
    return {"threshold": config["theta"]}


def _leaky(config: dict[str, Any]) -> dict[str, Any]:
    return {"negative_slope": config.get("alpha", 0.3)}


_MENDED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "BatchNormalization": _norm,
    "BatchNormalizationV1": _norm,
    "BatchNormalizationV2": _norm,
    "SyncBatchNormalization": _norm,
    "ThresholdedReLU": _thresholded,
    "LeakyReLU": _leaky,
}


def operation(entry: dict[str, Any]) -> Callable[[Any, dict[str, Any]], Any] | None:
    """What a TensorFlow operation between layers does, as (tensors, settings) to a tensor.

    None for a layer.
    """
    kind, config = entry["class_name"], entry["config"]
    if kind in ("TFOpLambda", "SlicingOpLambda"):
        what = config["function"]
    elif kind == "TensorFlowOpLayer":  # before TensorFlow 2.4
        what = config["node_def"]["op"]
    else:
        return None
    do = _OPERATIONS.get(what.lower()) or _OPERATIONS.get(what.rpartition(".")[2].lower())
    if do is None:
        raise StrangeError(f"its layer {config['name']} is an operation {what} of TensorFlow")
    if kind == "TensorFlowOpLayer":
        return lambda given, _: do(*_with_constants(given, config))
    known = inspect.signature(do).parameters

    def call(given: Any, settings: dict[str, Any]) -> Any:
        for key in settings.keys() - known.keys() - {"name"}:
            _only(settings[key], *_NOTHING, "NHWC")
        settings = {key: each for key, each in settings.items() if key in known}
        return do(given, **settings)

    return call


def _with_constants(given: Any, config: dict[str, Any]) -> list[Any]:
    """The arguments of an operation: tensors, and constants at the places that are theirs."""
    arguments = list(given) if isinstance(given, list) else [given]
    for place in sorted(config["constants"], key=int):
        arguments.insert(int(place), config["constants"][place])
    if config["node_def"]["op"] == "StridedSlice":
        arguments.append(config["node_def"]["attr"])
    return arguments


def _two(do: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    """An operation on two tensors, or on one and a number, or a list of numbers."""

    def call(x: Any, y: Any = None, bias: Any = None) -> Any:
        y = bias if y is None else y
        x, y = (np.asarray(each, "float32") if isinstance(each, list) else each for each in (x, y))
        return do(x, y)

    return call


def _over(do: Callable[..., Any]) -> Callable[..., Any]:
    """An operation that goes over axes."""

    def call(input_tensor: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return do(input_tensor, axis=axis, keepdims=keepdims)

    return call


def _only(given: Any, *taken: Any) -> None:
    if given not in taken:
        raise StrangeError(f"one of its operations has {given!r} where {taken[0]!r} is known here")


def _item(x: Any, slice_spec: Any) -> Any:
    return x[tuple(_slice(each) for each in slice_spec)]


def _slice(given: Any) -> Any:
    if not isinstance(given, dict):
        return given
    if given.get("class_name") == "__ellipsis__":
        return Ellipsis
    return slice(given["start"], given["stop"], given["step"])


def _strided(x: Any, begin: Any, end: Any, strides: Any, attributes: dict[str, Any]) -> Any:
    """`x[...]` as TensorFlow writes it: ends and steps, with a bit for each that is left out."""

    def has(mask: str, place: int) -> bool:
        return bool(int(attributes[f"{mask}_mask"].get("i", 0)) >> place & 1)

    def key(place: int) -> Any:
        if has("ellipsis", place):
            return Ellipsis
        if has("new_axis", place):
            return None
        if has("shrink_axis", place):
            return begin[place]
        first = None if has("begin", place) else begin[place]
        return slice(first, None if has("end", place) else end[place], strides[place])

    return x[tuple(key(place) for place in range(len(begin)))]


def _resize(
    images: Any,
    size: Any,
    method: str = "bilinear",
    preserve_aspect_ratio: bool = False,
    antialias: bool = False,
) -> Any:
    _only(preserve_aspect_ratio, False)
    return ops.image.resize(images, tuple(size), interpolation=method, antialias=antialias)


def _pad(tensor: Any, paddings: Any, mode: str = "CONSTANT", constant_values: float = 0) -> Any:
    value = constant_values if mode.upper() == "CONSTANT" else None
    return ops.pad(tensor, paddings, mode=mode.lower(), constant_values=value)


def _relu(x: Any, alpha: float = 0.0, max_value: float | None = None, threshold: float = 0) -> Any:
    return keras.activations.relu(x, alpha, max_value, threshold)


def _join(*given: Any) -> Any:
    *tensors, axis = given
    return ops.concatenate(tensors, axis=axis)


def _silu(features: Any, beta: float = 1.0) -> Any:
    _only(beta, 1.0)
    return ops.silu(features)


def _gelu(features: Any, approximate: bool = False) -> Any:
    return ops.gelu(features, approximate=approximate)


def _leaky_relu(features: Any, alpha: float = 0.2) -> Any:
    return ops.leaky_relu(features, negative_slope=alpha)


def _softmax(logits: Any, axis: int | None = None) -> Any:
    return ops.softmax(logits, axis=-1 if axis is None else axis)


def _concat(values: Any, axis: int) -> Any:
    return ops.concatenate(values, axis=axis)


def _cast(x: Any, dtype: str) -> Any:
    return ops.cast(x, dtype)


def _reshape(tensor: Any, shape: Any) -> Any:
    return ops.reshape(tensor, tuple(shape))


def _transpose(a: Any, perm: Any = None) -> Any:
    return ops.transpose(a, perm)


def _clip(t: Any, clip_value_min: float, clip_value_max: float) -> Any:
    return ops.clip(t, clip_value_min, clip_value_max)


_ONE: dict[str, Callable[[Any], Any]] = {
    "relu": ops.relu, "relu6": ops.relu6, "sigmoid": ops.sigmoid, "tanh": ops.tanh,
    "elu": ops.elu, "selu": ops.selu, "softplus": ops.softplus, "softsign": ops.softsign,
    "negative": ops.negative, "neg": ops.negative, "abs": ops.abs, "square": ops.square,
    "sqrt": ops.sqrt, "rsqrt": ops.rsqrt, "exp": ops.exp, "log": ops.log,
}  # fmt: skip
_TWO: dict[str, Callable[[Any, Any], Any]] = {
    "add": ops.add, "addv2": ops.add, "bias_add": ops.add, "biasadd": ops.add,
    "subtract": ops.subtract, "sub": ops.subtract, "multiply": ops.multiply, "mul": ops.multiply,
    "truediv": ops.true_divide, "divide": ops.true_divide, "realdiv": ops.true_divide,
    "pow": ops.power, "maximum": ops.maximum, "minimum": ops.minimum,
}  # fmt: skip
_MORE: dict[str, Callable[..., Any]] = {
    "silu": _silu, "swish": _silu, "gelu": _gelu, "leaky_relu": _leaky_relu, "softmax": _softmax,
    "concat": _concat, "concatv2": _join, "cast": _cast, "reshape": _reshape,
    "transpose": _transpose, "clip_by_value": _clip, "pad": _pad, "image.resize": _resize,
    "getitem": _item, "stridedslice": _strided, "expand_dims": ops.expand_dims,
    "squeeze": ops.squeeze,
    "reduce_mean": _over(ops.mean), "reduce_max": _over(ops.max), "reduce_min": _over(ops.min),
    "reduce_sum": _over(ops.sum),
}  # fmt: skip
_OPERATIONS = _ONE | {name: _two(do) for name, do in _TWO.items()} | _MORE
"""By the last word of TensorFlow's name for it, in small letters."""

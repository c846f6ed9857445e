"""Models that Keras 2 wrote, built again of the layers of Keras 3.

A file's graph is followed call by call, so that a layer that is something else today, or gone, is
built as what it was; how a layer is mended is in `keras2_layers`.
"""

import inspect
import io
import itertools
import json
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np

from pipeline.errors import WeightsError
from pipeline.model import keras_private
from pipeline.model.keras2_layers import StrangeError, made, name_of, operation, plain

_MODELS = ("Functional", "Model", "Sequential")
_CONSTANT = "_CONSTANT_VALUE"
"""Stands in the place of a layer's name before a number."""


def version(path: Path) -> str | None:
    """The version of Keras that wrote a whole model, or None where its file does not say."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if "metadata.json" not in archive.namelist():
                return None
            written = json.loads(archive.read("metadata.json")).get("keras_version")
    else:
        with h5py.File(path) as file:
            written = file.attrs.get("keras_version")
    return None if written is None else _text(written)


def wrote(path: Path) -> bool:
    """Whether it was Keras 2, or Keras 1."""
    return (version(path) or "").startswith(("1.", "2."))


def read(path: Path) -> keras.Model:
    """The model of a `.h5` or `.keras` file of Keras 2, with its weights.

    Raises:
        WeightsError: something in it is not to be had in Keras 3, or is Python code.
    """
    try:
        with ExitStack() as stack:
            if zipfile.is_zipfile(path):
                archive = stack.enter_context(zipfile.ZipFile(path))
                weights = io.BytesIO(archive.read("model.weights.h5"))
                model = _built(json.loads(archive.read("config.json")))
                _load_by_place(model, stack.enter_context(h5py.File(weights)), set())
            else:
                file = stack.enter_context(h5py.File(path))
                model = _built(json.loads(_text(file.attrs["model_config"])))
                _load_by_name(model, file["model_weights"])
    except StrangeError as strange:
        raise WeightsError(
            f"the weights file {path} was written by Keras {version(path)}, and {strange}: load it "
            "with that Keras, or with the package tf_keras; build the network in Keras 3 without "
            "that, give it the weights (get_weights, set_weights) and save it as .keras"
        ) from strange
    return model.layer


@dataclass
class _Part:
    """A layer of a file, or a model in a model with the layers in it, in the file's order.

    Attributes:
        name: what it is called there.
        kind: its class there.
        layer: what was built for it; None for an input or an operation, which have no weights.
        is_trainable: whether it was, which tells the order of its weights.
        parts: the layers of a model.
    """

    name: str
    kind: str
    layer: Any = None
    is_trainable: bool = True
    parts: list["_Part"] = field(default_factory=list)

    def leaves(self) -> list["_Part"]:
        """The layers with weights that are no models."""
        if self.parts:
            return [leaf for part in self.parts for leaf in part.leaves()]
        return [self] if self.layer is not None and self.layer.weights else []


def _built(entry: dict[str, Any]) -> _Part:
    if entry["class_name"] not in _MODELS:
        raise StrangeError(f"its class {entry['class_name']} is Python code, which is not in it")
    return _Builder().model(plain(entry))


class _Builder:
    """Builds models; a layer that several of them share is built once."""

    def __init__(self) -> None:
        self._shared: dict[int, _Part] = {}

    def model(self, entry: dict[str, Any], given: Any = None) -> _Part:
        """A model; `given` is the first tensor that a model in a model is called with."""
        config = entry["config"]
        config = {"layers": config} if isinstance(config, list) else config  # before Keras 2.2.3
        part = _Part(config.get("name", "sequential"), entry["class_name"])
        part.is_trainable = config.get("trainable", True)
        if entry["class_name"] == "Sequential":
            inputs, outputs = self._sequential(config, part, given)
        else:
            inputs, outputs = self._functional(config, part)
        part.layer = keras.Model(inputs, outputs, name=name_of(part.name))
        return part

    def _sequential(self, config: dict[str, Any], model: _Part, given: Any) -> tuple[Any, Any]:
        first, *others = config["layers"]
        shape = _shape(first) or config.get("build_input_shape") or getattr(given, "shape", None)
        if shape is None:
            raise StrangeError(f"its model {model.name} was never built, so takes no images")
        if first["class_name"] != "InputLayer":
            others = [first, *others]
            first = {"config": {"name": f"{model.name}_input", "batch_input_shape": shape}}
        image = tensor = _input(first["config"])
        for entry in others:
            tensor = self._call(entry, model, 0, tensor, {})
        return image, tensor

    def _functional(self, config: dict[str, Any], model: _Part) -> tuple[Any, Any]:
        values: dict[str, list[Any]] = {}
        starts = _first_calls(config)
        todo = []
        for entry in config["layers"]:
            values[entry["name"]] = []
            if entry["class_name"] == "InputLayer":
                values[entry["name"]].append(_input(entry["config"]))
                model.parts.append(_Part(entry["name"], "InputLayer"))
            todo += [(entry, node) for node in entry["inbound_nodes"]]

        def at(name: str, call: int, tensor: int) -> Any:
            value = values[name][call - starts.get(name, 0)]
            return value[tensor] if isinstance(value, list | tuple) else value

        while todo:
            later: list[tuple[dict[str, Any], Any]] = []
            for entry, node in todo:
                calls = values[entry["name"]]
                waits = any(entry is other for other, _ in later)  # its calls are in order
                try:
                    given, settings = (None, None) if waits else _arguments(node, at)
                except (KeyError, IndexError):  # it reads what is not there yet
                    waits = True
                if waits:
                    later.append((entry, node))
                else:
                    calls.append(self._call(entry, model, len(calls), given, settings))
            if len(later) == len(todo):
                raise StrangeError(f"its layer {later[0][0]['name']} reads what is not there")
            todo = later
        order = [entry["name"] for entry in config["layers"]]
        model.parts.sort(key=lambda part: order.index(part.name))
        ends = ("input_layers", "output_layers")
        inputs, outputs = ([at(*leaf[:3]) for leaf in _leaves(config[end])] for end in ends)
        return inputs, outputs

    def _call(
        self, entry: dict[str, Any], model: _Part, count: int, given: Any, settings: Any
    ) -> Any:
        """What a layer makes of tensors; with its first call it joins the parts of its model."""
        name = entry.get("name") or entry["config"]["name"]
        try:
            call = operation(entry)
            if call is not None:
                value = call(given, settings)
                if not count:
                    model.parts.append(_Part(name, entry["class_name"]))
                return _named(value, given, f"{name}_{count}" if count else name)
            if isinstance(given, list) and len(given) == 1:
                (given,) = given
            layer = self._part(entry, name, model, given).layer
            known = inspect.signature(layer.call).parameters
            settings = {key: value for key, value in settings.items() if key in known}
            return layer(given, **settings)
        except StrangeError:
            raise
        except Exception as error:  # Keras raises many types for settings that it does not take
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
            kind = entry["class_name"]
            raise StrangeError(f"its layer {name} ({kind}) cannot be built: {reason}") from error

    def _part(self, entry: dict[str, Any], name: str, model: _Part, given: Any) -> _Part:
        for called in model.parts:
            if called.name == name:
                return called
        known = entry.get("shared_object_id")
        part: _Part | None = None if known is None else self._shared.get(known)
        if part is None:
            if entry["class_name"] in _MODELS:
                part = self.model(entry, given)
            else:
                is_trainable = entry["config"].get("trainable", True)
                part = _Part(name, entry["class_name"], made(entry), is_trainable)
        if known is not None:
            self._shared[known] = part
        model.parts.append(part)
        return part


def _input(config: dict[str, Any]) -> keras.KerasTensor:
    shape = tuple(_shape({"config": config}) or ())
    return keras.Input(batch_shape=shape, dtype=config.get("dtype"), name=name_of(config["name"]))


def _shape(entry: dict[str, Any]) -> list[int | None] | None:
    """The shape of images that a layer says it takes, as the first of a model does."""
    config = entry["config"]
    if isinstance(config, list) or "layers" in config:  # a model
        return _shape((config if isinstance(config, list) else config["layers"])[0])
    shape: list[int | None] | None = config.get("batch_input_shape") or config.get("batch_shape")
    return shape


def _named(value: Any, given: Any, name: str) -> Any:
    """Give an operation the name of the layer that it is for."""
    if isinstance(value, keras.KerasTensor) and value is not given:
        keras_private.source(value).name = name_of(name)
    return value


def _arguments(node: Any, at: Callable[[str, int, int], Any]) -> tuple[Any, dict[str, Any]]:
    """What a layer is called with: a tensor, a list or a dictionary of these, and settings."""
    settings: dict[str, Any] = {}

    def resolve(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: resolve(each) for key, each in value.items()}
        if not _is_leaf(value):
            return [resolve(each) for each in value] if isinstance(value, list) else value
        if len(value) == 4:
            settings.update({key: resolve(each) for key, each in value[3].items()})
        return value[2] if value[0] == _CONSTANT else at(*value[:3])

    given = resolve(node)
    return given, settings


def _is_leaf(value: Any) -> bool:
    """Whether a value of a graph means what a layer's call returns: a name and two numbers."""
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and isinstance(value[1], int)
    )


def _leaves(value: Any) -> Iterator[list[Any]]:
    """All values of a part of a graph that mean what a layer returns."""
    if _is_leaf(value):
        yield value
    if isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _leaves(each)


def _first_calls(config: dict[str, Any]) -> dict[str, int]:
    """By a model in a model the number of its first call: 1, but for some that were built late."""
    models = {entry["name"] for entry in config["layers"] if entry["class_name"] in _MODELS}
    calls: dict[str, int] = {}
    nodes = [entry["inbound_nodes"] for entry in config["layers"]]
    for name, call, *_ in _leaves([*nodes, config["output_layers"]]):
        if name in models:
            calls[name] = min(call, calls.get(name, call))
    return calls


def _load_by_name(model: _Part, group: h5py.Group) -> None:
    """The weights of a `.h5` file: a group a layer, and one for all that is in a model in it."""
    for part in model.parts:
        values = [(name, group[part.name][name][()]) for name in _names(group[part.name])]
        leaves = part.leaves()
        pairs = _by_owner(leaves, values) if part.parts else None
        if pairs is None:
            train, rest = _ordered(part)
            if len(values) != len(train) + len(rest):
                raise _does_not_fit(part, len(values), len(train) + len(rest))
            pairs = list(zip(train + rest, (value for _, value in values), strict=True))
        for variable, value in pairs:
            if tuple(variable.shape) != value.shape:
                raise _does_not_fit(part, value.shape, tuple(variable.shape))
            variable.assign(value)
        for leaf in leaves:
            if isinstance(leaf.layer, keras.layers.Normalization):
                leaf.layer.finalize_state()  # it computes with what it derives from its weights


def _by_owner(
    leaves: list[_Part], values: list[tuple[str, np.ndarray]]
) -> list[tuple[Any, np.ndarray]] | None:
    """Each variable with its value, by names such as `conv/kernel:0`; None where these differ."""
    owned: dict[int, list[np.ndarray]] = {id(leaf): [] for leaf in leaves}
    for name, value in values:
        owners = [leaf for leaf in leaves if f"/{leaf.name}/" in f"/{name}"]
        if not owners:
            return None
        owned[id(max(owners, key=lambda leaf: len(leaf.name)))].append(value)
    pairs: list[tuple[Any, np.ndarray]] = []
    for leaf in leaves:
        variables = [*itertools.chain(*_ordered(leaf))]
        if [tuple(each.shape) for each in variables] != [each.shape for each in owned[id(leaf)]]:
            return None
        pairs += zip(variables, owned[id(leaf)], strict=True)
    return pairs


def _ordered(part: _Part) -> tuple[list[Any], list[Any]]:
    """The variables of a layer, those that train and those that do not, as Keras 2 lists them."""
    if part.parts:
        inner = [_ordered(each) for each in part.parts]
        train, rest = ([each for pair in inner for each in pair[i]] for i in (0, 1))
        every = [each for pair in inner for each in (*pair[0], *pair[1])]
    elif part.layer is None:
        return [], []
    else:
        train, rest = part.layer.trainable_weights, part.layer.non_trainable_weights
        every = [*train, *rest]
    return (train, rest) if part.is_trainable else ([], every)


def _load_by_place(model: _Part, group: h5py.Group, seen: set[int]) -> None:
    """The weights of a `.keras` file: a group a layer, named by its class and counted."""
    place = group.get("layers", group.get("_layer_checkpoint_dependencies", {}))
    counts: Counter[str] = Counter()
    for part in model.parts:
        key = id(part if part.layer is None else part.layer)
        if key in seen:  # it is shared, and stands where it came first
            continue
        seen.add(key)
        kind = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", part.kind)
        kind = re.sub("([a-z])([A-Z])", r"\1_\2", kind).lower()
        name = f"{kind}_{counts[kind]}" if counts[kind] else kind
        counts[kind] += 1
        if part.parts:
            _load_by_place(part, place.get(name, {}), seen)
        elif part.layer is not None:
            count = _load_own(part.layer, place.get(name, {}))
            if count != len(part.layer.weights):
                raise _does_not_fit(part, count, len(part.layer.weights))


def _load_own(layer: keras.Layer, group: Any) -> int:
    """Give a layer, and the layers in it, the values of a group; how many these are."""
    values = {key: value[()] for key, value in group.get("vars", {}).items()}
    if values:
        layer.load_own_variables(values)
    inner = [(getattr(layer, key, None), group[key]) for key in group if key != "vars"]
    return len(values) + sum(_load_own(*each) for each in inner if isinstance(each[0], keras.Layer))


def _does_not_fit(part: _Part, came: object, expected: object) -> StrangeError:
    return StrangeError(f"its layer {part.name} ({part.kind}) has weights {came}, not {expected}")


def _names(group: h5py.Group) -> list[str]:
    """The names of a group's weights; where they are many, they are in several attributes."""
    numbered = (f"weight_names{count}" for count in itertools.count())
    keys = ["weight_names"] if "weight_names" in group.attrs else []
    keys += itertools.takewhile(lambda key: key in group.attrs, numbered)
    return [_text(name) for key in keys for name in group.attrs[key]]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)

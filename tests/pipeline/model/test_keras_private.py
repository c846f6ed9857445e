"""What is used of Keras beyond its public names is there, and is used in one module only."""

import ast
import functools
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import pytest
from keras import layers

from pipeline.model import keras_private

ROOT = Path(__file__).parents[3]
SOURCES = ("pipeline", "tasks", "tests", "benchmarks")
MODULE = "pipeline/model/keras_private.py"
NAMES = (
    "Function._nodes_by_depth",
    "Function._run_through_graph",
    "KerasTensor._keras_history",
    "Layer._flatten_layers",
    "Operation._inbound_nodes",
    "Sequential._functional",
    "keras.src.activations.activations.ReLU",
    "keras.src.applications.convnext.LayerScale",
    "keras.src.models.functional.Functional",
    "keras.src.ops.nn.Relu",
    "keras.src.utils.file_utils",
)
"""All private names of Keras that `MODULE` uses."""
INSIDE = re.compile(r"keras(\.\w+)*\.(src\b|_(?!_))")

pytestmark = pytest.mark.usefixtures("cpu")


def _model() -> keras.Model:
    """A small model in a model."""
    inner = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 1, name="conv")], name="in")
    image = keras.Input((8, 8, 3), name="image")
    return keras.Model(image, inner(image))


def refuse_missing(name: str) -> None:
    """Say what Keras no longer has, and where that is used."""
    owner, _, last = name.rpartition(".")
    try:
        if name.startswith("keras."):
            getattr(importlib.import_module(owner), last)
        else:
            getattr(_of_kind(owner), last)
    except (ImportError, AttributeError) as error:
        raise AssertionError(
            f"Keras {keras.__version__} has no {name} any more: see {MODULE}"
        ) from error


def _of_kind(name: str) -> Any:
    """An object of one of Keras' public classes."""
    model = _model()
    objects = (model, model.outputs[0], *model.layers)
    return next(it for it in objects if isinstance(it, getattr(keras, name)))


@pytest.mark.parametrize("name", NAMES)
def test_keras_has_it(name: str) -> None:
    refuse_missing(name)


def test_what_is_gone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(keras.Function, "_run_through_graph")
    monkeypatch.setattr(keras, "__version__", "3.99.0")
    expected = (
        r"^Keras 3\.99\.0 has no Function\._run_through_graph any more: see pipeline/model/keras_"
    )
    with pytest.raises(AssertionError, match=expected):
        refuse_missing("Function._run_through_graph")
    with pytest.raises(AssertionError, match=r"has no keras\.src\.gone\.Gone any more"):
        refuse_missing("keras.src.gone.Gone")


@functools.cache
def attributes() -> frozenset[str]:
    """The private attributes of Keras' models, layers, tensors and calls."""
    model = _model()
    node = next(iter(model._nodes_by_depth.values()))[0]
    objects = (model, node, model.outputs[0], *model.layers, *model.layers[1].layers)
    names = {name for it in objects for name in dir(it)}
    return frozenset(name for name in names if name.startswith("_") and name[:2] != "__")


def used(source: str) -> Iterator[tuple[int, str]]:
    """The private names of Keras in a module, each with its line."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ImportFrom(module=str(module), names=names):
                found = [f"{module}.{alias.name}" for alias in names]
            case ast.Import(names=names):
                found = [alias.name for alias in names]
            case ast.Attribute(value=ast.Name(id="self" | "cls")):
                continue
            case ast.Attribute(attr=name) if name in attributes():
                yield node.lineno, name
                continue
            case ast.Attribute():
                found = [ast.unparse(node)]
            case _:
                continue
        yield from ((node.lineno, name) for name in found if INSIDE.match(name))


def test_all_that_is_used_is_known() -> None:
    found = {name for _, name in used((ROOT / MODULE).read_text(encoding="utf-8"))}
    assert found == {
        name if name.startswith("keras.") else name.partition(".")[2] for name in NAMES
    }


def test_it_is_used_in_one_module() -> None:
    own = (ROOT / MODULE, Path(__file__))
    sources = [path for top in SOURCES for path in (ROOT / top).rglob("*.py") if path not in own]
    assert len(sources) > 150
    found = [
        f"{path.relative_to(ROOT)}:{line}: Keras' {name}: move it to {MODULE}"
        for path in sources
        for line, name in used(path.read_text(encoding="utf-8"))
    ]
    assert found == []


PLANTED = {
    "import keras.src.ops": "keras.src.ops",
    "from keras.src.ops.nn import Relu as R": "keras.src.ops.nn.Relu",
    "from keras import src": "keras.src",
    "relu = keras.src.ops.nn.Relu": "keras.src.ops.nn.Relu",
    "model.layers[0]._inbound_nodes": "_inbound_nodes",
    "keras._tf_keras.keras": "keras._tf_keras.keras",
}


@pytest.mark.parametrize("planted", PLANTED)
def test_a_private_name_is_seen(planted: str) -> None:
    assert (2, PLANTED[planted]) in set(used(f"import keras\n{planted}\n"))


def test_public_names_and_names_of_ones_own_are_not() -> None:
    source = (
        "keras.layers.Dense, keras.__version__, model.layers, self._layers, weights._keras_cache"
    )
    assert list(used(source)) == []


def test_the_graph_of_a_model_in_a_model() -> None:
    model = _model()
    assert keras_private.nested(model) is model
    assert keras_private.nested(model.layers[0]) is None
    inner = keras_private.nested(model.layers[1])
    assert inner is not None
    assert [operation.name for operation in inner.operations][1:] == ["conv"]
    assert keras_private.nested(keras.Sequential([layers.Dense(2)])) is None  # never built


def test_calls_and_sources_are_named() -> None:
    image = keras.Input((8, 8, 3), name="image")
    relu = layers.ReLU(name="relu")
    model = keras.Model(image, relu(relu(image)))
    assert sorted(keras_private.calls(model)) == [
        ("image", []), ("relu", ["image"]), ("relu", ["relu"])
    ]  # fmt: skip
    assert keras_private.source(model.outputs[0]) is relu


def test_a_graph_runs_with_other_calls() -> None:
    model = _model()
    called: list[str] = []

    def call(operation: keras.Operation, *args: Any, **kwargs: Any) -> Any:
        called.append(operation.name)
        return keras.ops.zeros_like(args[0])

    image = keras.Input((4, 4, 3))
    found = keras_private.run(model, [image], call)
    assert called == ["in"]
    assert found.shape == image.shape


def test_the_layers_in_a_layer() -> None:
    found = [layer.name for layer in keras_private.inside(_model().layers[1])]
    assert (found[0], found[-1]) == ("in", "conv")


def test_a_relu_that_is_no_layer_is_of_its_class() -> None:
    image = keras.Input((8, 8, 3))
    function, operation = keras.activations.relu(image), keras.ops.relu(image)
    assert isinstance(keras_private.source(function), keras_private.RELU_FUNCTION)
    assert isinstance(keras_private.source(operation), keras_private.RELU_OPERATION)

"""Tests of single layers of Keras 2."""

import keras
import numpy as np
import pytest

from pipeline.model import keras2_layers

pytestmark = pytest.mark.usefixtures("cpu")


def test_tuples_shapes_and_arrays_are_lists() -> None:
    array = {"class_name": "__numpy__", "config": {"value": 6.0, "dtype": "float32"}}
    given = {
        "a": [
            {"class_name": "__tuple__", "items": [1, {"class_name": "TensorShape", "items": [2]}]}
        ]
    }
    assert keras2_layers.plain({**given, "b": array}) == {"a": [[1, [2]]], "b": 6.0}


def test_a_layer_with_an_old_activation_can_be_copied() -> None:
    config = {"name": "a/b", "units": 2, "activation": "hard_sigmoid", "dtype": "float32"}
    layer = keras2_layers.made({"class_name": "Dense", "config": config})
    again = keras.layers.Dense.from_config(layer.get_config())
    assert again.name == "a.b"
    assert float(again.activation(np.float32(1.0))) == pytest.approx(0.7)


@pytest.mark.parametrize(
    "policy",
    ["mixed_float16", {"class_name": "Policy", "config": {"name": "mixed_float16"}}],
)
def test_a_policy_of_precision_is_kept(policy: object) -> None:
    layer = keras2_layers.made({"class_name": "ReLU", "config": {"name": "r", "dtype": policy}})
    assert layer.dtype_policy.name == "mixed_float16"

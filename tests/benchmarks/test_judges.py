"""Tests of the judges, on a small network of their kind."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import judges

pytestmark = pytest.mark.usefixtures("cpu")


def _state() -> dict[str, np.ndarray]:
    """Two stages of one and two blocks, and eleven classes, of random numbers."""
    random = np.random.default_rng(0)
    state = {}

    def convolution(name: str, norm: str, *shape: int) -> None:
        state[f"{name}.weight"] = random.normal(0, 0.4, shape).astype(np.float32)
        for part in ("weight", "bias", "running_mean", "running_var"):
            state[f"{norm}.{part}"] = random.uniform(0.5, 1.5, shape[0]).astype(np.float32)

    convolution("_conv_stem", "_bn0", 8, 3, 3, 3)
    convolution("_blocks.0._depthwise_conv", "_blocks.0._bn1", 8, 1, 3, 3)
    convolution("_blocks.0._project_conv", "_blocks.0._bn2", 4, 8, 1, 1)
    for number, channels in ((1, 4), (2, 6)):
        block = f"_blocks.{number}."
        convolution(f"{block}_expand_conv", f"{block}_bn0", 12, channels, 1, 1)
        convolution(f"{block}_depthwise_conv", f"{block}_bn1", 12, 1, 5, 5)
        convolution(f"{block}_project_conv", f"{block}_bn2", 6, 12, 1, 1)
    convolution("_conv_head", "_bn1", 16, 6, 1, 1)
    state["_fc.weight"] = random.normal(0, 1, (11, 16)).astype(np.float32)
    state["_fc.bias"] = random.normal(0, 1, 11).astype(np.float32)
    return state


def test_a_network_is_laid_out_by_the_shapes_of_its_state() -> None:
    model = judges.network(_state())
    assert model.output_shape == (None, 11)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds.count("DepthwiseConv2D") == 3
    assert kinds.count("Add") == 1  # the third block keeps size and channels
    strides = [layer.strides[0] for layer in model.layers if hasattr(layer, "strides")]
    assert strides == [2, 1, 1, 1, 2, 1, 1, 1, 1, 1]
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (12, 40, 40, 3), np.uint8)
    seen = judges.look(model, images, 32)
    assert seen.shape == (12, 11)
    assert np.isfinite(seen).all()


def test_norms_are_folded_into_the_convolutions_before_them() -> None:
    state = _state()
    model = judges.network(state)
    (stem, *_) = [layer for layer in model.layers if hasattr(layer, "strides")]
    pixels = np.random.default_rng(2).normal(0, 1, (1, 9, 9, 3)).astype(np.float32)
    folded = stem(pixels).numpy()
    _, bias = stem.get_weights()
    stem.set_weights([state["_conv_stem.weight"].transpose(2, 3, 1, 0), np.zeros_like(bias)])
    plain = stem(pixels).numpy()
    norm = {part: state[f"_bn0.{part}"] for part in ("weight", "bias", "running_mean")}
    deviation = np.sqrt(state["_bn0.running_var"] + 1e-3)
    expected = (plain - norm["running_mean"]) / deviation * norm["weight"] + norm["bias"]
    np.testing.assert_allclose(folded, expected, atol=1e-5)


def test_a_rank_counts_the_classes_before_the_own() -> None:
    logits = np.array([[1.0, 3.0, 2.0], [1.0, 3.0, 2.0], [0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(judges.ranks(logits, np.array([0, 1, 2])), [2, 0, 0])


def test_an_absent_judge_says_how_to_get_it() -> None:
    absent = replace(judges.JUDGES[0], package="not_there_pytorch_model")
    with pytest.raises(FileNotFoundError, match="Lite1 is not here: pip install not-there-pytorch"):
        judges.load(absent)

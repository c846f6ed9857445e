"""Tests of what a plan knows of a network."""

import json

from pipeline.architecture import Architecture, probe
from pipeline.weights import resolve


def test_json_and_back(architecture: Architecture) -> None:
    assert Architecture.from_json(json.loads(json.dumps(architecture.to_json()))) == architecture


def test_the_deepest_layer(architecture: Architecture) -> None:
    assert architecture.deepest == "mixed4"


def test_a_probe_describes_the_bundled_weights() -> None:
    found = probe(resolve("bundled"), 80)
    assert (found.image_size, found.classes, found.deepest) == (80, None, "mixed4")
    assert (found.layers["mixed2"].channels, found.layers["mixed4"].channels) == (288, 768)
    depths = [layer.depth for layer in found.layers.values()]
    assert depths == sorted(depths)

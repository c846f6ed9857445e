"""Tests of what a plan knows of a network."""

import json

from pipeline.plan.architecture import Architecture


def test_json_and_back(architecture: Architecture) -> None:
    assert Architecture.from_json(json.loads(json.dumps(architecture.to_json()))) == architecture


def test_the_deepest_layer(architecture: Architecture) -> None:
    assert architecture.deepest == "mixed4"

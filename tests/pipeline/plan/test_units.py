"""Tests of unit ids, sections and batches."""

import re

import pytest

from pipeline.plan.architecture import Architecture, Layer
from pipeline.plan.batches import (
    sections,
)
from pipeline.plan.kinds import expand, one
from pipeline.plan.units import folder_name


def test_siblings_are_the_same_thing_from_other_starts(architecture: Architecture) -> None:
    unit = one("-mixed4:3@2,2#4", architecture)
    assert unit.variant == 4
    assert unit.sibling(0) == one("-mixed4:3@2,2", architecture)
    assert unit.sibling(0).sibling(4) == unit


@pytest.mark.parametrize(
    ("pattern", "section"),
    [
        ("mixed4:1", "mixed4"),
        ("-mixed4:1", "negative-mixed4"),
        ("mixed4:1@center", "neurons-mixed4"),
        ("deepdream:mixed2+mixed4", "deepdream"),
        ("-logits:1", "negative-logits"),
        ("softmax:1", "softmax"),
        ("-mixed4:1#3", "negative-mixed4"),
        ("deepdream:mixed2#1", "deepdream"),
    ],
)
def test_sections_of_units(architecture: Architecture, pattern: str, section: str) -> None:
    (found,) = sections(expand([pattern], architecture))
    assert (found.name, found.kind) == (section, found.units[0].kind)


def test_variants_share_the_section_of_the_first(architecture: Architecture) -> None:
    (found,) = sections(expand(["mixed4:0-1", "mixed4:0-1#7"], architecture, 2))
    assert len(found.units) == 6


@pytest.mark.parametrize("name", ["..", ".", "a/b", "a\\b", "..\\x", "a b:c", "/etc", "é\n"])
def test_section_names_are_safe_folders(name: str) -> None:
    architecture = Architecture("odd", 8, {name: Layer(name, 0, 1, 1, 1, 0)}, None)
    for pattern in (f"{name}:0", f"{name}:0@0,0", f"-{name}:0"):
        [unit] = expand([pattern], architecture)
        assert re.fullmatch(r"[\w+-][\w.+-]*", unit.section)


@pytest.mark.parametrize(
    ("layer", "section"),
    [
        ("logits", "logits_"),
        ("a>1", "a_1"),
        ("crops", "crops_"),
        ("truth", "truth_"),
        ("zarr.json", "zarr.json_"),
        ("Mixed", "Mixed"),
    ],
)
def test_sections_of_odd_layers(layer: str, section: str) -> None:
    architecture = Architecture("odd", 8, {layer: Layer(layer, 0, 1, 1, 1, 0)}, None)
    assert one(f":{layer}:0", architecture).section == section


def test_a_long_name_fits_a_folder() -> None:
    names = ("é" * 200, "é" * 200 + "2")
    found = {folder_name(name) for name in names}
    assert len(found) == 2
    assert all(len(name.encode()) < 180 for name in found)


@pytest.mark.parametrize("name", ["responses", "examples", "crops", "zarr.json", "logits"])
def test_no_layer_has_the_folder_of_something_else(name: str) -> None:
    """A section `responses` would have its array `images` where those to a layer `images` are."""
    assert folder_name(name) == f"{name}_"

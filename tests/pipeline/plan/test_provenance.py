"""Tests of an atlas's identity."""

import json
from collections.abc import Callable

import pytest

from pipeline.errors import AtlasFolderError
from pipeline.plan.provenance import Provenance


def test_json_and_back(make_provenance: Callable[..., Provenance]) -> None:
    made = make_provenance(snapshots=2, variants=3, versions={"numpy": "2.0"}, classes=("a", ""))
    assert Provenance.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_what_is_said_of_the_images_is_the_fingerprints(
    make_provenance: Callable[..., Provenance],
) -> None:
    made = make_provenance(batch_size=7, snapshots=2, variants=3, span=(0.0, 255.0))
    known = made.fingerprint
    assert (made.size, made.batch_size, made.seed) == (known.size, 7, known.seed)
    assert (made.reading.range, made.device, made.recipe) == ((0.0, 255.0), "cpu", known.recipe)
    assert (made.render.snapshots, made.render.variants) == (2, 3)


def test_the_layers_are_those_that_units_look_at(
    make_provenance: Callable[..., Provenance],
) -> None:
    made = make_provenance("mixed4:1", "deepdream:mixed2", "logits:1")
    assert [layer.name for layer in made.layers()] == ["mixed2", "mixed4"]
    made.layers().clear()  # the list is the caller's
    assert len(made.layers()) == 2
    assert [layer.name for layer in make_provenance("mixed4:1").layers()] == ["mixed4"]


def test_another_schema_is_refused(make_provenance: Callable[..., Provenance]) -> None:
    plain = make_provenance().to_json() | {"schema": 99}
    with pytest.raises(AtlasFolderError, match="has schema version 99, this program reads 3"):
        Provenance.from_json(plain)


def test_classes_need_a_classifier(make_provenance: Callable[..., Provenance]) -> None:
    made = make_provenance("logits:1", "mixed2:1")
    assert [(u.id, made.is_available(u)) for u in made.units()] == [
        ("mixed2:1", True),
        ("logits:1", False),
    ]

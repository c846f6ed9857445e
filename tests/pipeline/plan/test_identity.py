"""Tests of fingerprints and digests."""

import re
from collections.abc import Callable

import pytest

from pipeline.errors import AtlasFolderError
from pipeline.plan.identity import Fingerprint, digest, refuse_difference
from pipeline.plan.provenance import Provenance


def test_every_key_that_differs_is_named() -> None:
    old = {"a": 1, "recipe": {"blur": {"sigma": 2}, "steps": 3}}
    new = {"a": 2, "recipe": {"blur": None, "steps": 3}}
    with pytest.raises(AtlasFolderError, match=r"a: 1 there, 2 here; recipe.blur.sigma: 2 there"):
        refuse_difference(old, new)


def test_equal_fingerprints_pass() -> None:
    refuse_difference({"a": {"b": 1}}, {"a": {"b": 1}})


def test_a_digest_does_not_depend_on_order_or_sequence_type() -> None:
    assert digest({"a": (1, 2), "b": 1}) == digest({"b": 1, "a": [1, 2]})
    assert digest({"a": 1}) != digest({"a": 2})


def test_a_fingerprint_is_written_as_it_was_read(
    make_provenance: Callable[..., Provenance],
) -> None:
    plain = make_provenance().fingerprint.to_json()
    del plain["render"]["snapshots"]  # as by a version that did not know it
    del plain["recipe"]["octaves"]
    found = Fingerprint.from_json(plain)
    assert found.to_json() == plain
    assert found.digest == digest(plain)
    assert (found.render.snapshots, found.recipe.octaves.count) == (0, 1)


@pytest.mark.parametrize(
    ("key", "value"), [("seed", "3"), ("image.size", None), ("model.range", [0.0]), ("more", 1)]
)
def test_what_is_no_fingerprint_is_refused(
    make_provenance: Callable[..., Provenance], key: str, value: object
) -> None:
    with pytest.raises(ValueError, match=re.escape(key)):
        Fingerprint.from_json(make_provenance().fingerprint.to_json() | {key: value})

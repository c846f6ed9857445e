"""Digests of JSON, and documents that carry their own."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def digest(value: Any) -> str:
    """SHA-256 of a value's canonical JSON."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def seal(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document with its own digest, under `self`."""
    return {**document, "self": digest(document)}


def unseal(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document that was sealed.

    Raises:
        ValueError: it is not as it was.
    """
    plain = dict(document)
    if plain.pop("self", None) != digest(plain):
        raise ValueError("it does not match its own digest")
    return plain

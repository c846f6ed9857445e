"""Digests of JSON, and documents that carry their own."""

import contextlib
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pipeline.errors import DamageError

if TYPE_CHECKING:
    from pipeline.folder import Folder


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


@contextlib.contextmanager
def sealed(folder: "Folder", name: str) -> Iterator[dict[str, Any]]:
    """The sealed document in a file of a folder, for a block that takes from it what it needs.

    Raises:
        OSError: the file is not there, or cannot be read.
        DamageError: it is damaged, or the block did not find what it needs.
    """
    try:
        yield unseal(json.loads(folder.read(name)))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamageError(f"{name} in {folder} is damaged: {error}") from error

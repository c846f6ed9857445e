"""Digests of JSON, and documents that carry their own."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pipeline.errors import DamageError
from pipeline.plan.identity import digest

if TYPE_CHECKING:
    from pipeline.store.folder import Folder


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

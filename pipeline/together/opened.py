"""Several atlases, opened by their names: those that can be read, and why others cannot."""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

import pandas as pd

from pipeline.errors import AtlasError, ConfigError
from pipeline.explore import index
from pipeline.store.store import Store

MOST = 8
"""Atlases on a page."""
_NAMED = re.compile(r"([^=/]+)=(.+)", re.DOTALL)
_TAKEN = {"page", "data", "images", "thumbs", "sheets", "films", "examples", "photographs"}


@dataclass(frozen=True)
class Side:
    """One of several atlases.

    Attributes:
        name: what the user calls it.
        key: the same for names of columns and folders: small letters, digits and `_`.
        store: the atlas.
    """

    name: str
    key: str
    store: Store

    @cached_property
    def frame(self) -> pd.DataFrame:
        """Its index, a row a unit."""
        return index.quick(self.store)

    @cached_property
    def built(self) -> pd.DataFrame:
        """The rows of units that are built, by their ids."""
        return self.frame[self.frame["status"] == "done"].set_index("unit", drop=False)


@dataclass(frozen=True)
class Opened:
    """Several atlases.

    Attributes:
        sides: those that can be read, in the order that was asked for.
        said: what is wrong with others, or lacking in these, a line each.
        reasons: by name why others are left out, which is for whoever asked: it names folders.
    """

    sides: tuple[Side, ...]
    said: tuple[str, ...]
    reasons: Mapping[str, str]


def opened(atlases: Sequence[str]) -> Opened:
    """Open atlases.

    Args:
        atlases: folders or addresses, each as PATH or NAME=PATH.

    Raises:
        ConfigError: fewer than two can be read, two have one name, or there are too many.
    """
    if len(atlases) > MOST:
        raise ConfigError(f"expected at most {MOST} atlases side by side, came {len(atlases)}")
    names, sides, said = _names(atlases), [], []
    reasons: dict[str, str] = {}
    for (name, place), key in zip(names, _keys([name for name, _ in names]), strict=True):
        try:
            side = Side(name, key, Store.open(place))
            lacking = len(side.frame) - len(side.built)
        except (AtlasError, OSError) as error:
            said.append(f"{name} is left out: there is no atlas that can be read")
            reasons[name] = str(error)
            continue
        if side.built.empty:
            said.append(f"{name} is left out: none of its units is built yet")
            reasons[name] = "none of its units is built yet"
            continue
        sides.append(side)
        if lacking:
            said.append(f"{name} is incomplete: {lacking:,} of {len(side.frame):,} units not built")
    if len(sides) < 2:
        why = [f"{name} is left out: {reason}" for name, reason in reasons.items()]
        raise ConfigError("; ".join(["two atlases at least are wanted side by side", *why]))
    return Opened(tuple(sides), tuple(said), reasons)


def _names(atlases: Sequence[str]) -> list[tuple[str, str]]:
    """What each is called, and where it is; folders of one name are told apart by those above."""
    found = [
        (match[1].strip(), match[2]) if (match := _NAMED.fullmatch(a)) else ("", a) for a in atlases
    ]
    names = [name or _tail(place, 1) for name, place in found]
    for depth in (2, 3, 4):
        often = Counter(names)
        names = [
            _tail(place, depth) if often[name] > 1 and not given else name
            for name, (given, place) in zip(names, found, strict=True)
        ]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ConfigError(f"two atlases are called {twice[0]}: tell them apart, as in NAME=PATH")
    return [(name, place) for name, (_, place) in zip(names, found, strict=True)]


def _tail(place: str, depth: int) -> str:
    parts = [part for part in PurePosixPath(place).parts if part not in ("/", ".")]
    return "/".join(parts[-depth:]) or place


def _keys(names: Sequence[str]) -> list[str]:
    keys: list[str] = []
    for name in names:
        plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
        wanted = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:24] or "atlas"
        wanted = f"{wanted}_atlas" if wanted in _TAKEN else wanted
        key, number = wanted, 2
        while key in keys:
            key, number = f"{wanted}_{number}", number + 1
        keys.append(key)
    return keys

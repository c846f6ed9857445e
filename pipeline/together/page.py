"""The page of several atlases: a folder that a browser opens from the disk, or any host serves.

    FOLDER/index.html             what to open: units side by side
    FOLDER/page/, data/           its style, its program, and what it knows
    FOLDER/KEY/site/index.html    the page of one of the atlases, as `site` writes it
    FOLDER/together.json          what it was written from

It is the program of one atlas's page, with a row a unit and pictures from several. Files are named
after what they hold; what is there is left.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from pipeline.errors import DamageError, MissingError
from pipeline.explore import index
from pipeline.plan.identity import digest
from pipeline.publish import site, site_data, site_images
from pipeline.store.folder import Folder
from pipeline.store.seal import seal, sealed
from pipeline.together import pairs
from pipeline.together.opened import Opened, Side

NAME = "index.html"
SEAL = "together.json"
_KINDS = ("page", "data")


def write(
    opened: Opened,
    folder: Folder,
    way: str | None = None,
    beside: Mapping[str, Folder] | None = None,
    tell: Callable[[str], object] = lambda _: None,
) -> tuple[str, ...]:
    """Write the page of several atlases, and below it each one's own.

    Args:
        opened: the atlases.
        folder: where.
        way: how units are put side by side, see `pairs.of`.
        beside: by key the folders that have the atlases' own pages already, which are shown under
            `KEY/` by whoever serves them; without, they are written.
        tell: told the name of each atlas whose page is written.

    Returns:
        What is to be known of it, a line each.

    Raises:
        MissingError, ConfigError, DamageError: as `pairs.of`.
        OSError: the folder cannot be written.
    """
    folder.begin()
    homes = dict(beside or {})
    for side in opened.sides:
        if side.key not in homes:
            tell(side.name)
            homes[side.key] = below(folder, side.key)
            site.write(side.store, side.frame, into=homes[side.key])
    at = {
        side.key: f"{side.key}/" if beside is not None else f"{side.key}/site/"
        for side in opened.sides
    }
    writing = _Writing(folder)
    state = _state(opened, way, homes, at)
    if not writing.is_current(state):
        found = pairs.of(opened.sides, way)
        said = (*opened.said, *found.said)
        writing.write(
            _data(opened.sides, found, said, homes, at), _title(opened.sides), state, said
        )
    return tuple(writing.noted["said"])


def below(folder: Folder, name: str) -> Folder:
    """A folder in a folder."""
    from pipeline.store.place import at  # noqa: PLC0415, of addresses

    return at(f"{folder}/{name}")


def _title(sides: Sequence[Side]) -> str:
    return " and ".join([", ".join(side.name for side in sides[:-1]), sides[-1].name])


def _state(
    opened: Opened, way: str | None, homes: Mapping[str, Folder], at: Mapping[str, str]
) -> str:
    """A digest of all that the page is written from."""
    pages = {key: homes[key].digest(site.NAME) for key in sorted(homes)}
    sides = [(s.name, s.key, index.state_of(s.store), at[s.key]) for s in opened.sides]
    program = {kind: hashlib.sha256(part).hexdigest() for kind, part in site.parts().items()}
    return digest([sides, list(opened.said), way, pages, program])


@dataclass
class _Writing:
    """The files right in the page's folder.

    Attributes:
        folder: where.
        noted: what the last writing noted: state, files, and what was said.
    """

    folder: Folder
    noted: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            with sealed(self.folder, SEAL) as found:
                self.noted = {name: found[name] for name in ("state", "files", "said")}
        except (OSError, DamageError, KeyError):
            self.noted = {}

    def is_current(self, state: str) -> bool:
        """Whether the page was written from a state, and all of it is there."""
        return (
            self.noted.get("state") == state
            and set(self.noted["files"]) <= self._there()
            and self.folder.has(NAME)
        )

    def _there(self) -> set[str]:
        return {f"{kind}/{name}" for kind in _KINDS for name in self.folder.files(kind)}

    def write(self, data: Mapping[str, Any], title: str, state: str, said: Sequence[str]) -> None:
        """Write the page; what neither it nor the one before shows is deleted."""
        files: list[str] = []

        def keep(kind: str, ending: str, content: bytes) -> str:
            name = site.named(kind, ending, content)
            files.append(name)
            if not self.folder.has(name):
                self.folder.write_bytes(name, content)
            return name

        known = keep("data", "js", site_data.script("atlasData", data))
        style, program = (keep("page", kind, part) for kind, part in site.parts().items())
        self.folder.write_bytes(NAME, site.index_page(title, style, program, known))
        before = set(self.noted.get("files", ()))
        self.noted = {"state": state, "files": sorted(files), "said": list(said)}
        self.folder.write_json(SEAL, seal(self.noted))
        for name in sorted(self._there() - {*files, *before}):
            self.folder.delete(name)


def _data(
    sides: Sequence[Side],
    found: pairs.Pairs,
    said: Sequence[str],
    homes: Mapping[str, Folder],
    at: Mapping[str, str],
) -> dict[str, Any]:
    """What the page knows from the start."""
    first = sides[0].store.provenance
    about = site_data.about(first)
    pages = {side.key: page_data(homes[side.key], side.name) for side in sides}
    batches = [
        {**batch, "at": at[side.key], "side": number}
        for number, side in reversed(list(enumerate(sides)))
        for batch in pages[side.key]["batches"]
    ]
    return {
        **about,
        "network": _title(sides),
        "made_of": digest([side.store.provenance.fingerprint.digest for side in sides]),
        "terms": about["terms"] | pairs.MEANINGS,
        "judge": "",
        "builders": "",
        "rows": len(found.frame),
        "columns": site_data.columns(found.frame),
        "order": list(found.frame.columns),
        "sections": _sections(sides, found.frame),
        "batches": batches,
        "tile": site_images.SMALL,
        "counts": {"done": len(found.frame)},
        "together": {
            "way": found.way,
            "sort": found.sort,
            "measures": list(found.measures),
            "told": list(pairs.TOLD),
            "said": list(said),
            "partners": dict(found.partners),
            "sides": [
                {
                    "name": side.name,
                    "key": side.key,
                    "at": at[side.key],
                    "size": side.store.provenance.size,
                    "facts": site_data.about(side.store.provenance)["facts"],
                }
                for side in sides
            ],
        },
    }


def page_data(home: Folder, name: str) -> dict[str, Any]:
    """What an atlas's own page knows.

    Raises:
        MissingError: there is no page, or none that can be read.
    """
    try:
        _, found = site.known(home)
        return {"batches": [dict(batch) for batch in found["batches"]]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MissingError(
            f"the page of {name} cannot be read ({error!r}): `atlas build` writes it anew"
        ) from error


def _sections(sides: Sequence[Side], frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The sections of the rows, in their order, as the first atlas that has one calls it."""
    headings: dict[str, dict[str, Any]] = {}
    for side in sides:
        for section in side.store.provenance.sections():
            headings.setdefault(section.name, site_data.section(section))
    counts = frame["section"].value_counts(sort=False).to_dict()
    return [
        {**headings[name], "count": int(counts[name])} for name in dict.fromkeys(frame["section"])
    ]

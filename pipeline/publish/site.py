"""The atlas's page: a folder that a browser opens from the disk, or any static host serves.

    ATLAS/site/index.html             what to open
    ATLAS/site/page/                  its style and its program
    ATLAS/site/data/                  the index by columns, and a script a batch
    ATLAS/site/images/, thumbs/, sheets/, films/, examples/, photographs/
    ATLAS/site.json                   what it was written from

Every file but `index.html` and `data/now.js` is named after what it holds: what is there is left,
whoever shows the page meanwhile finds all of the old one or all of the new one, and any cache will
do. What neither of the last two pages needs is deleted.
"""

import concurrent.futures
import contextlib
import hashlib
import html
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.errors import DamageError
from pipeline.examples import across, crops, seen
from pipeline.explore import index, names, similarity
from pipeline.plan import words
from pipeline.plan.identity import digest
from pipeline.publish import site_data, site_images
from pipeline.publish.site_circuits import Told
from pipeline.publish.site_photographs import Photographs, Shown
from pipeline.store.folder import Folder
from pipeline.store.records import Record
from pipeline.store.seal import seal, sealed
from pipeline.store.store import Store
from pipeline.truth import verdicts

FOLDER = "site"
NAME = f"{FOLDER}/index.html"
"""The page of an atlas folder."""
SEAL = "site.json"
_NOW = "data/now.js"
_SOURCES = Path(__file__).parent / "page"
_SCRIPTS = (
    "model",
    "search",
    "parts",
    "gallery",
    "palette",
    "layouts",
    "axes",
    "painter",
    "peek",
    "map",
    "charts",
    "circuit",
    "picture",
    "photographs",
    "notes",
    "unit",
    "glossary",
    "tray",
    "take",
    "compare",
    "together",
    "paper",
    "help",
    "around",
    "page",
)
"""The page's program, in order; each may use what is before it, and all share one scope."""
_STYLES = ("page.css", "together.css")
_NOTED = {"state": str, "index": str, "files": dict, "colours": dict}
_PROGRAM = '"use strict";\n(() => {\n{}\n})();\n'
_NAME = re.compile(r"[a-z]+/\w[\w.-]*", re.ASCII)
"""A file of the page, in its folder."""
_KINDS = ("page", "data", "images", "thumbs", "sheets", "films", "examples", "photographs")


def write(
    store: Store,
    frame: pd.DataFrame | None = None,
    tell: Callable[[int], object] = lambda _: None,
    into: Folder | None = None,
) -> None:
    """Write the page of what a store holds now; pictures that are there already are left.

    Args:
        store: the atlas.
        frame: its index, where it is at hand.
        tell: told of so many units whenever they are on the page.
        into: where its folder is to be; beside the atlas, if nowhere else.

    Raises:
        OSError: the folder cannot be written.
        DamageError: something that is stored is damaged.
    """
    if into is not None:
        into.begin()
    _Writer(store, index.quick(store) if frame is None else frame, into).write(tell)


def renote(store: Store, frame: pd.DataFrame) -> None:
    """Have a page that was up to date say what is noted on units now; nothing else of it changes.

    Args:
        store: the atlas.
        frame: its index, with the notes.

    Raises:
        OSError: the folder cannot be written.
        DamageError: something that is stored is damaged.
    """
    try:
        before, (old, data) = _notes(store.folder), known(store.folder)
        page = store.folder.read(NAME).decode()
    except (OSError, DamageError, ValueError):
        write(store, frame)
        return
    data |= {"columns": site_data.columns(frame), "order": list(frame.columns)}
    content = site_data.script("atlasData", data)
    name = named("data", "js", content)
    files = {kept: sha256 for kept, sha256 in before["files"].items() if kept != old}
    files[name] = _put(store.folder, name, content)
    _show(store, store.folder, name, page.replace(old, name).encode(), files, before["colours"])


def _show(
    store: Store,
    folder: Folder,
    data: str,
    page: bytes,
    files: dict[str, str],
    colours: Mapping[str, str],
) -> None:
    """Have a page of some data be the one that is seen, and note what it is made of."""
    files[_NOW] = _put(folder, _NOW, site_data.script("atlasNow", data))
    folder.write_bytes(NAME, page)
    state, index_sha256 = _state(store), folder.digest(NAME)
    note = {"state": state, "index": index_sha256, "files": files, "colours": colours}
    folder.write_json(SEAL, seal(note))


def _put(folder: Folder, name: str, content: bytes) -> str:
    """Write a file into the page's folder; its SHA-256."""
    folder.write_bytes(f"{FOLDER}/{name}", content)
    return hashlib.sha256(content).hexdigest()


def named(kind: str, ending: str, content: bytes) -> str:
    """What a file of a page is called, after what it holds."""
    return f"{kind}/{hashlib.sha256(content).hexdigest()[:20]}.{ending}"


def known(folder: Folder) -> tuple[str, dict[str, Any]]:
    """The file of what a page knows from the start, and what that is.

    Raises:
        OSError: there is none.
        ValueError: it cannot be read.
    """
    name = _told_by("atlasNow", folder.read(f"{FOLDER}/{_NOW}"))
    return str(name), dict(_told_by("atlasData", folder.read(f"{FOLDER}/{name}")))


def _told_by(function: str, script: bytes) -> Any:
    """What a script calls a function of the page with."""
    text = script.decode()
    return json.loads(text[text.index(f"{function}(") + len(function) + 1 : text.rindex(")")])


def is_current(store: Store) -> bool:
    """Whether the page was written from what a store holds now, and all of it is there."""
    try:
        noted = _notes(store.folder)
        whole = noted["index"] == store.folder.digest(NAME)
        is_same = whole and noted["state"] == _state(store)
        return is_same and set(noted["files"]) <= _there(store.folder)
    except (OSError, DamageError):
        return False


def noted(folder: Folder) -> dict[str, str]:
    """The SHA-256 of each file of a page, by its name in the atlas folder.

    Raises:
        OSError: no page was written, or its notes cannot be read.
        DamageError: they are damaged.
    """
    found = _notes(folder)
    return {f"{FOLDER}/{n}": sha256 for n, sha256 in found["files"].items()} | {
        NAME: found["index"]
    }


def photographs(folder: Folder) -> tuple[bool, int]:
    """Whether a page has crops of the user's pictures, and of how many it has whole ones."""
    names = _before(folder).get("files", {})
    return (
        any(name.startswith("examples/") for name in names),
        sum(name.startswith("photographs/") for name in names),
    )


def damaged(folder: Folder, expected: Mapping[str, str]) -> dict[str, str]:
    """Read files of a page and compare them with their SHA-256: those that are damaged, and why."""
    found = {}
    for name, content in folder.read_all(expected):
        if isinstance(content, OSError):
            found[name] = str(content)
        elif hashlib.sha256(content).hexdigest() != expected[name]:
            found[name] = "it is not as it was written"
    return found


def is_of_page(name: str) -> bool:
    """Whether a file of an atlas folder is in one of the page's folders."""
    return name.startswith(tuple(f"{FOLDER}/{kind}/" for kind in _KINDS))


def tidy(folder: Folder) -> None:
    """Delete what the page does not show, as what earlier ones did."""
    try:
        shown = set(noted(folder))
    except (OSError, DamageError):
        return  # the next page is written whole
    for name in sorted({f"{FOLDER}/{name}" for name in _there(folder)} - shown):
        folder.delete(name)


class _Writer:
    """One writing of a page; batches are written by several threads, which share all this.

    Attributes:
        store: the atlas.
        frame: its index.
        folder: where the page's folder is.
        records: its committed batches.
        units: by id.
        more: what the page tells with a unit, by unit id.
        circuits: what it tells of their circuits.
        photographs: what it tells of the user's pictures.
        excites: by unit id the channels that its image excites most.
        names: what labels tell of units, by unit id.
        judge: who judged whether pictures tell; empty where nobody did.
        rows: what is known of that, by unit id.
        before: what the page before this one noted.
        beside: the SHA-256 of files of the page beside the atlas, where this one is elsewhere.
        there: the SHA-256 of the files that are there, as far as that page noted them.
        files: the SHA-256 of each file that is written, or left, by its name in the page's folder.
        colours: by sheet the mean colours of its tiles.
    """

    def __init__(self, store: Store, frame: pd.DataFrame, into: Folder | None) -> None:
        self.store = store
        self.folder = into or store.folder
        self.frame = frame
        sections = store.provenance.sections()
        self.records = [record for s in sections for record in store.records.of(s.name)]
        self.units = {unit.id: unit for s in sections for unit in s.units}
        self.more = dict(zip(frame["unit"], site_data.more(frame), strict=True))
        self.circuits = Told(store, frame)
        self.photographs = Photographs(store, self.records)
        self.excites = similarity.excited(store)
        self.names = names.by_unit(store)
        tried = verdicts.tried(store)
        self.judge = tried.judge if tried else ""
        self.rows = _told(frame)
        self.before = _before(self.folder)
        noted = self.before.get("files", {})
        self.there = {name: noted[name] for name in _there(self.folder) & set(noted)}
        own = _before(store.folder) if into else {}
        self.beside: dict[str, str] = dict(own.get("files", {}))
        self.known_colours = {**own.get("colours", {}), **self.before.get("colours", {})}
        self.files: dict[str, str] = {}
        self.colours: dict[str, str] = {}

    def write(self, tell: Callable[[int], object]) -> None:
        """Write everything, in an order that leaves no reader without what it was promised."""
        batches = []
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
            list(threads.map(self._whole, self.photographs.wholes))
            for batch in threads.map(self._batch, self.records):
                batches.append(batch)
                tell(len(batch["units"]))
        name = self._keep("data", "js", site_data.script("atlasData", self._data(batches)))
        _show(self.store, self.folder, name, self._page(name), self.files, self.colours)
        self._prune(self.before.get("files", ()))

    def _whole(self, number: int) -> None:
        """Have a small whole picture of the user's, where it can still be read or is there."""
        name = self.photographs.wholes[number]
        if name in self.there:
            self.files[name] = self.there[name]
        elif (content := self.photographs.encode(number)) is not None:
            self._put(name, content)

    def _batch(self, record: Record) -> dict[str, Any]:
        """Write a batch's pictures and its script; what the page knows of the batch."""
        self._pictures(record)
        sheet = site_images.sheet(record)
        details = self._details(record)
        return {
            "units": list(record.units),
            "images": [self._shown(sha256) for sha256 in record.image_sha256],
            "sheet": sheet.file,
            "columns": sheet.columns,
            "colours": self.colours[sheet.file],
            "details": details,
        }

    def _shown(self, sha256: str) -> str:
        return site_images.image(sha256).partition("/")[2]

    def _pictures(self, record: Record) -> None:
        sheet = site_images.sheet(record)
        wanted = {sheet.file, *map(site_images.image, record.image_sha256)}
        wanted |= set(map(site_images.thumb, record.image_sha256))
        known = self.known_colours.get(sheet.file)
        if isinstance(known, str) and all(self._is_had(name) for name in sorted(wanted)):
            self.colours[sheet.file] = known
            return
        images = self.store.read(record, "images")
        self.colours[sheet.file] = site_images.colours(images)
        for sha256, pixels in zip(record.image_sha256, images, strict=True):
            self._put(site_images.image(sha256), site_images.encode(pixels))
            self._put(site_images.thumb(sha256), site_images.encode_thumb(pixels))
        self._put(sheet.file, site_images.encode_sheet(images, sheet.columns))

    def _details(self, record: Record) -> str:
        """Write what is told of each of a batch's units when it is opened."""
        ways = self.store.read(record, "trajectory")
        shown = self.photographs.of(record, self.units, set(self.files))
        traced = self.circuits.of(record)
        told = [
            {**self.more[unit], "trajectory": site_data.trajectory(ways[offset])}
            | self._film(record, offset)
            | self._examples(unit, shown.get(unit))
            | ({"circuit": traced[unit]} if unit in traced else {})
            | self._naming(unit)
            | self._trial(unit)
            | self._file_of(record, offset)
            | ({"excites": self.excites[unit]} if unit in self.excites else {})
            for offset, unit in enumerate(record.units)
        ]
        units = dict(zip(record.units, told, strict=True))
        return self._keep("data", "js", site_data.script("atlasDetails", units))

    def _film(self, record: Record, offset: int) -> dict[str, str]:
        if "snapshots" not in record.sha256:
            return {}
        name = site_images.film_of(record, offset)
        self._once(name, lambda: site_images.encode_film(self.store.film(record, offset)))
        return {"film": name}

    def _file_of(self, record: Record, offset: int) -> dict[str, str]:
        """The digest of the very file of a unit's picture."""
        return {"file_sha256": self.files[site_images.image(record.image_sha256[offset])]}

    def _examples(self, unit: str, found: Shown | None) -> dict[str, Any]:
        if found is None:
            return {}
        name = site_images.examples(digest([unit, found.crops.tobytes().hex()]))
        self._once(name, lambda: site_images.encode_strip(found.crops))
        return {"examples": {"file": name, **found.told}}

    def _naming(self, unit: str) -> dict[str, Any]:
        best = self.names.get(unit)
        if best is None or unit not in self.units:
            return {}
        if not best.is_name:
            return {"naming": {"label": "", "text": words.NAMELESS}}
        of = best.auroc, best.low, best.high, best.count
        return {"naming": {"label": best.label, "text": words.named(self.units[unit], *of)}}

    def _trial(self, unit: str) -> dict[str, str]:
        """Whether a unit's picture tells what excites it, in words."""
        row = self.rows.get(unit)
        if row is None or unit not in self.units:
            return {}
        said = words.trial(self.units[unit], row, self.judge)
        return {"trial": said} if said else {}

    def _data(self, batches: list[dict[str, Any]]) -> dict[str, Any]:
        """What the page knows from the start."""
        known = self.store.provenance
        return {
            **site_data.about(known),
            "judge": self.judge,
            "builders": site_data.shown(seen.listed(self.store)),
            "rows": len(self.frame),
            "columns": site_data.columns(self.frame),
            "order": list(self.frame.columns),
            "sections": [site_data.section(section) for section in known.sections()],
            "batches": batches,
            "tile": site_images.SMALL,
            "counts": self.frame["status"].value_counts().to_dict(),
        }

    def _keep(self, kind: str, ending: str, content: bytes) -> str:
        """Have a file of some content, named after it; its name."""
        name = named(kind, ending, content)
        self._once(name, lambda: content)
        return name

    def _once(self, name: str, make: Callable[[], bytes]) -> None:
        """Have a file, which is made if it is not there."""
        if not self._is_had(name):
            self._put(name, make())

    def _is_had(self, name: str) -> bool:
        """Whether a file is there, or has been taken from the page beside the atlas."""
        if name in self.there:
            self.files[name] = self.there[name]
        elif name in self.beside:
            with contextlib.suppress(OSError):
                content = self.store.folder.read(f"{FOLDER}/{name}")
                if hashlib.sha256(content).hexdigest() == self.beside[name]:
                    self._put(name, content)
        return name in self.files

    def _put(self, name: str, content: bytes) -> None:
        self.files[name] = _put(self.folder, name, content)

    def _page(self, data: str) -> bytes:
        """`index.html`, its style and program beside it."""
        style, program = (self._keep("page", kind, content) for kind, content in parts().items())
        return index_page(self.store.provenance.architecture.name, style, program, data)

    def _prune(self, before: Iterable[str]) -> None:
        """Delete what neither this page nor the one before it shows."""
        for name in sorted(_there(self.folder) - {*self.files, *before}):
            self.folder.delete(f"{FOLDER}/{name}")


def parts() -> dict[str, bytes]:
    """The style and the program of a page, by the endings of their names."""
    program = "\n".join(_source(f"{name}.js") for name in _SCRIPTS)
    style = "\n".join(map(_source, _STYLES))
    return {"css": style.encode(), "js": _PROGRAM.replace("{}", program).encode()}


def index_page(network: str, style: str, program: str, data: str) -> bytes:
    """`index.html` of what is called a network, by the names of the files that it loads."""
    filled = {
        "{{network}}": network, "{{style}}": style, "{{program}}": program, "{{data}}": data,
    }  # fmt: skip
    text = _source("index.html")
    pattern = re.compile("|".join(map(re.escape, filled)))
    return pattern.sub(lambda found: html.escape(filled[found[0]]), text).encode()


def _told(frame: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """By unit id what is known of whether its picture tells, less what is not."""
    some = frame[["unit", "activation", *verdicts.TYPES]].to_dict("records")
    return {row["unit"]: {str(k): v for k, v in row.items() if not pd.isna(v)} for row in some}


def _source(name: str) -> str:
    return (_SOURCES / name).read_text(encoding="utf-8")


def _notes(folder: Folder) -> Mapping[str, Any]:
    """What the last writing noted.

    Raises:
        OSError: there was none, or it cannot be read.
        DamageError: it is damaged.
    """
    with sealed(folder, SEAL) as noted:
        is_whole = all(isinstance(noted[name], kind) for name, kind in _NOTED.items())
        if not (is_whole and all(map(_NAME.fullmatch, noted["files"]))):
            raise DamageError(f"{SEAL} in {folder} is not what was noted there")
    return noted


def _before(folder: Folder) -> Mapping[str, Any]:
    """What the last writing noted; nothing where that is not to be had."""
    try:
        return _notes(folder)
    except (OSError, DamageError):
        return {}


def _there(folder: Folder) -> set[str]:
    """The files of a page that are there."""
    return {f"{kind}/{n}" for kind in _KINDS for n in folder.files(f"{FOLDER}/{kind}")}


def _state(store: Store) -> str:
    """A digest of all that a page is written from."""
    names = ("index.html", *_STYLES, *map("{}.js".format, _SCRIPTS))
    sources = [_source(name) for name in names]
    provenance = store.provenance
    known = [index.state_of(store), provenance.to_json(), site_data.about(provenance), sources]
    cut = [crops.state_of(store), across.state_of(store), seen.shows_whole(store)]
    return digest([*known, *cut] if cut[0] else known)

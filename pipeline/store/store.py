"""The store: a Zarr group a section, filled batch by batch.

    ATLAS/atlas.zarr/SECTION/images       (row, y, x, rgb) uint8, a chunk a batch
    ATLAS/atlas.zarr/SECTION/trajectory   (row, step) float32
    ATLAS/atlas.zarr/SECTION/statistics   (row, statistic) float32
    ATLAS/atlas.zarr/SECTION/snapshots    (row, snapshot, y, x, rgb) uint8, where any are kept
    ATLAS/directions/NAME.safetensors     (row, channel) float32, where units are rows of matrices

What commits a batch: `table`.
"""

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from pipeline.ascent.results import NAMES, Results
from pipeline.config.vectors import Vectors
from pipeline.errors import AtlasFolderError, MissingError
from pipeline.plan.batches import Batch, Section, missing_batches
from pipeline.plan.identity import digest
from pipeline.plan.provenance import Provenance
from pipeline.plan.units import Unit
from pipeline.store.folder import Folder
from pipeline.store.layout import ARRAYS, Layout
from pipeline.store.place import at
from pipeline.store.records import Record
from pipeline.store.table import Table

_ATTRIBUTE, _DIGEST = "channel_atlas", "channel_atlas_sha256"
_DIRECTIONS = "directions"
ROOT = f"{ARRAYS}/zarr.json"
"""What makes a folder an atlas: what it is made of."""
_DAMAGED = (KeyError, TypeError, ValueError, AttributeError)
"""What reading a damaged one raises."""
LOCK = "build.lock"
"""What a folder may hold before there is an atlas in it: the lock of who begins one."""


Kept = TypeVar("Kept", bound=Table)


class Store(Table):
    """An atlas folder: what it is made of, and the table of what was rendered."""

    def __init__(self, folder: Folder, provenance: Provenance) -> None:
        super().__init__(folder, "", _layouts(provenance))
        self.provenance = provenance
        self._places: dict[str, tuple[Record, int]] = {}

    @classmethod
    def open(cls, folder: str | Path | Folder) -> "Store":
        """Open an existing atlas.

        Raises:
            AtlasFolderError: the folder is missing, or is no atlas.
        """
        place = at(folder)
        try:
            text = place.read(ROOT)
        except (FileNotFoundError, NotADirectoryError):
            if cls.is_lost(place):
                raise AtlasFolderError(
                    f"{place}/{ROOT} is gone, which says what the atlas is made of: `atlas build`, "
                    "with the configuration that it was built by, makes it again"
                ) from None
            what = "holds no atlas" if place.is_there() else "is not there"
            raise AtlasFolderError(
                f"the atlas folder {place} {what}: expected a folder with atlas.zarr in it; "
                "`atlas build` makes one"
            ) from None
        except OSError as error:
            raise AtlasFolderError(f"the atlas folder {place} cannot be read: {error}") from error
        try:
            return cls(place, _provenance(place, text))
        except _DAMAGED as error:
            raise AtlasFolderError(
                f"{place}/atlas.zarr is no channel atlas, or its zarr.json is damaged, or what it "
                f"names in {_DIRECTIONS}/: {error!r}"
                + ("; `atlas build` makes it again" if cls.is_lost(place) else "")
            ) from error

    @classmethod
    def is_lost(cls, folder: str | Path | Folder) -> bool:
        """Whether a folder holds an atlas's records, yet what it is made of is gone or damaged."""
        place = at(folder)
        try:
            _provenance(place, place.read(ROOT))
        except (FileNotFoundError, NotADirectoryError, *_DAMAGED):
            return "records" in place.folders("")
        return False

    @classmethod
    def exists(cls, folder: str | Path | Folder) -> bool:
        """Whether a folder holds an atlas.

        Raises:
            AtlasFolderError: it is a file, or a folder of other things; or it cannot be read.
        """
        place = at(folder)
        try:
            if place.has(ROOT):
                return True
            own = set(place.folders("")) <= {ARRAYS, _DIRECTIONS} and set(place.files("")) <= {LOCK}
            if (own and not place.is_a_file()) or cls.is_lost(place):
                return False
        except OSError as error:
            raise AtlasFolderError(f"the atlas folder {place} cannot be read: {error}") from error
        raise AtlasFolderError(
            f"{place} is there and is no atlas: expected an atlas folder, an empty one, or none"
        )

    @classmethod
    def create(cls, folder: str | Path | Folder, provenance: Provenance) -> "Store":
        """Begin an atlas, or note a changed list of units in an existing one."""
        place = at(folder)
        cls.exists(place)  # raises where other things are
        place.begin()
        store = cls(place, provenance)
        for name in store.altered():
            place.write_bytes(name, store.directions[name].content)
        store.arrays.note(store._attributes())
        return store

    def is_noted(self) -> bool:
        """Whether the folder says, to the letter, what the atlas is made of."""
        return self.arrays.is_noted(self._attributes())

    @property
    def directions(self) -> dict[str, Vectors]:
        """The matrices of directions, by the names of the files that keep them."""
        return {_file_of(name): of for name, of in self.provenance.bases.items()}

    def altered(self) -> list[str]:
        """The files of directions that are not there, or not as they should be."""
        known = self.provenance.bases.items()
        return [_file_of(name) for name, of in known if not _is_kept(self.folder, name, of)]

    def _attributes(self) -> dict[str, Any]:
        plain = self.provenance.to_json()
        return {_ATTRIBUTE: plain, _DIGEST: digest(plain)}

    def missing(self, section: Section) -> list[Batch]:
        """The batches of a section that nobody committed."""
        committed = {record.chunk: record.units for record in self.records.of(section.name)}
        known = self.provenance
        return missing_batches(section, committed, known.batch_size, known.render.group)

    def pending(
        self,
        tables: Sequence[Kept],
        concerns: Callable[[Kept, Unit], bool] = lambda _table, _unit: True,
    ) -> list[Batch]:
        """The batches of images that some table has no rows for, or those for other images.

        Args:
            tables: that are to have rows.
            concerns: whether a table is to have a row of a unit, and of those beside it.
        """
        units = {unit.id: unit for unit in self.provenance.units()}
        found = []
        for section in self.provenance.available_sections():
            known = [(table, _committed(table, section.name)) for table in tables]
            for record in self.records.of(section.name):
                members = tuple(units[unit] for unit in record.units if unit in units)
                lacking = [table for table, done in known if done.get(record.chunk) != record.units]
                if members and any(concerns(table, members[0]) for table in lacking):
                    found.append(Batch(section.name, record.chunk, record.size, members))
        return found

    def committed(self) -> list[Batch]:
        """The batches of images that are there."""
        units = {unit.id: unit for unit in self.provenance.units()}
        return [
            Batch(s.name, r.chunk, r.size, tuple(units[unit] for unit in r.units if unit in units))
            for s in self.provenance.available_sections()
            for r in self.records.of(s.name)
        ]

    def commit(self, batch: Batch, results: Results) -> Record:
        """Store a computed batch. Raises as `write`."""
        return self.write(batch, results.arrays(), results.images)

    def find(self, unit: str) -> tuple[Record, int]:
        """The record that commits a unit, by its id, and the unit's number in there.

        Raises:
            MissingError: the atlas does not hold it (yet).
        """
        if unit not in self._places:
            self._places = self.records.places()  # the atlas may have grown
        try:
            return self._places[unit]
        except KeyError:
            known = self.provenance
            raise MissingError(
                f"unit {unit} {known.absence(known.unit(unit), self.folder)}"
            ) from None

    def film(self, record: Record, offset: int) -> np.ndarray:
        """The snapshots and the image of a unit, (snapshots + 1, size, size, 3) uint8 RGB.

        Raises:
            DamageError: a chunk is damaged.
        """
        along, image = (self.read(record, name, offset) for name in ("snapshots", "images"))
        return np.concatenate([along, image[None]])

    def images(self) -> Callable[[str], np.ndarray | None]:
        """A function from unit id to its stored image, or None; near units share one read.

        It raises a DamageError where a stored image is damaged.
        """
        places = self.records.places()
        records = {(record.section, record.chunk): record for record, _ in places.values()}

        @functools.lru_cache(maxsize=4)
        def read(section: str, chunk: int) -> np.ndarray:
            return self.read(records[section, chunk], "images")

        def image(unit: str) -> np.ndarray | None:
            if unit not in places:
                return None
            record, offset = places[unit]
            return np.asarray(read(record.section, record.chunk)[offset])

        return image


def _layouts(known: Provenance) -> dict[str, Layout]:
    """What is stored of a unit."""
    image = (known.size, known.size, 3)
    names = {"statistic": list(NAMES)}
    layouts = {
        "images": Layout(image, "uint8", 0, ("y", "x", "rgb")),
        "trajectory": Layout((known.recipe.steps,), "float32", float("nan"), ("step",)),
        "statistics": Layout((len(NAMES),), "float32", float("nan"), ("statistic",), names),
    }
    if known.render.snapshots:
        shape, axes = (known.render.snapshots, *image), ("snapshot", "y", "x", "rgb")
        layouts["snapshots"] = Layout(shape, "uint8", 0, axes)
    return layouts


@functools.lru_cache(maxsize=4)
def _provenance(folder: Folder, text: bytes) -> Provenance:
    """The provenance in a store's metadata; kept with the units that it has enumerated.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is not what `Store.create` wrote.
    """
    attributes = json.loads(text)["attributes"]
    plain = attributes[_ATTRIBUTE]
    named = plain.get("directions", {})
    found = Provenance.from_json(plain, {n: _directions(folder, n, named[n]) for n in named})
    if digest(plain) != attributes.get(_DIGEST):
        raise ValueError("the provenance does not match its SHA-256")
    return found


def _directions(folder: Folder, name: str, plain: Mapping[str, str]) -> Vectors:
    file = _file_of(name)
    try:
        return Vectors.from_content(name, plain, folder.read(file))
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error}") from error


def _is_kept(folder: Folder, name: str, of: Vectors) -> bool:
    try:
        return _directions(folder, name, of.plain) == of
    except ValueError:
        return False


def _file_of(directions: str) -> str:
    """The file that keeps a matrix of directions, by its name."""
    return f"{_DIRECTIONS}/{directions.replace('/', '+')}.safetensors"


def _committed(table: Table, section: str) -> dict[int, tuple[str, ...]]:
    return {record.chunk: record.units for record in table.records.of(section)}

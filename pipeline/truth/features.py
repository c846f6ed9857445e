"""What layers make of the units' pictures, and of cuttings of photographs: tables of an atlas.

    ATLAS/truth/photographs.json                        of which photographs, and who looks; sealed
    ATLAS/atlas.zarr/truth/cuttings/EYE/photographs/*   (photograph, cutting, channel) float32: the
                                                        mean over the channel's map; of layers that
                                                        units look at, the peak, too
    ATLAS/truth/cuttings/EYE/photographs/000012.json    commits chunk 12 of them
    ATLAS/atlas.zarr/truth/pictures/EYE/SECTION/mean    (row, channel) float32, of the images
    ATLAS/truth/pictures/EYE/SECTION/000012.json        commits chunk 12 of them

An eye is `own/LAYER`, a layer of the atlas's network, or `judge`.
"""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.errors import DamageError
from pipeline.examples import seen
from pipeline.plan.architecture import CLASSES
from pipeline.plan.batches import Batch
from pipeline.plan.identity import digest
from pipeline.plan.units import folder_name
from pipeline.store.layout import Layout
from pipeline.store.seal import seal, sealed
from pipeline.store.store import Store
from pipeline.store.table import Table
from pipeline.truth import cuttings
from pipeline.truth.cuttings import MOST, Photograph
from pipeline.truth.judge import Eyes

LIST = "truth/photographs.json"
_CHUNK = 8
"""Photographs that are looked at, committed and stored together."""


@dataclass(frozen=True)
class Pile:
    """The section of the photographs."""

    name: str = "photographs"
    rows_are: str = "photograph"


PILE = Pile()


@dataclass(frozen=True)
class Noted:
    """What was noted as looking began.

    Attributes:
        photographs: their ids, each with a digest of what may change, in order.
        size: side of a cutting, in pixels.
        eyes: who looks.
    """

    photographs: tuple[tuple[str, str], ...]
    size: int
    eyes: Eyes

    @property
    def names(self) -> list[str]:
        """The ids of the photographs."""
        return [name for name, _ in self.photographs]


class Cuttings(Table):
    """What one layer makes of the cuttings of photographs."""

    def __init__(self, store: Store, eye: str, layer: str, channels: int, *, is_read: bool) -> None:
        values = Layout((MOST, channels), "float32", 0.0, ("cutting", "channel"))
        layouts = {"mean": values, **({"peak": values} if is_read else {})}
        self.values_held = tuple(layouts)
        layouts["count"] = Layout((1,), "int32", 0, ("one",))
        super().__init__(store.folder, f"truth/cuttings/{eye}", layouts)
        self.layer, self.is_judges, self.eye = layer, eye == JUDGE, eye
        self.arrays_held = set(layouts)

    def all(self, name: str) -> np.ndarray:
        """An array's rows, those of all cuttings, one behind the other: (cuttings, channels).

        Raises:
            DamageError: a chunk is damaged.
        """
        parts = []
        for record in self.records.of(PILE.name):
            counts = self.read(record, "count")[:, 0]
            values = self.read(record, name)
            parts += [row[:count] for row, count in zip(values, counts, strict=True)]
        return np.concatenate(parts)

    def is_of(self, noted: Noted) -> bool:
        """Whether it holds all the photographs that are noted."""
        held = [name for record in self.records.of(PILE.name) for name in record.units]
        return held == noted.names

    def counts(self) -> np.ndarray:
        """How many cuttings there are of each photograph. Raises as `all`."""
        records = self.records.of(PILE.name)
        return np.concatenate([self.read(record, "count")[:, 0] for record in records])


class Pictures(Table):
    """What one layer makes of the units' own pictures: the means over its maps."""

    def __init__(self, store: Store, eye: str, layer: str, channels: int) -> None:
        layouts = {"mean": Layout((channels,), "float32", float("nan"), ("channel",))}
        super().__init__(store.folder, f"truth/pictures/{eye}", layouts)
        self.layer, self.is_judges, self.eye = layer, eye == JUDGE, eye


JUDGE = "judge"
"""The eye of the other network."""


def photographs(store: Store, most: int) -> list[Photograph]:
    """The photographs on which an atlas's pictures are tried; none where they are too few."""
    gone = seen.left_out(store) if seen.listed(store) else {}
    readable = [picture for picture in seen.listed(store) if picture.id not in gone]
    found = cuttings.photographs(readable, most, store.provenance.seed)
    return found if len(found) >= cuttings.LEAST else []


def trial(store: Store) -> str:
    """A digest of the photographs and of who looks; empty where none does. Raises as `noted`."""
    known = noted(store)
    if known is None:
        return ""
    return digest([list(known.photographs), known.size, known.eyes.to_json()])


def noted(store: Store) -> Noted | None:
    """What was noted as looking began; nothing where it never did.

    Raises:
        DamageError: the note is damaged.
    """
    with contextlib.suppress(FileNotFoundError), sealed(store.folder, LIST) as plain:
        eyes = Eyes.from_json(plain["eyes"])
        found = tuple((str(name), str(of)) for name, of in plain["photographs"])
        return Noted(found, int(plain["size"]), eyes)
    return None


def known(store: Store) -> Noted | None:
    """As `noted`; nothing where the note is damaged."""
    try:
        return noted(store)
    except (OSError, DamageError):
        return None


def begin(store: Store, wanted: Sequence[Photograph], eyes: Eyes) -> None:
    """Note on which photographs pictures are tried, and who looks; what is of the same stays.

    Args:
        store: the atlas.
        wanted: the photographs.
        eyes: who looks.
    """
    before, now = known(store), _now(store, wanted, eyes)
    if before == now and _place(before) == _place(now):
        return
    is_same_judge = before is not None and before.eyes.judge == eyes.judge
    there: list[Cuttings | Pictures] = [
        *cuttings_of(store, before or now),
        *pictures_of(store, before or now),
    ]
    for table in there:
        if before is None or (table.is_judges and not is_same_judge):
            table.clear()
    if before is not None:
        for cut in cuttings_of(store, now):
            _drop_others(cut, before, now)
    plain = {"photographs": now.photographs, "size": now.size, "eyes": eyes.to_json()}
    store.folder.write_json(LIST, seal(plain))


def is_of(store: Store, wanted: Sequence[Photograph], eyes: Eyes) -> bool:
    """Whether it is noted that these look, at these photographs."""
    before, now = known(store), _now(store, wanted, eyes)
    return before == now and _place(before) == _place(now)


def _now(store: Store, wanted: Sequence[Photograph], eyes: Eyes) -> Noted:
    return Noted(tuple((p.id, p.digest) for p in wanted), store.provenance.size, eyes)


def _place(noted: Noted | None) -> Path | None:
    """Where the judge's own file is, which may have moved."""
    judge = noted.eyes.judge if noted else None
    return judge.weights.path if judge and judge.weights.source == "file" else None


def _drop_others(table: "Cuttings", before: Noted, now: Noted) -> None:
    """Take back the commits of chunks that hold other photographs than they are to, or less."""
    names, same = now.names, {name for name, _ in {*before.photographs} & {*now.photographs}}
    for record in table.records.of(PILE.name):
        wanted = names[record.first_row : record.first_row + _CHUNK]
        is_whole = set(record.sha256) == table.arrays_held
        if list(record.units) != wanted or not same.issuperset(wanted) or not is_whole:
            table.records.drop(record)


def forget(store: Store) -> None:
    """Take back all that was looked at, where there is nothing to try pictures on any more."""
    noted = known(store)
    for table in (*cuttings_of(store, noted), *pictures_of(store, noted)):
        table.clear()
    if store.folder.has(LIST):
        store.folder.delete(LIST)


def cuttings_of(store: Store, noted: Noted | None) -> list[Cuttings]:
    """The tables of cuttings: of the layers that units look at, those before, and the judge's."""
    if noted is None:
        return []
    own = dict.fromkeys([*noted.eyes.own, *filter(None, noted.eyes.own.values())])
    found = [
        Cuttings(store, _own(name), name, _channels(store, name), is_read=name in noted.eyes.own)
        for name in own
    ]
    judge = noted.eyes.judge
    if judge is not None:
        found.append(Cuttings(store, JUDGE, judge.layer, judge.channels, is_read=False))
    return found


def pictures_of(store: Store, noted: Noted | None) -> list[Pictures]:
    """The tables of the units' pictures: of the layers before theirs, and the judge's."""
    if noted is None:
        return []
    own = dict.fromkeys(filter(None, noted.eyes.own.values()))
    found = [Pictures(store, _own(name), name, _channels(store, name)) for name in own]
    judge = noted.eyes.judge
    return [*found, Pictures(store, JUDGE, judge.layer, judge.channels)] if judge else found


def _channels(store: Store, layer: str) -> int:
    if layer == CLASSES:
        return store.provenance.architecture.classes or 0
    return store.provenance.architecture.layers[layer].channels


def _own(layer: str) -> str:
    return f"own/{folder_name(layer)}"


def tables(store: Store) -> list[Table]:
    """All tables of an atlas that are of this; none where nobody looked."""
    noted = known(store)
    return [*cuttings_of(store, noted), *pictures_of(store, noted)]


def pending(store: Store, wanted: Sequence[Photograph]) -> list[Batch[Photograph]]:
    """The batches of photographs that some eye has not seen."""
    done = [
        {record.chunk: record.units for record in table.records.of(PILE.name)}
        for table in cuttings_of(store, known(store))
    ]
    found = []
    for chunk, first in enumerate(range(0, len(wanted), _CHUNK)):
        some = tuple(wanted[first : first + _CHUNK])
        if any(has.get(chunk) != tuple(p.id for p in some) for has in done):
            found.append(Batch(PILE.name, chunk, _CHUNK, some))
    return found


def commit(
    store: Store,
    batch: Batch[Photograph],
    counts: Sequence[int],
    found: Mapping[str, Mapping[str, np.ndarray]],
) -> None:
    """Store what was made of the cuttings of a batch of photographs.

    Args:
        store: the atlas.
        batch: the photographs.
        counts: how many cuttings there are of each.
        found: by eye, by name of an array a row a cutting, those of all photographs in order.
    """
    for table in cuttings_of(store, known(store)):
        rows = {name: _padded(found[table.eye][name], counts) for name in table.values_held}
        table.forget_others(batch)
        table.write(batch, {**rows, "count": np.array(counts, np.int32)[:, None]})


def _padded(values: np.ndarray, counts: Sequence[int]) -> np.ndarray:
    """Rows of cuttings as (photographs, MOST, channels), zero where there are fewer."""
    padded = np.zeros((len(counts), MOST, values.shape[1]), np.float32)
    starts = np.cumsum([0, *counts])
    for number, count in enumerate(counts):
        padded[number, :count] = values[starts[number] : starts[number] + count]
    return padded


def state_of(store: Store) -> str:
    """A digest of what was seen, and of who saw it; empty where nothing was."""
    noted = known(store)
    if noted is None:
        return ""
    records = [content for table in tables(store) for content in table.records.contents()]
    judge = noted.eyes.judge
    by = [judge.sha256, judge.layer] if judge else []
    return digest([by, dict(noted.eyes.own), noted.photographs, noted.size, records])

"""Dataset examples: a user's own pictures, seen once by every channel of the atlas's layers.

    ATLAS/examples/pictures.json                   which pictures, sealed
    ATLAS/atlas.zarr/examples/LAYER/pictures/mean  (picture, channel) float32; so are peak and place
    ATLAS/examples/LAYER/pictures/000012.json      commits chunk 12 of them

What follows from them for each unit: `strongest`.
"""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pipeline.errors import ConfigError, DamageError, WorkError
from pipeline.examples.source import READ, REASONS, RESCALED, SEEN, Picture, load
from pipeline.plan.architecture import CLASSES, Layer
from pipeline.plan.batches import Batch
from pipeline.plan.identity import digest
from pipeline.plan.units import folder_name
from pipeline.store.layout import Layout
from pipeline.store.seal import seal, sealed
from pipeline.store.store import Store
from pipeline.store.table import Table

_CHUNK = 64
"""Pictures that are seen, committed and stored together."""
LIST = "examples/pictures.json"


@dataclass(frozen=True)
class Pile:
    """The section of the pictures."""

    name: str = "pictures"
    rows_are: str = "picture"


PILE = Pile()


class Examples(Table):
    """How the channels of one layer respond to pictures."""

    def __init__(self, store: Store, layer: Layer) -> None:
        numbers = Layout((layer.channels,), "float32", float("nan"), ("channel",))
        places = Layout((layer.channels,), "int32", -1, ("channel",))
        layouts = {"mean": numbers, "peak": numbers, "place": places}
        layouts["state"] = Layout((1,), "uint8", READ, ("one",))
        super().__init__(store.folder, f"examples/{folder_name(layer.name)}", layouts)
        self.layer = layer

    def pictures(self) -> list[str]:
        """The ids of the pictures that the layer has seen."""
        return [name for record in self.records.of(PILE.name) for name in record.units]


def tables(store: Store) -> list[Examples]:
    """The tables of an atlas's layers, in the network's order, and of its classes."""
    known = store.provenance
    layers = known.layers()
    if known.architecture.classes and any(unit.kind.needs_classifier for unit in known.units()):
        layers.append(Layer(CLASSES, 0, known.architecture.classes, 1, 1, 0))
    return [Examples(store, layer) for layer in layers]


def listed(store: Store) -> list[Picture]:
    """The pictures that an atlas was shown, or is being shown; none if it was not.

    Raises:
        DamageError: the list is damaged.
    """
    with contextlib.suppress(FileNotFoundError), sealed(store.folder, LIST) as plain:
        return [_picture(entry) for entry in plain["pictures"]]
    return []


def _picture(entry: dict[str, Any]) -> Picture:
    return Picture(**{**entry, "labels": tuple(entry.get("labels", ()))})


def _entry(picture: Picture) -> dict[str, Any]:
    """What the list says of a picture: no label or group where it has none."""
    return {name: v for name, v in asdict(picture).items() if v or name not in ("labels", "group")}


def with_labels(store: Store, pictures: Sequence[Picture]) -> list[Picture]:
    """Pictures with the labels and groups that the atlas knows, where it was shown the same ones.

    Where it knows none they keep what they come with.
    """
    try:
        before = listed(store)
    except DamageError:
        before = []
    is_same = [(p.id, p.row) for p in before] == [(p.id, p.row) for p in pictures]
    if not is_same or not any(p.labels or p.group for p in before):
        return list(pictures)
    pairs = zip(pictures, before, strict=True)
    return [_said_of(picture, known) for picture, known in pairs]


def shows_whole(store: Store) -> bool:
    """Whether the page may have small copies of whole pictures, not crops of them alone."""
    with contextlib.suppress(FileNotFoundError, DamageError), sealed(store.folder, LIST) as plain:
        return bool(plain.get("whole", True))
    return True


def begin(
    store: Store,
    pictures: Sequence[Picture],
    *,
    replace: bool = False,
    whole: bool | None = None,
) -> None:
    """Note which pictures an atlas is to be shown; the same ones go on where they were.

    Of these, what has another stamp than when it was noted, or could not be read and now can, is to
    be seen again, wherever it is now; what is gone stays as it was seen. A list from before there
    were stamps is thus seen again once.

    Args:
        store: the atlas.
        pictures: all of them, with their labels.
        replace: forget what was seen, of these and of others.
        whole: whether the page may have small copies of whole pictures; None for what was said
            before, or that it may.

    Raises:
        ConfigError: it was shown other pictures, and they are not to be replaced.
        DamageError: the list, or a chunk, is damaged.
    """
    try:
        before = listed(store)
    except DamageError:
        before = []  # which they were, nobody knows: all are seen anew
    after = list(pictures)
    again = {picture.id for picture in before}
    if before and not replace:
        if [(p.id, p.row) for p in before] != [(p.id, p.row) for p in after]:
            raise ConfigError(
                f"the atlas {store.folder} was shown {len(before):,} other pictures, from "
                f"{before[0].path} on: --replace forgets them"
            )
        again = _changed(store, before, after)
        now = [new if new.stamp else old for old, new in zip(before, after, strict=True)]
        after = [_said_of(p, new) for p, new in zip(now, after, strict=True)]
    known = shows_whole(store)
    is_whole = known if whole is None else whole
    if before == after and not again and is_whole == known:
        return
    noted = {"pictures": [_entry(picture) for picture in after]}
    sealed_list = seal(noted if is_whole else noted | {"whole": False})
    for table in tables(store):
        for record in table.records.of(PILE.name):
            if replace or not before or again.intersection(record.units):
                table.records.drop(record)
    store.folder.write_json(LIST, sealed_list)


def _said_of(picture: Picture, by: Picture) -> Picture:
    """A picture with what is said of another."""
    return dataclasses.replace(picture, labels=by.labels, group=by.group)


def _changed(store: Store, before: list[Picture], after: list[Picture]) -> set[str]:
    """The ids of the pictures that are to be seen again."""
    failed = left_out(store)
    return {
        new.id
        for old, new in zip(before, after, strict=True)
        if new.stamp and (new.stamp != old.stamp or (new.id in failed and load(new, 8)[1] in SEEN))
    }


def pending(store: Store, of: Sequence[Examples]) -> list[Batch[Picture]]:
    """The batches of pictures that some layer has not seen."""
    pictures = listed(store)
    known = [{r.chunk: r.units for r in table.records.of(PILE.name)} for table in of]
    found = []
    for chunk, first in enumerate(range(0, len(pictures), _CHUNK)):
        some = pictures[first : first + _CHUNK]
        if any(done.get(chunk) != tuple(p.id for p in some) for done in known):
            found.append(Batch(PILE.name, chunk, _CHUNK, tuple(some)))
    return found


def prepare(of: Sequence[Examples], batches: Sequence[Batch[Picture]]) -> None:
    """Make room for batches of pictures."""
    for table in of:
        table.prepare(PILE, batches)


def commit(
    of: Sequence[Examples], batch: Batch[Picture], seen: Mapping[str, Mapping[str, np.ndarray]]
) -> None:
    """Store what was seen of a batch of pictures; by layer, by array name a row a picture.

    Raises:
        WorkError: another layer saw a picture that cannot be read any more.
    """
    for table in of:
        _refuse_lost(table, batch, seen[table.layer.name]["state"][:, 0])
    for table in of:
        table.write(batch, seen[table.layer.name])


def _refuse_lost(table: Examples, batch: Batch[Picture], states: np.ndarray) -> None:
    """Stop where a picture was seen and now can't be read."""
    record = table.records.one(batch.section, batch.chunk)
    if record is None or record.units != tuple(picture.id for picture in batch.units):
        return
    with contextlib.suppress(DamageError):
        read = np.isin(table.read(record, "state")[:, 0], SEEN)
        for number in np.flatnonzero(read & ~np.isin(states, SEEN)):
            raise WorkError(lost(batch.units[number], int(states[number])))


def lost(picture: Picture, state: int) -> str:
    """What to do about a picture that was seen and now can't be read."""
    return (
        f"the picture {picture.path} was seen, but now {REASONS[state]}: put it back, or name the "
        "folder that the pictures are in now, `atlas examples FOLDER`"
    )


def left_out(store: Store) -> dict[str, str]:
    """The pictures that could not be read, with the reason."""
    return {name: REASONS[state] for name, state in _states(store) if state not in SEEN}


def rescaled(store: Store) -> list[str]:
    """The pictures whose greys were scaled by their own range."""
    return [name for name, state in _states(store) if state == RESCALED]


def _states(store: Store) -> Iterator[tuple[str, int]]:
    table = tables(store)[0]  # every layer saw the same ones
    for record in table.records.of(PILE.name):
        yield from zip(record.units, table.read(record, "state")[:, 0].tolist(), strict=True)


def state_of(store: Store) -> str:
    """A digest of what was seen; empty where nothing was."""
    seen = [
        [(record.chunk, dict(record.sha256)) for record in table.records.of(PILE.name)]
        for table in tables(store)
    ]
    return digest(seen) if any(seen) else ""

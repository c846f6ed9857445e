"""The index: one row a unit, for pandas and for anything that reads Parquet."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from pipeline.ascent.results import NAMES
from pipeline.errors import DamageError
from pipeline.examples import strongest
from pipeline.explore import circuits, names, responses, similarity
from pipeline.explore import notes as user_notes
from pipeline.explore.places import grid
from pipeline.plan.batches import Section
from pipeline.plan.identity import SCHEMA, digest
from pipeline.plan.kinds import CHANNEL
from pipeline.plan.provenance import Provenance
from pipeline.plan.units import Unit
from pipeline.store import parquet
from pipeline.store.folder import Folder
from pipeline.store.records import Record
from pipeline.store.store import Store
from pipeline.truth import agreement, kept, verdicts

NAME = "index.parquet"
"""The index file of an atlas folder."""

DIRECTIONS = {
    "variance_share": "Float32",
    "closest_channel": "string",
    "closest_cosine": "Float32",
    "cell_row": "Int32",
    "cell_col": "Int32",
}
"""The columns of directions, and their pandas types."""
TYPES = {
    "unit": "string",
    "kind": "string",
    "layer": "string",
    "channel": "Int32",
    "y": "Int32",
    "x": "Int32",
    **DIRECTIONS,
    "class_index": "Int32",
    "class_name": "string",
    "direction": "string",
    "variant": "Int32",
    "status": "string",
    "activation": "Float32",
    "activation_robust": "Float32",
    "activation_start": "Float32",
    "activation_peak": "Float32",
    "mean": "Float32",
    "deviation": "Float32",
    "sparsity": "Float32",
    "alive": "boolean",
    "steps": "Int32",
    "seconds": "Float32",
    "seed": "Int64",
    "recipe": "string",
    "image_sha256": "string",
    "section": "string",
    "section_row": "Int32",
    "mosaic_row": "Int32",
    "mosaic_col": "Int32",
    **similarity.TYPES,
    **circuits.SUMMARY,
    **kept.TYPES,
    **agreement.TYPES,
    "natural_quantile": "Float32",
    "natural_median": "Float32",
    "natural_p99": "Float32",
    **names.TYPES,
    **verdicts.TYPES,
    "note": "string",
    "called": "string",
}
"""The index's columns and their pandas types."""

_LISTS = {
    "nearest": pa.list_(pa.string()),
    "nearest_distance": pa.list_(pa.float64()),
    "built_from": pa.list_(pa.string()),
    "feeds": pa.list_(pa.string()),
}
_AT_ONCE = 10_000
"""Rows that are turned into text, and written, together."""
TIMINGS = ("seconds", *similarity.LAID_OUT, "note", "called")
"""Columns that two builds of one atlas need not share."""
LATER = (
    *DIRECTIONS,
    *circuits.SUMMARY,
    *kept.TYPES,
    *agreement.TYPES,
    *names.TYPES,
    *verdicts.TYPES,
)
"""Columns that came later: where nothing is in them, the identity is what it was without."""


def of(store: Store) -> pd.DataFrame:
    """The index of what a store holds now: from its file where that is current, else made."""
    return in_state(store, state_of(store))


def in_state(store: Store, state: str) -> pd.DataFrame:
    """The index of a store that is in a state, see `state_of`; as `of`.

    Raises:
        DamageError: the file is not current, and a chunk that it is made from is damaged.
    """
    return (
        read(store.folder)
        if parquet.state(store.folder, NAME) == state
        else explore(store)(build(store))
    )


def quick(store: Store) -> pd.DataFrame:
    """As `of`; where the file is not current, without what `explore` takes its time to tell."""
    return read(store.folder) if is_current(store) else build(store)


def build(store: Store) -> pd.DataFrame:
    """The index of what a store holds now, in the atlas's order, less what `explore` tells."""
    return pd.concat(_sections(store), ignore_index=True)


def _sections(store: Store) -> Iterator[pd.DataFrame]:
    """The rows of each section."""
    failed, said = store.records.failed(), user_notes.known(store.folder)
    return (_section(store, section, failed, said) for section in store.provenance.sections())


def _section(
    store: Store, section: Section, failed: set[str], said: user_notes.Said
) -> pd.DataFrame:
    """The rows of a section."""
    rows = []
    found = _measured(store, section)
    columns = grid(len(section.units), store.provenance.columns)
    for place, unit in enumerate(section.units):
        row = _named(unit, store.provenance)
        row["mosaic_row"], row["mosaic_col"] = divmod(place, columns)
        row["section"] = section.name
        row["status"] = store.provenance.status(unit, found, failed)
        row["called"], row["note"] = (text or None for text in said.on(unit.id))
        row.update(found.get(unit.id, {}))
        rows.append(row)
    return _typed(pd.DataFrame(rows, columns=list(TYPES)))


def explore(store: Store) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """A function that gives rows of an index what responses and pictures tell of their units.

    Raises:
        DamageError: a chunk of responses is damaged.
    """
    ids, means = responses.matrix(store, responses.tables(store))
    found = alike = None
    if ids:
        by_id = {unit.id: unit for unit in store.provenance.units()}
        units = [by_id[i] for i in ids]
        found = similarity.columns(units, means, store.provenance.seed % 2**32)
        alike = agreement.columns(units, means)
    spread = strongest.spread(store).set_index("unit")
    standing = strongest.standing(store) if len(spread) else None
    traced, left = circuits.summary(store), kept.columns(store)
    named = names.columns(store)
    tried = verdicts.columns(store)

    def explored(rows: pd.DataFrame) -> pd.DataFrame:
        if found is not None:
            rows = rows.drop(columns=list(similarity.TYPES)).join(found, on="unit")
        if alike is not None and len(alike):
            rows = rows.drop(columns=list(agreement.TYPES)).join(alike, on="unit")
        if len(traced):
            rows = rows.drop(columns=list(circuits.SUMMARY)).join(traced, on="unit")
        if len(left):
            rows = rows.drop(columns=list(kept.TYPES)).join(left, on="unit")
        if standing is not None:
            units = rows["unit"]
            rows["natural_median"] = units.map(spread["q50"])
            rows["natural_p99"] = units.map(spread["q99"])
            rows["natural_quantile"] = list(map(standing, units, rows["activation"]))
        if len(named):
            rows = rows.drop(columns=list(named)).join(named, on="unit")
        if len(tried):
            rows = rows.drop(columns=list(tried)).join(tried, on="unit")
        return _typed(rows[list(TYPES)])

    return explored


def write(
    parts: Iterable[pd.DataFrame], provenance: Provenance, state: str, folder: Folder
) -> None:
    """Write an index as Parquet; equal rows of equal atlases give equal bytes.

    Args:
        parts: the index part by part, in order.
        provenance: the atlas's.
        state: what the index was made from, see `state_of`.
        folder: the atlas folder.
    """
    found = _Identity()
    note = {
        "schema_version": str(SCHEMA),
        "config_hash": provenance.config_hash,
        "state": state,
    }
    said = user_notes.state_of(folder)
    note |= {"notes": said} if said else {}
    parquet.write(
        folder, NAME, map(found.seen, _regrouped(parts)),
        lambda: note | {"identity": found.hexdigest()}, _LISTS,
    )  # fmt: skip


def refresh(store: Store) -> None:
    """Write the index of what a store holds now, never holding all of it."""
    mend_notes(store.folder)
    state = state_of(store)
    write(map(explore(store), _sections(store)), store.provenance, state, store.folder)


def mend_notes(folder: Folder) -> None:
    """Take the user's notes from the index file, where their own is lost or damaged."""
    user_notes.mend(folder, lambda: _notes_in(folder))


def _notes_in(folder: Folder) -> user_notes.Said:
    """The user's words that an index file has."""
    try:
        if "notes" in notes(folder):
            rows = read(folder).set_index("unit")
            note, called = (dict(rows[name].dropna().items()) for name in ("note", "called"))
            return user_notes.Said(note, called)  # type: ignore[arg-type]
    except (OSError, DamageError):
        pass  # there is none that is whole
    return user_notes.NOTHING


def annotate(store: Store, rows: pd.DataFrame) -> pd.DataFrame:
    """Write an index that is current but for the user's notes with these; the rows with them."""
    said = user_notes.known(store.folder)
    both = {"note": said.notes, "called": said.called}
    rows = rows.assign(**{n: rows["unit"].map(of).astype("string") for n, of in both.items()})
    write([rows], store.provenance, state_of(store), store.folder)
    return rows


def is_current(store: Store) -> bool:
    """Whether the index file was made from what a store holds now, and is whole."""
    return parquet.state(store.folder, NAME) == state_of(store)


def read(folder: Folder) -> pd.DataFrame:
    """The index file of an atlas folder. Raises as `notes`."""
    return _typed(parquet.read(folder, NAME))


def dead(folder: Folder) -> int:
    """How many units of an index file are built and dead. Raises as `notes`."""
    alive = parquet.read(folder, NAME, ["alive"])["alive"].astype("boolean")
    return int((~alive).sum())


def notes(folder: Folder) -> dict[str, str]:
    """What the index file says of itself: schema version, configuration hash, identity, state.

    And `notes`, a digest, where it has any of the user's.

    Raises:
        OSError: it is not there, or cannot be read.
        DamageError: it is damaged.
    """
    return parquet.notes(folder, NAME)


def identity(frame: pd.DataFrame) -> str:
    """SHA-256 of an index without its timings: equal for equal atlases, however built."""
    found = _Identity()
    for first in range(0, len(frame), _AT_ONCE):
        found.seen(frame.iloc[first : first + _AT_ONCE])
    return found.hexdigest()


class _Identity:
    """The identity of an index that is seen part by part, `_AT_ONCE` rows each."""

    def __init__(self) -> None:
        self._found = hashlib.sha256()
        self.hexdigest = self._found.hexdigest

    def seen(self, part: pd.DataFrame) -> pd.DataFrame:
        """Count a part in; it is returned."""
        empty = [name for name in LATER if part[name].isna().all()]
        plain = part.drop(columns=[*TIMINGS, *empty])
        self._found.update(plain.to_json(orient="split", double_precision=15).encode())
        return part


def _regrouped(parts: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """The same rows, counted through, `_AT_ONCE` a part and the rest in the last."""
    count, rest = 0, pd.DataFrame()
    for part in parts:
        counted = part.set_axis(range(count, count + len(part)))
        count += len(part)
        rest = pd.concat([rest, counted]) if len(rest) else counted
        while len(rest) >= _AT_ONCE:
            yield rest.iloc[:_AT_ONCE]
            rest = rest.iloc[_AT_ONCE:]
    if len(rest):
        yield rest


def state_of(store: Store) -> str:
    """A digest of what an index of the store would be made from, timings apart."""
    records = store.records.of
    images = {
        section.name: [(record.chunk, record.image_sha256) for record in records(section.name)]
        for section in store.provenance.sections()
    }
    seen = [
        (table.records.place, section.name, [r.chunk for r in table.records.of(section.name)])
        for table in responses.tables(store)
        for section in store.provenance.sections()
    ]
    failures = [failure.batch for failure in store.records.failures()]
    shown = strongest.noted(store)
    noted = names.noted(store), user_notes.state_of(store.folder), verdicts.noted(store)
    later = filter(None, [circuits.state_of(store), kept.state_of(store), *noted])
    known = store.provenance
    return digest(
        [known.config_hash, known.columns, known.classes, images, seen, failures, shown, *later]
    )


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame with the index's types; None where a list is wanting."""
    typed = frame.reindex(columns=list(TYPES)).astype(TYPES)  # older files have fewer columns
    for name in (name for name, kind in TYPES.items() if kind == "object"):
        typed[name] = typed[name].where(typed[name].notna(), None)
    return typed


def _named(unit: Unit, provenance: Provenance) -> dict[str, Any]:
    """The columns that a unit's id says."""
    named = provenance.classes if unit.kind.needs_classifier else ()
    return {
        "unit": unit.id,
        "kind": unit.kind.name,
        "layer": "+".join(unit.layers) or None,
        "channel": unit.index if unit.kind.has_channel else None,
        "y": unit.row,
        "x": unit.column,
        "class_index": unit.index if unit.kind.needs_classifier else None,
        "class_name": (named[unit.index] or None) if unit.index < len(named) else None,
        "direction": "negative" if unit.negative else "positive",
        "variant": unit.variant,
        "seed": provenance.seed,
        "recipe": provenance.recipe.name,
        **_of_direction(unit),
    }


def _of_direction(unit: Unit) -> dict[str, Any]:
    if unit.direction is None:
        return {}
    channel, cosine = unit.direction.nearest
    closest = Unit(CHANNEL, unit.layers, channel).id
    return {"closest_channel": closest, "closest_cosine": cosine, **unit.direction.facts}


def _measured(store: Store, section: Section) -> dict[str, dict[str, Any]]:
    """The columns that come from a section's committed batches, by unit id."""
    negative = {unit.id for unit in section.units if unit.negative}
    found: dict[str, dict[str, Any]] = {}
    for record in store.records.of(section.name):
        table = store.read(record, "statistics")
        for offset, unit_id in enumerate(record.units):
            found[unit_id] = _one(record, offset, table[offset], unit_id in negative)
    return found


def _one(record: Record, offset: int, values: np.ndarray, negative: bool) -> dict[str, Any]:
    row: dict[str, Any] = dict(zip(NAMES, values.tolist(), strict=True))
    row["steps"] = int(row["steps"])
    gain = row["activation"] - row["activation_start"]
    return row | {
        "alive": gain < 0 or row["activation"] == 0 if negative else gain > 0,
        "image_sha256": record.image_sha256[offset],
        "section_row": record.first_row + offset,
    }

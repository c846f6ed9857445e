"""The index: one row a unit, for pandas and for anything that reads Parquet."""

import hashlib
import io
import json
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import DamageError
from pipeline.folder import Folder
from pipeline.mosaic import grid
from pipeline.provenance import SCHEMA, Provenance
from pipeline.records import Record
from pipeline.results import NAMES
from pipeline.seal import digest, seal, unseal
from pipeline.store import Store
from pipeline.units import Section, Unit

NAME = "index.parquet"
"""The index file of an atlas folder."""
_SEAL = "index.json"
"""Beside it: its notes, and its SHA-256."""

TYPES = {
    "unit": "string",
    "kind": "string",
    "layer": "string",
    "channel": "Int32",
    "y": "Int32",
    "x": "Int32",
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
}
"""The index's columns and their pandas types."""

_AT_ONCE = 10_000
"""Rows that are turned into text together."""
TIMINGS = ("seconds",)
"""Columns that two builds of one atlas do not share."""


def build(store: Store) -> pd.DataFrame:
    """The index of what a store holds now, in the atlas's order."""
    failed = store.records.failed()
    parts = [_section(store, section, failed) for section in store.provenance.sections()]
    return pd.concat(parts, ignore_index=True)


def _section(store: Store, section: Section, failed: set[str]) -> pd.DataFrame:
    """The rows of a section."""
    rows = []
    found = _measured(store, section)
    columns = grid(len(section.units), store.provenance.columns)
    for place, unit in enumerate(section.units):
        row = _named(unit, store.provenance)
        row["mosaic_row"], row["mosaic_col"] = divmod(place, columns)
        row["section"] = section.name
        row["status"] = store.provenance.status(unit, found, failed)
        row.update(found.get(unit.id, {}))
        rows.append(row)
    return pd.DataFrame(rows, columns=list(TYPES)).astype(TYPES)


def write(frame: pd.DataFrame, provenance: Provenance, state: str, folder: Folder) -> None:
    """Write an index as Parquet; equal frames of equal atlases give equal bytes.

    Args:
        frame: what `build` returned.
        provenance: the atlas's.
        state: what the index was made from, see `state_of`.
        folder: the atlas folder.
    """
    table = pa.Table.from_pandas(frame, preserve_index=False)
    note = {
        "schema_version": str(SCHEMA),
        "config_hash": provenance.config_hash,
        "identity": identity(frame),
        "state": state,
    }
    named = {f"channel_atlas.{key}": value for key, value in note.items()}
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), **named})
    folder.write(NAME, lambda file: pq.write_table(table, file, compression="zstd"))
    folder.write_json(_SEAL, seal({**note, "sha256": folder.digest(NAME)}))


def refresh(store: Store) -> None:
    """Write the index of what a store holds now."""
    write(build(store), store.provenance, state_of(store), store.folder)


def is_current(store: Store) -> bool:
    """Whether the index file was made from what a store holds now, and is whole."""
    try:
        return notes(store.folder)["state"] == state_of(store)
    except (OSError, DamageError):
        return False


def read(folder: Folder) -> pd.DataFrame:
    """The index file of an atlas folder. Raises as `notes`."""
    notes(folder)
    frame: pd.DataFrame = pq.read_table(io.BytesIO(folder.read(NAME))).to_pandas()
    return frame.astype(TYPES)


def notes(folder: Folder) -> dict[str, str]:
    """What the index file says of itself: schema version, configuration hash, identity, state.

    Raises:
        OSError: it is not there, or cannot be read.
        DamageError: it is damaged.
    """
    try:
        found = unseal(json.loads(folder.read(_SEAL)))
        if folder.digest(NAME) != found.pop("sha256"):
            raise DamageError(f"{NAME} in {folder} is not as it was written")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamageError(f"{_SEAL} in {folder} is damaged: {error}") from error
    return found


def identity(frame: pd.DataFrame) -> str:
    """SHA-256 of an index without its timings: equal for equal atlases, however built."""
    plain, found = frame.drop(columns=list(TIMINGS)), hashlib.sha256()
    for first in range(0, len(plain), _AT_ONCE):
        some = plain.iloc[first : first + _AT_ONCE]
        found.update(some.to_json(orient="split", double_precision=15).encode())
    return found.hexdigest()


def state_of(store: Store) -> str:
    """A digest of what an index of the store would be made from, timings apart."""
    records = store.records.of
    images = {
        section.name: [(record.chunk, record.image_sha256) for record in records(section.name)]
        for section in store.provenance.sections()
    }
    failures = [failure.batch for failure in store.records.failures()]
    known = store.provenance
    return digest([known.config_hash, known.columns, known.classes, images, failures])


def _named(unit: Unit, provenance: Provenance) -> dict[str, Any]:
    """The columns that a unit's id says."""
    named = provenance.classes if unit.has_class else ()
    return {
        "unit": unit.id,
        "kind": unit.kind,
        "layer": "+".join(unit.layers) or None,
        "channel": unit.index if unit.kind in ("channel", "neuron") else None,
        "y": unit.row,
        "x": unit.column,
        "class_index": unit.index if unit.has_class else None,
        "class_name": (named[unit.index] or None) if unit.index < len(named) else None,
        "direction": "negative" if unit.negative else "positive",
        "variant": unit.variant,
        "seed": provenance.fingerprint["seed"],
        "recipe": provenance.fingerprint["recipe"]["name"],
    }


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

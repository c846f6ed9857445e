"""Tables of an atlas folder that anything reads: a Parquet file, and beside it a seal.

The seal is a JSON file of notes with the SHA-256 of the Parquet file, so that damage is seen.
"""

import io
import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import IO

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import DamageError
from pipeline.store.folder import Folder
from pipeline.store.seal import seal, sealed

Notes = Callable[[], Mapping[str, str]]


def write(
    folder: Folder,
    name: str,
    frames: Iterable[pd.DataFrame],
    notes: Notes,
    lists: Mapping[str, pa.DataType] | None = None,
) -> None:
    """Write frames as one Parquet file; equal frames with equal notes give equal bytes.

    Args:
        folder: the atlas folder.
        name: the file, which ends in `.parquet`.
        frames: what is written, part by part, without their indices; one at least.
        notes: asked once all is written, and kept in the file's metadata as `channel_atlas.KEY`,
            and in the seal.
        lists: the types of columns that hold lists, or nothing.
    """
    sha256 = folder.write_digested(name, lambda file: _write(file, frames, notes, lists or {}))
    folder.write_json(seal_of(name), seal({**notes(), "sha256": sha256}))


def _write(
    file: IO[bytes],
    frames: Iterable[pd.DataFrame],
    notes: Notes,
    lists: Mapping[str, pa.DataType],
) -> None:
    parts = iter(frames)
    first = next(parts)
    schema = pa.Schema.from_pandas(first, preserve_index=False)
    for column, kind in lists.items():
        schema = schema.set(schema.get_field_index(column), pa.field(column, kind))
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for frame in itertools.chain([first], parts):
            writer.write_table(pa.Table.from_pandas(frame, schema, preserve_index=False))
        writer.add_key_value_metadata({f"channel_atlas.{k}": v for k, v in notes().items()})


def read(folder: Folder, name: str, columns: list[str] | None = None) -> pd.DataFrame:
    """The frame in a file, or some columns of it. Raises as `notes`."""
    notes(folder, name)
    frame: pd.DataFrame = pq.read_table(io.BytesIO(folder.read(name)), columns=columns).to_pandas()
    return frame


def notes(folder: Folder, name: str) -> dict[str, str]:
    """What was noted with a file.

    Raises:
        OSError: it is not there, or cannot be read.
        DamageError: it is damaged.
    """
    with sealed(folder, seal_of(name)) as found:
        if folder.digest(name) != found.pop("sha256"):
            raise DamageError(f"{name} in {folder} is not as it was written")
    return found


def state(folder: Folder, name: str) -> str:
    """What a file was made from, by its note `state`; empty where there is none, or damage."""
    try:
        return notes(folder, name)["state"]
    except (OSError, DamageError):
        return ""


def seal_of(name: str) -> str:
    """The seal of a file."""
    return name.removesuffix(".parquet") + ".json"

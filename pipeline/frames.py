"""Tables of an atlas folder that anything reads: a Parquet file, and beside it a seal.

The seal is a JSON file of notes with the SHA-256 of the Parquet file, so that damage is seen.
"""

import io
import json
from collections.abc import Mapping

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import DamageError
from pipeline.folder import Folder
from pipeline.seal import seal, unseal


def write(folder: Folder, name: str, frame: pd.DataFrame, notes: Mapping[str, str]) -> None:
    """Write a frame as Parquet; equal frames with equal notes give equal bytes.

    Args:
        folder: the atlas folder.
        name: the file, which ends in `.parquet`.
        frame: what is written, without its index.
        notes: kept in the file's metadata as `channel_atlas.KEY`, and in the seal.
    """
    table = pa.Table.from_pandas(frame, preserve_index=False)
    named = {f"channel_atlas.{key}": value for key, value in notes.items()}
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), **named})
    folder.write(name, lambda file: pq.write_table(table, file, compression="zstd"))
    folder.write_json(_seal_of(name), seal({**notes, "sha256": folder.digest(name)}))


def read(folder: Folder, name: str) -> pd.DataFrame:
    """The frame in a file. Raises as `notes`."""
    notes(folder, name)
    frame: pd.DataFrame = pq.read_table(io.BytesIO(folder.read(name))).to_pandas()
    return frame


def notes(folder: Folder, name: str) -> dict[str, str]:
    """What was noted with a file.

    Raises:
        OSError: it is not there, or cannot be read.
        DamageError: it is damaged.
    """
    try:
        found = unseal(json.loads(folder.read(_seal_of(name))))
        if folder.digest(name) != found.pop("sha256"):
            raise DamageError(f"{name} in {folder} is not as it was written")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamageError(f"{_seal_of(name)} in {folder} is damaged: {error}") from error
    return found


def _seal_of(name: str) -> str:
    return name.removesuffix(".parquet") + ".json"

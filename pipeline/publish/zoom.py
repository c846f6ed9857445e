"""Exports of the whole mosaic, for viewers that zoom: OME-Zarr 0.5 and Deep Zoom."""

import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from pipeline.explore import index
from pipeline.sheets import mosaics, tiles
from pipeline.store.store import Store

_TILE = 254
"""A Deep Zoom tile's side; with an overlap of 1 on either side, 256."""
_CHUNK, _SMALLEST = 512, 256
_SAID = ("unit", "layer", "class_name", "name", "activation", "activation_robust", "selectivity")
"""What a viewer says of the unit under the pointer."""


def write_ome_zarr(store: Store, path: Path) -> None:
    """Write the mosaic as an image (c, y, x) of several sizes, and labels: a number a unit.

    napari shows the units' ids and figures under the pointer.
    """
    import zarr  # noqa: PLC0415, slow to import
    from ome_zarr.format import FormatV05  # noqa: PLC0415, an extra
    from ome_zarr.scale import Methods  # noqa: PLC0415
    from ome_zarr.writer import write_image, write_labels  # noqa: PLC0415

    mosaic, pixels = _drawn(store)
    factors = _factors(mosaic.width, mosaic.height)
    chunks = {"storage_options": {"chunks": (3, _CHUNK, _CHUNK)}}
    root = zarr.open_group(path, mode="w-", zarr_format=3)
    write_image(
        np.ascontiguousarray(pixels.transpose(2, 0, 1)),
        root,
        scale_factors=factors,
        name="channel atlas",
        method=Methods.LOCAL_MEAN,
        fmt=FormatV05(),
        axes=["c", "y", "x"],
        **chunks,
    )
    attributes: dict[str, Any] = {**cast("dict[str, Any]", root.attrs["ome"])}
    attributes["omero"] = {"name": "channel atlas", "channels": _COLOURS}
    root.attrs["ome"] = attributes
    labels = np.zeros((mosaic.height, mosaic.width), np.int32)
    for number, tile in enumerate(mosaic.tiles, start=1):
        labels[tile.y : tile.y + tile.side, tile.x : tile.x + tile.side] = number
    write_labels(
        labels,
        root,
        name="units",
        scaler=None,  # else an older ome-zarr warns of its own default
        scale_factors=factors,
        method=Methods.NEAREST,
        fmt=FormatV05(),
        axes=["y", "x"],
        label_metadata={"properties": _properties(store, mosaic), "source": {"image": "../../"}},
        storage_options={"chunks": (_CHUNK, _CHUNK)},
    )
    listed: Any = root["labels"].attrs["ome"]
    root["labels"].attrs["ome"] = {**listed, "version": attributes["version"]}


def write_dzi(store: Store, path: Path) -> None:
    """Write `mosaic.dzi` with its `mosaic_files`, and `units.json`: where each unit is on it.

    A viewer such as OpenSeadragon is pointed at `mosaic.dzi`.
    """
    import pyvips  # noqa: PLC0415, an extra

    mosaic, pixels = _drawn(store)
    path.mkdir()
    image = pyvips.Image.new_from_array(pixels, interpretation="srgb")
    image.dzsave(
        str(path / "mosaic"),
        suffix=".jpg[Q=90,strip]",
        tile_size=_TILE,
        overlap=1,
        depth="onepixel",
    )
    (path / "mosaic_files" / "vips-properties.xml").unlink(missing_ok=True)
    text = json.dumps(tiles.describe(mosaic), sort_keys=True, indent=1, ensure_ascii=False)
    (path / "units.json").write_text(text + "\n", encoding="utf-8")


def _drawn(store: Store) -> tuple[tiles.Mosaic, np.ndarray]:
    """The mosaic of the whole, as large as its images are, and its pixels."""
    mosaic = mosaics.plan(store.provenance, mosaics.WHOLE, store.provenance.size)
    return mosaic, np.asarray(tiles.draw(mosaic, store.images()))


def _factors(width: int, height: int) -> list[int]:
    """By how much each smaller image is smaller; the last fits on a thumbnail."""
    factors, factor = [], 2
    while max(width, height) // (factor // 2) > _SMALLEST and min(width, height) // factor:
        factors.append(factor)
        factor *= 2
    return factors


def _properties(store: Store, mosaic: tiles.Mosaic) -> list[dict[str, Any]]:
    """What is said of each label, in the order of the tiles."""
    frame = index.of(store)
    units = [tile.unit for tile in mosaic.tiles]
    rows: Any = frame.set_index("unit", drop=False).loc[units, list(_SAID)]
    return [
        {"label-value": number} | {name: _plain(value) for name, value in row.items()}
        for number, row in enumerate(rows.to_dict("records"), start=1)
    ]


def _plain(value: Any) -> Any:
    """A value as JSON has it; an empty text for none, since every label has every key."""
    if pd.isna(value):
        return ""
    return float(value) if isinstance(value, float | np.floating) else value


_COLOURS = [
    {
        "label": name,
        "color": colour,
        "active": True,
        "window": {"start": 0, "end": 255, "min": 0, "max": 255},
    }
    for name, colour in (("red", "FF0000"), ("green", "00FF00"), ("blue", "0000FF"))
]

"""A section's arrays as an xarray Dataset: dimensions, units and statistics by name."""

from typing import TYPE_CHECKING

import numpy as np

from pipeline.ascent.results import NAMES
from pipeline.errors import ConfigError, DamageError, MissingError
from pipeline.extras import need
from pipeline.store.layout import ARRAYS
from pipeline.store.store import Store

if TYPE_CHECKING:
    import xarray as xr


def dataset(store: Store, name: str) -> "xr.Dataset":
    """The committed rows of a section, compared with their records now, and read as they are used.

    Returns:
        `images` (unit, y, x, rgb), `trajectory` (unit, step), `statistics` (unit, statistic), and
        `snapshots` where any are kept; the coordinates `unit` and `statistic` hold names.

    Raises:
        ConfigError: there is no such section, or xarray is not here.
        MissingError: nothing of it is built yet.
        DamageError: the section's metadata or a chunk is damaged, or is not what was committed.
    """
    need("xarray", "Atlas.dataset")
    import xarray as xr  # noqa: PLC0415, an extra

    names = [section.name for section in store.provenance.sections()]
    if name not in names:
        raise ConfigError(
            f"the atlas {store.folder} has no section {name!r}: it has {', '.join(names)}"
        )
    records = store.records.of(name)
    if not records:
        raise MissingError(
            f"nothing of section {name} in {store.folder} is built yet: `atlas status` tells"
        )
    try:
        arrays = store.arrays.names(name)
    except Exception as error:  # zarr raises many types for metadata that is damaged or gone
        raise DamageError(
            f"the metadata of section {name} in {store.folder} is damaged: {error}; `atlas build` "
            "writes it anew"
        ) from error
    for record in records:
        for array in arrays:
            store.read(record, array)  # raises where it is not what was committed
    opened = xr.open_zarr(
        store.folder.zarr(ARRAYS), group=name, chunks=None, consolidated=False, zarr_format=3
    )
    rows = [r.first_row + offset for r in records for offset in range(len(r.units))]
    ids = np.array([unit for record in records for unit in record.units], dtype=object)
    wanted = opened[arrays].isel(row=rows).rename(row="unit")
    return wanted.assign_coords(unit=("unit", ids), statistic=("statistic", list(NAMES)))

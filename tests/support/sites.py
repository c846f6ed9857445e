"""Made-up atlases with all that a page can show, and with names that would do harm as markup."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import atlases
import numpy as np
import pandas as pd
import pytest

from pipeline import Atlas, site, site_examples
from pipeline.architecture import Layer
from pipeline.natural import Example
from pipeline.provenance import Provenance
from pipeline.records import Record
from pipeline.store import Store

HARM = "</script><script>harm()</script><img src=x onerror=harm()>\u2028\"'&<!--"
ARCHITECTURE = replace(atlases.ARCHITECTURE, name=f"small {HARM}", classes=3)
CLASSES = ("golden dog", HARM, "")
PATTERNS = (
    "mixed2:all", "mixed4:all", "-mixed4:0-3", "mixed4:0-2@1,1", "deepdream:mixed2+mixed4",
    "logits:0-2",
)  # fmt: skip


def provenance() -> Provenance:
    """Of every kind of unit, with variants and films."""
    more = {"architecture": ARCHITECTURE, "classes": CLASSES, "variants": 2}
    return atlases.provenance(*PATTERNS, snapshots=2, **more)


@contextmanager
def measured() -> Iterator[None]:
    """Have atlases tell of measurements and of dataset examples."""
    plain = Atlas.index.fget
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Atlas, "index", property(lambda atlas: _with_measurements(plain(atlas))))
        patch.setattr(site_examples, "of", _examples)
        yield


def write(folder: Path) -> Path:
    """A finished atlas's page with everything on it."""
    store = atlases.commit(Store.create(folder, provenance()))
    with measured():
        site.write(store)
    return folder / site.NAME


def write_large(folder: Path, units: int) -> Path:
    """The page of an atlas of so many units of one layer."""
    layers = {"wide": Layer("wide", 1, units, 3, 3, 1)}
    architecture = replace(atlases.ARCHITECTURE, layers=layers)
    made = atlases.provenance("wide:all", batch_size=500, architecture=architecture)
    site.write(atlases.commit(Store.create(folder, made)))
    return folder / site.NAME


def _with_measurements(frame: pd.DataFrame) -> pd.DataFrame:
    done = frame["status"] == "done"
    places = pd.Series(range(len(frame)), dtype="Int32").where(done)
    ids = frame["unit"].tolist()
    near = [[ids[(row + step) % len(ids)] for step in range(1, 11)] for row in range(len(ids))]
    return frame.assign(
        own_rank=places,
        selectivity=places.astype("Float32") / 7,
        nearest=near,
        nearest_distance=[[0.1 * step for step in range(1, 11)] for _ in ids],
        map_x=places.astype("Float32"),
        map_y=places.astype("Float32"),
        map_row=places // 6,
        map_col=places % 6,
        natural_quantile=places.astype("Float32") / 100,
    )


def _examples(_: Store, record: Record) -> dict[str, site_examples.Shown]:
    whole = (0.0, 0.0, 1.0, 1.0)
    found = [Example(number, f"{number} {HARM}.png", number / 2, whole) for number in range(9)]
    crops = np.random.default_rng(0).integers(0, 256, (9, 16, 16, 3), np.uint8)
    return dict.fromkeys(record.units, site_examples.Shown(found, crops))

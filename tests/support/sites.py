"""Made-up atlases with all that a page can show, and with names that would do harm as markup."""

import tempfile
from dataclasses import replace
from pathlib import Path

import atlases
import numpy as np
import pandas as pd

from pipeline import Atlas
from pipeline.config.vectors import Vectors
from pipeline.explore import index, names
from pipeline.plan.architecture import Layer
from pipeline.plan.provenance import Provenance
from pipeline.publish import site
from pipeline.store.store import Store
from pipeline.truth import verdicts

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


def write(folder: Path) -> Path:
    """A finished atlas's page with everything on it."""
    store = atlases.commit(Store.create(folder, provenance()))
    with tempfile.TemporaryDirectory() as pictures:
        names_of = [f"{number} {HARM}.png" for number in range(24)]
        atlases.show(store, Path(pictures), names_of, [(f"label {HARM}",)])
        atlases.keep(atlases.trace(store))
        site.write(store, measured(store))
    return folder / site.NAME


def write_called(folder: Path) -> Path:
    """The page of an atlas that has notes, and whose channels see tabbies, a label of harm."""
    store = atlases.commit(Store.create(folder, atlases.provenance("mixed2:all", "-mixed2:0-1")))
    with tempfile.TemporaryDirectory() as pictures:
        labels = [(f"tabby {HARM}",)] * 8
        atlases.show(store, Path(pictures), [f"{number}.png" for number in range(20)], labels)
    names.write(store)
    index.refresh(store)
    site.write(store)
    Atlas(store).annotate({"mixed2:3": f"curves {HARM}", "-mixed2:1": "whiskers, left"})
    return folder / site.NAME


def write_tried(folder: Path) -> Path:
    """The page of an atlas whose pictures a judge of harm has tried; mixed4:7 has a planted one."""
    made = atlases.provenance("mixed4:all", architecture=atlases.WIDE, batch_size=64)
    store = atlases.commit(Store.create(folder, made))
    with tempfile.TemporaryDirectory() as pictures:
        atlases.show(store, Path(pictures), [f"{number}.png" for number in range(40)])
    atlases.look(store, name=f"Another {HARM}", planted=("mixed4:7",))
    verdicts.write(store)
    index.refresh(store)
    site.write(store)
    return folder / site.NAME


def write_laid_out(folder: Path) -> Path:
    """The page of an activation atlas of six cells, in a grid of 3 x 3, beside some channels."""
    rows = np.random.default_rng(0).normal(size=(6, 6)).astype(np.float32)
    cells = np.array([[0, 1], [1, 0], [1, 1], [1, 2], [2, 0], [2, 2]], np.float32)
    known = Vectors("cells", "cells.safetensors", rows, None, cells, ("dog", HARM) * 3)
    patterns = ("mixed2:0-2", "mixed2@dir/cells:all")
    made = atlases.provenance(*patterns, bases={"cells": known})
    site.write(atlases.commit(Store.create(folder, made)))
    return folder / site.NAME


def write_large(folder: Path, units: int, batch_size: int = 500, *, measured: bool = False) -> Path:
    """The page of an atlas of so many units of one layer, with all figures there are or few."""
    layers = {"wide": Layer("wide", 1, units, 3, 3, 1)}
    architecture = replace(atlases.ARCHITECTURE, layers=layers)
    made = atlases.provenance("wide:all", batch_size=batch_size, architecture=architecture)
    store = atlases.commit(Store.create(folder, made))
    frame = index.of(store)
    site.write(store, _with_figures(_with_measurements(frame)) if measured else frame)
    return folder / site.NAME


def measured(store: Store) -> pd.DataFrame:
    """The index of an atlas, with the made-up measurements that `write` shows."""
    return _with_measurements(index.of(store))


def _with_figures(frame: pd.DataFrame) -> pd.DataFrame:
    """An index in which every figure is some number, but for a tenth that was not measured."""
    draw, wide = np.random.default_rng(0), int(np.ceil(np.sqrt(len(frame))))
    places = np.arange(len(frame))
    made: dict[str, object] = {"map_row": places // wide, "map_col": places % wide}
    told = [name for name in frame.columns if not name.startswith("prediction")]
    for name in frame[told].select_dtypes("Float32").columns.difference(["activation"]):
        numbers = pd.Series(draw.random(len(frame)), dtype="Float32")
        made[name] = numbers.mask(draw.random(len(frame)) < 0.1)
    return frame.assign(**made)


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
        **_grids(frame, places),
        natural_quantile=places.astype("Float32") / 100,
    )


def _grids(frame: pd.DataFrame, places: pd.Series) -> dict[str, pd.Series]:
    """Places in a grid of three columns for each section, the last unit of it first."""
    later = frame.groupby("section").cumcount(ascending=False).astype("Int32")
    return {
        "grid_row": (later // 3).where(places.notna()),
        "grid_col": (later % 3).where(places.notna()),
    }

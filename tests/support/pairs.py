"""Several made-up atlases, alike but for what is told."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import atlases

from pipeline.explore import index
from pipeline.plan.architecture import Architecture, Layer
from pipeline.store.store import Store

CHANGED = ("mixed2:1", "mixed4:3")
"""Units whose pictures, activations and responses are others in an atlas that is tuned."""
OTHER = replace(
    atlases.ARCHITECTURE,
    name="other",
    layers={"block": Layer("block", 3, 6, 4, 5, 100)},
)
"""Another network, of six channels."""


def write(
    folder: Path,
    changed: Sequence[str] = (),
    patterns: Sequence[str] = ("mixed2:all", "mixed4:0-7"),
    photographs: int = 0,
    architecture: Architecture = atlases.ARCHITECTURE,
) -> Store:
    """A finished atlas with responses and an index; of so many photographs, where any are asked."""
    made = atlases.provenance(*patterns, architecture=architecture)
    store = Store.create(folder, made)
    for section in made.available_sections():
        batches = store.missing(section)
        store.prepare(section, batches)
        for batch in batches:
            found = atlases.results(batch)
            for place, unit in enumerate(batch.units):
                if unit.id in changed:
                    found.images[place] = 255 - found.images[place]
                    found.statistics.activation[place] += 3
            store.commit(batch, found)
    atlases.measure(store, tuple(changed))
    if photographs:
        with tempfile.TemporaryDirectory() as pictures:
            atlases.show(store, Path(pictures), [f"{n}.png" for n in range(photographs)])
    index.refresh(store)
    return store


def before_and_after(folder: Path) -> tuple[str, str]:
    """Two atlases of the same units; the second lacks two, and `CHANGED` are others in it."""
    write(folder / "before", patterns=("mixed2:all", "mixed4:0-9"))
    write(folder / "after", CHANGED)
    return str(folder / "before"), str(folder / "after")

"""Small atlases of made-up numbers: no network, no TensorFlow."""

from collections.abc import Callable
from pathlib import Path

import atlases
import pytest
from atlases import ARCHITECTURE

from pipeline import Atlas
from pipeline.ascent.results import Results
from pipeline.plan.architecture import Architecture
from pipeline.plan.provenance import Provenance
from pipeline.store.store import Store


@pytest.fixture
def architecture() -> Architecture:
    """Two layers, without a classifier."""
    return ARCHITECTURE


@pytest.fixture
def make_provenance() -> Callable[..., Provenance]:
    return atlases.provenance


@pytest.fixture
def fake_results() -> Callable[..., Results]:
    return atlases.results


@pytest.fixture
def build(fake_results: Callable[..., Results]) -> Callable[..., Store]:
    """Create or carry on an atlas, and commit all batches that are missing, or the first few."""

    def make(
        folder: Path, provenance: Provenance, most: int | None = None, seconds: float = 1.0
    ) -> Store:
        store = Store.create(folder, provenance)
        for section in provenance.sections():
            if provenance.is_available(section.units[0]):
                batches = store.missing(section)
                store.prepare(section, batches)
                for batch in batches[:most]:
                    of = provenance.render.snapshots, provenance.size
                    store.commit(batch, fake_results(batch, seconds, *of))
        return store

    return make


@pytest.fixture
def pair(
    tmp_path: Path, make_provenance: Callable[..., Provenance], build: Callable[..., Store]
) -> tuple[Atlas, Atlas]:
    """Two atlases; mixed2:2 has another image and other responses in the second."""
    first = build(tmp_path / "a", make_provenance("mixed2:0-5", "mixed4:0-1"))
    second = Store.create(tmp_path / "b", make_provenance("mixed2:0-5", "mixed4:1-2"))
    for section in second.provenance.sections():
        batches = second.missing(section)
        second.prepare(section, batches)
        for batch in batches:
            made = atlases.results(batch)
            for row, unit in enumerate(batch.units):
                if unit.id == "mixed2:2":
                    made.images[row] = 255 - made.images[row]
                    made.statistics.activation[row] = -1
            second.commit(batch, made)
    atlases.measure(first)
    atlases.measure(second, changed=("mixed2:2",))
    return Atlas.open(tmp_path / "a"), Atlas.open(tmp_path / "b")

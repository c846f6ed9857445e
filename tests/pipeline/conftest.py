"""Small atlases of made-up numbers: no network, no TensorFlow."""

from collections.abc import Callable
from pathlib import Path

import atlases
import pytest
from atlases import ARCHITECTURE

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
                    snapshots = provenance.render.snapshots
                    store.commit(batch, fake_results(batch, seconds, snapshots))
        return store

    return make

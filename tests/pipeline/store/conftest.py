"""An atlas in which nothing is committed yet."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.plan.batches import Batch, Section
from pipeline.plan.provenance import Provenance
from pipeline.store.store import Store

Make = Callable[..., Provenance]


@pytest.fixture
def begun(tmp_path: Path, make_provenance: Make) -> tuple[Store, Section, list[Batch]]:
    """An atlas of six channels in batches of four, prepared and empty."""
    store = Store.create(tmp_path / "atlas", make_provenance("mixed2:all"))
    (section,) = store.provenance.sections()
    batches = store.missing(section)
    store.prepare(section, batches)
    return store, section, batches

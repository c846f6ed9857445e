"""A made-up atlas that has all that is published."""

from collections.abc import Callable
from pathlib import Path

import pytest
from atlases import keep, measure, trace

from pipeline.explore import index
from pipeline.plan.provenance import Provenance
from pipeline.store.store import Store

Make = Callable[..., Provenance]
Build = Callable[..., Store]


@pytest.fixture
def explored(tmp_path: Path, make_provenance: Make, build: Build) -> Store:
    made = build(tmp_path / "atlas", make_provenance("mixed2:0-5", "-mixed4:1", "mixed4:0-9"))
    measure(made)
    trace(made)
    keep(made)
    index.refresh(made)
    return made

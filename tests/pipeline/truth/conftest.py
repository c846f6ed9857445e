"""An atlas of made-up numbers that was shown photographs."""

from pathlib import Path

import atlases
import pytest

from pipeline.store.store import Store

COUNT = 40
"""Photographs."""
PATTERNS = ("mixed4:all", "-mixed4:0-3", "mixed4:0-1@1,1", "mixed2:0-2", "deepdream:mixed2+mixed4")


@pytest.fixture
def shown(tmp_path: Path) -> Store:
    """It was shown them; nobody has tried its pictures on them."""
    made = atlases.provenance(*PATTERNS, architecture=atlases.WIDE, batch_size=64)
    store = atlases.commit(Store.create(tmp_path / "atlas", made))
    (tmp_path / "mine").mkdir()
    atlases.show(store, tmp_path / "mine", [f"{number}.png" for number in range(COUNT)])
    return store

"""Made-up responses to made-up pictures."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.examples import seen, strongest
from pipeline.examples.source import READ, UNREADABLE, Picture
from pipeline.plan.provenance import Provenance
from pipeline.store.store import Store

Make = Callable[..., Provenance]
Build = Callable[..., Store]
See = Callable[..., None]
COUNT = 100
PATTERNS = ("mixed2:0-5", "-mixed2:1", "mixed2:2@center", "deepdream:mixed2+mixed4")


@pytest.fixture
def store(tmp_path: Path, make_provenance: Make, build: Build) -> Store:
    return build(tmp_path / "atlas", make_provenance(*PATTERNS))


@pytest.fixture
def pictures(tmp_path: Path) -> list[Picture]:
    """Pictures of one colour each; the last is none."""
    (tmp_path / "mine").mkdir()
    for number in range(COUNT - 1):
        Image.new("RGB", (8, 8), (number, 0, 0)).save(tmp_path / "mine" / f"{number:03d}.png")
    names = [f"{number:03d}.png" for number in range(COUNT)]
    return [Picture(name, str(tmp_path / "mine" / name)) for name in names]


def _see(store: Store, most: int | None = None) -> None:
    tables = seen.tables(store)
    batches = seen.pending(store, tables)
    seen.prepare(tables, batches)
    for batch in batches[:most]:
        numbers = np.array([int(picture.id[:3]) for picture in batch.units])
        found = {}
        for table in tables:
            channels = np.arange(table.layer.channels)
            mean = ((numbers[:, None] + 10 * channels) % (COUNT - 1)).astype(np.float32)
            spots = table.layer.width * table.layer.height
            place = (numbers[:, None] + channels).astype(np.int32) % spots
            state = np.where(numbers < COUNT - 1, READ, UNREADABLE).astype(np.uint8)[:, None]
            found[table.layer.name] = {
                "mean": mean,
                "peak": mean + 1,
                "place": place,
                "state": state,
            }
        seen.commit(tables, batch, found)


@pytest.fixture
def see() -> See:
    """A function that shows an atlas the batches of pictures that are missing, or the first few.

    Channel c responds to picture p with (p + 10 c) % 99, somewhere.
    """
    return _see


@pytest.fixture
def shown(store: Store, pictures: list[Picture], see: See) -> Store:
    seen.begin(store, pictures)
    see(store)
    strongest.summarise(store)
    return store

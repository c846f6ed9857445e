from pathlib import Path

import atlases
import pytest
from PIL import Image

from pipeline import Atlas
from pipeline.errors import MissingError, NotMeasuredError
from pipeline.explore import circuits, index
from pipeline.sheets import circuit
from pipeline.sheets.paper import Line, Raster, Text
from pipeline.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = atlases.provenance("mixed2:0-4", "mixed4:0-5")
    store = atlases.commit(Store.create(tmp_path / "a", made))
    atlases.measure(store)
    return atlases.trace(store)


def test_sources_and_what_is_fed_stand_beside_the_unit(store: Store) -> None:
    paper = circuit.lay_out(store, index.of(store), store.provenance.unit("mixed4:3"))
    texts = [item.text for item in paper.items if isinstance(item, Text)]
    assert {"mixed4:3", "mixed2:3  30 %", "what excites it, and where"} <= set(texts)
    said = "Without the 5 that excite it, 80 % of its activation is gone; without ten"
    assert said in " ".join(texts)
    lines = [item.width for item in paper.items if isinstance(item, Line)]
    assert lines == sorted(lines, reverse=True)  # as wide as the share
    pictures = [item.pixels() for item in paper.items if isinstance(item, Raster)]
    assert sum(pixels is None for pixels in pictures) == 1  # mixed2:5 is not in the atlas
    fed = circuit.lay_out(store, index.of(store), store.provenance.unit("mixed2:3"))
    assert "what it feeds" in [item.text for item in fed.items if isinstance(item, Text)]


@pytest.mark.parametrize("ending", ["png", "pdf"])
def test_it_is_saved(store: Store, tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"sheet.{ending}"
    Atlas.open(store.folder.path).circuit_sheet("mixed4:3", path)
    if ending == "png":
        with Image.open(path) as drawn:
            assert drawn.width > 1000
    assert path.stat().st_size > 1000


def test_refusals(store: Store, tmp_path: Path) -> None:
    atlas = Atlas.open(store.folder.path)
    with pytest.raises(MissingError, match="mixed4:9"):
        atlas.circuit_sheet("mixed4:9", tmp_path / "sheet.png")
    store.folder.delete(circuits.EDGES)
    with pytest.raises(NotMeasuredError):
        atlas.circuit_sheet("mixed4:3", tmp_path / "sheet.png")
    assert not (tmp_path / "sheet.png").exists()

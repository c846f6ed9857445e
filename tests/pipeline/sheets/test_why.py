from pathlib import Path

import atlases
import numpy as np

from pipeline.explore import circuits
from pipeline.explore.why import PLACES, Reason
from pipeline.sheets import why
from pipeline.sheets.paper import Raster, Text
from pipeline.store.store import Store


def test_a_row_a_unit_with_both_maps_and_the_channels(tmp_path: Path) -> None:
    made = atlases.provenance("mixed2:0-4", "mixed4:0-5")
    store = atlases.commit(Store.create(tmp_path / "a", made))
    atlases.measure(store)
    atlases.trace(store)
    picture = np.zeros((8, 8, 3), np.uint8)
    lost = np.eye(PLACES, dtype=np.float32)
    edges = circuits.edges(store)
    deep, first = made.unit("mixed4:3"), made.unit("mixed2:1")
    found = [
        Reason(deep, 5.0, 1.0, 3.0, lost, lost, edges[edges["target"] == "mixed4:3"]),
        Reason(first, 2.0, float("nan"), float("nan"), lost),
    ]
    paper = why.lay_out(store, found, picture)
    texts = [item.text for item in paper.items if isinstance(item, Text)]
    assert "usually 1.00, one in a hundred above 3.00; the maps agree by 1.00" in texts
    assert {"mixed4:3, 5.00", "mixed2:1, 2.00", "mixed2:3", "30 %"} <= set(texts)
    pictures = [item for item in paper.items if isinstance(item, Raster)]
    assert len(pictures) == 1 + (3 + 4) + 2  # nothing holds it back; of the first layer no gradient

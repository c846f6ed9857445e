from pathlib import Path

import atlases
import pytest

from pipeline import Atlas
from pipeline.errors import NotMeasuredError
from pipeline.publish import formats
from pipeline.store.store import Store

nx = pytest.importorskip("networkx")


def test_a_graph_is_what_edges_say(tmp_path: Path) -> None:
    made = atlases.provenance("mixed2:0-4", "mixed4:0-5")
    store = atlases.commit(Store.create(tmp_path / "a", made))
    atlases.measure(store)
    with pytest.raises(NotMeasuredError):
        formats.export(store, "graphml", tmp_path / "none.graphml")
    assert not (tmp_path / "none.graphml").exists()
    atlases.trace(store)
    Atlas(store).note("mixed4:3", "curves\x1b <left>")
    formats.export(store, "graphml", tmp_path / "circuits.graphml")
    graph = nx.read_graphml(tmp_path / "circuits.graphml")
    assert graph["mixed2:3"]["mixed4:3"]["ablation_zero"] == -3.0
    assert graph.nodes["mixed4:3"]["explained"] == pytest.approx(0.8)
    assert graph.nodes["mixed4:3"]["note"] == "curves <left>"
    assert graph.nodes["mixed2:5"] == {"kind": "channel", "layer": "mixed2"}  # not in the atlas
    assert graph.number_of_edges() == 6 * 6 - 2 * 3

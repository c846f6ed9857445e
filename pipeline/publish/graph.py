"""Circuits as a graph, for Gephi, NetworkX and what else reads GraphML."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.explore import circuits, index
from pipeline.store.store import Store

_TOLD = (
    "kind", "layer", "activation", "explained", "explained_random", "class_name", "name",
    "name_auroc", "prediction", "called", "note",
)  # fmt: skip
"""Columns of the index that a unit's node has."""
_XML = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML has no place for, as in a note that was pasted."""


def write_graphml(store: Store, path: Path) -> None:
    """Write what is built from what as a directed graph in GraphML.

    A node a unit, and a channel that is a source though the atlas has no picture of it; an edge
    for each row of edges.parquet, from the source to the target.

    Raises:
        NotMeasuredError: nothing was traced, yet.
        DamageError: stored data is damaged.
    """
    import networkx as nx  # noqa: PLC0415, an extra

    edges, rows = circuits.edges(store), index.of(store)
    graph = nx.DiGraph()
    for row in rows.to_dict("records"):
        graph.add_node(row["unit"], **dict(_plain((name, row[name]) for name in _TOLD)))
    for row in edges.to_dict("records"):
        source, target = row.pop("source"), row.pop("target")
        if source not in graph:
            graph.add_node(source, kind="channel", layer=row["source_layer"])
        graph.add_edge(source, target, **dict(_plain(row.items())))
    nx.write_graphml_xml(graph, path, encoding="utf-8")


def _plain(values: Any) -> Iterator[tuple[str, Any]]:
    """What is there of some values, in types that GraphML has."""
    for name, value in values:
        if not pd.isna(value):
            yield str(name), _XML.sub("", value) if isinstance(value, str) else float(value)

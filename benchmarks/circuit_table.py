"""Circuits in BENCHMARKS.md: a section of figures that were kept."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import report

KEPT = Path(__file__).with_name("circuits.json")
"""Where figures are kept from run to run."""
HEADING = "## Circuits"
SETS = {
    "strongest": "the ten strongest by attribution",
    "random": "ten at random",
    "active": "the ten most active",
    "weights": "ten by expanded weights times activity",
    "shuffled": "ten by the attribution of a network of shuffled weights",
}
RANKS = {
    "rank": "attribution",
    "rank_weights": "expanded weights",
    "rank_active": "activity",
}


def again(path: Path, kept: Path = KEPT) -> None:
    """Put the section into a report, from the figures that were kept."""
    if kept.is_file():
        report.put(path, section(json.loads(kept.read_text(encoding="utf-8"))))


def section(found: Mapping[str, Any]) -> str:
    """The section: how well sources are ranked, and what goes with them."""
    kinds = ("trained", "random")
    ranks, lost = (
        [[said, *(_spread(found[kind][name]) for kind in kinds)] for name, said in of.items()]
        for of in (RANKS, SETS)
    )
    trained, random = (len(found[kind]["rank"]) for kind in kinds)
    return (
        f"{HEADING}\n\nWritten by `make bench-circuits` on {found['machine']}. Channels of "
        f"`mixed4`, drawn by a fixed seed, on their pictures by `draft` at {found['size']} px: "
        f"{trained} live ones of the trained network, and {random} of one with random weights. "
        "Medians, and the least and most.\n\nSpearman's rank correlation of what is said of each "
        "channel of `mixed2` with what the unit loses where it alone is silent, measured for all "
        f"288:\n\n{report.table(['by', 'trained', 'random weights'], ranks)}\n\nWhat share of the "
        "unit's activation goes where ten channels of `mixed2` are silent together:\n\n"
        f"{report.table(['taken away', 'trained', 'random weights'], lost)}\n\nThat the strongest "
        "take much is no proof of meaning by itself: with random weights a unit is a small "
        "difference of large sums, and they take as much. That those of shuffled weights take "
        "little shows that attribution hangs on the weights. Tracing took "
        f"{1e3 * found['trained']['seconds']:.0f} ms a unit by the clock, in one process, beside "
        "whatever else ran; compiling is left out."
    )


def _spread(values: list[float]) -> str:
    low, middle, high = np.quantile(values, [0.0, 0.5, 1.0])
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"

"""What pictures tell in BENCHMARKS.md: a section of figures that were kept."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import report

KEPT = Path(__file__).with_name("truth.json")
"""Where figures are kept from run to run."""
HEADING = "## What pictures tell"
_HEADS = [
    "units", "looked at by", "picture", "picture, not contrasted", "strongest photograph",
    "photograph, not contrasted", "picture better than photograph", "pictures that tell",
    "photographs that do",
]  # fmt: skip
_NULLS = [
    "units", "looked at by", "shuffled", "shuffled, not contrasted", "of shuffled tell",
    "random weights", "of these tell", "planted", "of these tell",
]  # fmt: skip


def again(path: Path, kept: Path = KEPT) -> None:
    """Put the section into a report, from the figures that were kept."""
    if kept.is_file():
        report.put(path, section(json.loads(kept.read_text(encoding="utf-8"))))


def section(found: Mapping[str, Any]) -> str:
    """The section: how well pictures and photographs tell, and what has to fail."""
    tried, trained = found["tried"], found["trained"]
    rows = [[layer, *_told(of, eye)] for layer, of in trained.items() for eye in ("own", "judge")]
    nulls = [
        [layer, *_false(of, found["random"].get(layer, {}), eye)]
        for layer, of in trained.items()
        for eye in ("own", "judge")
    ]
    strengths = " and ".join(f"{of['strength']:.2f} (`{layer}`)" for layer, of in trained.items())
    units = next((str(of["units"]) for of in found["random"].values()), "no")
    return (
        f"{HEADING}\n\nWritten by `make bench-truth` on {found['machine']}. All channels of both "
        f"layers, their pictures by `draft` at {found['size']} px, on {tried['crops']:,} crops of "
        f"{tried['photographs']} photographs. AUROC of the likeness of each crop to the picture "
        "for the hundredth that excites the unit, the mean of two halves of the photographs; "
        "medians over all units. By the layer before, of the own network, through which pictures "
        f"are climbed, and by another network ({tried['judge']}). How, and what it means: "
        f"[docs/truth.md](docs/truth.md).\n\n{report.table(_HEADS, rows)}\n\nWhat has to fail, "
        f"contrasted where nothing else is said:\n\n{report.table(_NULLS, nulls)}\n\nShuffled: "
        "pictures dealt out anew among the units, five times; one in forty may tell. Random "
        f"weights: the pictures of {units} channels of each layer, and what excites these. "
        "Planted: pictures that were climbed to pixel by pixel with nothing that keeps them "
        f"honest, in the place of the units' own, {strengths} times as strong (medians)."
    )


def _told(of: Mapping[str, Any], eye: str) -> list[str]:
    at = of[eye]
    figures = [f"{at[name]:.2f}" for name in ("picture", "plain", "photo", "photo_plain")]
    shares = [f"{100 * at[name]:.0f} %" for name in ("better", "tells", "photo_tells")]
    return [_who(at, eye), *figures, *shares]


def _false(of: Mapping[str, Any], random: Mapping[str, Any], eye: str) -> list[str]:
    at, drawn = of[eye], random.get(eye)
    of_random = [f"{drawn['picture']:.2f}", f"{100 * drawn['tells']:.0f} %"] if drawn else ["", ""]
    return [
        _who(at, eye), f"{at['shuffled']:.2f}", f"{at['shuffled_plain']:.2f}",
        f"{100 * at['shuffled_tells']:.1f} %", *of_random, f"{at['planted']:.2f}",
        f"{100 * at['planted_tells']:.0f} %",
    ]  # fmt: skip


def _who(at: Mapping[str, Any], eye: str) -> str:
    return f"`{at['layer']}`, own" if eye == "own" else f"the judge's `{at['layer']}`"

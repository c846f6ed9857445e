"""The families of `keras.applications` in BENCHMARKS.md: a section of figures that were kept."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import report

KEPT = Path(__file__).with_name("families.json")
"""Where figures are kept from run to run."""
HEADING = "## Families of networks"
HEADS = [
    "network", "activations", "layer", "channels", "left", "dead", "silent", "ms a step and image",
    "plain loop", "the same, compiled", "and of 16 images", "ratios",
]  # fmt: skip
SLOW = 2.0
"""A ratio below this is explained."""
Kept = Mapping[str, Mapping[str, Any]]
"""By the name of a network, what was measured."""


def again(path: Path, kept: Path = KEPT) -> None:
    """Put the section into a report, of what was found whole."""
    known = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
    whole = {name: found for name, found in known.items() if {"dead", "batched"} <= set(found)}
    if whole:
        report.put(path, section(whole))


def section(kept: Kept) -> str:
    """The section: which channels moved, and how fast the loop is."""
    machines = " and ".join(dict.fromkeys(found["machine"] for found in kept.values()))
    size = " and ".join(dict.fromkeys(str(found["size"]) for found in kept.values()))
    return (
        f"{HEADING}\n\nWritten by `make bench-families` on {machines}. Random weights, norms set "
        "from noise (`lite0` is EfficientNet-Lite0, trained); channels of the activation in the "
        f"middle, the first or all, by `draft` at {size} px. Networks of random weights are rough "
        "(Balduzzi et al., 2017), so those that do not rise by its rate of 0.15 in 22 steps are "
        "tried with 0.015 and 0.003, then in 96 steps with 0.05, 0.15 and 0.015, then from pixels "
        "of such noise as the norms were set from, and with 60 steps that pass silent ReLUs, "
        "neither moved: `left` are those that had not risen after each, the last of them `dead`. "
        "Such a channel is `silent`, or as high on what an ascent begins with as anything made it: "
        "MobileNetV2's, taken apart, reads one channel by a kernel mostly below zero. A full map "
        "of sixes would raise it, to 1.04; no ascent lights what it reads beyond 1. `lite0`'s is "
        "six, its most, at every place of grey. Times "
        "are of one thread, compiling left out, the ways in turn, medians of five: a batch of 16 "
        "of ours, and one image of a plain loop of Keras' own model and `GradientTape` with a "
        "normalised gradient, without transforms, as it stands, with its step in a `tf.function`, "
        "and that for 16 images.\n\n"
        f"{report.table(HEADS, [_row(name, kept[name]) for name in sorted(kept)])}{_why(kept)}"
    )


def _row(name: str, found: Mapping[str, Any]) -> list[str]:
    acts = ", ".join(found["activations"])
    tried = found["left"]
    left = tried[: tried.index(0) + 1] if 0 in tried else tried
    ours, plain, compiled, batched = (
        1e3 * found[name] for name in ("ours", "plain", "compiled", "batched")
    )
    return [
        name, acts, f"`{found['layer']}`",
        str(found["channels"]), ", ".join(map(str, left)), str(len(found["dead"])),
        str(sum(value <= 0 for value in found["dead"].values())),
        f"{ours:.1f}", f"{plain:.1f}", f"{compiled:.1f}", f"{batched:.1f}",
        f"{plain / ours:.1f}, {compiled / ours:.1f} and {batched / ours:.1f}",
    ]  # fmt: skip


def _why(kept: Kept) -> str:
    slow = sorted(name for name in kept if kept[name]["compiled"] < SLOW * kept[name]["ours"])
    if not slow:
        return ""
    shares = [kept[name]["batched"] / kept[name]["ours"] for name in slow]
    return (
        f"\n\nLess than {SLOW:g} times as fast as the compiled one: {', '.join(slow)}. A compiled "
        "loop of 16 images, without transforms, a spectrum, an optimiser or a record of the way, "
        f"takes {min(shares):.0%} to {max(shares):.0%} of our time there: so much is the network "
        "itself, which both leave to oneDNN."
    )

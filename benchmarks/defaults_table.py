"""Peers by their own defaults in BENCHMARKS.md: a section of figures that were kept."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.lucid import UNSAID
from pipeline.study.paired import interval, paired

KEPT = Path(__file__).with_name("defaults.json")
"""Where figures are kept from run to run, by processor."""
HEADING = "## Peers by their own defaults"
PHOTO = "photograph"
NAMES = {
    "article": "the article's loop",
    "tf-keras-vis": "tf-keras-vis",
    "xplique": "xplique",
    "xplique-maco": "xplique's MaCo",
    "lucid": "lucid's recipe, in our engine",
    "maco": "channel atlas, `maco`",
    "draft": "channel atlas, `draft`",
    "fourier": "channel atlas, `fourier`",
    PHOTO: "the strongest photograph",
}
_BASE = "fourier"
_HEADS = [
    "method", "processor", "channels", "steps", "seconds an image", "robust activation",
    "of `fourier`'s, channel by channel", "dead", "kept, eight views", "kept, four views",
    "tells, Lite0's eyes", "tells, own eyes",
]  # fmt: skip
_LABELS = {"own": "its own", "avx2": "held to AVX2"}


def again(path: Path, kept: Path = KEPT) -> None:
    """Put the section into a report, from the figures that were kept."""
    if kept.is_file():
        report.put(path, section(json.loads(kept.read_text(encoding="utf-8"))))


def section(found: Mapping[str, Mapping[str, Any]]) -> str:
    """The section: a table a layer, with a row a method and processor."""
    runs = [
        f"{_LABELS[name]}, on {run['date']}, in {run['minutes']:.0f} minutes, on {run['machine']}, "
        f"oneDNN computing with {run['isa'] or 'what it does not tell'}"
        for name, run in found.items()
    ]
    layers = dict.fromkeys(layer for run in found.values() for layer in run["layers"])
    tables = [f"### `{layer}`\n\n{_table(found, layer)}" for layer in layers]
    one = next(iter(found.values()))
    parts = [
        f"{HEADING}\n\nWritten by `make bench-peers`. Processor: {'; '.join(runs)}. Channels drawn "
        f"by a fixed seed, {one['size']} px, bundled weights; medians, and where 95 % of resamples "
        "of the channels have them.",
        *tables,
        _how(found),
        _absent(found),
        _channels(found),
    ]
    return "\n\n".join(part for part in parts if part)


def _table(found: Mapping[str, Mapping[str, Any]], layer: str) -> str:
    rows = []
    for name, words in NAMES.items():
        for label, run in found.items():
            methods = run["layers"].get(layer, {})
            if name in methods:
                whole = len(run["channels"][layer])
                rows.append([words, _LABELS[label], *_row(methods[name], methods, whole)])
    return report.table(_HEADS, rows)


def _row(
    method: Mapping[str, Any], methods: Mapping[str, Mapping[str, Any]], channels: int
) -> list[str]:
    told = [_middle(method.get(f"told_{eye}"), 2) for eye in ("judge", "own")]
    if "robust" not in method:
        return [str(channels), *[""] * 7, *told]
    dead = int((np.array(method["plain"]) <= 0).sum())
    return [
        str(len(method["robust"])), str(method["steps"]), _seconds(method["seconds"]),
        _middle(method["robust"], 2), _factor(method, methods.get(_BASE)), str(dead),
        _middle(method["kept"], 2), _middle(method["kept_by_nobodys"], 2), *told,
    ]  # fmt: skip


def _middle(values: Sequence[float] | None, digits: int) -> str:
    """The median of what is known, and its interval; channels are independent."""
    known = np.array(values or (), float)
    known = known[np.isfinite(known)]
    if not len(known):
        return ""
    low, high = interval(known, np.arange(len(known)), np.random.default_rng(0))
    middle = f"{np.median(known):.{digits}f}"
    return middle if np.isnan(low) else f"{middle} ({low:.{digits}f}–{high:.{digits}f})"


def _seconds(values: Sequence[float]) -> str:
    """The median, least and most: images of a batch share their time, so nothing is resampled."""
    return f"{np.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def _factor(method: Mapping[str, Any], base: Mapping[str, Any] | None) -> str:
    """How many times as high as the base each channel is, in the middle."""
    if base is None or base is method:
        return ""
    count = len(method["robust"])
    before, after = np.array(base["robust"][:count]), np.array(method["robust"])
    found = paired(
        before, after, np.ones(count), np.arange(count), np.random.default_rng(0), is_factor=True
    )
    if np.isnan(found.change):
        return ""
    if np.isnan(found.low):
        return f"{found.change:.2f}"
    return f"{found.change:.2f} ({found.low:.2f}–{found.high:.2f})"


def _how(found: Mapping[str, Mapping[str, Any]]) -> str:
    about: dict[tuple[str, str, str], list[str]] = {}
    for label, run in found.items():
        for methods in run["layers"].values():
            for name, method in methods.items():
                if "settings" in method:
                    key = (NAMES[name], method["version"], method["settings"])
                    labels = about.setdefault(key, [])
                    if _LABELS[label] not in labels:
                        labels.append(_LABELS[label])
    rows = [[name, ", ".join(on), version, how] for (name, version, how), on in about.items()]
    heads = ["method", "processor", "version", "settings"]
    return (
        f"{report.table(heads, rows)}\n\nSeconds an image: least and most, of images rendered "
        "together their batch's by their number; loading, tracing, compiling and measuring are "
        "left out. What peers cannot have by default here: xplique's images are 512 px and "
        "tf-keras-vis' of 0 to 255, for which a layer in front scales; both take the network as "
        "Keras reads it, with oneDNN, which TensorFlow by itself does not switch on where a "
        "processor has AVX2 alone. xplique's MaCo takes one image at a time and minutes for it, so "
        "it has the first few channels only, without intervals below six. lucid's recipe is run "
        f"by our engine, in float32, and says some things otherwise: {UNSAID}.\n\nAll pictures are "
        "judged on stored uint8 pixels by the same float32 network. Robust activation: the mean "
        "over 16 small shifts, turns and scales. Dead: channels of zero or less, left out of the "
        "ratios and of what is kept. Kept: the share of the activation left when the picture is "
        "seen otherwise ([docs/truth.md](docs/truth.md)), in the mean of all eight views, and of "
        "the four by which no method climbs (JPEG, greys, turned, halved)." + _tried(found)
    )


def _tried(found: Mapping[str, Mapping[str, Any]]) -> str:
    run = next((run for run in found.values() if run["tried"]), None)
    if run is None:
        return " How well pictures tell what excites a channel: not measured, without photographs."
    tried = run["tried"]
    own = ", ".join(f"`{eyes['own']}` for `{layer}`" for layer, eyes in tried["eyes"].items())
    return (
        " Tells: the AUROC of the likeness of each crop to the picture for the hundredth that "
        f"excites the channel, of {tried['crops']:,} crops of {tried['photographs']} photographs, "
        f"by another network ({tried['judge']}) and by the network's own layer before ({own}). "
        "Likeness is contrasted: less the mean likeness to the same method's pictures of the other "
        "channels drawn from that layer, and of no others; a picture that says nothing has 0.50. "
        "So these are no figures of whole layers."
    )


def _absent(found: Mapping[str, Mapping[str, Any]]) -> str:
    reasons = dict.fromkeys(
        f"{NAMES[name]}: {reason}"
        for run in found.values()
        for name, reason in run["absent"].items()
    )
    missing = "".join(f" {reason}." for reason in reasons)
    return (
        f"Left out:{missing} lucid itself, which needs TensorFlow 1. Lucent (`torch-lucent`) and "
        "Horama: PyTorch as PyPI has it for Linux on x86-64 asks for CUDA's libraries, a score of "
        "packages that would be most of the benchmark's installation, and both would need "
        "InceptionV3's weights in PyTorch's form, checked layer by layer. Lucent's defaults are "
        "lucid's recipe, and MaCo is xplique's here, of the same first author."
    )


def _channels(found: Mapping[str, Mapping[str, Any]]) -> str:
    drawn = dict.fromkeys(
        f"`{layer}`: {', '.join(map(str, of))}"
        for run in found.values()
        for layer, of in run["channels"].items()
    )
    return f"Channels: {'; '.join(drawn)}."

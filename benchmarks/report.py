"""BENCHMARKS.md: what `benchmarks.run` measured, as tables and contact sheets."""

import datetime
import importlib.metadata
import json
import math
import platform
import re
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks import judge
from benchmarks.shown import Measured, channels
from pipeline.config.recipes import RECIPES

NAMES = {
    "article": "the article's loop",
    "draft": "channel atlas, `draft`",
    "fourier": "channel atlas, `fourier`",
    "tf-keras-vis": "tf-keras-vis",
    "xplique": "xplique",
}
TILE, GAP = 96, 4


def machine() -> str:
    """The machine and the versions, in words."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        text = ""
    model = re.search(r"model name\s*:\s*(.*)", text)
    known = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
    flags = [flag for flag in known if f" {flag} " in text]
    cores = text.count("processor\t")
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("keras", "numpy", "dask", "zarr")
    )
    tensorflow = next(
        importlib.metadata.version(name) for name in ("tensorflow-cpu", "tensorflow") if _has(name)
    )
    return (
        f"{cores or '?'} cores, {model[1] if model else platform.processor()} "
        f"({', '.join(flags)}), Python {platform.python_version()}, TensorFlow {tensorflow}, "
        f"{versions}"
    )


def _has(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def write(found: Measured, path: Path) -> None:
    """Write the report, and one contact sheet a layer beside the documentation."""
    scores = judge.judge({key: method["images"] for key, method in found.methods.items()})
    parts = [
        f"# Benchmarks\n\nWritten by `make bench` on {datetime.date.today():%Y-%m-%d}, in "
        f"{found.minutes:.0f} minutes, on {found.machine}. Figures of one run on a shared machine "
        "move by some tenths; ratios within a run move less.",
        _winners(found, scores),
        _activations(found, scores),
        _forms(found),
        _share(found),
        _whole(found),
        _sheets(found, path.parent / "docs"),
        _how(found),
    ]
    path.write_text("\n\n".join(part for part in parts if part) + "\n", encoding="utf-8")


def table(heads: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def put(path: Path, text: str) -> None:
    """Put a section into a report in place of the one of its heading, or at its end."""
    whole = path.read_text(encoding="utf-8") if path.is_file() else "# Benchmarks\n"
    heading = text.partition("\n")[0]
    old = re.compile(rf"^{re.escape(heading)}$.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    if old.search(whole):
        whole = old.sub(lambda _: f"{text}\n\n", whole)
    else:
        whole = f"{whole.rstrip()}\n\n{text}\n"
    path.write_text(f"{whole.rstrip()}\n", encoding="utf-8")


def _seconds(method: dict[str, Any]) -> np.ndarray:
    return np.atleast_1d(method["seconds"])


def _methods(found: Measured, layer: str) -> list[str]:
    return [name for name in NAMES if (layer, name) in found.methods]


def _layers(found: Measured) -> list[str]:
    return sorted({layer for layer, _ in found.methods})


def _spread(values: np.ndarray, digits: int = 2) -> str:
    low, middle, high = np.quantile(values, [0.0, 0.5, 1.0])
    return f"{middle:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def _winners(found: Measured, scores: judge.Scores) -> str:
    """The first table: time an image, and the activation that it buys."""
    rows = []
    for layer in _layers(found):
        base = float(np.median(_seconds(found.methods[layer, "article"])))
        base_scores = scores[layer, "article"].robust
        robust = float(np.median(base_scores))
        for name in _methods(found, layer):
            method, score = found.methods[layer, name], scores[layer, name]
            middle = float(np.median(_seconds(method)))
            rows.append(
                [
                    layer,
                    NAMES[name],
                    f"{int(method['steps'])}",
                    _spread(_seconds(method)),
                    f"{base / middle:.1f}",
                    _spread(score.robust),
                    f"{float(np.median(score.robust)) / robust:.2f}",
                    f"{_ratio(score.robust, base_scores):.2f}",
                    f"{int((score.plain <= 0).sum())}",
                ]
            )
    heads = [
        "layer", "method", "steps", "seconds an image, median (least–most)", "times as fast",
        "robust activation, median (least–most)", "times as high",
        "times as high, channel by channel", "dead",
    ]  # fmt: skip
    text = table(heads, rows)
    absent = "".join(f"\n\nLeft out: {reason}." for reason in found.absent.values())
    return (
        f"## Who wins where\n\n{text}{absent}\n\nTimes and activations are against the article's "
        "loop of the same layer. Loading, tracing and compiling are left out for everyone, and so "
        "is measuring. Channel by channel: the median of each channel's own "
        "ratio. `dead`: images on which the channel is zero or less."
    )


def _ratio(values: np.ndarray, base: np.ndarray) -> float:
    """The median of each channel's ratio; infinite where the channel is dead in the base."""
    ratios = np.where(base > 0, values / np.where(base > 0, base, 1.0), np.inf)
    return float(np.median(ratios))


def _activations(found: Measured, scores: judge.Scores) -> str:
    """Plain beside robust, and the time to a peer's activation."""
    rows = []
    for layer in _layers(found):
        ours = found.methods[layer, "fourier"]
        seconds = float(np.median(_seconds(ours)))
        steps = int(ours["steps"])
        climb = np.median(ours["trajectory"], axis=0)
        for name in _methods(found, layer):
            score = scores[layer, name]
            row = [layer, NAMES[name], f"{np.median(score.plain):.2f}"]
            row += [f"{np.median(score.robust):.2f}"]
            kept = np.median(score.robust / np.maximum(score.plain, 1e-6))
            row += [f"{kept:.2f}"]
            reached = np.flatnonzero(climb >= np.median(score.robust))
            if name in ("draft", "fourier"):
                row.append("")
            elif len(reached):
                needed = seconds * (reached[0] + 1) / steps
                theirs = float(np.median(_seconds(found.methods[layer, name])))
                row.append(f"{needed:.2f} s, {theirs / needed:.0f} times as fast")
            else:
                row.append("not reached")
            rows.append(row)
    heads = ["layer", "method", "activation", "robust activation", "robust by plain",
             "`fourier` reaches its robust activation in"]  # fmt: skip
    return (
        f"## Activation and robust activation\n\n{table(heads, rows)}\n\nMedians. The last column "
        "is the first step whose median view of `fourier`'s own ascent is as high, by the time of "
        "a step."
    )


def _forms(found: Measured) -> str:
    rows, former = [], None
    for name, times in found.forms.items():
        middle = float(np.median(times))
        gain = f"{former / middle:.2f}" if former else ""
        rows.append([name, _spread(np.array(times), 1), gain])
        former = middle
    steps = RECIPES["fourier"].steps
    return (
        "## Where the speed comes from\n\nMilliseconds of the whole machine for one step of one "
        f"image on `mixed4`, 128 px.\n\n"
        f"{table(['form', 'ms an image-step, median (least–most)', 'times the line above'], rows)}"
        "\n\n`article` is the article's loop on one image, on a network that is truncated at the "
        "layer as the article's is; `folded` has the batch norms in the convolutions; `batched` "
        "takes 16 images at once; `compiled` is this project's loop, compiled, with its spectrum, "
        "transforms and Adam, in float32; `bfloat16` has the network in bfloat16. The lines with "
        "several processes are what `cluster: local` chooses. The rest is steps: "
        f"200 in the article, {steps} in `fourier`, {RECIPES['draft'].steps} in `draft`, which "
        "Adam on a decorrelated spectrum allows."
    )


def _share(found: Measured) -> str:
    """The share of the machine's sgemm."""
    whole = sum(found.sgemm)
    rows = []
    for recipe, built in found.whole.items():
        for layer, data in built["layers"].items():
            rate = data["rate"] * data["operations"] / np.mean(found.sgemm)
            rows.append([recipe, built["precision"], layer, f"{data['rate']:.1f}", f"{rate:.2f}"])
    operations = next(iter(found.whole.values()))["layers"]["mixed4"]["operations"]
    many = [name for name in found.forms if "processes" in name]
    for name in many:
        share = operations / (float(np.median(found.forms[name])) / 1e3) / whole
        rows.append(["one batch alone", name.partition(",")[0], "mixed4",
                     f"{1e3 / float(np.median(found.forms[name])) / len(found.sgemm):.1f}",
                     f"{share:.2f}"])  # fmt: skip
    heads = ["measured on", "precision", "layer", "image-steps a second a worker",
             "share of sgemm"]  # fmt: skip
    each = ", ".join(f"{rate / 1e9:.0f}" for rate in found.sgemm)
    return (
        f"## Share of the machine's arithmetic\n\n{table(heads, rows)}\n\nThe yardstick is sgemm "
        f"in float32 on all cores at once: {each} GFLOP/s a core. Counted are the convolutions "
        "of the truncated network, forward and gradient, nothing else. In bfloat16 the share can "
        "pass 1: the yardstick stays float32."
    )


def _whole(found: Measured) -> str:
    rows = []
    for recipe, built in found.whole.items():
        for layer, data in built["layers"].items():
            dead = data["channels"] - data["alive"]
            rows.append(
                [recipe, layer, f"{data['channels']}", f"{dead}", f"{data['activation']:.2f}",
                 f"{data['robust']:.2f}", f"{built['wall'] / 60:.1f}",
                 f"{built['rendering']:.0%}", f"{built['worker_peak'] / 2**20:.0f}",
                 built["date"]]
            )  # fmt: skip
    heads = ["recipe", "layer", "channels", "dead", "activation", "robust",
             "minutes, whole build", "rendering", "worker's peak, MiB", "measured"]  # fmt: skip
    few = ", ".join(
        f"{peak / 2**20:.0f} MiB after {units} units" for units, peak in found.peaks.items()
    )
    return (
        f"## All 1,056 channels\n\n{table(heads, rows)}\n\nWhole builds as `make atlas` does them: "
        "medians over all channels, the time with start-up, measuring and storing, and the share "
        "of it in which workers rendered. Builds are kept from the day shown, and took what they "
        "took with what ran beside them. Memory depends on the batch alone: a worker that "
        f"rendered only so few of them, with as much again to compile, peaked at {few}."
    )


def _sheets(found: Measured, folder: Path) -> str:
    """The same channels by each method, two rows a method; one JPEG a layer."""
    lines = ["## The same channels by each method"]
    for layer in _layers(found):
        names = _methods(found, layer)
        rows = [found.methods[layer, name]["images"] for name in names]
        columns, step = math.ceil(len(rows[0]) / 2), TILE + GAP
        height = 2 * step + 18
        canvas = Image.new("RGB", (columns * step + GAP, len(rows) * height + GAP), (17, 17, 20))
        pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(size=13)
        for number, (name, images) in enumerate(zip(names, rows, strict=True)):
            top = GAP + number * height
            pen.text((GAP, top), NAMES[name].replace("`", ""), (220, 220, 226), font=font)
            for place, image in enumerate(images):
                down, across = divmod(place, columns)
                tile = Image.fromarray(image).resize((TILE, TILE), Image.Resampling.LANCZOS)
                canvas.paste(tile, (GAP + across * step, top + 18 + down * step))
        canvas.save(folder / f"bench-{layer}.jpg", quality=88)
        lines.append(f"![{layer} by each method](docs/bench-{layer}.jpg)")
    shown = {layer: ", ".join(map(str, channels(layer))) for layer in _layers(found)}
    lines.append("; ".join(f"{layer}: channels {text}" for layer, text in shown.items()) + ".")
    return "\n\n".join(lines)


def _how(found: Measured) -> str:
    about: dict[tuple[str, str, str], list[str]] = {}
    for (layer, name), method in found.methods.items():
        said = json.loads(str(method["about"]))
        about.setdefault((NAMES[name], said["version"], said["settings"]), []).append(layer)
    rows = [
        [name, ", ".join(layers), version, settings]
        for (name, version, settings), layers in about.items()
    ]
    return (
        f"## How it was measured\n\n{table(['method', 'layers', 'version', 'settings'], rows)}\n\n"
        "Each measurement is a process of its own, one after the other; only the workers of a "
        "pool run side by side, begun at the same moment. This project's seconds an image are "
        "those of a batch by its images, over the number of workers; each batch is timed three "
        "times. All images are judged on the stored uint8 pixels by the same float32 network: the"
        " plain activation, and the mean over 16 fixed shifts, turns and scales "
        "(`pipeline.ascent.measure.looks`). What the article's text gets wrong, and what was "
        "done about it, stands in `benchmarks/peers/article.py`; its text gives no step size: 0.05 "
        "is taken."
        " Peers run with their own defaults, but for the steps, which are `fourier`'s, and the "
        "range of pixels, which is what suits tf-keras-vis better."
    )

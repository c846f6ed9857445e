"""Everything that BENCHMARKS.md says, measured in one run: `make bench`.

Each measurement is a process of its own, one after the other, so that none disturbs another; only
the processes of one pool run side by side. Peers that are not installed are left out and said so.
`--full draft fourier article` also renders all 1,056 channels by these recipes, which takes five
minutes, ten, and thirty; their figures are kept in benchmarks/all.json for later runs.
"""

import argparse
import datetime
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import (
    circuit_table,
    class_table,
    defaults_table,
    family_table,
    report,
    truth_table,
)
from benchmarks.gate import Gate
from benchmarks.shown import LAYERS, SHOWN, Measured, channels
from pipeline.config.recipes import RECIPES
from tasks.pool.cluster import local_workers

ROOT = Path(__file__).parent.parent
BATCH = 16
PEERS = {"tf-keras-vis": "benchmarks.peers.keras_vis", "xplique": "benchmarks.peers.xplique_peer"}
SUITED = {("tf-keras-vis", "mixed4"): ("--pixels", "255")}
"""What suits a peer better on a layer; see its script."""
MISSING = 3
"""Exit code of a peer's script where the peer is not installed."""


def main() -> None:
    """Measure, and write BENCHMARKS.md and its sheets."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--full", nargs="*", default=(), help="recipes for all channels")
    parser.add_argument("--out", type=Path, default=ROOT / "BENCHMARKS.md")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), options.full)
    found.minutes = (time.monotonic() - began) / 60
    report.write(found, options.out)
    defaults_table.again(options.out)
    class_table.again(options.out)
    family_table.again(options.out)
    circuit_table.again(options.out)
    truth_table.again(options.out)
    print(f"{found.minutes:.1f} minutes; wrote {options.out}")


def measure(folder: Path, full: Sequence[str]) -> Measured:
    """All measurements, in the order of the report."""
    found = Measured(machine=report.machine())
    workers = local_workers("auto")
    say("yardstick")
    found.sgemm = [float(json.loads(text)) for text in pool("benchmarks.yardstick", workers)]
    say("where the speed comes from")
    found.forms = forms(workers)
    steps = RECIPES["fourier"].steps
    for layer in LAYERS:
        shown = channels(layer)
        say(f"{layer}: the article's loop")
        one(found, folder, layer, "article", "benchmarks.peers.article", shown)
        for recipe in ("draft", "fourier"):
            say(f"{layer}: {recipe}")
            ours(found, folder, layer, recipe, shown, workers)
        for name, module in PEERS.items():
            say(f"{layer}: {name}")
            more = ("--steps", str(steps), "--batch", str(SHOWN // 2))
            suited = SUITED.get((name, layer), ())
            one(found, folder, layer, name, module, shown, *more, *suited)
    found.whole = whole(folder, full)
    return found


def forms(workers: int) -> dict[str, list[float]]:
    """The cost of an image-step in each form; where several processes run, on all of them."""
    cores = os.cpu_count() or 1
    python = "benchmarks.steps"
    alone = {
        form: json.loads(script(python, "--layer", "mixed4", "--form", form))
        for form in ("article", "folded", "batched")
    }
    split = {}
    wide = script(python, "--layer", "mixed4", "--form", "compiled", "--threads", str(cores))
    split[f"compiled, 1 process of {cores} threads"] = json.loads(wide)
    for form in ("compiled", "bfloat16"):
        many = pool(python, workers, "--layer", "mixed4", "--form", form, "--threads", "1")
        times = np.array([json.loads(text) for text in many])
        split[f"{form}, {workers} processes of 1 thread"] = (times.mean(0) / workers).tolist()
    return {**alone, **split}


def one(
    found: Measured,
    folder: Path,
    layer: str,
    name: str,
    module: str,
    shown: Sequence[int],
    *more: str,
) -> None:
    """Have a script render the shown channels; note where its peer is not installed."""
    out = folder / f"{layer}-{name}.npz"
    listed = ",".join(map(str, shown))
    command = [sys.executable, "-m", module, "--layer", layer, "--channels", listed]
    done = subprocess.run(
        [*command, *more, "--out", str(out)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode == MISSING:
        found.absent[name] = done.stderr.strip().splitlines()[-1]
    elif done.returncode:
        raise RuntimeError(f"{module} failed:\n{done.stderr[-2000:]}")
    else:
        found.methods[layer, name] = dict(np.load(out))


def ours(
    found: Measured, folder: Path, layer: str, recipe: str, shown: Sequence[int], workers: int
) -> None:
    """Have a pool of workers render as many whole batches each, the shown channels first of all."""
    each = math.ceil(SHOWN / workers / BATCH) * BATCH
    others = [c for c in range(LAYERS[layer]) if c not in shown]
    listed = [*shown, *others][: each * workers]
    outs = [folder / f"{layer}-{recipe}-{number}.npz" for number in range(workers)]
    batches = [listed[i * each : (i + 1) * each] for i in range(workers)]
    arguments = [
        ("--channels", ",".join(map(str, batch)), "--out", str(out))
        for batch, out in zip(batches, outs, strict=True)
    ]
    pool("benchmarks.ours", workers, "--layer", layer, "--recipe", recipe, each=arguments)
    parts = [dict(np.load(out)) for out in outs]
    seconds = np.concatenate([part["seconds"] for part in parts]) / workers
    peaks = [float(part["peak"]) for part in parts]
    found.peaks[each] = max(found.peaks.get(each, 0.0), *peaks)
    joined = {
        name: np.concatenate([part[name] for part in parts])[:SHOWN]
        for name in ("images", "trajectory")
    }
    found.methods[layer, recipe] = {**parts[0], **joined, "seconds": seconds}


def whole(folder: Path, full: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Builds of all channels: by some recipes now, by the others as last measured."""
    kept_file = ROOT / "benchmarks" / "all.json"
    kept = json.loads(kept_file.read_text()) if kept_file.is_file() else {}
    for recipe in full:
        say(f"all channels by {recipe}")
        text = script("benchmarks.build", "--recipe", recipe, "--folder", str(folder / recipe))
        kept[recipe] = json.loads(text) | {"date": f"{datetime.date.today():%Y-%m-%d}"}
    if full:
        kept_file.write_text(json.dumps(kept, indent=1) + "\n")
    return kept


def script(module: str, *arguments: str) -> str:
    """The last line that a script prints."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{module} failed:\n{done.stderr[-2000:]}")
    return done.stdout.strip().splitlines()[-1] if done.stdout.strip() else ""


def pool(module: str, workers: int, *common: str, each: Sequence[Sequence[str]] = ()) -> list[str]:
    """The last lines of as many processes as there are workers, which begin at the same time."""
    own = each or [()] * workers
    with tempfile.TemporaryDirectory() as name:
        gate = Gate(Path(name))
        running = [
            subprocess.Popen(
                [sys.executable, "-m", module, *common, *more, "--gate", f"{gate.folder}/{number}"],
                cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            for number, more in enumerate(own)
        ]  # fmt: skip
        gate.open_for(running)
        texts = []
        for process in running:
            out, errors = process.communicate()
            if process.returncode:
                raise RuntimeError(f"{module} failed:\n{errors[-2000:]}")
            texts.append(out.strip().splitlines()[-1] if out.strip() else "")
    return texts


def say(what: str) -> None:
    """Tell what is being measured."""
    print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)


if __name__ == "__main__":
    main()

"""Peers by their own defaults, and this project's recipes beside them: `make bench-peers`.

Every method renders the same channels, drawn by a fixed seed, at the same size, each in processes
of its own, one method after the other. One judge says how high the channels are, what they keep of
it when the picture is seen otherwise, and, where there are photographs, how well the picture tells
which of them excite its channel. `--isa avx2` measures as on a processor of AVX2 alone. Figures are
kept in benchmarks/defaults.json, by processor.
"""

import argparse
import datetime
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import defaults_table, isa, report
from benchmarks.run import MISSING, ROOT, pool, say, script
from benchmarks.shown import LAYERS
from tasks.pool.cluster import local_workers

SEED, CHANNELS, SIZE, MACO = 2026, 16, 128, 2
OURS = {
    "draft": ("--rounds", "3"), "fourier": ("--rounds", "3"), "maco": ("--rounds", "1"),
    "lucid": ("--rounds", "2", "--timed-steps", "32"),
}  # fmt: skip
"""Recipes that our engine renders, and how they are timed."""


@dataclass(frozen=True)
class Peer:
    """A script that renders as its library's users would.

    Attributes:
        module: the script.
        batch: images at once, as far as it can.
        more: what else it is told.
    """

    module: str
    batch: int = 8
    more: Sequence[str] = ()


PEERS = {
    "article": Peer("benchmarks.peers.article", batch=1),
    "tf-keras-vis": Peer("benchmarks.peers.keras_vis", more=("--pixels", "255")),
    "xplique": Peer("benchmarks.peers.xplique_peer"),
    "xplique-maco": Peer("benchmarks.peers.xplique_peer", batch=1, more=("--maco",)),
}


def main() -> None:
    """Measure, keep, and write the section."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--isa", choices=isa.HELD, default="own", help="hold oneDNN to these [own]")
    parser.add_argument("--photographs", type=Path, help="a folder of them, to tell by")
    parser.add_argument("--channels", type=int, default=CHANNELS, help=f"a layer [{CHANNELS}]")
    parser.add_argument("--maco", type=int, default=MACO, help=f"xplique's MaCo's [{MACO}]")
    parser.add_argument("--only", nargs="*", help="some methods, for a trial, which is not kept")
    parser.add_argument("--steps", type=int, help="of every method, for a trial, which is not kept")
    parser.add_argument("--folder", type=Path, help="keep pictures; those there are not made again")
    parser.add_argument("--out", type=Path, default=ROOT / "BENCHMARKS.md")
    parser.add_argument("--keep", type=Path, default=defaults_table.KEPT)
    options = parser.parse_args()
    if options.photographs is None:
        say("no photographs: whether pictures tell what excites a channel is left out; PHOTOS=")
    began = time.monotonic()
    held = isa.hold(options.isa)
    say(f"oneDNN computes with: {held or 'what it does not tell'}")
    with tempfile.TemporaryDirectory() as name:
        folder: Path = options.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        found = measure(folder, options)
    minutes = (time.monotonic() - began) / 60
    found |= {"isa": held, "machine": report.machine(), "minutes": round(minutes, 1)}
    found["date"] = f"{datetime.date.today():%Y-%m-%d}"
    if options.steps or options.only is not None:
        print(f"\n{defaults_table.section({options.isa: found})}\n\na trial: nothing was written")
        return
    kept = json.loads(options.keep.read_text()) if options.keep.is_file() else {}
    kept[options.isa] = found
    options.keep.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    defaults_table.again(options.out, options.keep)
    print(f"{minutes:.1f} minutes; wrote {options.out}")


def drawn(layer: str, count: int) -> list[int]:
    """Channels of a layer, by a fixed seed, in the order of the draw."""
    random = np.random.default_rng([SEED, LAYERS[layer]])
    return [int(number) for number in random.permutation(LAYERS[layer])[:count]]


def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Have all methods render, and their pictures judged."""
    workers = local_workers("auto")
    precision = "auto" if options.isa == "own" else "float32"
    chosen = {layer: drawn(layer, options.channels) for layer in LAYERS}
    begin(folder, {"isa": options.isa, "steps": options.steps, "maco": options.maco}, chosen)
    absent: dict[str, str] = {}
    took: dict[str, dict[str, Any]] = {layer: {} for layer in LAYERS}
    for layer, channels in chosen.items():
        for name in wanted(options):
            if name in absent:
                continue
            say(f"{layer}: {name}")
            some = channels[: options.maco] if name == "xplique-maco" else channels
            out = folder / f"{layer}-{name}.npz"
            common = ["--layer", layer, "--size", str(SIZE)]
            common += ["--steps", str(options.steps)] if options.steps else []
            if out.is_file():
                say(f"{out} is there")
            elif name in OURS:
                exact = "float32" if name == "lucid" else precision
                how = ["--recipe", name, "--precision", exact, *OURS[name]]
                ours(out, some, workers, [*common, *how])
            elif reason := peer(PEERS[name], out, some, common):
                say(f"{name}: {reason}")
                absent[name] = reason
                continue
            took[layer][name] = read(out)
    say("the judge")
    shown = ["--photographs", str(options.photographs)] if options.photographs else []
    script("benchmarks.defaults_judge", str(folder), *shown)
    judged = json.loads((folder / "judged.json").read_text())
    layers = {
        layer: {name: {**took[layer].get(name, {}), **of} for name, of in methods.items()}
        for layer, methods in judged["layers"].items()
    }
    return {
        "channels": chosen, "size": SIZE, "layers": layers, "absent": absent,
        "tried": judged.get("tried"), "workers": workers,
    }  # fmt: skip


def begin(folder: Path, how: Mapping[str, Any], chosen: Mapping[str, Sequence[int]]) -> None:
    """Note of what pictures a folder is.

    Raises:
        SystemExit: it is of others.
    """
    note, text = folder / "settings.json", json.dumps({**how, "channels": chosen})
    if note.is_file() and note.read_text() != text:
        raise SystemExit(f"{folder} holds pictures of other settings: name another --folder")
    note.write_text(text)
    (folder / "drawn.json").write_text(json.dumps(chosen))


def wanted(options: argparse.Namespace) -> list[str]:
    """The methods, in order."""
    every = [name for name in (*PEERS, *OURS) if name != "xplique-maco" or options.maco]
    return [name for name in every if options.only is None or name in options.only]


def peer(known: Peer, out: Path, channels: Sequence[int], common: Sequence[str]) -> str:
    """Have a peer render; why it did not, where it did not."""
    listed = ",".join(map(str, channels))
    command = [
        sys.executable, "-m", known.module, *common, "--channels", listed,
        "--batch", str(known.batch), *known.more, "--out", str(out),
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if not done.returncode:
        return ""
    said = (done.stderr.strip().splitlines() or ["without a word"])[-1]
    return said if done.returncode == MISSING else f"failed: {said}"


def ours(out: Path, channels: Sequence[int], workers: int, how: Sequence[str]) -> None:
    """Have as many workers render side by side, an equal part of the channels each."""
    parts = np.array_split(np.array(channels), min(workers, len(channels)))
    with tempfile.TemporaryDirectory() as name:
        outs = [Path(name) / f"{number}.npz" for number in range(len(parts))]
        each = [
            ("--channels", ",".join(map(str, part)), "--out", str(place))
            for part, place in zip(parts, outs, strict=True)
        ]
        pool("benchmarks.ours", len(parts), *how, each=each)
        found = [dict(np.load(place)) for place in outs]
    np.savez(
        out,
        images=np.concatenate([one["images"] for one in found]),
        # A worker's time for an image, of which so many are done at once.
        seconds=np.concatenate([one["seconds"] for one in found]) / len(parts),
        steps=found[0]["steps"],
        about=found[0]["about"],
    )


def read(path: Path) -> Mapping[str, Any]:
    """What a method's file says beside its images."""
    found = dict(np.load(path))
    about = json.loads(str(found["about"]))
    seconds = [round(float(value), 4) for value in np.atleast_1d(found["seconds"])]
    return {
        "steps": int(found["steps"]), "version": about["version"],
        "settings": about["settings"], "seconds": seconds,
    }  # fmt: skip


if __name__ == "__main__":
    main()

"""How fast a build is, against what this machine's arithmetic allows. `make bench`.

Builds an atlas of some channels in a temporary folder, as `atlas build` does, and prints:

- the rate of single-precision matrix products of one TensorFlow thread (sgemm), the yardstick;
- for each layer, image-steps a second of one worker and the share of sgemm that this is, counting
  the convolutions of the folded, truncated network, forward and backward, and nothing else;
- for the whole build, the wall time, units a second, and the share of it that the workers rendered.

All in one run, since figures of different moments on a shared machine say little.
"""

import argparse
import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from pipeline import Atlas, config_file
from tasks import planning, progress, run
from tasks.cluster import local_workers

SGEMM = """
import json, time
from pipeline import device
device.use("cpu")
import tensorflow as tf
side = 2048
factor = tf.ones((side, side))
product = tf.function(lambda a: tf.matmul(a, a))
product(factor)
times = []
for _ in range(10):
    began = time.perf_counter()
    product(factor).numpy()
    times.append(time.perf_counter() - began)
print(json.dumps(2 * side**3 / sorted(times)[len(times) // 2]))
"""
CONFIG = """
output: {folder}
units: ["mixed2:0-{last}", "mixed4:0-{last}"]
model: {{weights: bundled}}
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--channels", type=int, default=64, help="of each layer [64]")
    channels = parser.parse_args().channels
    rate = sgemm()
    with tempfile.TemporaryDirectory() as folder:
        text = CONFIG.format(folder=f"{folder}/atlas", last=channels - 1)
        plan = planning.make(config_file.parse(text))
        began = time.perf_counter()
        run.run(plan, progress.show(Console(file=io.StringIO())))
        wall = time.perf_counter() - began
        report(Atlas.open(f"{folder}/atlas"), rate, wall)


def sgemm() -> float:
    """Operations a second of a matrix product in a process like a worker's."""
    done = subprocess.run(
        [sys.executable, "-c", SGEMM], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    return float(json.loads(done.stdout))


def report(atlas: Atlas, rate: float, wall: float) -> None:
    """Print the tables."""
    index, workers = atlas.index, local_workers("auto")
    steps = atlas.provenance.recipe.steps
    print(f"sgemm, one thread: {rate / 1e9:.0f} GFLOP/s; {workers} workers\n")
    print("| layer | image-steps/s a worker, median (least–most) | share of sgemm | alive |")
    print("| --- | --- | --- | --- |")
    for layer, rows in index.groupby("layer"):
        rates = [steps / seconds for seconds in rows["seconds"].unique()]
        middle = statistics.median(rates)
        operations = 2 * atlas.provenance.architecture.layers[layer].operations
        share = middle * operations / rate
        alive = f"{int(rows['alive'].sum())} of {len(rows)}"
        print(
            f"| {layer} | {middle:.1f} ({min(rates):.1f}–{max(rates):.1f}) "
            f"| {share:.2f} | {alive} |"
        )
    rendering = float(index["seconds"].sum()) / workers
    print(
        f"\n{len(index)} units in {wall:.0f} s, {len(index) / wall:.2f} a second; workers rendered "
        f"{rendering / wall:.0%} of the time, start-up and compiling included in the rest"
    )


if __name__ == "__main__":
    main()

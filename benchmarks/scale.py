"""What a unit costs beside its rendering: a build whose renderer costs nothing.

`python -m benchmarks.scale --units 100000` builds so many units through the real Luigi tasks,
Dask, Zarr, records, mosaics and index, and prints as JSON: milliseconds a unit, the driver's memory
at the beginning and at its peak, and the seconds of `status`, of a build that finds nothing to do,
and of opening the index.
"""

import argparse
import io
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from pipeline import Atlas
from pipeline.ascent.results import NAMES, Results, Statistics
from pipeline.config import yaml_file
from pipeline.config.weights import Weights
from pipeline.plan.architecture import Architecture, Layer
from pipeline.plan.batches import Batch
from pipeline.plan.units import Unit
from pipeline.store.store import Store
from tasks import planning, progress
from tasks.build import run
from tasks.pool.work import Steps

ROOT = Path(__file__).parent.parent
SIZE, STEPS, LAYERS = 16, 4, 10
CONFIG = """
output: {folder}
units: [{units}]
model: {{weights: bundled}}
image: {{size: 16}}
recipe: {{name: fourier, steps: 4}}
cluster: {{kind: threads, workers: 2}}
mosaic: {{tile: 16}}
explore: {{responses: false}}
truth: {{kept: false}}
site: false
"""


class Engine:
    """Images at once, of noise: nothing is rendered."""

    def compute(self, units: Sequence[Unit]) -> Results:
        """What the real one returns, made up."""
        count = len(units)
        columns = {name: np.full(count, 1.0, np.float32) for name in NAMES}
        columns["steps"] = np.full(count, STEPS, np.float32)
        columns["activation"] = np.array([unit.index for unit in units], np.float32)
        noise = np.random.default_rng(units[0].index)
        return Results(
            noise.integers(0, 256, (count, SIZE, SIZE, 3), np.uint8),
            np.ones((count, STEPS), np.float32),
            np.zeros((count, 0, SIZE, SIZE, 3), np.uint8),
            Statistics(**columns),
        )


def _commit(store: Store, batch: Batch, _: int | None) -> None:
    store.commit(batch, Engine().compute(batch.units))


def main() -> None:
    """Build, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--units", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="an atlas that was built before")
    parser.add_argument("--time", choices=("again", "status", "index"), help="only this, of it")
    options = parser.parse_args()
    if options.time:
        print(_timed(_reading(options.time, options.units, options.folder)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "atlas"
        build = _Build(options.units, folder)
        first = _timed(build)
        found = {
            "units": options.units,
            "milliseconds a unit": 1e3 * first / options.units,
            "MiB at the start": build.memory[0],
            "MiB half way": build.memory[len(build.memory) // 2],
            "MiB at the most": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            # By processes of their own, which know nothing yet.
            "seconds to find nothing to do": _alone("again", options.units, folder),
            "seconds of status": _alone("status", options.units, folder),
            "seconds to open the index": _alone("index", options.units, folder),
        }
    print(json.dumps(found))


def _reading(what: str, units: int, folder: Path) -> Callable[[], object]:
    if what == "again":
        return _Build(units, folder)
    atlas = Atlas.open(folder)
    return atlas.status if what == "status" else lambda: atlas.index


def _alone(what: str, units: int, folder: Path) -> float:
    command = [sys.executable, "-m", "benchmarks.scale", "--time", what]
    more = ["--units", str(units), "--folder", str(folder)]
    done = subprocess.run([*command, *more], cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout)


class _Build:
    """A build of so many units of ten layers, and the memory of this process all along."""

    def __init__(self, units: int, folder: Path) -> None:
        self.memory: list[float] = []
        self._each = units // LAYERS
        listed = ", ".join(f"layer{number}:all" for number in range(LAYERS))
        self._config = yaml_file.parse(CONFIG.format(folder=folder, units=listed))

    def _plan(self) -> planning.Plan:
        return planning.make(self._config, (), self._describe)

    def _describe(self, _: Weights, size: int, *_given: object) -> Architecture:
        layers = [Layer(f"layer{n}", n, self._each, 4, 4, 100) for n in range(LAYERS)]
        return Architecture("made up", size, {layer.name: layer for layer in layers}, None)

    def __call__(self) -> None:
        ended = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(ended,))
        watcher.start()
        try:
            display = progress.show(Console(file=io.StringIO()))
            report = run.run(self._plan(), display, Steps(render=_commit))
        finally:
            ended.set()
            watcher.join()
        if report.missing or report.failed:
            raise RuntimeError(f"{report.missing} missing, {report.failed} failed")

    def _watch(self, ended: threading.Event) -> None:
        while True:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.memory.append(pages * resource.getpagesize() / 2**20)
            if ended.wait(0.5):
                return


def _timed(task: Callable[[], object]) -> float:
    began = time.perf_counter()
    task()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()

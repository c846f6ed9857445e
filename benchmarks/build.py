"""A build of every channel of mixed2 and mixed4, as `make atlas` does it; what it took, as JSON.

`python -m benchmarks.build --recipe draft --folder DIR` prints, for each layer, how many channels
are alive and how fast they were rendered, and for the whole the wall time, the share of it that
workers rendered, and the peak memory of the largest process of the pool and of the driver.
"""

import argparse
import io
import json
import resource
import statistics
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from pipeline import Atlas
from pipeline.config import yaml_file
from tasks import planning, progress
from tasks.build import run
from tasks.pool.cluster import local_workers

CONFIG = """
output: {folder}
units: [{units}]
model: {{weights: bundled}}
recipe: {recipe}
"""


def main() -> None:
    """Build, and print what was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--recipe", default="fourier")
    parser.add_argument("--units", default="mixed2:all, mixed4:all")
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    text = CONFIG.format(folder=options.folder, units=options.units, recipe=options.recipe)
    plan = planning.make(yaml_file.parse(text))
    began = time.perf_counter()
    run.run(plan, progress.show(Console(file=io.StringIO())))
    wall = time.perf_counter() - began
    print(json.dumps(found(Atlas.open(options.folder), wall)))


def found(atlas: Atlas, wall: float) -> dict[str, Any]:
    """What a finished build shows."""
    index, workers = atlas.index, local_workers("auto")
    steps = atlas.provenance.recipe.steps
    layers = {}
    for name, rows in index.groupby("layer"):
        layer = str(name)
        layers[layer] = {
            "channels": len(rows),
            "alive": int((rows["activation"] > 0).sum()),
            "rate": steps / statistics.median(map(float, rows["seconds"].unique())),
            "operations": 2 * atlas.provenance.architecture.layers[layer].operations,
            "activation": float(rows["activation"].median()),
            "robust": float(rows["activation_robust"].median()),
        }
    return {
        "steps": steps,
        "precision": atlas.provenance.render.precision,
        "units": len(index),
        "layers": layers,
        "wall": wall,
        "rendering": float(index["seconds"].sum()) / workers / wall,
        "worker_peak": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
        "driver_peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


if __name__ == "__main__":
    main()

"""This project's renderer, as a worker of a build runs it: one thread, batches of 16.

`--recipe lucid` is `benchmarks.lucid`'s.

`python -m benchmarks.ours --recipe fourier --layer mixed4 --channels 0,1,2 --out FILE.npz` renders
the channels batch by batch, after one batch that only compiles, and leaves the same file as the
scripts of `benchmarks.peers`, with the process's peak memory. All batches are timed several times,
since a shared machine may stand still in any one of them.
"""

import argparse
import json
import resource
from pathlib import Path

import numpy as np

from benchmarks import gate
from benchmarks.lucid import LUCID
from pipeline.config.recipes import RECIPES
from pipeline.config.schema import Render
from pipeline.config.weights import resolve
from pipeline.network import device
from pipeline.plan import machine
from pipeline.plan.kinds import CHANNEL
from pipeline.plan.units import Unit

BATCH = 16
KNOWN = {**RECIPES, LUCID.name: LUCID}


def main() -> None:
    """Render what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--recipe", default="fourier", choices=KNOWN)
    parser.add_argument("--precision", default="auto", choices=("auto", "float32", "bfloat16"))
    parser.add_argument("--layer", required=True)
    parser.add_argument("--channels", required=True, help="such as 3,17,42")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--steps", type=int, help="other than the recipe's")
    parser.add_argument("--rounds", type=int, default=3, help="how often each batch is timed")
    parser.add_argument("--timed-steps", type=int, help="time so few, and reckon all by them")
    parser.add_argument("--gate", type=Path, help="begin when all do; see benchmarks.gate")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    device.use("cpu")
    from pipeline.ascent.engine import Engine  # noqa: PLC0415, TensorFlow after its environment

    precision = options.precision
    if precision == "auto":
        precision = machine.best_precision(is_here=True)
    recipe = KNOWN[options.recipe]
    if options.steps:
        recipe = recipe.model_copy(update={"steps": options.steps})
    weights, how = resolve("bundled"), Render(precision=precision)
    engine = Engine(weights, recipe, options.size, 0, BATCH, how)
    units = [Unit(CHANNEL, (options.layer,), int(c)) for c in options.channels.split(",")]
    batches = [units[i : i + BATCH] for i in range(0, len(units), BATCH)]
    timed, results, share = engine, [], 1.0
    if options.timed_steps and options.timed_steps < recipe.steps:
        # A step takes as long as another: a long recipe need not be rendered twice.
        results = [engine.compute(batch) for batch in batches]
        short = {"steps": options.timed_steps, "revive": 0}
        timed = Engine(weights, recipe.model_copy(update=short), options.size, 0, BATCH, how)
        share = recipe.steps / options.timed_steps
    timed.compute(batches[0])  # compiles
    gate.wait(options.gate)
    rounds = [[timed.compute(batch) for batch in batches] for _ in range(options.rounds)]
    results = results or rounds[0]
    np.savez(
        options.out,
        images=np.concatenate([result.images for result in results]),
        trajectory=np.concatenate([result.trajectory for result in results]),
        seconds=[share * result.statistics.seconds[0] for round_ in rounds for result in round_],
        steps=recipe.steps,
        peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        about=json.dumps(
            {
                "name": f"channel atlas, {recipe.name}",
                "version": "",
                "settings": f"{precision}, batches of {min(BATCH, len(units))}, a process a core"
                + (f"; timed over {options.timed_steps} steps" if share > 1 else ""),
            }
        ),
    )


if __name__ == "__main__":
    main()

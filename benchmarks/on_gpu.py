"""What a GPU does: `make bench-gpu`, four minutes at most, for the figures of docs/gpu.md.

Renders 64 channels of the bundled weights' mixed4 by `draft` and by `fourier`, in float32 and in
bfloat16, compiled as TensorFlow's graph and by XLA, each several times and some in another process
again: images a second, the share of the card's arithmetic, and whether all bytes are equal. What
counts most comes first, with 16 images by the other recipes for channels (of `true` three of a
channel, in its unlike styles), and XLA last; what the time does not reach is said, and what was at
work when it was over. `--device cpu` goes the same
way without a GPU, prints what it found, and writes nothing. What a GPU should do, from counted
operations, is `benchmarks.gpu`'s.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks import on_gpu_table
from benchmarks.on_gpu_table import Case, Ran, Rate, Where
from pipeline.config.schema import Compiler, Device, Precision
from tasks.pool.cluster import gpus

BUDGET = 230.0
"""Seconds that all of it may take."""
CHANNELS, FEWER, BATCH, SIZE = 64, 16, 64, 128
_LEAST = 10.0
"""Seconds below which no process is begun: TensorFlow would hardly be up."""


class EndedError(Exception):
    """A process ended before it had rendered all, and what it said."""


def main() -> None:
    """Measure, print the section, and write it where it is of a GPU."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--device", choices=("gpu", "cpu"), default="gpu")
    parser.add_argument("--budget", type=float, default=BUDGET, help=f"seconds [{BUDGET:g}]")
    parser.add_argument("--channels", type=int, default=CHANNELS, help=f"[{CHANNELS}]")
    parser.add_argument("--batch", type=int, default=BATCH, help=f"images at once [{BATCH}]")
    parser.add_argument("--steps", type=int, help="other than the recipes', for a trial")
    parser.add_argument("--out", type=Path, default=on_gpu_table.PAGE)
    options = parser.parse_args()
    driver = drivers()
    if options.device == "gpu" and not driver:
        raise SystemExit(
            "no GPU here: nvidia-smi lists none, so nothing was measured or written; to go the "
            "same way on the CPU: make bench-gpu DEVICE=cpu"
        )
    ran = measure(
        plan(options.channels), options.device, options.budget, SIZE, options.batch, options.steps
    )
    if ran.where is not None and driver and options.device == "gpu":
        software = f"driver {driver}, {ran.where.software}"
        ran = replace(ran, where=replace(ran.where, software=software))
    print(f"\n{on_gpu_table.section(ran)}\n")
    if options.steps:
        print(f"{options.steps} steps are a trial: nothing was written")
    elif on_gpu_table.put(ran, options.out):
        print(f"wrote {options.out}")
    else:
        print(f"{options.out} is for figures of a GPU, and there are none: nothing was written")


def plan(channels: int = CHANNELS) -> list[list[Case]]:
    """What to measure, by process, what counts most first.

    TensorFlow's graph and XLA are told in two ways to give equal bytes, so each has processes of
    its own.
    """

    def cases(compiler: Compiler, *ways: tuple[str, Precision]) -> list[Case]:
        return [Case(recipe, compiler, precision, channels) for recipe, precision in ways]

    every: list[tuple[str, Precision]] = [
        ("fourier", "float32"), ("fourier", "bfloat16"), ("draft", "float32"),
        ("draft", "bfloat16"),
    ]  # fmt: skip
    fewer = min(channels, FEWER)
    rest = [Case(name, "graph", "float32", fewer) for name in ("true", "maco", "article")]
    return [
        cases("graph", *every),
        cases("graph", *every[:2]),  # again: are the bytes those of another process?
        rest,
        cases("xla", *every),  # last: on an H100 its first case took all the time that was left
        cases("xla", *every[:2]),
    ]


def measure(
    wanted: Sequence[Sequence[Case]],
    on: Device,
    budget: float,
    size: int = SIZE,
    batch: int = BATCH,
    steps: int | None = None,
    layer: str = "mixed4",
) -> Ran:
    """Measure one process after the other, as far as the time goes.

    Args:
        wanted: by process, the cases.
        on: the device.
        budget: seconds; a process that is at work then is ended.
        size: side of the images, in pixels.
        batch: the largest batch.
        steps: other than the recipes'.
        layer: whose channels.

    Raises:
        SystemExit: a process failed before TensorFlow was up.
    """
    began, place = time.monotonic(), None
    rates: list[list[Rate]] = []
    common = ["--device", on, "--size", str(size), "--batch", str(batch), "--layer", layer]
    common += ["--steps", str(steps)] if steps else []
    for cases in wanted:
        rates.append([])
        left = budget - (time.monotonic() - began)
        if left < _LEAST:
            continue
        listed = json.dumps([asdict(case) for case in cases])
        since = None
        try:
            for line in lines([*common, "--cases", listed], left):
                if "card" in line:
                    place = Where(**line)
                    said = f"{place.card} is up"
                else:
                    rate = Rate(**{**line, "case": Case(**line["case"])})
                    rates[-1].append(rate)
                    said = f"{rate.case}{_how_it_went(rate)}"
                since = time.monotonic()
                say(f"{since - began:.0f} s: {said}")
        except EndedError as error:
            if place is None:
                raise SystemExit(str(error)) from None
            rates[-1] += [Rate(case, failed=str(error)) for case in cases[len(rates[-1]) :]]
            say(f"{time.monotonic() - began:.0f} s: failed: {error}")
        if since is not None and len(rates[-1]) < len(cases):
            took = time.monotonic() - since
            failed = f"not done after {took:.0f} s, when the time was over"
            rates[-1].append(Rate(cases[len(rates[-1])], failed=failed))
            say(f"{time.monotonic() - began:.0f} s: {rates[-1][-1].case} {failed}")
    done = {rate.case for of in rates for rate in of}
    missing = dict.fromkeys(case for cases in wanted for case in cases if case not in done)
    minutes = (time.monotonic() - began) / 60
    asked = f"{steps} steps, a trial" if steps else ""
    return Ran(place, rates, list(missing), minutes, size, batch, asked)


def lines(arguments: Sequence[str], seconds: float) -> Iterator[dict[str, Any]]:
    """What a process prints, line by line, until it ends, or is ended when its time is over.

    Raises:
        EndedError: it failed.
    """
    command = [sys.executable, "-m", "benchmarks.on_gpu_process", *arguments]
    is_over = threading.Event()
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            command, cwd=on_gpu_table.PAGE.parents[1], stdout=subprocess.PIPE, stderr=errors,
            text=True,
        ) as process,
    ):  # fmt: skip

        def end() -> None:
            is_over.set()
            process.kill()

        clock = threading.Timer(seconds, end)
        clock.start()
        try:
            for line in process.stdout or ():
                if line.startswith("{") and line.endswith("}\n"):
                    yield json.loads(line)
            process.wait()
        finally:
            clock.cancel()
            process.kill()
        if process.returncode and not is_over.is_set():
            errors.seek(0)
            said = errors.read().strip().splitlines() or [f"exit code {process.returncode}"]
            raise EndedError(said[-1])


def _how_it_went(rate: Rate) -> str:
    if rate.failed:
        return f" failed: {rate.failed}"
    return f": {rate.case.channels * len(rate.rendering) / sum(rate.rendering):.1f} images a second"


def drivers() -> str:
    """The version of the driver of the GPUs that are here; nothing where none is."""
    if not gpus():
        return ""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return (answer.stdout.split() or ["unknown"])[0]


def say(what: str) -> None:
    """Tell what was measured."""
    print(what, flush=True)


if __name__ == "__main__":
    main()

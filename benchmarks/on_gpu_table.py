"""What a GPU does, in docs/gpu.md: a section of what `make bench-gpu` measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import numpy as np

from benchmarks import report
from pipeline.config.schema import Compiler, Device, Precision

PAGE = Path(__file__).parents[1] / "docs" / "gpu.md"
PEAKS: Mapping[str, Mapping[Precision, float]] = {
    "*H100 80GB HBM3": {"float32": 495e12, "bfloat16": 989e12},
    "*H200": {"float32": 495e12, "bfloat16": 989e12},
    "*A100*": {"float32": 156e12, "bfloat16": 312e12},
    "*T4": {"float32": 8.1e12},
}
"""Operations a second that makers say of cards, by TensorFlow's name of them; `float32` is by
TensorFloat-32 where a card has that, as TensorFlow takes it."""
_HEADS = [
    "recipe", "compiler", "precision", "images", "images a second", "with measuring",
    "compiling, s", "TFLOP/s", "of a product's", "of the peak", "equal bytes",
]  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A way to render some channels of `mixed4`.

    Attributes:
        recipe: its name.
        compiler: what compiles the network.
        precision: of the ascent.
        channels: how many, the first of the layer, an image each; of a recipe of several styles so
            many images, one in each style of a channel.
    """

    recipe: str
    compiler: Compiler
    precision: Precision
    channels: int

    def __str__(self) -> str:
        return f"{self.recipe}, {self.compiler}, {self.precision}, {self.channels} channels"


@dataclass(frozen=True)
class Rate:
    """What a case took in a process.

    Attributes:
        case: which.
        first: seconds of the first time, compiling and measuring with it.
        rendering: seconds of each further time, of rendering alone.
        whole: the same, with measuring.
        digests: of the images of each time.
        at_once: images that were rendered at once in the end.
        operations: multiplications and additions of an image, where they are counted.
        product: operations a second of a matrix product in that precision.
        failed: why there are no figures; empty where there are.
    """

    case: Case
    first: float = 0.0
    rendering: Sequence[float] = ()
    whole: Sequence[float] = ()
    digests: Sequence[str] = ()
    at_once: int = 0
    operations: float | None = None
    product: float = 0.0
    failed: str = ""


@dataclass(frozen=True)
class Where:
    """What a process computed on.

    Attributes:
        device: of a CPU or of a GPU.
        card: TensorFlow's name of the GPU, or the processor's.
        software: driver, CUDA, cuDNN, and versions, as far as they are told.
    """

    device: Device
    card: str
    software: str


@dataclass(frozen=True)
class Ran:
    """What was measured, and what was not.

    Attributes:
        where: what it ran on; None where no process came so far.
        rates: by process, in order.
        missing: cases that the time did not reach.
        minutes: how long all of it took.
        size: side of the images, in pixels.
        batch: the largest batch.
        asked: settings that are not the recipes' own, in words.
    """

    where: Where | None
    rates: Sequence[Sequence[Rate]]
    missing: Sequence[Case]
    minutes: float
    size: int
    batch: int
    asked: str = ""


def put(ran: Ran, path: Path = PAGE) -> bool:
    """Put the section into the page in place of the one that is there; only figures of a GPU.

    Returns:
        Whether there were any.
    """
    where = ran.where
    has_figures = any(rate.rendering for rates in ran.rates for rate in rates)
    if where is None or where.device != "gpu" or not has_figures:
        return False
    report.put(path, section(ran))
    return True


def section(ran: Ran) -> str:
    """The section: a row a case, and what was not measured."""
    where = ran.where
    heading = "## Measured" if where and where.device == "gpu" else "## Tried on the CPU"
    if where is None:
        return f"{heading}\n\nNothing: no process was ready in time. {_missing(ran)}".rstrip()
    cases = list(dict.fromkeys(rate.case for rates in ran.rates for rate in rates))
    rows, failed = [], []
    for case in cases:
        tries = [rate for rates in ran.rates for rate in rates if rate.case == case]
        timed = [rate for rate in tries if rate.rendering]
        if timed:
            rows.append(_row(case, timed, where))
        failed += [f"Failed: {case}: {rate.failed}." for rate in tries if rate.failed]
    text = [
        f"{heading}\n\nBy `make bench-gpu` in {ran.minutes:.1f} minutes, on one {where.card} "
        f"({where.software}). Channels of `mixed4` at {ran.size} px, bundled weights, in batches "
        f"of {ran.batch}{f'; {ran.asked}' if ran.asked else ''}.",
        report.table(_HEADS, rows),
        _HOW,
        *failed,
        _missing(ran),
    ]
    return "\n\n".join(part for part in text if part)


_HOW = (
    "Channels: an image each; of `true` so many images, three of a channel. "
    "Images a second: the median time after a first that compiles, by the clock, rendering alone; "
    "`with measuring`, with the 18 passes that measure. TFLOP/s: multiplications and additions of "
    "the convolutions, forward and gradient, nothing else, while rendering; not counted where an "
    "image grows. Beside it, as a share: a matrix product that was measured there, and what the "
    "card's maker says of it, where that is known here. Equal bytes: of how many renderings, in "
    "how many processes; no others were compared, those of a CPU neither."
)


def _row(case: Case, timed: Sequence[Rate], where: Where) -> list[str]:
    took = float(np.median([seconds for rate in timed for seconds in rate.rendering]))
    whole = float(np.median([seconds for rate in timed for seconds in rate.whole]))
    first = timed[0]
    row = [f"`{case.recipe}`", case.compiler, case.precision, str(case.channels)]
    if first.at_once < case.channels:
        row[-1] += f", {first.at_once} at once"
    row += [_digits(case.channels / took), _digits(case.channels / whole)]
    row.append(f"{max(first.first - float(np.median(first.whole)), 0.0):.0f}")
    if first.operations is None:
        row += ["", "", ""]
    else:
        speed = case.channels * first.operations / took
        peak = _peak(where, case.precision)
        row += [_digits(speed / 1e12), f"{speed / first.product:.2f}" if first.product else ""]
        row.append(f"{speed / peak:.2f}" if peak else "")
    return [*row, _equal(timed)]


def _equal(timed: Sequence[Rate]) -> str:
    digests = [digest for rate in timed for digest in rate.digests]
    often = f"{len(digests)} in {len(timed)} process{'es' if len(timed) > 1 else ''}"
    return f"all {often}" if len(set(digests)) == 1 else f"no: {len(set(digests))} of {often}"


def _digits(value: float) -> str:
    """Three digits that count."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _peak(where: Where, precision: Precision) -> float | None:
    of = (peaks for name, peaks in PEAKS.items() if fnmatch(where.card, name))
    return next(of, {}).get(precision)


def _missing(ran: Ran) -> str:
    named = "; ".join(map(str, ran.missing))
    return f"Not measured, since the time was over: {named}." if named else ""

"""A plan on paper: what GPUs would need for an atlas, from operation counts.

`python -m benchmarks.gpu` prints the tables of docs/gpu.md. Nothing here runs on a GPU: the
network's layers are counted, and the makers' figures of the cards are what they are divided by.
"""

import argparse
import math
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.recipes import RECIPES
from pipeline.network import device

STEPS = RECIPES["fourier"].steps
PASSES = 2 * STEPS + 16 + 2
"""Forward passes that a unit costs: steps, each with a gradient, and looks that measure."""
SETS = {
    "`mixed2` and `mixed4`": "mixed[24]",
    "the eleven blocks": r"mixed\d+",
    "every convolution": r"conv2d(_\d+)?",
    "every layer with channels": ".*",
}
SIZES = (128, 299)
UTILISATION, STREAMED = 0.35, 0.7
"""The shares of a card's peak arithmetic and bandwidth that convolutions are taken to reach."""
TRAFFIC = 6
"""How often each activation crosses the memory: two reads and a write, forward and back."""
BATCH = 64
KERNELS, LAUNCH = 5, 8e-6
"""Kernels a convolution with what belongs to it, in one pass, and seconds to launch one."""
COMPILING = 0.15
"""Seconds a convolution to trace a section's loop: 6 s for 40 of them, on a core of the CPU."""


@dataclass(frozen=True)
class Card:
    """A GPU in one arithmetic: operations a second, bytes a second, bytes a number."""

    name: str
    operations: float
    bandwidth: float
    width: int


CARDS = (
    Card("T4, float32", 8.1e12, 0.32e12, 4),
    Card("A100, TensorFloat-32", 156e12, 1.555e12, 4),
    Card("A100, bfloat16", 312e12, 1.555e12, 2),
    Card("H100, TensorFloat-32", 495e12, 3.35e12, 4),
    Card("H100, bfloat16", 989e12, 3.35e12, 2),
)


@dataclass(frozen=True)
class Work:
    """What an atlas of some layers costs.

    Attributes:
        layers: how many.
        channels: of all of them.
        operations: multiplications and additions.
        activations: numbers that ReLUs write.
        launches: kernels started, in batches of `BATCH`.
        compiling: seconds of tracing, which every card has to do.
    """

    layers: int
    channels: int
    operations: float
    activations: float
    launches: float
    compiling: float

    def seconds(self, card: Card, cards: int) -> float:
        """On some cards, by what limits one."""
        arithmetic = self.operations / (UTILISATION * card.operations)
        memory = TRAFFIC * card.width * self.activations / (STREAMED * card.bandwidth)
        return self.compiling + max(arithmetic, memory, self.launches * LAUNCH) / cards


def main() -> None:
    """Print the tables."""
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    for size in SIZES:
        found = {name: _work(size, pattern) for name, pattern in SETS.items()}
        heads = ["atlas", "layers", "channels", "10^12 operations", "launches, 10^6", "compiling"]
        print(f"\n{size} px, {STEPS} steps\n")
        _table(heads, ([name, *_described(work)] for name, work in found.items()))
        print()
        _table(["card", *found], ([card.name, *(_times(work, card) for work in found.values())]
                                  for card in CARDS))  # fmt: skip


def _work(size: int, pattern: str) -> Work:
    import keras  # noqa: PLC0415, after its environment

    from pipeline.config.weights import resolve  # noqa: PLC0415
    from pipeline.network.describe import describe  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inception.keras"
        keras.applications.InceptionV3(weights=None).save(path)
        layers = list(describe(resolve(str(path)), size).layers.values())
    relus = [layer for layer in layers if layer.name.startswith("activation")]
    wanted = [layer for layer in layers if re.fullmatch(pattern, layer.name)]
    below = {layer.name: [r for r in relus if r.depth <= layer.depth] for layer in wanted}
    maps = {
        name: sum(r.channels * r.height * r.width for r in under) for name, under in below.items()
    }
    kernels = sum(
        math.ceil(layer.channels / BATCH) * KERNELS * len(below[layer.name]) for layer in wanted
    )
    return Work(
        layers=len(wanted),
        channels=sum(layer.channels for layer in wanted),
        operations=PASSES * sum(layer.channels * layer.operations for layer in wanted),
        activations=PASSES * sum(layer.channels * maps[layer.name] for layer in wanted),
        launches=PASSES * kernels,
        compiling=COMPILING * sum(len(under) for under in below.values()),
    )


def _described(work: Work) -> list[str]:
    return [
        f"{work.layers}", f"{work.channels:,}", f"{work.operations / 1e12:,.0f}",
        f"{work.launches / 1e6:.1f}", _short(work.compiling),
    ]  # fmt: skip


def _times(work: Work, card: Card) -> str:
    """On one card and on eight."""
    return " / ".join(_short(work.seconds(card, cards)) for cards in (1, 8))


def _short(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _table(heads: list[str], rows: Iterable[list[str]]) -> None:
    for line in (heads, ["---"] * len(heads), *rows):
        print(f"| {' | '.join(line)} |")


if __name__ == "__main__":
    device.use("cpu")
    main()

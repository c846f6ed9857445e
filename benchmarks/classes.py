"""Pictures of classes, judged by two networks that had no part in them: `make bench-classes`.

Draws classes of EfficientNet-Lite0 by several recipes, as logits and as probabilities, and asks
EfficientNet-Lite1 and Lite2 what they see, of 1,000 classes. The classes are drawn once, by a fixed
seed; `classes` and `maco` were tuned on others, by the same two. Pictures are kept, so that a run
goes on where it was. Writes the section of BENCHMARKS.md, from figures in benchmarks/classes.json,
and docs/classes.jpg.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.network import device

os.environ.update(device.environment("cpu"))

import keras
import numpy as np

from benchmarks import class_table, judges, report
from benchmarks.softmax import WAYS
from pipeline.ascent.engine import Engine
from pipeline.config.recipes import RECIPES
from pipeline.config.schema import AtlasConfig, Model, Threads
from pipeline.config.schema import Image as Size
from pipeline.errors import WeightsError
from pipeline.plan.kinds import LOGITS, SOFTMAX
from pipeline.plan.units import Unit
from pipeline.single import planned

ROOT = Path(__file__).parent.parent
SEED, COUNT, BATCH = 50, 50, 10
KINDS = {"logits": LOGITS, "softmax": SOFTMAX, "p": WAYS["p"]}
"""What is raised: a class's logit; its log-odds; its probability itself, as the article did."""
KNOWN = {"chelsea": 285, "coffee": 967}
"""Photographs of scikit-image, and the class that a judge must say: Egyptian cat, espresso."""
PAGE = ("classes", "logits", 224)
"""What docs/classes.jpg shows."""


@dataclass(frozen=True)
class Way:
    """One way to picture classes: a recipe, what is raised, a side in pixels."""

    recipe: str
    kind: str
    size: int

    def __str__(self) -> str:
        return f"{self.recipe}:{self.kind}:{self.size}"

    @classmethod
    def of(cls, text: str) -> "Way":
        """The way that `fourier:logits:128` names."""
        recipe, kind, size = [*text.split(":"), "", ""][:3]
        if recipe not in RECIPES or kind not in KINDS or not size.isdecimal():
            raise argparse.ArgumentTypeError(
                f"{text!r}: expected RECIPE:KIND:SIZE, RECIPE one of {', '.join(RECIPES)}, KIND "
                f"one of {', '.join(KINDS)}, SIZE in pixels"
            )
        return cls(recipe, kind, int(size))


def standard(size: int) -> list[Way]:
    """Every recipe and kind at one size, and what the page shows."""
    ways = [Way(recipe, kind, size) for recipe in RECIPES for kind in ("logits", "softmax")]
    return [*ways, Way("fourier", "p", size), Way("article", "p", size), Way(*PAGE)]


def main() -> None:
    """Measure, and write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--weights", default="lite0",
        help="EfficientNet-Lite0, a Keras file",
    )  # fmt: skip
    parser.add_argument("--size", type=int, default=128, help="side of the pictures compared")
    parser.add_argument("--count", type=int, default=COUNT, help="how many of the classes")
    parser.add_argument(
        "--ways", nargs="*", type=Way.of, help="RECIPE:KIND:SIZE, rather than all of them"
    )
    parser.add_argument("--pictures", type=Path, default=ROOT / "data/bench-classes")
    parser.add_argument("--kept", type=Path, default=class_table.KEPT)
    parser.add_argument("--out", type=Path, default=ROOT / "BENCHMARKS.md")
    options = parser.parse_args()
    try:
        measure(options)
    except WeightsError as error:
        sys.exit(f"{error}; --weights (make: WEIGHTS=) says where it is")
    except FileNotFoundError as error:
        sys.exit(str(error))


def measure(options: argparse.Namespace) -> None:
    """Draw, judge, keep the figures, write the section."""
    device.use("cpu")
    panel = [(judge.name, judges.load(judge), judge.size) for judge in judges.JUDGES]
    try_out(panel)
    classes = drawn(options.count)
    for way in standard(options.size) if options.ways is None else options.ways:
        print(f"{time.strftime('%H:%M:%S')} {way}", flush=True)
        images, seconds = pictures(way, classes, options)
        found = {
            "ranks": {
                name: judges.ranks(judges.look(model, images, size), classes).tolist()
                for name, model, size in panel
            },
            "classes": classes.tolist(),
            "seconds": seconds,
            "steps": RECIPES[way.recipe].steps,
            "machine": report.machine(),
            "date": f"{datetime.now(UTC):%Y-%m-%d}",
        }
        kept = json.loads(options.kept.read_text()) if options.kept.is_file() else {}
        lines = [
            f'"{name}": {json.dumps(each)}' for name, each in (kept | {str(way): found}).items()
        ]
        options.kept.write_text("{\n" + ",\n".join(lines) + "\n}\n")
        if (way.recipe, way.kind, way.size) == PAGE and len(classes) == COUNT:
            (options.out.parent / "docs/classes.jpg").write_bytes(class_table.page(images))
    class_table.again(options.out, options.kept)


def drawn(count: int) -> np.ndarray:
    """The classes, in order; fewer of them are the first that were drawn."""
    return np.sort(np.random.default_rng(SEED).choice(1000, COUNT, replace=False)[:count])


def try_out(panel: list[tuple[str, keras.Model, int]]) -> None:
    """Show the judges photographs that they must know.

    Raises:
        ValueError: one does not.
    """
    from skimage import data as photographs  # noqa: PLC0415, of the extra `bench`

    for name, expected in KNOWN.items():
        photograph = getattr(photographs, name)()
        side = min(photograph.shape[:2])
        top, left = ((length - side) // 2 for length in photograph.shape[:2])
        square = photograph[None, top : top + side, left : left + side]
        for judge, model, size in panel:
            said = int(judges.look(model, square, size).argmax())
            if said != expected:
                raise ValueError(f"{judge} says {said} of the photograph {name}, not {expected}")


def pictures(
    way: Way, classes: np.ndarray, options: argparse.Namespace
) -> tuple[np.ndarray, float]:
    """The pictures of classes, and the processor's seconds for each; kept batch by batch."""
    config = AtlasConfig(
        units=("logits:0",), model=Model(weights=options.weights), image=Size(size=way.size),
        recipe=RECIPES[way.recipe], batch_size=BATCH, cluster=Threads(),
    )  # fmt: skip
    provenance = planned(config, "logits:0")
    engine = Engine.of(provenance)
    images, seconds = [], []
    for batch in batches(classes):
        said = f"{provenance.fingerprint.digest} {way.kind} {batch.tolist()}"
        name = f"{way}-{hashlib.sha256(said.encode()).hexdigest()[:12]}.npz".replace(":", "-")
        path = options.pictures / name
        if not path.is_file():
            keep(path, engine, [Unit(KINDS[way.kind], (), int(index)) for index in batch])
        with np.load(path) as found:
            images.append(found["images"])
            seconds.append(float(found["seconds"]))
    return np.concatenate(images), sum(seconds) / len(classes)


def batches(classes: np.ndarray) -> Iterator[np.ndarray]:
    """Classes by tens."""
    for first in range(0, len(classes), BATCH):
        yield classes[first : first + BATCH]


def keep(path: Path, engine: Engine, units: list[Unit]) -> None:
    """Draw a batch into a file, whole or not at all."""
    began = time.process_time()
    results = engine.compute(units)
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".half")
    with half.open("wb") as file:
        np.savez(file, images=results.images, seconds=time.process_time() - began)
    half.replace(path)


if __name__ == "__main__":
    main()

"""Whether pictures tell which photographs excite their units: `make bench-truth PHOTOS=folder`.

Builds an atlas of the bundled weights' mixed2 and mixed4 by `draft`, shows it the photographs of a
folder, and says how well pictures tell, and the strongest photographs, by the layer before and by
EfficientNet-Lite0. Then what has to fail: pictures dealt out anew among the units; pictures of a
network with random weights; and planted ones, as strong as the unit's own and climbed to without
anything that keeps a picture honest. Figures are kept in benchmarks/truth.json.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.network import device

device.use("cpu")

import keras  # noqa: E402, after the environment
import numpy as np  # noqa: E402

from benchmarks import report, truth_table  # noqa: E402
from pipeline.ascent.engine import Engine  # noqa: E402
from pipeline.config import yaml_file  # noqa: E402
from pipeline.config.weights import resolve  # noqa: E402
from pipeline.examples.source import found_in  # noqa: E402
from pipeline.model import model_file  # noqa: E402
from pipeline.network.describe import describe  # noqa: E402
from pipeline.network.observer import Observer  # noqa: E402
from pipeline.plan.resolve import resolve_provenance  # noqa: E402
from pipeline.store.store import Store  # noqa: E402
from pipeline.truth import prediction, trial, verdicts  # noqa: E402
from pipeline.truth.prediction import Crops, Subjects  # noqa: E402
from pipeline.truth.trial import Eye, Pool  # noqa: E402
from tasks import build_atlas, planning, progress  # noqa: E402
from tasks.build import examples  # noqa: E402

LAYERS, SEED, BATCH, SHUFFLES = ("mixed2", "mixed4"), 0, 16, 5
RAW = {
    "name": "draft", "steps": 40, "parametrization": {"kind": "pixel"},
    "transforms": {"jitter": None, "rotate": None, "scale": None}, "optimizer": {"rate": 0.01},
}  # fmt: skip
"""An ascent of pixels with nothing that keeps them honest."""
DRAFT = {"name": "draft"}


def main() -> None:
    """Measure, keep, and write the section."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("photographs", type=Path, help="a folder of photographs")
    parser.add_argument("--atlas", type=Path, help="an atlas of both layers that is there")
    parser.add_argument("--random", type=int, default=64, help="channels with random weights")
    parser.add_argument("--planted", type=int, default=32, help="planted pictures a layer")
    parser.add_argument("--size", type=int, default=128, help="side of the images, in pixels")
    parser.add_argument("--out", type=Path, default=truth_table.KEPT.parents[1] / "BENCHMARKS.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        how = {"photographs": options.photographs, "size": options.size}
        every = [f"{layer}:all" for layer in LAYERS]
        trained = shown(options.atlas or place / "trained", "bundled", every, **how)
        path = place / "random.keras"
        _random_weights().save(path)
        few = [f"{layer}:0-{options.random - 1}" for layer in LAYERS]
        random = shown(place / "random", str(path), few, **how)
        found = {
            "trained": {
                layer_of(pool): _of_trained(pool, options.planted) for pool in trial.pools(trained)
            },
            "random": {layer_of(pool): _of_pictures(pool) for pool in trial.pools(random)},
            "tried": vars(verdicts.tried(trained)),
            "size": options.size,
            "machine": report.machine(),
        }
    truth_table.KEPT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    truth_table.again(options.out)


def shown(
    folder: Path,
    weights: str,
    units: Sequence[str],
    photographs: Path,
    size: int,
    recipe: Mapping[str, Any] = DRAFT,
    precision: str = "auto",
) -> Store:
    """An atlas that was shown photographs, and has nothing beside its pictures.

    Args:
        folder: where it is, or is to be.
        weights: as in `model.weights`, of networks that take -1 to 1.
        units: patterns.
        photographs: a folder of them.
        size: side of the images, in pixels.
        recipe: how to render, as in the configuration.
        precision: of the ascent.
    """
    config = yaml_file.parse(
        json.dumps(
            {
                "output": str(folder), "units": list(units),
                "model": {"weights": weights, "range": "tf"}, "image": {"size": size},
                "recipe": recipe, "render": {"precision": precision}, "batch_size": BATCH,
                "site": False,
                "explore": {"responses": False, "circuits": False},
                "truth": {"photographs": 1000, "kept": False},
            }
        )
    )  # fmt: skip
    build_atlas(config)
    began = time.perf_counter()
    pictures = found_in(photographs)
    with progress.silent() as display:
        seen = examples.show(planning.existing(config), pictures, display)
    print(f"{folder}: {seen.crops} crops, {time.perf_counter() - began:.0f} s")
    return Store.open(config.output)


def _random_weights() -> keras.Model:
    """The same network with kernels drawn from He's normal distribution."""
    model, random = model_file.read(resolve("bundled")).model, np.random.default_rng(SEED)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            kernel, *rest = layer.get_weights()
            spread = np.sqrt(2.0 / np.prod(kernel.shape[:3]))
            layer.set_weights([random.normal(0.0, spread, kernel.shape), *rest])
    return model


def layer_of(pool: Pool) -> str:
    """The layer that a pool's units look at."""
    return pool.units[0].reads[0]


def eyes(pool: Pool) -> dict[str, Eye]:
    """Who looks at a pool's pictures: its network's layer before, and the judge.

    Raises:
        SystemExit: one of them is missing.
    """
    judge, before = pool.judge, pool.before
    if judge is None or before is None:
        raise SystemExit("somebody has to judge, and there has to be a layer before")
    return {"own": before, "judge": judge}


def _of_pictures(pool: Pool) -> dict[str, Any]:
    """How well the pictures of a pool's units tell, and photographs, by each eye."""
    found: dict[str, Any] = {"units": len(pool.units)}
    for name, eye in eyes(pool).items():
        crops, subjects, pictures = eye.crops, pool.subjects, eye.directions(pool.units)
        told = prediction.of_pictures(crops, subjects, pictures, SEED)
        strongest = prediction.strongest(crops, subjects)
        photo = prediction.of_tried(crops, subjects, strongest, SEED)
        plain = prediction.strongest(crops, subjects, lambda directions, _: directions)
        found[name] = {
            "layer": eye.layer,
            "picture": _median(told.auroc),
            "plain": _median(_own(crops, subjects, pictures)),
            "photo": _median(photo.auroc),
            "photo_plain": _median(prediction.own(crops, subjects, plain)),
            "better": _share((told.auroc > photo.auroc)[told.is_known]),
            "tells": _share(told.tells[told.is_known]),
            "photo_tells": _share(photo.tells[photo.is_known]),
            "null": _median(told.null),
            "known": int(told.is_known.sum()),
        }
    return found


def _of_trained(pool: Pool, planted: int) -> dict[str, Any]:
    """The same, of pictures that are shuffled, and of planted ones."""
    found, random = _of_pictures(pool), np.random.default_rng(SEED)
    images, strength = _planted(pool, planted)
    found["strength"] = strength
    for name, eye in eyes(pool).items():
        crops, pictures = eye.crops, eye.directions(pool.units)
        orders = [random.permutation(len(pictures)) for _ in range(SHUFFLES)]
        shuffled = [
            prediction.of_pictures(crops, pool.subjects, pictures[order], SEED) for order in orders
        ]
        moved = [order != np.arange(len(order)) for order in orders]
        pairs = list(zip(shuffled, moved, strict=True))
        plain = [_own(crops, pool.subjects, pictures[order]) for order in orders]
        false = pictures.copy()
        false[:planted] = eye.scaled(features(pool, eye, images))
        told = prediction.of_pictures(crops, pool.subjects, false, SEED)
        mine = told.is_known[:planted]
        found[name] |= {
            "shuffled": _median(np.concatenate([of.auroc[at] for of, at in pairs])),
            "shuffled_plain": _median(np.concatenate(plain)),
            "shuffled_tells": _share(
                np.concatenate([of.tells[at & of.is_known] for of, at in pairs])
            ),
            "planted": _median(told.auroc[:planted]),
            "planted_tells": _share(told.tells[:planted][mine]),
        }
    return found


def _planted(pool: Pool, count: int) -> tuple[np.ndarray, float]:
    """Pictures of the first units that mean nothing, and how strong they are by the real ones."""
    known = pool.looked.store.provenance
    units = pool.units[:count]
    config = {
        "units": [unit.id for unit in units], "model": {"weights": "bundled", "range": "tf"},
        "image": {"size": known.size}, "recipe": RAW, "batch_size": BATCH,
    }  # fmt: skip
    engine = Engine.of(resolve_provenance(yaml_file.parse(json.dumps(config)), describe))
    parts = [engine.compute(units[n : n + BATCH]) for n in range(0, count, BATCH)]
    images = np.concatenate([part.images for part in parts])
    strong = np.concatenate([part.statistics.activation for part in parts])
    return images, _median(strong / np.maximum(_activations(pool.looked.store, units), 1e-9))


def _activations(store: Store, units: Sequence[Any]) -> np.ndarray:
    """Those of the units' own pictures."""
    found = []
    for unit in units:
        record, number = store.find(unit.id)
        found.append(store.read(record, "statistics", number)[0])
    return np.array(found)


def features(pool: Pool, eye: Eye, images: np.ndarray) -> np.ndarray:
    """What an eye makes of other pictures."""
    known, judge = pool.looked.store.provenance, pool.looked.noted.eyes.judge
    if eye.is_judges and judge is not None:
        observer = Observer(judge.located(), (eye.layer,), judge.reading)
    else:
        observer = Observer(known.locate_weights(), (eye.layer,), known.reading)
    return observer.see(images, BATCH)[eye.layer].mean


def _own(crops: Crops, subjects: Subjects, pictures: np.ndarray) -> np.ndarray:
    """The AUROC of pictures, not contrasted."""
    return prediction.own(crops, subjects, (pictures, pictures))


def _median(values: np.ndarray) -> float:
    return round(float(np.nanmedian(values)), 4)


def _share(values: np.ndarray) -> float:
    return round(float(np.mean(values)), 4) if len(values) else float("nan")


if __name__ == "__main__":
    main()

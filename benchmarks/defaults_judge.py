"""What pictures of several methods are worth: one judge for all of them, in float32.

`python -m benchmarks.defaults_judge FOLDER [--photographs DIR]` reads FOLDER/LAYER-METHOD.npz, of
the channels named in FOLDER/drawn.json, and writes FOLDER/judged.json: by layer and method, a
number a channel, of activation, robust activation, what is kept of it, and, where there are
photographs, how well the picture tells those that excite the channel.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import truth
from pipeline.ascent.measure import Meter
from pipeline.config.weights import resolve
from pipeline.network.network import load
from pipeline.plan.kinds import CHANNEL
from pipeline.plan.units import Unit
from pipeline.truth import kept, prediction, trial, verdicts
from pipeline.truth.likeness import contrasted
from pipeline.truth.views import VIEWS

PHOTO = "photograph"
"""In a method's place, the strongest photograph."""
BATCH = 16
NOBODYS = ("jpeg", "grey", "turn", "half")
"""Views by which none of the methods climbs."""
Figures = dict[str, list[float]]


def main() -> None:
    """Judge a folder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photographs", type=Path)
    options = parser.parse_args()
    folder: Path = options.folder
    drawn: dict[str, list[int]] = json.loads((folder / "drawn.json").read_text())
    images = {layer: images_of(folder, layer) for layer in drawn}
    found: dict[str, Any] = {
        "layers": {layer: strengths(layer, drawn[layer], images[layer]) for layer in drawn}
    }
    if options.photographs:
        found["tried"] = tell(folder, drawn, images, options.photographs, found["layers"])
    (folder / "judged.json").write_text(json.dumps(found))


def images_of(folder: Path, layer: str) -> dict[str, np.ndarray]:
    """By method, its images of a layer's channels, the first of those drawn."""
    paths = sorted(folder.glob(f"{layer}-*.npz"))
    return {path.stem.partition("-")[2]: np.load(path)["images"] for path in paths}


def strengths(
    layer: str, channels: Sequence[int], images: Mapping[str, np.ndarray]
) -> dict[str, Figures]:
    """By method, the activations of channels on their pictures, and what they keep of them.

    Kept is a share of the activation, not of what was gained: where others' pictures began is not
    known, and a channel behind a ReLU begins near zero.
    """
    pictures = np.concatenate(list(images.values()))
    units = [
        Unit(CHANNEL, (layer,), channel)
        for of in images.values()
        for channel in channels[: len(of)]
    ]
    meter = Meter(load(resolve("bundled"), (layer,)), pictures.shape[1])
    plain = meter.plain(pictures, units, BATCH)
    seen = [meter.plain(view.see(pictures, units), units, BATCH) for view in VIEWS]
    shares = kept.shares(np.stack(seen, axis=1), np.zeros(len(units)), plain, np.ones(len(units)))
    mine = [view.name in NOBODYS for view in VIEWS]
    columns = {
        "plain": plain,
        "robust": meter.robust(pictures, units, BATCH),
        "kept": shares.mean(axis=1),
        "kept_by_nobodys": shares[:, mine].mean(axis=1),
    }
    ends = np.cumsum([len(of) for of in images.values()])[:-1]
    each = {name: np.split(values, ends) for name, values in columns.items()}
    return {
        method: {name: _listed(each[name][number]) for name in columns}
        for number, method in enumerate(images)
    }


def tell(
    folder: Path,
    drawn: Mapping[str, Sequence[int]],
    images: Mapping[str, Mapping[str, np.ndarray]],
    photographs: Path,
    found: dict[str, dict[str, Figures]],
) -> dict[str, Any]:
    """Add how well pictures tell, by each eye, and the strongest photographs; on what.

    Each picture is contrasted with those of the other channels drawn from its layer, by the same
    method. A method that has not all of them is left out.
    """
    units = [f"{layer}:{','.join(map(str, sorted(of)))}" for layer, of in drawn.items()]
    # Only the channels count here, not these pictures of them.
    recipe = {"name": "draft", "steps": 1, "revive": 0}
    size = next(iter(next(iter(images.values())).values())).shape[1]
    store = truth.shown(
        folder / "atlas", "bundled", units, photographs, size, recipe, precision="float32"
    )
    eyes: dict[str, dict[str, str]] = {}
    for pool in trial.pools(store):
        layer = truth.layer_of(pool)
        place = {unit.index: number for number, unit in enumerate(pool.units)}
        subjects = pool.subjects.part(np.array([place[channel] for channel in drawn[layer]]))
        whole = {name: of for name, of in images[layer].items() if len(of) == len(subjects.number)}
        for which, eye in truth.eyes(pool).items():
            features = truth.features(pool, eye, np.concatenate(list(whole.values())))
            directions = np.split(eye.scaled(features), len(whole))
            for name, of in zip(whole, directions, strict=True):
                tried = contrasted(of, subjects.number)
                told = prediction.own(eye.crops, subjects, (tried, tried))
                found[layer][name][f"told_{which}"] = _listed(told)
            strongest = prediction.strongest(eye.crops, subjects)
            by_photo = found[layer].setdefault(PHOTO, {})
            by_photo[f"told_{which}"] = _listed(prediction.own(eye.crops, subjects, strongest))
            eyes.setdefault(layer, {})[which] = eye.layer
    return {**vars(verdicts.tried(store)), "eyes": eyes}


def _listed(values: np.ndarray) -> list[float]:
    return [round(float(value), 4) for value in values]


if __name__ == "__main__":
    main()

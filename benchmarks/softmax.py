"""Why softmax pictures were poor, and what helps. `python -m benchmarks.softmax`; see docs/softmax.md.

Trains a classifier of ten textures, drawn here, on the bundled layers through `mixed4`, and renders
its logits and probabilities by the default recipe. A probability is raised by itself, as it once
was, by its logarithm, and by its log-odds, as the renderer does. Takes minutes on one thread.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from pipeline import device

device.use("cpu")

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from pipeline import models, network, objectives, weights
from pipeline.config import Render
from pipeline.engine import Engine
from pipeline.measure import Meter
from pipeline.network import CLASSES
from pipeline.recipes import RECIPES, Adam
from pipeline.units import Kind, Unit
from pipeline.weights import Weights

SIZE, COUNT, SEED, KEPT = 128, 10, 0, 8
SCORES = {
    "p": objectives.activation,
    "log p": lambda kind, seen, aim: tf.math.log(objectives.activation(kind, seen, aim)),
    "log-odds": objectives.score,
}
ALONG = "raised|step|p|logit|best rival|gradient of logit|of p|of log-odds|contrast"
ENDS = (
    "classifier|raised|p at start|left at start|robust p, median|least|robust logit|"
    "log-odds|logit rose|rivals fell|contrast|p to another classifier"
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sheet", type=Path, help="where to draw the pictures, a row a way")
    sheet = parser.parse_args().sheet
    with tempfile.TemporaryDirectory() as folder:
        plain, other = (trained(end, Path(folder)) for end in ("mixed4", "mixed2"))
        judge = Meter(network.load(other, (CLASSES,)), SIZE)
        found = {"logits": find(plain, "logits", "p")}
        found |= {score: find(plain, "softmax", score) for score in SCORES}
        heading("Along the ascent, medians of ten classes", ALONG)
        for name, images in found.items():
            along(plain, name, images)
        heading("Ends", ENDS)
        quick = RECIPES["fourier"].optimizer.model_copy(update={"beta2": 0.5})
        found["p, beta2 0.5"] = find(plain, "softmax", "p", optimizer=quick)
        for name, images in found.items():
            end(plain, "plain", name, images, judge)
        for title, change in CHANGES.items():
            changed = altered(plain, **change)
            for name in SCORES:
                end(changed, title, name, find(changed, "softmax", name), judge)
    if sheet is not None:
        rows = [np.hstack(images[-1]) for images in found.values()][:4]
        Image.fromarray(np.vstack(rows)).save(sheet, quality=80)

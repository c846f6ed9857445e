"""What the scripts share: the command line, the network, the figures they leave behind.

Each script is run as its users would run it: TensorFlow's own threads, all cores of the machine.
"""

import argparse
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras
import numpy as np

from pipeline.config import weights
from pipeline.model import model_file
from pipeline.plan.pixels import quantise

NOT_INSTALLED = 3
"""Exit code of a script whose library is missing."""

Render = Callable[[list[int]], tuple[np.ndarray, float]]
"""Channels in; their (units, size, size, 3) float images in [-1, 1] and their seconds out."""


@dataclass(frozen=True)
class Job:
    """What to render.

    Attributes:
        layer: a layer of InceptionV3.
        channels: its channels.
        size: side of the images, in pixels.
        steps: gradient steps an image.
        batch: how many images at once, where a library can.
        out: the .npz file to write.
    """

    layer: str
    channels: tuple[int, ...]
    size: int
    steps: int
    batch: int
    out: Path


@dataclass(frozen=True)
class About:
    """Whose figures these are: a name, a version, and the settings in words."""

    name: str
    version: str
    settings: str


def command_line(description: str | None, steps: int) -> argparse.ArgumentParser:
    """What every script takes; its arguments are a `Job`'s.

    Args:
        description: the script's docstring.
        steps: how many steps the library, or the article, takes by itself.
    """
    parser = argparse.ArgumentParser(description=(description or "").partition("\n")[0])
    parser.add_argument("--layer", required=True, help="as Keras names it, such as mixed4")
    parser.add_argument("--channels", required=True, type=_numbers, help="such as 3,17,42")
    parser.add_argument("--size", type=int, default=128, help="side of the images, pixels [128]")
    parser.add_argument("--steps", type=int, default=steps, help=f"steps an image [{steps}]")
    parser.add_argument("--batch", type=int, default=1, help="images at once, where it can [1]")
    parser.add_argument("--out", required=True, type=Path, help="the .npz file to write")
    return parser


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))


def library(package: str, distribution: str, remedy: str) -> ModuleType:
    """A peer's package, or the end of this process with one line and `NOT_INSTALLED`."""
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        missing = "" if error.name == package.partition(".")[0] else f" in full: no {error.name}"
        print(f"{distribution} is not installed{missing}: {remedy}", file=sys.stderr)
        raise SystemExit(NOT_INSTALLED) from None


def network(layer: str) -> keras.Model:
    """InceptionV3 through a layer, from the bundled weights; its batch norms are not folded.

    Takes (batch, height, width, 3) in [-1, 1], returns (batch, rows, columns, channels).
    """
    whole = model_file.read(weights.resolve("bundled")).model
    return keras.Model(whole.input, whole.get_layer(layer).output)


def run(job: Job, about: About, render: Render) -> None:
    """Render the job batch by batch and write its file.

    The file holds `images`, (units, size, size, 3) uint8 RGB; `seconds`, (units,), an equal share
    of its batch's; `steps`; and `about`, JSON.
    """
    images, seconds = [], []
    for first in range(0, len(job.channels), job.batch):
        channels = list(job.channels[first : first + job.batch])
        rendered, took = render(channels)
        images.append(quantise(rendered))
        seconds += [took / len(channels)] * len(channels)
    np.savez(
        job.out,
        images=np.concatenate(images),
        seconds=np.array(seconds),
        steps=job.steps,
        about=json.dumps(vars(about)),
    )


def timed(work: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    """What some work returns, and the seconds that it took."""
    began = time.perf_counter()
    images = work()
    return images, time.perf_counter() - began

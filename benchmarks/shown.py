"""What the methods are compared on, and what a run finds."""

from dataclasses import dataclass, field
from typing import Any

LAYERS = {"mixed2": 288, "mixed4": 768}
"""The layers, with their channels."""
SHOWN = 24
"""Channels of a layer that every method renders."""


@dataclass
class Measured:
    """What a run found.

    Attributes:
        machine: what it ran on, in words.
        sgemm: operations a second of each core, all of them at work.
        forms: by name, milliseconds an image-step on the whole machine, repetitions.
        methods: by (layer, method), the arrays of its file.
        absent: peers that are not installed, with the reason.
        whole: by recipe, what a build of all 1,056 channels showed.
        peaks: peak memory of a worker, in bytes, by how many units it rendered.
        minutes: how long all of it took.
    """

    machine: str = ""
    sgemm: list[float] = field(default_factory=list)
    forms: dict[str, list[float]] = field(default_factory=dict)
    methods: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    whole: dict[str, dict[str, Any]] = field(default_factory=dict)
    peaks: dict[int, float] = field(default_factory=dict)
    minutes: float = 0.0


def channels(layer: str) -> list[int]:
    """The channels that are compared: spread evenly over a layer."""
    return [round((i + 0.5) * LAYERS[layer] / SHOWN) for i in range(SHOWN)]

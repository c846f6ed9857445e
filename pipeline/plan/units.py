"""Units: what an atlas visualises, and what there is to say of a kind of them.

A unit's id is its name everywhere:

    mixed4:42              channel 42 of layer mixed4 (lucid's notation)
    mixed4:42@2,3          the neuron of channel 42 at row 2, column 3; `@center` for the middle
    deepdream:mixed2+mixed4    the sum over layers of the mean activation
    logits:207             a class, before the softmax
    softmax:207            a class, its probability
    -mixed4:42             a leading minus: the negative direction
    mixed4:42#1            a variant: the same thing from another start; the first is `mixed4:42`
    :logits:3              a leading colon: of a layer whose name would be read otherwise
    mixed4:7+42-0.5*120    a direction: a weighted sum of channels; more of them in `directions`
    invert:mixed4@cat.jpg  what a layer keeps of a picture: of no atlas, see `kinds.of_picture`
"""

import functools
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from pipeline.plan.architecture import CLASSES, Architecture, Squash
from pipeline.plan.directions import Direction
from pipeline.plan.patterns import WORDS, Pattern

_LONGEST = 150
"""Bytes of a layer's name that a folder's takes over: disks allow 255 with all that is added."""


class Shown(Protocol):
    """What a layer's channels make of pictures, each (pictures, channels) float32."""

    @property
    def mean(self) -> np.ndarray:
        """The means over the channels' maps."""

    @property
    def peak(self) -> np.ndarray:
        """The largest values of the channels' maps."""

    @property
    def place(self) -> np.ndarray:
        """Where these are, as row x columns + column of the map, int32."""


@dataclass(frozen=True)
class Kind:
    """A kind of unit: all that is particular to it but its objective (`ascent.objectives`).

    To add one, see `kinds`. Texts are filled in for a unit: `{number}` is its index, `{layers}` its
    layers, joined by +, `{row}` and `{column}` its place; of a direction `{said}` is what its id
    says of it, `{basis}` and `{source}` where its vectors come from; `{picture}` is the name of a
    picture. Functions stand in a module,
    by name, so that units can go to other processes.

    Attributes:
        name: as the index has it; kinds of one name are one.
        forms: what its ids look like, for people.
        claims: whether a pattern is of this kind.
        expand: the units that such a pattern names in a network, the first variant of each.
        id: a unit's id, without its sign and variant.
        short: what stands under its tile, without variant and class name.
        section: the section that its units of some layers are in, without sign.
        heading: what a section is called.
        words: what a unit is, in a sentence for the page; `{name}` is its class's name behind a
            comma, or nothing.
        on_pictures: a unit's activation on each of some pictures, (pictures,), from what its
            layers made of them, by layer, and what makes probabilities of logits.
        seen: what that is, for people.
        has_channel: whether a unit is of one channel of one layer, `index`, and so has a map.
        has_direction: whether a unit is of a `direction` of one layer, and so has a map.
        needs_classifier: whether a unit is of a class, `index`, and looks at the logits.
        is_alone: whether units of a section may look at different layers, so that no two are
            rendered together.
        has_negative: whether there is a negative direction.
    """

    name: str
    forms: str = field(compare=False)
    claims: Callable[[Pattern], bool] = field(compare=False)
    expand: Callable[[Pattern, Architecture], "list[Unit]"] = field(compare=False)
    id: str = field(compare=False)
    short: str = field(compare=False)
    section: str = field(compare=False)
    heading: str = field(compare=False)
    words: str = field(compare=False)
    on_pictures: Callable[["Unit", Mapping[str, Shown], Squash], np.ndarray] = field(compare=False)
    seen: str = field(default="its activation", compare=False)
    has_channel: bool = field(default=False, compare=False)
    has_direction: bool = field(default=False, compare=False)
    needs_classifier: bool = field(default=False, compare=False)
    is_alone: bool = field(default=False, compare=False)
    has_negative: bool = field(default=True, compare=False)

    @property
    def has_map(self) -> bool:
        """Whether a unit is one number at each place of one layer."""
        return self.has_channel or self.has_direction

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of the user's, of which a unit is.

    Attributes:
        name: of its file.
        size: side, in pixels.
        pixels: (size, size, 3) uint8 RGB, as bytes.
    """

    name: str
    size: int
    pixels: bytes = field(repr=False)

    @property
    def image(self) -> np.ndarray:
        """The pixels, (size, size, 3) uint8 RGB."""
        return np.frombuffer(self.pixels, np.uint8).reshape(self.size, self.size, 3)


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing to visualise.

    `id` is its name, as in `mixed4:42`. `index` is the channel of a channel or neuron and the class
    of a logit or softmax output; `row` and `column` are a neuron's place on its layer's map.
    `layers` is empty for classes; `direction` is None for all but directions, `picture` for all but
    what is of a picture. Variants show the same thing from other starts.
    """

    kind: Kind
    layers: tuple[str, ...] = ()
    index: int = 0
    row: int | None = None
    column: int | None = None
    negative: bool = False
    variant: int = 0
    direction: Direction | None = None
    picture: Picture | None = None
    id: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", self._called(self.said(self.kind.id)))

    def _called(self, name: str) -> str:
        """A name between the unit's sign and its variant."""
        sign = "-" if self.negative else ""
        variant = f"#{self.variant}" if self.variant else ""
        colon = ":" if self.kind.has_map and _needs_colon(self.layers[0]) else ""
        return f"{sign}{colon}{name}{variant}"

    def said(self, text: str) -> str:
        """A text of the unit's kind, filled in for the unit."""
        of = self.direction
        return text.format(
            number=self.index,
            layers="+".join(self.layers),
            row=self.row,
            column=self.column,
            said=of.said if of else "",
            basis=f"@dir/{of.basis}" if of and of.basis else "",
            source=of.basis or "directions" if of else "",
            picture=self.picture.name if self.picture else "",
        )

    @property
    def begins_as(self) -> str:
        """The name that the unit's random numbers are drawn by: its id, but of some.

        A direction of one channel alone begins as the channel does, all steps of a path begin
        alike, and cosines change no start; nor does what a picture is called.
        """
        if self.picture is not None:
            return replace(self, picture=replace(self.picture, name="")).id
        if self.direction is None:
            return self.id
        place = "" if self.row is None else f"@{self.row},{self.column}"
        return self._called(f"{self.layers[0]}{self.direction.begins}{place}")

    def along(self, values: np.ndarray) -> np.ndarray:
        """What a unit makes of the numbers of a layer's channels, or of all classes.

        Args:
            values: (..., channels).

        Returns:
            (...): those of its channel, or their sum weighted by its direction.
        """
        if self.direction is None:
            return np.asarray(values[..., self.index])
        return np.asarray(values @ self.direction.vector)

    @property
    def section(self) -> str:
        """The name of the section the unit belongs to; a safe name of a folder."""
        basis = self.direction.basis if self.direction else ""
        return _section(self.kind, self.negative, self.layers, basis)

    @property
    def reads(self) -> tuple[str, ...]:
        """The layers that the unit looks at; `CLASSES` for the logits."""
        return (CLASSES,) if self.kind.needs_classifier else self.layers

    @property
    def subject(self) -> tuple[object, ...]:
        """Equal for units of one thing: a channel here and there, up and down, a class."""
        of = self.direction
        return self.reads, of.values if of else self.index, self.kind.has_channel

    def sibling(self, variant: int) -> "Unit":
        """The same thing, from another start."""
        return self if variant == self.variant else replace(self, variant=variant)

    def __str__(self) -> str:
        return self.id


_TAKEN = ("responses", "circuits", "examples", "crops", "across", "truth", "zarr.json")
"""What the store has beside the sections: groups with a group a layer, and a document."""


@functools.lru_cache(maxsize=1024)
def _section(kind: Kind, negative: bool, layers: tuple[str, ...], basis: str) -> str:
    sign = "negative-" if negative else ""
    source = f"-{folder_name(basis)}" if basis else ""
    return sign + kind.section.format(layers="+".join(map(folder_name, layers)), source=source)


def _needs_colon(layer: str) -> bool:
    return layer in WORDS or layer.startswith(("-", ":"))


def folder_name(layer: str) -> str:
    """A layer's name as a folder may have it; planning refuses two layers of one folder."""
    name = re.sub(r"^\.|[^\w.+-]", "_", layer)
    if len(name.encode()) > _LONGEST:
        digest = hashlib.sha256(layer.encode()).hexdigest()[:16]
        return f"{name.encode()[:_LONGEST].decode(errors='ignore')}-{digest}"
    return f"{name}_" if name in {*WORDS, *_TAKEN} else name

"""Units: what an atlas visualises, their ids, and how they are enumerated into sections.

A unit's id is its name everywhere:

    mixed4:42              channel 42 of layer mixed4 (lucid's notation)
    mixed4:42@2,3          the neuron of channel 42 at row 2, column 3; `@center` for the middle
    deepdream:mixed2+mixed4    the sum over layers of the mean activation
    logits:207             a class, before the softmax
    softmax:207            a class, its probability
    -mixed4:42             a leading minus: the negative direction
    mixed4:42#1            a variant: the same thing from another start; the first is `mixed4:42`

A *pattern* is an id whose number may be `all`, ranges and lists: `mixed4:0-63,100`. A configuration
and `--only` are lists of patterns; one that names no variant names as many as the atlas has.
"""

import difflib
import functools
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from pipeline.architecture import Architecture, Layer
from pipeline.errors import UnitError

Kind = Literal["channel", "neuron", "deepdream", "logits", "softmax"]
KINDS: tuple[Kind, ...] = ("channel", "neuron", "deepdream", "logits", "softmax")

_FORMS = (
    "LAYER:CHANNELS, LAYER:CHANNELS@ROW,COLUMN, LAYER:CHANNELS@center, "
    "deepdream:LAYER+LAYER, logits:CLASSES or softmax:CLASSES, with a leading - for the "
    "negative direction and a trailing #1 for a variant; numbers are `all`, 42, 0-63 or 0-63,100"
)


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing to visualise.

    `id` is its name, as in `mixed4:42`. `index` is the channel of a channel or neuron and the class
    of a logit or softmax output; `row` and `column` are a neuron's place on its layer's map.
    `layers` is empty for classes. Variants show the same thing from other starts.
    """

    kind: Kind
    layers: tuple[str, ...] = ()
    index: int = 0
    row: int | None = None
    column: int | None = None
    negative: bool = False
    variant: int = 0
    id: str = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", self._named())

    def _named(self) -> str:
        sign = "-" if self.negative else ""
        variant = f"#{self.variant}" if self.variant else ""
        if self.kind == "deepdream":
            return f"{sign}deepdream:{'+'.join(self.layers)}{variant}"
        if self.kind in ("logits", "softmax"):
            return f"{sign}{self.kind}:{self.index}{variant}"
        place = f"@{self.row},{self.column}" if self.kind == "neuron" else ""
        return f"{sign}{self.layers[0]}:{self.index}{place}{variant}"

    @property
    def section(self) -> str:
        """The name of the section the unit belongs to; a safe name of a folder."""
        return _section(self.kind, self.negative, self.layers)

    def sibling(self, variant: int) -> "Unit":
        """The same thing, from another start."""
        return self if variant == self.variant else replace(self, variant=variant)

    @property
    def has_class(self) -> bool:
        """Whether the unit is a class of the classifier."""
        return self.kind in ("logits", "softmax")

    def __str__(self) -> str:
        return self.id


@functools.lru_cache(maxsize=1024)
def _section(kind: Kind, negative: bool, layers: tuple[str, ...]) -> str:
    sign = "negative-" if negative else ""
    if kind not in ("channel", "neuron"):
        return sign + kind
    place = "neurons-" if kind == "neuron" else ""
    return sign + place + folder_name(layers[0])


def folder_name(layer: str) -> str:
    """A layer's name as a folder may have it."""
    return re.sub(r"^\.|[^\w.+-]", "_", layer)


@dataclass(frozen=True)
class Section:
    """Units that share a network, an objective and a shape, in order."""

    name: str
    units: tuple[Unit, ...]

    @property
    def kind(self) -> Kind:
        """The kind of every unit of the section."""
        return self.units[0].kind


@dataclass(frozen=True)
class Batch:
    """The unit of work, of commit and of storage: units that become one chunk of a section."""

    section: str
    chunk: int
    size: int
    units: tuple[Unit, ...]

    @property
    def key(self) -> str:
        """A name for messages and for the pool, as in `mixed4/000012`."""
        return f"{self.section}/{self.chunk:06d}"

    @property
    def rows(self) -> slice:
        """The section's rows that the batch's chunk holds; the units fill the first of them."""
        return slice(self.chunk * self.size, (self.chunk + 1) * self.size)


@dataclass(frozen=True)
class Pattern:
    """A parsed id pattern, before it is held against a network."""

    text: str
    negative: bool
    head: str
    selection: str
    place: str | None
    variant: int | None

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        """Read a pattern.

        Raises:
            UnitError: the text has not the form of an id.
        """
        if not isinstance(text, str) or len(text) > 4096:
            raise UnitError(f"unit {str(text)[:60]!r} is not an id: expected {_FORMS}")
        body = text.strip()
        negative = body.startswith("-")
        head, colon, rest = body.removeprefix("-").rpartition(":")
        rest, hash_, variant = rest.partition("#")
        selection, at, place = rest.partition("@")
        malformed = not (head and colon and selection) or (at and not place)
        if malformed or (hash_ and not re.fullmatch(r"\d{1,4}", variant, re.ASCII)):
            raise UnitError(f"unit {text!r} is not an id: expected {_FORMS}")
        return cls(
            text, negative, head, selection, place if at else None, int(variant) if hash_ else None
        )

    def expand(self, architecture: Architecture, variants: int = 1) -> list[Unit]:
        """The units that the pattern names in a network.

        Args:
            architecture: the network's.
            variants: how many of each unit, where the pattern names none.

        Raises:
            UnitError: a layer, channel, class or position that the network does not have.
        """
        numbers = range(variants) if self.variant is None else (self.variant,)
        return [unit.sibling(n) for unit in self._first(architecture) for n in numbers]

    def _first(self, architecture: Architecture) -> list[Unit]:
        """The first variants of what the pattern names."""
        if self.head == "deepdream":
            self._refuse_place("deepdream")
            names = tuple(dict.fromkeys(self.selection.split("+")))
            ordered = sorted(names, key=lambda n: self._layer(architecture, n).depth)
            return [Unit("deepdream", tuple(ordered), negative=self.negative)]
        if self.head in ("logits", "softmax"):
            return self._classes(architecture)
        layer = self._layer(architecture, self.head)
        channels = self._numbers(layer.channels, f"layer {layer.name} has channels")
        layers = (layer.name,)
        if self.place is None:
            return [Unit("channel", layers, c, negative=self.negative) for c in channels]
        row, column = self._position(layer, architecture.image_size)
        return [Unit("neuron", layers, c, row, column, negative=self.negative) for c in channels]

    def _classes(self, architecture: Architecture) -> list[Unit]:
        self._refuse_place(self.head)
        classes = architecture.classes
        if classes is None and self.selection == "all":
            return []
        numbers = self._numbers(classes or 1_000_000, "the classifier has classes")
        kind: Kind = "logits" if self.head == "logits" else "softmax"
        return [Unit(kind, (), c, negative=self.negative) for c in numbers]

    def _refuse_place(self, what: str) -> None:
        if self.place is not None:
            raise UnitError(f"unit {self.text!r}: {what} units have no position, drop `@…`")

    def _layer(self, architecture: Architecture, name: str) -> Layer:
        layer = architecture.layers.get(name)
        if layer is not None:
            return layer
        near = difflib.get_close_matches(name, architecture.layers, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UnitError(
            f"unit {self.text!r}: the network has no layer {name!r} with channels{hint} "
            f"(its last one is {architecture.deepest!r}; `atlas doctor` lists them all)"
        )

    def _numbers(self, count: int, owner: str) -> list[int]:
        """The numbers of a selection such as `0-63,100`, sorted, each below `count`."""
        if self.selection == "all":
            return list(range(count))
        chosen: set[int] = set()
        for part in self.selection.split(","):
            match = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", part.strip(), re.ASCII)
            if match is None:
                raise UnitError(
                    f"unit {self.text!r}: {part!r} is no number or range; "
                    "expected `all`, 42, 0-63 or 0-63,100"
                )
            first, last = int(match[1]), int(match[2] or match[1])
            if first > last:
                raise UnitError(f"unit {self.text!r}: the range {part!r} runs backwards")
            if last >= count:
                raise UnitError(f"unit {self.text!r}: {owner} 0 to {count - 1}, not {last}")
            chosen.update(range(first, last + 1))
        return sorted(chosen)

    def _position(self, layer: Layer, image_size: int) -> tuple[int, int]:
        if self.place == "center":
            return layer.height // 2, layer.width // 2
        match = re.fullmatch(r"(\d{1,6}),(\d{1,6})", self.place or "", re.ASCII)
        if match is None:
            raise UnitError(
                f"unit {self.text!r}: expected a position as in @2,3 (row, column) or @center, "
                f"not @{self.place}"
            )
        row, column = int(match[1]), int(match[2])
        if row >= layer.height or column >= layer.width:
            raise UnitError(
                f"unit {self.text!r}: at an image size of {image_size} px the map of "
                f"{layer.name} is {layer.height} x {layer.width}: rows 0 to {layer.height - 1}, "
                f"columns 0 to {layer.width - 1}"
            )
        return row, column


def expand(patterns: Iterable[str], architecture: Architecture, variants: int = 1) -> list[Unit]:
    """The distinct units that patterns name, in the atlas's order.

    Order: kind (channels, neurons, deepdream, logits, softmax), direction, depth of the layers,
    number, position, variant. A class of a network without a classifier is kept: it will be
    listed as unavailable.

    Raises:
        UnitError: a pattern is malformed or names what the network does not have.
    """
    parsed = [Pattern.parse(text) for text in patterns]
    found = {unit for pattern in parsed for unit in pattern.expand(architecture, variants)}
    return sorted(found, key=lambda unit: _order(unit, architecture))


def one(text: str, architecture: Architecture) -> Unit:
    """The one unit that an id names.

    Raises:
        UnitError: the id is malformed, names nothing in the network, or names several units.
    """
    units = expand([text], architecture)
    if len(units) != 1:
        raise UnitError(f"{text!r} names {len(units)} units: expected the id of one")
    return units[0]


def sections(units: Iterable[Unit]) -> list[Section]:
    """Units grouped into sections, keeping their order."""
    groups: dict[str, list[Unit]] = {}
    for unit in units:
        groups.setdefault(unit.section, []).append(unit)
    return [Section(name, tuple(members)) for name, members in groups.items()]


def batch_size(kind: Kind, wanted: int, group: int = 1) -> int:
    """Units a batch: as many whole groups as `wanted` allows, one at least.

    Of deepdream one group, since its units differ in their network.
    """
    return group if kind == "deepdream" else max(1, wanted // group) * group


LEAST = 4
"""The smallest batch that is computed, if it is not one of a single unit."""


def half_of(shape: int, group: int = 1) -> int | None:
    """The most images to render at once where `shape` of them do not fit in memory, or None."""
    half = shape // 2 // group * group
    return half if half >= LEAST else None


def missing_batches(
    section: Section, committed: dict[int, tuple[str, ...]], size: int, group: int = 1
) -> list[Batch]:
    """The batches still to be computed.

    A missing unit takes the first chunks that nobody committed, in the section's order. So a
    build that was killed finds its own batches again, and units that a configuration gains later
    go behind the old ones, whose bytes stay.

    Args:
        section: the section, with all its units or some.
        committed: ids that each committed chunk holds.
        size: units a batch, as the configuration wants it.
        group: how many variants of a unit are rendered together; a batch holds units of as many
            groups as it has room for, so that all of them could be rendered.
    """
    size = batch_size(section.kind, size, group)
    done = {unit_id for ids in committed.values() for unit_id in ids}
    todo = [unit for unit in section.units if unit.id not in done]
    kin = [list(members) for _, members in itertools.groupby(todo, lambda u: u.sibling(0))]
    packs = kin if group > 1 else [[unit] for unit in todo]
    room = size // group
    parts = [list(itertools.chain(*packs[i : i + room])) for i in range(0, len(packs), room)]
    free = (chunk for chunk in itertools.count() if chunk not in committed)
    numbered = zip(parts, free, strict=False)
    return [Batch(section.name, chunk, size, tuple(units)) for units, chunk in numbered]


def _order(unit: Unit, architecture: Architecture) -> tuple[object, ...]:
    depths = tuple(architecture.layers[name].depth for name in unit.layers)
    place = (unit.row or 0, unit.column or 0)
    return (KINDS.index(unit.kind), unit.negative, depths, unit.index, place, unit.variant)

"""Sections and batches: units grouped into what is computed, committed and stored together."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol

from typing_extensions import TypeVar

from pipeline.plan.units import Kind, Unit


class Named(Protocol):
    """What a batch may be of: units, or pictures."""

    @property
    def id(self) -> str:
        """Its name everywhere."""


Member_co = TypeVar("Member_co", bound=Named, covariant=True, default=Unit)


@dataclass(frozen=True)
class Section:
    """Units that share a network, an objective and a shape, in order."""

    name: str
    units: tuple[Unit, ...]

    @property
    def kind(self) -> Kind:
        """The kind of every unit of the section."""
        return self.units[0].kind

    @property
    def rows_are(self) -> str:
        """The name of that kind."""
        return self.kind.name


@dataclass(frozen=True)
class Batch(Generic[Member_co]):
    """The unit of work, of commit and of storage: units that become one chunk of a section.

    So are pictures (`Batch[Picture]`); who asks for ids alone takes a `Batch[Named]`.
    """

    section: str
    chunk: int
    size: int
    units: tuple[Member_co, ...]

    @property
    def key(self) -> str:
        """A name for messages and for the pool, as in `mixed4/000012`."""
        return f"{self.section}/{self.chunk:06d}"

    @property
    def rows(self) -> slice:
        """The section's rows that the batch's chunk holds; the units fill the first of them."""
        return slice(self.chunk * self.size, (self.chunk + 1) * self.size)


def sections(units: Iterable[Unit]) -> list[Section]:
    """Units grouped into sections, keeping their order."""
    groups: dict[str, list[Unit]] = {}
    for unit in units:
        groups.setdefault(unit.section, []).append(unit)
    return [Section(name, tuple(members)) for name, members in groups.items()]


def batch_size(kind: Kind, wanted: int, group: int = 1) -> int:
    """Units a batch: as many whole groups as `wanted` allows, one at least.

    Of a kind whose units differ in their network, one group.
    """
    return group if kind.is_alone else max(1, wanted // group) * group


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


def pad(units: Sequence[Unit], batch: int, least: int = LEAST) -> list[Unit]:
    """Units repeated up to the next of the shapes 4, 8, 16, … or `batch`, whichever is less.

    Few shapes, so that little is compiled. `least` is the first of them; whole groups of variants
    are repeated where it is a multiple of theirs.
    """
    shape = least
    while shape < len(units):
        shape *= 2
    shape = min(shape, batch)
    return [units[i % len(units)] for i in range(shape)]

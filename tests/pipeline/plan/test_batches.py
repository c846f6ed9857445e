"""Tests of sections and batches."""

import pytest

from pipeline.plan.batches import (
    LEAST,
    Batch,
    Section,
    batch_size,
    half_of,
    missing_batches,
    pad,
)
from pipeline.plan.kinds import CHANNEL, DEEPDREAM, KINDS
from pipeline.plan.units import Unit


def section_of(count: int) -> Section:
    return Section("s", tuple(Unit(CHANNEL, ("s",), i) for i in range(count)))


def ids(*numbers: int) -> tuple[str, ...]:
    return tuple(f"s:{number}" for number in numbers)


@pytest.mark.parametrize(
    ("count", "committed", "expected"),
    [
        (3, {}, {0: ids(0, 1), 1: ids(2)}),
        (4, {0: ids(0, 1), 1: ids(2, 3)}, {}),
        (6, {0: ids(0, 1), 2: ids(4, 5)}, {1: ids(2, 3)}),
        (4, {0: ids(1), 1: ids(3)}, {2: ids(0, 2)}),
        (5, {1: ids(2, 3)}, {0: ids(0, 1), 2: ids(4)}),
        (2, {0: ids(7, 8)}, {1: ids(0, 1)}),
    ],
)
def test_missing_batches(
    count: int, committed: dict[int, tuple[str, ...]], expected: dict[int, tuple[str, ...]]
) -> None:
    found = missing_batches(section_of(count), committed, 2)
    assert {b.chunk: tuple(u.id for u in b.units) for b in found} == expected
    assert all(b.size == 2 for b in found)


def test_each_deepdream_is_a_batch_of_its_own() -> None:
    section = Section("deepdream", tuple(Unit(DEEPDREAM, (name,)) for name in "ab"))
    assert [(b.chunk, b.size) for b in missing_batches(section, {}, 16)] == [(0, 1), (1, 1)]


@pytest.mark.parametrize(
    ("kind", "wanted", "group", "expected"),
    [
        ("channel", 16, 1, 16), ("channel", 16, 3, 15), ("channel", 2, 3, 3),
        ("deepdream", 16, 1, 1), ("deepdream", 16, 3, 3),
    ],
)  # fmt: skip
def test_a_batch_is_of_whole_groups(kind: str, wanted: int, group: int, expected: int) -> None:
    assert batch_size(KINDS[kind], wanted, group) == expected


@pytest.mark.parametrize(
    ("shape", "group", "expected"),
    [(16, 1, 8), (8, 1, 4), (9, 1, 4), (7, 1, None), (16, 8, 8), (15, 3, 6), (8, 5, None)],
)
def test_half_a_batch_is_of_whole_groups_too(shape: int, group: int, expected: int | None) -> None:
    half = half_of(shape, group)
    assert half == expected
    assert half is None or (half % group == 0 and LEAST <= half <= shape / 2)


def varied(count: int, variants: int) -> Section:
    """A section of `count` channels in `variants` variants each."""
    firsts = section_of(count).units
    return Section("s", tuple(unit.sibling(n) for unit in firsts for n in range(variants)))


@pytest.mark.parametrize("group", [1, 2, 3, 5])
@pytest.mark.parametrize("size", [1, 4, 7, 16])
def test_siblings_of_a_batch_fit_in_it_and_a_killed_build_finds_its_batches(
    group: int, size: int
) -> None:
    section = varied(7, group)
    whole = missing_batches(section, {}, size, group)
    assert [unit for batch in whole for unit in batch.units] == list(section.units)
    for batch in whole:
        assert len({unit.sibling(0) for unit in batch.units}) * group <= batch.size
        assert batch.size <= max(size, group)
    for kept in ([0], [1, 2], [len(whole) - 1], [b.chunk for b in whole[::2]]):
        ids = {b.chunk: tuple(u.id for u in b.units) for b in whole if b.chunk in kept}
        left = [batch for batch in whole if batch.chunk not in kept]
        assert missing_batches(section, ids, size, group) == left


def test_a_batch_has_room_for_siblings_that_nobody_wants() -> None:
    units = tuple(unit for unit in varied(5, 3).units if unit.variant == unit.index % 3)
    found = missing_batches(Section("s", units), {}, 7, 3)
    assert [[unit.id for unit in batch.units] for batch in found] == [
        ["s:0", "s:1#1"], ["s:2#2", "s:3"], ["s:4#1"]
    ]  # fmt: skip
    assert {batch.size for batch in found} == {6}


def test_more_variants_later_leave_the_old_chunks() -> None:
    before = missing_batches(varied(5, 1), {}, 2)
    committed = {batch.chunk: tuple(unit.id for unit in batch.units) for batch in before}
    after = missing_batches(varied(5, 3), committed, 2)
    assert committed.keys().isdisjoint(batch.chunk for batch in after)
    assert [unit for batch in after for unit in batch.units] == [
        unit for unit in varied(5, 3).units if unit.variant
    ]


def test_a_batch_knows_its_rows_and_name() -> None:
    batch = Batch("mixed4", 12, 4, section_of(3).units)
    assert (batch.key, batch.rows) == ("mixed4/000012", slice(48, 52))


@pytest.mark.parametrize("batch", range(1, 17))
def test_one_image_is_rendered_alone_only_where_it_always_is(batch: int) -> None:
    units = section_of(batch).units
    shapes = {count: len(pad(units[:count], batch)) for count in range(1, batch + 1)}
    assert all(count <= shape <= batch for count, shape in shapes.items())
    assert min(shapes.values()) == min(LEAST, batch)
    assert set(shapes.values()) <= {4, 8, 16, batch}


def test_units_are_repeated_in_whole_groups() -> None:
    units = varied(1, 3).units
    padded = pad(units, 15, LEAST * 3)
    assert [unit.variant for unit in padded] == [0, 1, 2] * 4

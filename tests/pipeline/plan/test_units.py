"""Tests of unit ids, sections and batches."""

import dataclasses
import re

import pytest

from pipeline.errors import UnitError
from pipeline.plan.architecture import Architecture, Layer
from pipeline.plan.batches import (
    LEAST,
    Batch,
    Section,
    batch_size,
    half_of,
    missing_batches,
    sections,
)
from pipeline.plan.kinds import CHANNEL, DEEPDREAM, KINDS, expand, one, parse
from pipeline.plan.units import Unit

EXPANSIONS = [
    ("mixed4:2", ["mixed4:2"]),
    (" mixed4:2 ", ["mixed4:2"]),
    ("mixed2:all", [f"mixed2:{i}" for i in range(6)]),
    ("mixed4:0-2,9", ["mixed4:0", "mixed4:1", "mixed4:2", "mixed4:9"]),
    ("mixed4:3,1-3, 1", ["mixed4:1", "mixed4:2", "mixed4:3"]),
    ("-mixed4:1", ["-mixed4:1"]),
    ("mixed2:1@3,4", ["mixed2:1@3,4"]),
    ("mixed2:0-1@center", ["mixed2:0@2,2", "mixed2:1@2,2"]),
    ("deepdream:mixed2", ["deepdream:mixed2"]),
    ("deepdream:mixed4+mixed2+mixed4", ["deepdream:mixed2+mixed4"]),
    ("-deepdream:mixed4", ["-deepdream:mixed4"]),
    ("logits:3", ["logits:3"]),
    ("softmax:1-2", ["softmax:1", "softmax:2"]),
    ("logits:all", []),
    ("mixed4:2#1", ["mixed4:2#1"]),
    ("mixed4:2#0", ["mixed4:2"]),
    ("mixed4:1-2#03", ["mixed4:1#3", "mixed4:2#3"]),
    ("-mixed4:3@2,2#4", ["-mixed4:3@2,2#4"]),
    ("mixed4:3@center#4", ["mixed4:3@1,1#4"]),
    ("deepdream:mixed4#2", ["deepdream:mixed4#2"]),
    ("logits:207#1", ["logits:207#1"]),
    ("-softmax:2#9999", ["-softmax:2#9999"]),
]

FORM = "is not an id: expected LAYER:CHANNELS"
REFUSALS = [
    ("mixed4", FORM),
    ("", FORM),
    (":3", FORM),
    ("mixed4:", FORM),
    ("mixed4:1@", FORM),
    ("m" * 5000 + ":1", FORM),
    ("mixed5:1", "no layer 'mixed5' with channels; did you mean 'mixed4'"),
    ("zzz:1", r"no layer 'zzz' with channels \(its last one is 'mixed4'"),
    ("deepdream:mixed2+", "no layer ''"),
    ("--mixed4:1", "no layer '-mixed4'"),
    ("mixed4:x", "'x' is no number or range; expected `all`, 42, 0-63 or 0-63,100"),
    ("mixed4:1,", "'' is no number or range"),
    ("mixed4:-1", "'-1' is no number or range"),
    ("mixed4:٣", "is no number or range"),
    ("mixed4:3-1", "the range '3-1' runs backwards"),
    ("mixed4:10", "layer mixed4 has channels 0 to 9, not 10"),
    ("mixed4:1@x", r"expected a position as in @2,3 \(row, column\) or @center, not @x"),
    ("mixed4:1@3,0", "at an image size of 8 px the map of mixed4 is 3 x 3: rows 0 to 2"),
    ("mixed2:1@0,5", "rows 0 to 3, columns 0 to 4"),
    ("deepdream:mixed4@1,1", "deepdream units have no position, drop `@…`"),
    ("logits:1@1,1", "logits units have no position"),
    ("mixed4:1#", r"is not an id: .* and a trailing #1 for a variant"),
    ("mixed4:1#x", FORM),
    ("mixed4:1#12345", FORM),
    ("mixed4:1#-1", FORM),
    ("mixed4:1#1-2", FORM),
    ("mixed4:1#1#2", FORM),
    ("mixed4:1#1@2,2", FORM),
    ("mixed4:1#٣", FORM),
    ("mixed4:#1", FORM),
    ("mixed4:1@#1", FORM),
    ("mixed4#1:2", "no layer 'mixed4#1'"),
]


def with_classes(architecture: Architecture, count: int) -> Architecture:
    return dataclasses.replace(architecture, classes=count)


@pytest.mark.parametrize(("pattern", "ids"), EXPANSIONS)
def test_patterns_expand(architecture: Architecture, pattern: str, ids: list[str]) -> None:
    assert [unit.id for unit in expand([pattern], architecture)] == ids


@pytest.mark.parametrize("pattern", [pattern for pattern, ids in EXPANSIONS if ids])
def test_an_id_names_its_unit(architecture: Architecture, pattern: str) -> None:
    for unit in expand([pattern], architecture):
        assert one(unit.id, architecture) == unit
        assert str(unit) == unit.id


@pytest.mark.parametrize(("pattern", "message"), REFUSALS)
def test_patterns_refused(architecture: Architecture, pattern: str, message: str) -> None:
    with pytest.raises(UnitError, match=message):
        expand([pattern], architecture)


def test_what_is_no_text_is_no_id() -> None:
    with pytest.raises(UnitError, match="unit '3' is not an id"):
        parse(3)  # type: ignore[arg-type]


def test_classes_are_held_against_the_classifier(architecture: Architecture) -> None:
    some = with_classes(architecture, 3)
    assert [u.id for u in expand(["logits:all"], some)] == ["logits:0", "logits:1", "logits:2"]
    with pytest.raises(UnitError, match="the classifier has classes 0 to 2, not 3"):
        expand(["softmax:3"], some)


def test_one_refuses_several(architecture: Architecture) -> None:
    with pytest.raises(UnitError, match="'mixed2:0-1' names 2 units: expected the id of one"):
        one("mixed2:0-1", architecture)


def test_order_and_no_duplicates(architecture: Architecture) -> None:
    wanted = [
        "mixed2:5", "mixed4:1", "-mixed2:0", "mixed4:0@1,1", "deepdream:mixed2",
        "deepdream:mixed2+mixed4", "logits:2", "softmax:0",
    ]  # fmt: skip
    assert [u.id for u in expand([*reversed(wanted), *wanted], architecture)] == wanted


def test_variants_stand_together_and_are_as_many_as_wanted(architecture: Architecture) -> None:
    patterns = ["-mixed2:0", "mixed4:1#5", "mixed4:1#0", "mixed4:0-1", "deepdream:mixed2"]
    assert [u.id for u in expand(patterns, architecture, 2)] == [
        "mixed4:0", "mixed4:0#1", "mixed4:1", "mixed4:1#1", "mixed4:1#5",
        "-mixed2:0", "-mixed2:0#1", "deepdream:mixed2", "deepdream:mixed2#1",
    ]  # fmt: skip


def test_siblings_are_the_same_thing_from_other_starts(architecture: Architecture) -> None:
    unit = one("-mixed4:3@2,2#4", architecture)
    assert unit.variant == 4
    assert unit.sibling(0) == one("-mixed4:3@2,2", architecture)
    assert unit.sibling(0).sibling(4) == unit


@pytest.mark.parametrize(
    ("pattern", "section"),
    [
        ("mixed4:1", "mixed4"),
        ("-mixed4:1", "negative-mixed4"),
        ("mixed4:1@center", "neurons-mixed4"),
        ("deepdream:mixed2+mixed4", "deepdream"),
        ("-logits:1", "negative-logits"),
        ("softmax:1", "softmax"),
        ("-mixed4:1#3", "negative-mixed4"),
        ("deepdream:mixed2#1", "deepdream"),
    ],
)
def test_sections_of_units(architecture: Architecture, pattern: str, section: str) -> None:
    (found,) = sections(expand([pattern], architecture))
    assert (found.name, found.kind) == (section, found.units[0].kind)


def test_variants_share_the_section_of_the_first(architecture: Architecture) -> None:
    (found,) = sections(expand(["mixed4:0-1", "mixed4:0-1#7"], architecture, 2))
    assert len(found.units) == 6


@pytest.mark.parametrize("name", ["..", ".", "a/b", "a\\b", "..\\x", "a b:c", "/etc", "é\n"])
def test_section_names_are_safe_folders(name: str) -> None:
    architecture = Architecture("odd", 8, {name: Layer(name, 0, 1, 1, 1, 0)}, None)
    for pattern in (f"{name}:0", f"{name}:0@0,0", f"-{name}:0"):
        [unit] = expand([pattern], architecture)
        assert re.fullmatch(r"[\w+-][\w.+-]*", unit.section)


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

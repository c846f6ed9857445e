"""Tests of the kinds of unit: which patterns are theirs, and which units these name."""

import dataclasses

import pytest

from pipeline.errors import UnitError
from pipeline.plan.architecture import Architecture, Layer
from pipeline.plan.kinds import expand, finds, one, parse

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
    ("mixed3:1", "no layer 'mixed3' with channels; did you mean 'mixed4'"),
    ("mixed5:1", "no layer 'mixed5' with channels; 'mixed4' is the last of that name"),
    ("deepdream:mixed2+mixed9_1", "no layer 'mixed9_1' with channels; 'mixed4' is the last"),
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


ODD = ("a>1", "a_1", "logits", "softmax", "deepdream", "a", "b", "a+b", "c+d", "my layer", "x:y",
       "-conv", "conv", ":top", "a,b", "café", "m@2,3", "m#1")  # fmt: skip


def of_layers(*names: str) -> Architecture:
    layers = {name: Layer(name, depth, 4, 3, 3, 0) for depth, name in enumerate(names)}
    return Architecture("odd", 8, layers, 5)


@pytest.mark.parametrize("name", ODD)
def test_a_layer_of_any_name_is_addressable(name: str) -> None:
    network = of_layers(*ODD)
    for sign in ("", "-"):
        for place in ("", "@1,2"):
            (unit,) = expand([f"{sign}:{name}:3{place}#1"], network)
            assert (unit.layers, unit.index, unit.negative) == ((name,), 3, bool(sign))
            assert one(unit.id, network) == unit


def test_a_colon_leads_only_the_ids_that_need_it() -> None:
    network = of_layers(*ODD)
    assert [unit.id for unit in expand([":a>1:0", ":logits:0", "logits:0"], network)] == [
        "a>1:0", ":logits:0", "logits:0",
    ]  # fmt: skip
    with pytest.raises(UnitError, match="no layer 'softer'"):
        one(":softer:0", network)


def test_layers_with_a_plus_are_dreamt_of() -> None:
    network = of_layers(*ODD)
    assert one("deepdream:my layer+c+d", network).layers == ("c+d", "my layer")
    with pytest.raises(UnitError, match=r"may be read as the layers \['a\+b'\] or \['a', 'b'\]"):
        one("deepdream:a+b", network)


@pytest.mark.parametrize("name", ["mixed5", "mixed9_1", "deepdream:mixed2+mixed10"])
def test_weights_that_end_early_say_so(architecture: Architecture, name: str) -> None:
    bundled = dataclasses.replace(architecture, name="inception_v3", classes=None)
    said = "with channels: these weights end at 'mixed4'; `model.weights: imagenet`, in another"
    for text in (f"{name}:1", f"-{name}:0-3@center"):
        with pytest.raises(UnitError, match=said):
            expand([text if "+" not in name else name], bundled)
    with pytest.raises(UnitError, match="did you mean 'mixed4'"):
        expand(["mixde4:1"], bundled)


def test_patterns_may_be_joined_by_commas(architecture: Architecture) -> None:
    ids = ["", "mixed2:0-1,3", "-mixed4:2", "mixed4:1@2,2#1", "deepdream:mixed2+mixed4"]
    apart = expand(ids[1:], architecture)
    assert expand([",".join(ids[1:])], architecture) == apart
    assert expand([" mixed2:0-1 , 3, -mixed4:2 ", *ids[3:]], architecture) == apart
    with pytest.raises(UnitError, match="'mixed4:1,mixed2:1' names 2 units"):
        one("mixed4:1,mixed2:1", architecture)


@pytest.mark.parametrize(
    ("search", "ids"),
    [
        ("mixed2:1", ["mixed2:1", "mixed2:1#1", "-mixed2:1", "mixed2:1@2,2"]),
        ("-mixed2:1", ["-mixed2:1"]),
        ("mixed2:1@center", ["mixed2:1@2,2"]),
        ("mixed2:1#1", ["mixed2:1#1"]),
        ("mixed2:01,mixed4:0-2", ["mixed2:1", "mixed2:1#1", "mixed4:0", "-mixed2:1",
                                 "mixed2:1@2,2"]),
        ("mixed4:", ["mixed4:0"]),
        ("logits:3", ["logits:3"]),
        ("deepdream:mixed2", []),
    ],
)  # fmt: skip
def test_what_a_search_finds(architecture: Architecture, search: str, ids: list[str]) -> None:
    every = ["mixed2:1", "mixed2:1#1", "mixed2:2", "mixed4:0", "-mixed2:1", "mixed2:1@2,2"]
    units = expand([*every, "logits:3", "softmax:3"], architecture)
    assert finds(search, units, architecture) == ids

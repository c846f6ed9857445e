"""Tests of directions: what is said in one way, what is refused, and which vectors they are."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.vectors import Vectors
from pipeline.errors import UnitError
from pipeline.plan.architecture import Architecture, Layer
from pipeline.plan.kinds import expand, one
from pipeline.plan.units import Unit

CHANNELS = 130
ROWS = np.random.default_rng(0).normal(size=(6, CHANNELS)).astype(np.float32)
ROWS[4] = 0
ROWS[5] = np.eye(CHANNELS)[42]
LAYERS = {
    name: Layer(name, depth, CHANNELS, 3, 3, 0)
    for depth, name in enumerate(("mixed2", "mixed4", "logits", "odd@dir/sae"))
}
BASES = {
    "sae": Vectors("sae", "sae.npy", ROWS, np.arange(6, dtype=np.float32)),
    "narrow": Vectors("narrow", "narrow.npy", ROWS[:, :7]),
    "of2": Vectors("of2", "of2.safetensors", ROWS, layer="mixed2"),
    "short": Vectors("short", "short.npy", ROWS * np.float32(1e-9)),
}
NETWORK = Architecture("some", 8, LAYERS, 5, bases=BASES)

SAID = [
    ("mixed4:42+7-0.5*120", ["mixed4:7+42-0.5*120"]),
    ("mixed4: 42 + 7 ", ["mixed4:7+42"]),
    ("mixed4:42+0*7", ["mixed4:42"]),
    ("mixed4:1*42", ["mixed4:42"]),
    ("mixed4:+42", ["mixed4:42"]),
    ("mixed4:42+42", ["mixed4:2*42"]),
    ("mixed4:0.1*3+0.2*3", ["mixed4:0.3*3"]),
    ("mixed4:42-1*7", ["mixed4:-1*7+42"]),
    ("mixed4:7-1*42", ["mixed4:7-1*42"]),
    ("mixed4:-42+007*3", ["mixed4:7*3-1*42"]),
    ("mixed4:100.50*3", ["mixed4:100.5*3"]),
    ("mixed4:42+7,9", ["mixed4:9", "mixed4:7+42"]),
    ("-mixed4:42+7#1", ["-mixed4:7+42#1"]),
    ("mixed4:42+7@center", ["mixed4:7+42@1,1"]),
    ("mixed4:42>7/3", ["mixed4:42>7/3/0", "mixed4:42>7/3/1", "mixed4:42>7/3/2"]),
    ("mixed4:42>7+3/3/1@1,2", ["mixed4:42>3+7/3/1@1,2"]),
    ("mixed4:42~2", ["mixed4:42~2"]),
    ("mixed4:42~0", ["mixed4:42"]),
    ("mixed4:0-1~0.50@0,0", ["mixed4:0~0.5@0,0", "mixed4:1~0.5@0,0"]),
    ("mixed4@dir/sae:0-1,3", ["mixed4@dir/sae:0", "mixed4@dir/sae:1", "mixed4@dir/sae:3"]),
    ("mixed4@dir/sae:5", ["mixed4@dir/sae:5"]),
    ("-mixed4@dir/sae:1-0.5*0~2@center#3", ["-mixed4@dir/sae:-0.5*0+1~2@1,1#3"]),
    ("mixed4@dir/sae:3>1/2", ["mixed4@dir/sae:3>1/2/0", "mixed4@dir/sae:3>1/2/1"]),
    ("odd@dir/sae:3", ["odd@dir/sae:3"]),
    (":logits:3+4", [":logits:3+4"]),
    ("mixed2:1+2,mixed4@dir/sae:2", ["mixed2:1+2", "mixed4@dir/sae:2"]),
]

REFUSED = [
    ("mixed4:42+", "'42\\+' is no weighted sum: expected as in 42\\+7-0.5\\*120"),
    ("mixed4:1e9*3", "'1e9\\*3' is no weighted sum"),
    ("mixed4:nan*3", "'nan\\*3' is no weighted sum"),
    ("mixed4:inf*3+1", "is no weighted sum"),
    ("mixed4:٣+2", "is no weighted sum"),
    ("mixed4:12345678*3", "is no weighted sum"),
    ("mixed4:1+all", "is no weighted sum"),
    ("mixed4:1+200", "layer mixed4 has channels 0 to 129, not 200"),
    ("mixed4:42-42+0*3", "is zero: it points nowhere"),
    ("mixed4:9999999*3", "has a length of 1e\\+07: expected one from 1e-06 to 1e\\+06"),
    ("mixed4:9999999*3+9999999*3", "add up to too much"),
    ("mixed4:42>7", "'42>7' is no path: expected as in 42>7/5"),
    ("mixed4:42>>7/5", "is no path"),
    ("mixed4:42>42/5", "ends where it begins"),
    ("mixed4:42>7/1", "expected 2 to 256 steps behind the /, not 1"),
    ("mixed4:42>7/5/5", "the steps are 0 to 4, not 5"),
    ("mixed4:42>-1*42/3", "42>-1\\*42/3/1 is zero"),
    ("mixed4:42~", "expected the power of the cosine behind the ~, from 0 to 16"),
    ("mixed4:42~99", "from 0 to 16, as in 42\\+7~2, not '99'"),
    ("mixed4:42~x", "not 'x'"),
    (
        "mixed4@dir/other:3",
        "no directions called 'other': .* known are sae, narrow",
    ),
    ("mixed4@dir/sae/W:3", "no directions called 'sae/W'.*`directions: {sae: FILE.npy}`"),
    ("mixed4@dir/narrow:3", "rows of narrow.npy have 7 numbers, but layer mixed4 has 130 channels"),
    ("mixed4@dir/of2:3", "directions of of2.safetensors are of the layer 'mixed2', not 'mixed4'"),
    ("mixed4@dir/sae:6", "sae.npy has rows 0 to 5, not 6"),
    ("mixed4@dir/sae:all", "4 of sae.npy is zero: it points nowhere"),
    ("mixed4@dir/short:0", "has a length of .*: expected one from 1e-06"),
    ("mixed9@dir/sae:3", "no layer 'mixed9'"),
    ("mixed4:1+2@9,9", "rows 0 to 2, columns 0 to 2"),
    ("deepdream:mixed2+", "no layer ''"),
    ("logits:3+4", "'3\\+4' is no number or range"),
]


@pytest.mark.parametrize(("pattern", "ids"), SAID)
def test_what_is_the_same_is_said_in_one_way(pattern: str, ids: list[str]) -> None:
    found = expand([pattern], NETWORK)
    assert [unit.id for unit in found] == ids
    assert [one(unit.id, NETWORK) for unit in found] == found


@pytest.mark.parametrize(("pattern", "message"), REFUSED)
def test_what_cannot_be_is_refused_in_one_line(pattern: str, message: str) -> None:
    with pytest.raises(UnitError, match=message) as caught:
        expand([pattern], NETWORK)
    assert "\n" not in str(caught.value)


SIGNS = st.text("0123456789+-*>/~.,@# einfa", max_size=12)


@settings(max_examples=500, deadline=None)
@given(SIGNS, st.sampled_from(["mixed4:", "-mixed4:", "mixed4@dir/sae:", "mixed4@dir/"]))
def test_an_address_of_any_signs_is_units_or_one_line(signs: str, head: str) -> None:
    try:
        found = expand([head + signs], NETWORK)
    except UnitError as error:
        found, said = [], str(error)
    else:
        said = ""
    assert "\n" not in said
    for unit in found:
        assert one(unit.id, NETWORK) == unit
        assert one(unit.id, NETWORK).begins_as == unit.begins_as


def vector(text: str) -> np.ndarray:
    direction = one(text, NETWORK).direction
    assert direction is not None
    return direction.vector


def of(weights: dict[int, float]) -> np.ndarray:
    found = np.zeros(CHANNELS, np.float32)
    found[list(weights)] = list(weights.values())
    return found


def test_vectors_are_in_the_units_of_the_layer() -> None:
    np.testing.assert_array_equal(vector("mixed4:42+7-0.5*120"), of({42: 1, 7: 1, 120: -0.5}))
    np.testing.assert_array_equal(vector("mixed4:2*42"), of({42: 2}))
    np.testing.assert_array_equal(vector("mixed4@dir/sae:3"), ROWS[3])
    expected = 2 * ROWS[3].astype(float) - 0.5 * ROWS[1]
    np.testing.assert_allclose(vector("mixed4@dir/sae:2*3-0.5*1"), expected, rtol=1e-6)


def test_a_path_is_straight_and_has_both_ends() -> None:
    steps = [unit.direction for unit in expand(["mixed4:42>7/5"], NETWORK)]
    for number, step in enumerate(steps):
        assert step is not None
        np.testing.assert_array_equal(step.vector, of({42: 1 - number / 4, 7: number / 4}))


@pytest.mark.parametrize(
    ("unit", "name"),
    [
        ("mixed4@dir/sae:5", "mixed4:42"),
        ("-mixed4@dir/sae:5@1,2#3", "-mixed4:42@1,2#3"),
        ("mixed4:3*42~2", "mixed4:42"),
        ("mixed4@dir/sae:3~2", "mixed4@dir/sae:3"),
        ("mixed4:42>7/5/0", "mixed4:42>7/5"),
        ("mixed4:42>7/5/3#1", "mixed4:42>7/5#1"),
        (":logits:2*3", ":logits:3"),
        ("mixed4:42+7", "mixed4:7+42"),
        ("mixed4:42", "mixed4:42"),
    ],
)
def test_what_is_to_begin_alike_does(unit: str, name: str) -> None:
    assert one(unit, NETWORK).begins_as == name


def test_the_channel_that_it_is_most_like_and_its_share() -> None:
    (direction,) = (unit.direction for unit in expand(["mixed4:42+2*7-5*3"], NETWORK))
    assert direction is not None
    assert direction.nearest == (7, pytest.approx(2 / np.sqrt(30)))
    assert direction.facts == {}
    (row,) = (unit.direction for unit in expand(["mixed4@dir/sae:3"], NETWORK))
    assert row is not None
    assert row.facts == {"variance_share": 3}


def test_sections_are_of_what_is_computed_alike() -> None:
    ids = [
        "mixed4:1+2", "mixed4:1>2/2", "mixed4:1+2@1,1", "mixed4:1~2", "mixed4:1~3@1,1",
        "mixed4@dir/sae:1", "-mixed4:1+2",
    ]  # fmt: skip
    assert list(dict.fromkeys(unit.section for unit in expand(ids, NETWORK))) == [
        "directions-mixed4", "directions-mixed4-sae", "negative-directions-mixed4",
        "directions-at-mixed4", "cosines-mixed4", "cosines-at-mixed4",
    ]  # fmt: skip


def test_a_unit_weighs_its_layers_numbers() -> None:
    values = np.arange(2 * CHANNELS, dtype=np.float32).reshape(2, CHANNELS)
    unit = one("mixed4:1+2*3", NETWORK)
    np.testing.assert_array_equal(unit.along(values), values[:, 1] + 2 * values[:, 3])
    np.testing.assert_array_equal(one("mixed4:3", NETWORK).along(values), values[:, 3])


def test_a_direction_at_hand_is_a_unit_that_travels() -> None:
    import pickle

    (unit,) = expand(["mixed4@dir/sae:3~2@1,1#1"], NETWORK)
    again = pickle.loads(pickle.dumps(unit))
    assert isinstance(again, Unit)
    assert (again, again.id, again.begins_as) == (unit, unit.id, unit.begins_as)


def test_without_matrices_none_is_known() -> None:
    bare = dataclasses.replace(NETWORK, bases={})
    with pytest.raises(UnitError, match="known are none"):
        expand(["mixed4@dir/sae:3"], bare)

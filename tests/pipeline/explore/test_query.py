"""Tests of questions to an index."""

import numpy as np
import pandas as pd
import pytest

from pipeline.errors import ConfigError, NotMeasuredError
from pipeline.explore.query import check_columns, flat, ordered, select


@pytest.fixture
def frame() -> pd.DataFrame:
    columns = {
        "unit": ["a", "b", "c"],
        "class_name": ["dog", None, "cat & mouse"],
        "activation": [1.5, None, 3.0],
        "channel": [1, None, 3],
        "alive": [True, None, False],
    }
    return pd.DataFrame(columns).astype(
        {
            "unit": "string",
            "class_name": "string",
            "activation": "Float32",
            "channel": "Int32",
            "alive": "boolean",
        }
    )


@pytest.mark.parametrize(
    ("expression", "units"),
    [
        ("activation > 2", "c"),
        ("activation >= 1.5 and channel < 3", "a"),
        ("activation > 1 & channel > 2", "c"),
        ("channel == 1 | channel == 3", "ac"),
        ("(channel == 1) | (channel == 3)", "ac"),
        ("1 < activation < 2", "a"),
        ("activation * 2 - 1 > channel + 1.5", "c"),
        ("-activation / 2 < -1", "c"),
        ("activation.abs() > 2", "c"),
        ('unit == "b"', "b"),
        ('unit in ["a", "b", "z"]', "ab"),
        ("channel not in (1, 2)", "c"),
        ('class_name.str.contains("o")', "ac"),
        ('class_name.str.contains("^d")', "a"),
        ('class_name.str.startswith("cat")', "c"),
        ('class_name.str.endswith("g")', "a"),
        ('class_name == "cat & mouse"', "c"),
        ("alive", "a"),
        ("activation.isna()", "b"),
        ("activation.notna() and not alive", "c"),
        (" activation\t> 2  # many", "c"),
        ("(activation\n> 2)", "c"),
        ("activation > 100", ""),
    ],
)
def test_questions(frame: pd.DataFrame, expression: str, units: str) -> None:
    found = select(frame, expression)
    assert "".join(found["unit"]) == units
    assert list(found.columns) == list(frame.columns)


@pytest.mark.parametrize(
    "expression",
    [
        'class_name != "dog"',
        'not class_name == "dog"',
        'not class_name.str.contains("dog")',
        'class_name not in ["dog"]',
        'not (class_name in ["dog"])',
        '~(class_name == "dog")',
        "channel != 1",
        "not alive",
    ],
)
def test_a_comparison_with_a_missing_value_does_not_hold(
    frame: pd.DataFrame, expression: str
) -> None:
    assert list(select(frame, expression)["unit"]) == ["c"]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("activatoin > 1", "no column 'activatoin'; did you mean 'activation'. .the columns are"),
        ("zzz > 1", r"no column 'zzz' \(the columns are unit, class_name"),
        ("__import__('os')", "no column '__import__'"),
        ("activation >", 'is no expression: expected one as in \'layer == "mixed4"'),
        ("@x > 1", "is no expression"),
        ("activation > 1; channel", "is no expression"),
        ("activation = 1", "is no expression"),
        ("", "is no expression"),
        ("a\x00", "is no expression"),
        ("(" * 300 + "activation" + ")" * 300, "is no expression"),
        ("-" * 9000 + "activation > 1", "is no expression"),
        ("not " * 2000 + "alive", "does not work|is no expression"),
        ("activation > 1 or " * 1000 + "alive", "longer than 10000 characters"),
        ("unit.to_csv('x')", r"may not have \"unit.to_csv\('x'\)\""),
        ("activation.__class__", "may not have 'activation.__class__'"),
        ("activation.abs().abs() > 1", r"may not have 'activation.abs\(\).abs\(\)'"),
        ("activation.abs(1) > 1", "may not have"),
        ("unit.str.contains(unit)", "may not have"),
        ("unit.str.contains(pat='a')", "may not have"),
        ("unit.str.cat()", "may not have"),
        ("unit['a']", "may not have"),
        ("(lambda: 1)()", "may not have"),
        ("[unit for unit in unit]", "may not have"),
        ("f'{unit}' == unit", "may not have"),
        ("activation ** 2 > 1", r"may not have 'activation \*\* 2'"),
        ("channel % 2 == 1", "may not have"),
        ("unit is None", "may not have 'unit is None'"),
        ("+activation > 1", r"may not have '\+activation'"),
        ("activation", "is not true or false row by row"),
        ("1 < 2", "is not true or false row by row"),
        ("activation and alive", "does not work: what `and`, `or` and `not` join must be true"),
        ("unit in 3", r"does not work: expected COLUMN in \[VALUE"),
        ("activation > 'x'", "does not work: it compares numbers with texts"),
        ("'x' == channel", "it compares texts with numbers"),
        ("unit < 3", "it compares texts with numbers"),
        ("channel in ['1', '2']", "it compares numbers with texts"),
        ("unit.str.contains('[')", "does not work: "),
        ("unit in ['a'] * 100000000", "does not work: what is added, multiplied or negated must"),
        ("'a' * 1000000000 == unit", "must be numbers"),
        ("unit == 1000000000 * 'a'", "must be numbers"),
        ("unit + unit == 'aa'", "must be numbers"),
        ("channel * ['a'] == 1", "must be numbers"),
        ("-alive", "must be numbers"),
        ("activation.str.contains('a')", "does not work: "),
    ],
)
def test_refusals(frame: pd.DataFrame, expression: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        select(frame, expression)


def test_columns_are_checked(frame: pd.DataFrame) -> None:
    check_columns(frame, ["unit", "alive"])
    with pytest.raises(ConfigError, match="no column 'units'; did you mean 'unit'"):
        check_columns(frame, ["alive", "units"])


@pytest.fixture
def listed(frame: pd.DataFrame) -> pd.DataFrame:
    near = pd.Series([np.array(["b", "c"], object), None, np.array(["a"], object)], dtype=object)
    far = pd.Series([np.array([0.25, 1 / 3]), None, np.array([0.25])], dtype=object)
    return frame.assign(nearest=near, nearest_distance=far)


@pytest.mark.parametrize(
    ("expression", "units"),
    [
        ('"a" in nearest', "c"),
        ('"c" in nearest or "a" in nearest', "ac"),
        ('"a" not in nearest', "a"),
        ("nearest.isna()", "b"),
    ],
)
def test_questions_to_lists(listed: pd.DataFrame, expression: str, units: str) -> None:
    assert "".join(select(listed, expression)["unit"]) == units


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ('nearest == "a"', "compares a column of lists: expected VALUE in COLUMN"),
        ('nearest in ["a"]', "compares a column of lists: expected VALUE in COLUMN"),
        ("nearest_distance < 1", "compares a column of lists"),
        ('"a" in unit', r"expected COLUMN in \[VALUE, …\], or VALUE in a column of lists"),
        ("nearest", "is not true or false row by row"),
    ],
)
def test_refusals_of_lists(listed: pd.DataFrame, expression: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        select(listed, expression)


def test_order(listed: pd.DataFrame) -> None:
    assert "".join(ordered(listed, "-activation")["unit"]) == "cab"
    assert "".join(ordered(listed, "activation")["unit"]) == "acb"
    with pytest.raises(ConfigError, match="'nearest' holds lists, which have no order"):
        ordered(listed, "-nearest")


def test_lists_become_text(listed: pd.DataFrame) -> None:
    found = flat(listed)
    assert list(found["nearest"])[::2] == ["b c", "a"]
    assert list(found["nearest_distance"])[::2] == ["0.25 0.3333", "0.25"]
    assert found["nearest"].isna()[1]
    assert found["unit"].equals(listed["unit"])


def test_a_pattern_that_a_backtracking_engine_never_ends(frame: pd.DataFrame) -> None:
    long = frame.assign(unit=pd.Series(["a" * 60] * 3, dtype="string"))
    assert select(long, 'unit.str.contains("(a+)+$")').shape == long.shape
    assert select(long, 'unit.str.contains("(a|a)*b(a+)+c")').empty


@pytest.mark.parametrize(
    ("column", "how"),
    [
        ("selectivity", "atlas build"), ("own_rank", "atlas build"),
        ("explained", "explore.circuits"), ("natural_p99", "examples FOLD"),
        ("kept_blur", "truth.kept"), ("agreement", "render.variants"),
    ],
)  # fmt: skip
def test_what_was_not_measured_is_said(frame: pd.DataFrame, column: str, how: str) -> None:
    names = (
        "selectivity", "own_rank", "explained", "natural_p99", "natural_median", "kept",
        "kept_blur", "agreement",
    )  # fmt: skip
    signs = dict.fromkeys(names, pd.NA)
    bare = frame.assign(**signs, nearest=None, built_from=None).astype(
        dict.fromkeys(signs, "Float32")
    )
    for ask in (lambda: select(bare, f"{column} > 0.5 or channel == 1"),
                lambda: ordered(bare, f"-{column}")):  # fmt: skip
        with pytest.raises(NotMeasuredError, match=f"{column}' was not measured .*{how}"):
            ask()
    assert len(select(bare, f"{column}.isna()")) == len(bare)
    signs = {"natural_median": 1.0, "kept": 1.0, "agreement": 1.0}
    known = bare.assign(nearest=[["a"]] * 3, built_from=[["a"]] * 3, **signs)
    assert len(select(known, f"{column} > 1")) == 0

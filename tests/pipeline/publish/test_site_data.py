"""Tests of the page's data: values that JSON and JavaScript hold, and no text that is markup."""

import base64
import json
import math
import struct
from pathlib import Path
from typing import Any

import atlases
import numpy as np
import pandas as pd
import pytest

from pipeline.examples.source import Picture
from pipeline.explore import index
from pipeline.plan.kinds import KINDS
from pipeline.publish import site_data

FRAME = pd.DataFrame(
    {
        "unit": ["a:0", "a:1", "b:0", "b:1"],
        "kind": ["channel"] * 4,
        "layer": ["a", "a", None, None],
        "activation": np.array([0.1, np.nan, 3, np.inf], np.float32),
        "class_index": pd.array([None] * 4, "Int32"),
        "nearest": [["a:1", "b:0"], None, [], None],
        "image_sha256": ["0", "1", "2", "3"],
    }
)


def test_a_script_is_ascii_that_no_markup_can_leave() -> None:
    found = site_data.script("tell", {"é\u2028": "</script><!--"}, [1.5, None])
    assert found == b'tell({"\\u00e9\\u2028":"\\u003c/script>\\u003c!--"},[1.5,null])\n'
    assert json.loads(found[len("tell(") :].partition(b"},")[0] + b"}") == {
        "é\u2028": "</script><!--"
    }


def test_what_json_has_not_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        site_data.script("tell", float("nan"))


def test_a_column_is_said_as_shortly_as_can_be() -> None:
    assert site_data.columns(FRAME) == {
        "unit": {"kind": "text", "values": '["a:0","a:1","b:0","b:1"]'},
        "kind": {"kind": "text", "all": "channel"},
        "layer": {"kind": "text", "names": ["a", None], "codes": "[0,0,1,1]"},
        "activation": {"kind": "number", "floats": _in_base64(0.1, math.nan, 3.0, math.nan)},
        "class_index": {"kind": "", "all": None},
    }


def _in_base64(*numbers: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def test_texts_that_do_not_come_again_have_no_codes() -> None:
    few = FRAME.head(3)  # two texts in three rows
    assert site_data.columns(few)["layer"] == {
        "kind": "text",
        "values": '["a","a",null]',
    }
    assert site_data.columns(FRAME.head(0))["unit"] == {"kind": "", "values": "[]"}


def test_the_rest_is_told_with_the_units() -> None:
    more = site_data.more(FRAME)
    assert more[0] == {"nearest": ["a:1", "b:0"], "image_sha256": "0"}
    assert [row["nearest"] for row in more[1:]] == [None, [], None]
    assert {*site_data.columns(FRAME), *more[0]} == set(FRAME.columns)


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([0.1, 1e30, None], "Float32", [0.1, 1e30, None]),
        ([0.1, float("-inf")], "float64", [0.1, None]),
        ([2**53, 2**53 + 1, -(2**53) - 1], "int64", [2**53, str(2**53 + 1), str(-(2**53) - 1)]),
        ([1, None], "Int32", [1, None]),
        ([True, None], "boolean", [True, None]),
        (["a", None], "string", ["a", None]),
        ([True, 2, 2.5, "a", None], "object", [True, 2, 2.5, "a", None]),
        ([np.array([0.1, np.nan], np.float32), [1, "a"]], "object", [[0.1, None], [1, "a"]]),
    ],
)
def test_values_are_plain(values: list[Any], kind: str, expected: list[Any]) -> None:
    found = site_data.plain(pd.Series(values, dtype=kind))
    assert found == expected
    assert json.loads(json.dumps(found, allow_nan=False)) == expected
    assert [type(value) for value in found] == [type(value) for value in expected]


def test_a_section_is_named_and_counted() -> None:
    known = atlases.provenance("mixed2:0-2", "-mixed4:1")
    assert [site_data.section(section) for section in known.sections()] == [
        {"name": "mixed2", "heading": "mixed2 · channels", "count": 3},
        {
            "name": "negative-mixed4",
            "heading": "mixed4 · channels · negative direction",
            "count": 1,
        },
    ]


def test_people_are_told_where_an_atlas_came_from() -> None:
    told = site_data.about(atlases.provenance(snapshots=2, versions={"numpy": "2", "zarr": "3"}))
    facts = dict(told["facts"])
    assert facts["recipe"] == "fourier, 4 steps"
    assert facts["seed"] == "0"  # as text: it may be more than JavaScript counts to
    assert facts["made with"] == "numpy 2, zarr 3"
    assert (told["network"], told["size"], told["snapshots"]) == ("small", 8, 2)
    assert set(told["kinds"]) == set(KINDS)
    assert "w.h5" not in json.dumps(told)


def test_a_trajectory_has_five_digits() -> None:
    assert site_data.trajectory(np.array([1 / 3, 123456.7, -2], np.float32)) == [
        0.33333, 123460.0, -2.0,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], ""),
        (["a.jpg"], "1 picture of cats"),
        (["a.jpg", "b/c.jpg"], "2 pictures of cats"),
    ],
)
def test_whose_photographs_says_no_path(names: list[str], said: str) -> None:
    pictures = [Picture.of(name, Path("/home/ann/secret/cats") / name) for name in names]
    assert site_data.shown(pictures) == said
    rows = [Picture("a/0", "/home/ann/a.zarr", 0), Picture("b/0", "/home/ann/b.zarr", 0)]
    assert site_data.shown(rows[:1]) == "1 picture of a.zarr"
    assert site_data.shown(rows) == "2 pictures from several places"


def test_every_column_of_the_index_that_is_no_place_or_count_has_a_meaning() -> None:
    said = site_data.about(atlases.provenance("mixed2:0"))
    known = {*said["terms"], *said["meanings"]["channel"]["positive"]}
    counts = {"seed", "section_row", "y", "x"}
    places = {
        name for name in index.TYPES if name.startswith(("map_", "mosaic_", "cell_", "grid_"))
    }
    assert set(index.TYPES) - known - counts - places == {"image_sha256"}

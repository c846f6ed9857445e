"""Tests of the page's searches, asked of an index."""

import pandas as pd
import pytest

from pipeline.errors import ConfigError
from pipeline.explore.search import find

COLUMNS = {
    "unit": ["mixed4:42", "-mixed2:7", "deepdream:mixed2+mixed4", "logits:3"],
    "kind": ["channel", "channel", "deepdream", "logit"],
    "layer": ["mixed4", "mixed2", "mixed2+mixed4", None],
    "class_name": [None, None, None, "hot dog"],
    "direction": ["positive", "negative", "positive", "positive"],
    "status": ["done", "done", "done", "unavailable"],
    "section": ["mixed4", "negative-mixed2", "deepdream", "logits"],
    "activation": [13.0, 0.0, 5.0, None],
    "own_rank": [0, 3, None, None],
    "channel": [42, 7, None, None],
    "class_index": [None, None, None, 3],
    "alive": [True, False, True, None],
}
TYPES = {"activation": "Float32", "alive": "boolean"} | dict.fromkeys(
    ("own_rank", "channel", "class_index"), "Int32"
)


@pytest.fixture
def frame() -> pd.DataFrame:
    frame = pd.DataFrame(COLUMNS)
    frame["nearest"] = [["mixed4:42"], [], [], None]
    return frame.astype({name: TYPES.get(name, "string") for name in COLUMNS})


@pytest.mark.parametrize(
    ("search", "rows"),
    [
        ("layer:mixed4 activation > 12", [0]),
        ("layer:mixed4", [0, 2]),
        ("activation > 3 layer:mixed2", [2]),
        ("mixed4:42", [0]),
        ("class:dog", [3]),
        ("name:'hot dog'", [3]),
        ("own_rank = 0", [0]),
        ("own_rank:0", [0]),
        ("activation:5..20", [0, 2]),
        ("activation:>5", [0]),
        ("activation: > 5", [0]),
        ("not (negative or kind:deepdream)", [0, 3]),
        ("mixed2 negative", [1]),
        ("MIXED2 not negative", [2]),
        ("alive = false", [1]),
        ("not alive = false", [0, 2, 3]),
        ("42 mixed4", [0]),
        ("kind:logit or kind:deepdream", [2, 3]),
        ("kind:channel | class:dog & 3", [0, 1, 3]),
        ('layer == "mixed4" and activation > 8', [0]),
        ("status:done zzz", []),
        ("dog", [3]),
        ('"hot dog"', [3]),
        ("dog or negative", [1, 3]),
        ("negative", [1]),
        ("42", [0]),
        ("channel", [0, 1]),
        ("alive", [0, 2]),
        ("MIXED4:42", [0]),
        ("mixed4/42", [0]),
        ("-Mixed2/7, mixed4/42", [0, 1]),
        ("deepdream:MIXED2+mixed4", [2]),
        ("Logits:3", [3]),
        ("class: dog", [3]),
        ("class:cat,dog kind:logit,channel", [3]),
        ("layer: mixed4, mixed2 activation > 5", [0]),
        ("layer:xed4 alive = true,", [0, 2]),
        ("dog,negative", [1, 3]),
        ("own_rank ≥ 3", [1]),
    ],
)
def test_searches(frame: pd.DataFrame, search: str, rows: list[int]) -> None:
    found = find(frame, search, lambda text: [text])
    assert list(found["unit"]) == [COLUMNS["unit"][row] for row in rows]


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ("activation >", "is no expression"),
        ("activation > 1; channel", "is no expression"),
        ("", "is no expression"),
        ("a b '", "is no expression"),
        ("kind:channel and", "something is missing beside `and`"),
        ("kind:channel or or alive = 1", "something is missing"),
        ("(kind:channel", "a bracket is not closed"),
        ("kind:channel)", "a bracket closes that was not opened"),
        ("(" * 300 + "kind:channel" + ")" * 300, "more than 50 brackets"),
        ("layer:mixed4 activatoin > 3", "there is no column 'activatoin'; did you mean 'activat"),
        ("activation = many", "activation = many: expected a number"),
        ("alive = perhaps", "alive = perhaps: expected true or false"),
        ("nearest:mixed4", "nearest holds lists: ask for"),
        ("x y " * 5000, "longer than 10000"),
        ("foo:bar", r"there is no column or layer 'foo' \(there are unit, kind"),
        ("mixd4:bar", "no column or layer 'mixd4'; did you mean 'mixed4'"),
        ("layer:mixed9", "there is no layer 'mixed9'; did you mean 'mixed"),
        ("activation", "is a column: expected a comparison, as in 'activation > 5'"),
        ("dog activation", "is a column: expected a comparison"),
        ("class:", "class: expected a value, as in kind:neuron"),
        ("()", "something is missing"),
        ("(mixed4 (dog)", "a bracket is not closed"),
    ],
)
def test_what_is_no_search(frame: pd.DataFrame, search: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        find(frame, search, lambda text: [text])


def test_a_path_of_directions_is_no_comparison(frame: pd.DataFrame) -> None:
    asked: list[str] = []
    find(frame, "mixed4:42>7/5", lambda text: asked.append(text) or [])
    find(frame, " -mixed4@dir/sae:42+1>7/5/2@1,1 ", lambda text: asked.append(text) or [])
    assert asked == ["mixed4:42>7/5", "-mixed4@dir/sae:42+1>7/5/2@1,1"]


def test_what_is_of_no_unit_here_is_asked_of_the_network(frame: pd.DataFrame) -> None:
    asked: list[str] = []
    for search in ("mixed5:3", "deepdream:mixed2", "softmax/7", "mixed4:0-63,100"):
        find(frame, search, lambda text: asked.append(text) or [])
    assert asked == ["mixed5:3", "deepdream:mixed2", "softmax:7", "mixed4:0-63,100"]

"""The page's searches, for the command line: `layer:mixed4 activation > 12`, `mixed4:42,mixed2:7`.

Ids, words, `column:value` and conditions, joined by and, or, not and brackets, as in the page's
`search.js`. What is an expression (`query`) is read as one.
"""

import ast
import difflib
import functools
import operator
import re
from collections.abc import Callable, Collection
from typing import Any

import pandas as pd

from pipeline.errors import ConfigError
from pipeline.explore import query
from pipeline.plan.patterns import WORDS

_ALIASES = {"class": "class_name", "id": "unit", "name": "class_name"}
"""What columns go by too; `name` where no unit has one of its own."""
_SEARCHED = (
    "unit", "kind", "layer", "class_name", "direction", "status", "section", "name", "note",
    "called",
)  # fmt: skip
"""The columns that a word is looked for in."""
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "=": operator.eq, "!=": operator.ne,
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le,
}  # fmt: skip
_OP, _QUOTED = "==|!=|>=|<=|=|>|<", "\"[^\"]*\"|'[^']*'"
_TOKEN = re.compile(
    rf"\s*(?:(?P<column>[A-Za-z_]\w*)\s*:?\s*(?P<op>{_OP})\s*(?P<value>{_QUOTED}|[^\s()=<>;]+)"
    rf"|(?P<field>[A-Za-z_]\w*):\s*(?P<text>{_QUOTED})"
    rf"|(?P<phrase>{_QUOTED})|(?P<bracket>[()])|(?P<word>(?:[^\s()\"'=<>!;,]|\s*,\s*)+))\s*"
)
_PATH = re.compile(r"[^\s()]+:[^\s()>]+>[^\s()>]+/\d[^\s()]*")
"""A path of directions, which no comparison is: `mixed4:42>7/5`."""
_ANDS, _ORS = ("and", "&", "&&"), ("or", "|", "||")
_LONGEST, _DEEPEST = 10_000, 50

Named = Callable[[str], Collection[str]]
"""The ids of the units that a pattern such as `mixed4:0-63` finds."""


def find(frame: pd.DataFrame, text: str, named: Named) -> pd.DataFrame:
    """The rows that a search or an expression finds.

    Args:
        frame: an index.
        text: the search, or an expression as `query.select` takes it.
        named: the ids that a pattern finds.

    Raises:
        ConfigError: it is neither, or asks for what is not there.
        UnitError: a pattern names what the network has not.
    """
    if _PATH.fullmatch(text.strip()):
        return frame[frame["unit"].isin(named(text.strip()))]
    tokens = None if _is_expression(text, frame) else _tokens(_plain(text))
    if tokens is None:
        return query.select(frame, text)
    search = _Search(frame, text, tokens, named)
    return frame[search.rows().fillna(False).astype(bool)]


def _is_expression(text: str, frame: pd.DataFrame) -> bool:
    """Whether a text is one: of columns alone, and not of words such as `dog` or `mixed4/3`."""
    if len(text) > _LONGEST:
        return True  # and is refused as one
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    if isinstance(tree, ast.Name):
        return tree.id in frame and bool(pd.api.types.is_bool_dtype(frame[tree.id].dtype))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return any(isinstance(node, ast.Call) for node in ast.walk(tree)) or (
        bool(names) and all(map(functools.partial(_is_column, frame), names))
    )


def _is_column(frame: pd.DataFrame, name: str) -> bool:
    """Whether a word is a column's own name, and nothing is meant by it that it does not hold."""
    return name in frame.columns and not (name in _ALIASES and frame[name].isna().all())


def _plain(text: str) -> str:
    return text.replace("≥", ">=").replace("≤", "<=").replace("≠", "!=")


def _tokens(text: str) -> list[re.Match[str]] | None:
    """A search's tokens; None where it is none."""
    found, at = [], 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None or (token["word"] and not re.search(r"\w|^[&|]{1,2}$", token["word"])):
            return None
        found.append(token)
        at = token.end()
    return found or None


class _Search:
    """A search, read from left to right.

    Args:
        frame: an index.
        text: the search.
        tokens: what it consists of.
        named: the ids that a pattern finds.
    """

    def __init__(
        self, frame: pd.DataFrame, text: str, tokens: list[re.Match[str]], named: Named
    ) -> None:
        self._frame, self._text, self._named = frame, text, named
        self._left, self._depth = tokens[::-1], 0
        units = frame["unit"]
        self._ids: dict[str, str] = {unit.lower(): unit for unit in units}
        heads = {unit.removeprefix("-").rpartition(":")[0] for unit in units}
        self._heads = {head.lower(): head for head in heads} | {head: head for head in heads}

    def rows(self) -> pd.Series:
        """Which rows it finds."""
        found = self._any()
        if self._left:
            raise self._refusal("a bracket closes that was not opened")
        return found

    def _any(self) -> pd.Series:
        found = [self._all()]
        while self._takes(*_ORS):
            found.append(self._all())
        return functools.reduce(operator.or_, found)

    def _all(self) -> pd.Series:
        found = [self._one()]
        while self._left and not self._is_next(*_ORS) and self._left[-1]["bracket"] != ")":
            self._takes(*_ANDS)
            found.append(self._one())
        return functools.reduce(operator.and_, found)

    def _one(self) -> pd.Series:
        is_not = False
        while self._takes("not"):
            is_not = not is_not
        if not self._left or self._is_next(*_ANDS, *_ORS) or self._left[-1]["bracket"] == ")":
            raise self._refusal("something is missing beside `and`, `or`, `not` or a bracket")
        token = self._left.pop()
        found = self._inside() if token["bracket"] else self._said(token)
        return ~found if is_not else found

    def _inside(self) -> pd.Series:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._refusal(f"more than {_DEEPEST} brackets")
        found = self._any()
        if not self._left:
            raise self._refusal("a bracket is not closed")
        self._left.pop()
        return found

    def _said(self, token: re.Match[str]) -> pd.Series:
        if token["column"]:
            wanted = _unquoted(token["value"].rstrip(","))
            return self._condition(token["column"], token["op"], wanted)
        if token["field"]:
            return self._field(token["field"], _unquoted(token["text"]))
        if token["phrase"]:
            return self._contains(_unquoted(token["phrase"]))
        return self._word(token["word"])

    def _word(self, given: str) -> pd.Series:
        word = re.sub(r"\s*,\s*", ",", given).strip(",")
        name, colon, rest = word.partition(":")
        if colon and self._column(name) in self._frame.columns and word.lower() not in self._ids:
            return self._values(name, rest)
        items = re.split(r",(?=[^,]*[:/])", word)
        if len(items) > 1:
            return functools.reduce(operator.or_, map(self._word, items))
        pattern = self._pattern(word)
        if pattern is not None:
            return self._units(pattern)
        if re.fullmatch(r"\d{1,9}", word, re.ASCII):
            columns = [self._frame[name] == int(word) for name in ("channel", "class_index")]
            return columns[0].fillna(False) | columns[1].fillna(False)
        found = self._contains(word)
        return found if found.any() else self._elsewhere(word)

    def _elsewhere(self, word: str) -> pd.Series:
        """A word that is in no unit's texts: a list, what this atlas has not, a column alone."""
        name, colon, rest = word.partition(":")
        is_unit = name.removeprefix("-").lower() in {"", *WORDS}
        if colon and (is_unit or re.match(r"\d|all|[^:]*:", rest)):
            return self._units(word)
        if colon:
            column = self._column(name)
            names = [*self._frame.columns, *self._heads.values()]
            raise self._refusal(f"there is no column or layer {name!r}{_near(column, names)}")
        slash = re.fullmatch(r"(.+)/(\d[^/]*|all.*)", word)
        if slash:
            return self._units(f"{slash[1]}:{slash[2]}")
        if "," in word:
            parts = [part for part in word.split(",") if part]
            return functools.reduce(operator.or_, map(self._contains, parts))
        if self._column(word) in self._frame.columns:
            raise self._refusal(
                f"{self._column(word)} is a column: expected a comparison, as in 'activation > 5'"
            )
        return self._contains(word)

    def _pattern(self, text: str) -> str | None:
        """What a text means, in any case and with / for :, as the atlas spells it."""
        if text.lower() in self._ids:
            return self._ids[text.lower()]
        for mark in ":/":
            head, found, rest = text.rpartition(mark)
            name = head.removeprefix("-")
            known = self._heads.get(name) or self._heads.get(name.lower())
            if found and known is not None:
                return f"{'-' * head.startswith('-')}{known}:{rest.lower()}"
        return None

    def _units(self, pattern: str) -> pd.Series:
        return self._frame["unit"].isin(self._named(pattern)).astype("boolean")

    def _values(self, name: str, text: str) -> pd.Series:
        """`column:value`, or a list of values; a blank may stand before them."""
        is_word = self._left and self._left[-1]["word"] and not self._is_next(*_ANDS, *_ORS, "not")
        if not text and is_word:
            text = re.sub(r"\s*,\s*", ",", self._left.pop()["word"])
        values = [value for value in text.split(",") if value]
        if not values:
            raise self._refusal(f"{name}: expected a value, as in kind:neuron")
        return functools.reduce(operator.or_, [self._field(name, value) for value in values])

    def _contains(self, text: str) -> pd.Series:
        columns = [self._frame[n].astype("string") for n in _SEARCHED if n in self._frame]
        return functools.reduce(operator.or_, [_has(column, text) for column in columns])

    def _field(self, name: str, text: str) -> pd.Series:
        """`column:value`: of texts a part will do, of numbers `5..10`."""
        column = self._column(name)
        query.check_columns(self._frame, [column])
        values = self._frame[column]
        ends = re.fullmatch(r"(-?[\d.e+-]*?)\.\.(-?[\d.e+-]*)", text)
        if ends and pd.api.types.is_numeric_dtype(values.dtype):
            found = [self._condition(column, ">=", ends[1])] if ends[1] else []
            found += [self._condition(column, "<=", ends[2])] if ends[2] else []
            return functools.reduce(operator.and_, found) if found else values.notna()
        if query.is_list(values) or not pd.api.types.is_string_dtype(values.dtype):
            return self._condition(column, "=", text)
        if column == "layer":
            part = f"(?:^|[+]){re.escape(text)}(?:[+]|$)"
            whole = _has(values, part, is_pattern=True)
            if whole.any():
                return whole
            if not _has(values, text).any():
                names = {one for layers in values.dropna() for one in layers.split("+")}
                raise self._refusal(f"there is no layer {text!r}{_near(text, sorted(names))}")
        return _has(values, text)

    def _condition(self, name: str, op: str, text: str) -> pd.Series:
        column = self._column(name)
        query.check_columns(self._frame, [column])
        values = self._frame[column]
        if query.is_list(values):
            raise self._refusal(f"{column} holds lists: ask for '\"{text}\" in {column}'")
        wanted: object = text.lower()
        if pd.api.types.is_bool_dtype(values.dtype):
            wanted = _TRUTHS.get(text.lower())
        elif pd.api.types.is_numeric_dtype(values.dtype):
            wanted = _number(text)
        else:
            values = values.str.lower()
        if wanted is None:
            kind = "true or false" if pd.api.types.is_bool_dtype(values.dtype) else "a number"
            raise self._refusal(f"{column} {op} {text}: expected {kind}")
        found: pd.Series = _COMPARISONS[op](values, wanted)
        return found.astype("boolean").fillna(False)

    def _column(self, name: str) -> str:
        is_own = _is_column(self._frame, name)
        return name if is_own else _ALIASES.get(name.lower(), name.lower())

    def _takes(self, *words: str) -> bool:
        is_next = self._is_next(*words)
        if is_next:
            self._left.pop()
        return is_next

    def _is_next(self, *words: str) -> bool:
        return bool(self._left) and (self._left[-1]["word"] or "").lower() in words

    def _refusal(self, reason: str) -> ConfigError:
        return ConfigError(f"the search {self._text[:80]!r}: {reason}")


def _near(name: str, names: Collection[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f"; did you mean {near[0]!r}?" if near else f" (there are {', '.join(names)})"


def _has(column: pd.Series, text: str, is_pattern: bool = False) -> pd.Series:
    held: pd.Series = column.str.contains(text, case=False, regex=is_pattern)
    return held.astype("boolean").fillna(False)


def _unquoted(text: str) -> str:
    return text[1:-1] if text[0] in "\"'" else text


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None

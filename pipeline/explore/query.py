"""Questions to an index: expressions over its columns.

The language looks like pandas' `DataFrame.query`: comparisons, `and`, `or`, `not`, `in`,
arithmetic, and a few methods of text and missing values. It is evaluated here, node by node, so
nothing in it can run code, and a missing value stays missing through `not` and `!=`.
"""

import ast
import difflib
import functools
import io
import operator
import tokenize
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import AtlasError, ConfigError, NotMeasuredError
from pipeline.explore import circuits, names, similarity
from pipeline.truth import agreement, kept, verdicts

_METHODS = ("isna", "notna", "abs")
_TEXT_METHODS = ("contains", "startswith", "endswith")
_LONGEST = 10_000
_NATURAL = ("natural_quantile", "natural_median", "natural_p99")
_MEASURED = {
    **dict.fromkeys(similarity.TYPES, ("nearest", "`atlas build` measures it")),
    **dict.fromkeys(
        circuits.SUMMARY, ("built_from", "`atlas build`, with explore.circuits, measures it")
    ),
    **dict.fromkeys(kept.TYPES, ("kept", "`atlas build`, with truth.kept, measures it")),
    **dict.fromkeys(
        agreement.TYPES,
        ("agreement", "`atlas build`, with explore.responses and render.variants, measures it"),
    ),
    **dict.fromkeys(_NATURAL, ("natural_median", "`atlas examples FOLDER` measures it")),
    **dict.fromkeys(
        ("prediction_own", "prediction_own_photo"),
        ("prediction_own", "`atlas examples FOLDER`, of ten photographs at least, measures it"),
    ),
    **dict.fromkeys(
        verdicts.JUDGED,
        (
            "prediction",
            "`atlas examples FOLDER`, of ten photographs at least and with a truth.judge, does",
        ),
    ),
    **dict.fromkeys(
        names.TYPES,
        ("name", "`atlas examples FOLDER`, with labels, does, where one stands above chance"),
    ),
}
"""Columns that are not of every atlas: by which one it is told whether they are, and how."""


def select(frame: pd.DataFrame, expression: str) -> pd.DataFrame:
    """The rows for which an expression holds; a comparison with a missing value does not.

    Args:
        frame: an index.
        expression: as in `layer == "mixed4" and activation > 5` or
            `class_name.str.contains("dog")`.

    Raises:
        ConfigError: the expression is malformed, names a column that is not there, or asks for
            more than a comparison.
        NotMeasuredError: it compares what was not measured of any unit.
    """
    tree = _parse(expression)
    check_columns(frame, sorted(n.id for n in ast.walk(tree) if isinstance(n, ast.Name)))
    check_measured(frame, sorted(_asked(tree)))
    try:
        kept = _value(tree, frame)
    except AtlasError:
        raise
    except Exception as error:  # pandas raises many types for what it cannot compare
        raise ConfigError(f"the expression {expression[:80]!r} does not work: {error}") from error
    if not (isinstance(kept, pd.Series) and pd.api.types.is_bool_dtype(kept.dtype)):
        raise ConfigError(
            f"the expression {expression[:80]!r} is not true or false row by row: expected one as "
            "in 'activation > 5'"
        )
    return frame[kept.fillna(False).astype(bool)]


def check_columns(frame: pd.DataFrame, names: list[str]) -> None:
    """Refuse columns that an index does not have.

    Raises:
        ConfigError: naming the nearest column and all there are.
    """
    for name in names:
        if name not in frame.columns:
            near = difflib.get_close_matches(name, list(frame.columns), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            columns = ", ".join(frame.columns)
            raise ConfigError(f"there is no column {name!r}{hint} (the columns are {columns})")


def check_measured(frame: pd.DataFrame, asked: list[str]) -> None:
    """Refuse columns of which an index knows nothing at all, since none of them was measured.

    Raises:
        NotMeasuredError: naming the column and what measures it.
    """
    for name in asked:
        sign, how = _MEASURED.get(name, ("", ""))
        if sign in frame and len(frame) and frame[sign].isna().all():
            raise NotMeasuredError(
                f"the column {name!r} was not measured of any of these units: {how}"
            )


def _asked(tree: ast.expr) -> set[str]:
    """The columns of an expression, but for those of which it asks whether they are missing."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    methods = [(call, _method(call)) for call in calls]
    spared = {
        id(node)
        for call, method in methods
        if method and method[1] in ("isna", "notna")
        for node in ast.walk(call)
    }
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    return {node.id for node in names if id(node) not in spared}


def ordered(frame: pd.DataFrame, sort: str) -> pd.DataFrame:
    """The rows in the order of a column; `-column` for descending order. Missing values go last.

    Raises:
        ConfigError: there is no such column, or it has no order.
        NotMeasuredError: it was not measured of any of the rows.
    """
    column = sort.removeprefix("-")
    check_columns(frame, [column])
    check_measured(frame, [column])
    if is_list(frame[column]):
        raise ConfigError(f"the column {column!r} holds lists, which have no order")
    return frame.sort_values(column, ascending=not sort.startswith("-"), kind="stable")


def is_list(column: pd.Series) -> bool:
    """Whether a column of an index holds lists."""
    return bool(pd.api.types.is_object_dtype(column.dtype))


def flat(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows with lists as text, joined by spaces, for what knows numbers and texts only."""
    lists = [name for name in frame.columns if is_list(frame[name])]
    return frame.assign(**{name: frame[name].map(_joined_text) for name in lists})


def _joined_text(value: Any) -> Any:
    """A list's values joined by spaces; what is no list, as it is."""
    if not isinstance(value, Iterable) or isinstance(value, str):
        return value
    return " ".join(f"{item:.4g}" if isinstance(item, float) else str(item) for item in value)


def _parse(expression: str) -> ast.expr:
    """An expression's tree, with `&` and `|` read as `and` and `or`, as pandas reads them."""
    if len(expression) > _LONGEST:
        raise ConfigError(f"the expression is longer than {_LONGEST} characters")
    words = {"&": "and", "|": "or"}
    try:
        tokens = tokenize.generate_tokens(io.StringIO(expression.strip()).readline)
        plain = [(tokenize.NAME if t[1] in words else t[0], words.get(t[1], t[1])) for t in tokens]
        return ast.parse(tokenize.untokenize(plain).strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError) as error:
        raise ConfigError(
            f"{expression[:80]!r} is no expression: expected one as in "
            "'layer == \"mixed4\" and activation > 5'"
        ) from error


def _value(node: ast.expr, frame: pd.DataFrame) -> Any:
    """What a part of an expression comes to: a column, a constant or a list of constants."""
    evaluate = _NODES.get(type(node))
    if evaluate is None:
        raise _refusal(node)
    return evaluate(node, frame)


def _refusal(node: ast.AST) -> ConfigError:
    return ConfigError(
        f"the expression may not have {ast.unparse(node)[:60]!r}: expected columns, numbers, "
        "texts, comparisons, and, or, not, in, COLUMN.isna(), COLUMN.notna(), COLUMN.abs(), "
        "COLUMN.str.contains(…), .str.startswith(…) and .str.endswith(…)"
    )


def _list(node: ast.List | ast.Tuple, frame: pd.DataFrame) -> list[Any]:
    return [_value(item, frame) for item in node.elts]


def _unary(node: ast.UnaryOp, frame: pd.DataFrame) -> Any:
    value = _value(node.operand, frame)
    if isinstance(node.op, ast.USub):
        return -_number(value)
    if isinstance(node.op, ast.Not | ast.Invert):
        return ~_truth(value)
    raise _refusal(node)


def _arithmetic(node: ast.BinOp, frame: pd.DataFrame) -> Any:
    if type(node.op) not in _ARITHMETIC:
        raise _refusal(node)
    sides = _value(node.left, frame), _value(node.right, frame)
    return _ARITHMETIC[type(node.op)](*map(_number, sides))


def _number(value: Any) -> Any:
    """A number, or a column of numbers: of texts and lists a product may be of any size."""
    kinds = pd.api.types
    if isinstance(value, pd.Series):
        is_number = kinds.is_numeric_dtype(value.dtype) and not kinds.is_bool_dtype(value.dtype)
    else:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number:
        return value
    raise TypeError("what is added, multiplied or negated must be numbers")


def _joined(node: ast.BoolOp, frame: pd.DataFrame) -> pd.Series:
    join = operator.and_ if isinstance(node.op, ast.And) else operator.or_
    return functools.reduce(join, [_truth(_value(part, frame)) for part in node.values])


def _compared(node: ast.Compare, frame: pd.DataFrame) -> Any:
    if not all(type(op) in _COMPARISONS for op in node.ops):
        raise _refusal(node)
    sides = [_value(side, frame) for side in (node.left, *node.comparators)]
    pairs = zip(node.ops, sides[:-1], sides[1:], strict=True)
    found = [_compare(op, left, right) for op, left, right in pairs]
    return functools.reduce(operator.and_, found)


def _compare(op: ast.cmpop, left: Any, right: Any) -> Any:
    if isinstance(op, ast.In | ast.NotIn) and isinstance(left, str):
        found = _holds(right, left)
        return found if isinstance(op, ast.In) else ~found
    if any(isinstance(side, pd.Series) and is_list(side) for side in (left, right)):
        raise TypeError("it compares a column of lists: expected VALUE in COLUMN")
    is_member = isinstance(op, ast.In | ast.NotIn)
    kinds = _kind_of(left), _kind_of(right)
    if (isinstance(right, list) or not is_member) and set(kinds) == {"numbers", "texts"}:
        raise TypeError(f"it compares {kinds[0]} with {kinds[1]}")
    return _COMPARISONS[type(op)](left, right)


def _kind_of(value: Any) -> str:
    """What a column, a constant or a list holds, as far as that hinders comparing."""
    if isinstance(value, pd.Series):
        is_number = pd.api.types.is_numeric_dtype(value.dtype)
        return "numbers" if is_number else "texts" if _is_text(value) else ""
    some = value if isinstance(value, list) else [value]
    for kind, name in ((str, "texts"), ((int, float), "numbers")):
        if some and all(isinstance(item, kind) for item in some):
            return name
    return ""


def _is_text(column: pd.Series) -> bool:
    return isinstance(column.dtype, pd.StringDtype)


def _holds(column: Any, value: str) -> pd.Series:
    """Whether the lists of a column have a value; missing where there is no list."""
    if not (isinstance(column, pd.Series) and is_list(column)):
        raise TypeError("expected COLUMN in [VALUE, …], or VALUE in a column of lists")
    held = column.map(lambda items: value in items, na_action="ignore")
    return held.astype("boolean")


def _called(node: ast.Call, frame: pd.DataFrame) -> pd.Series:
    method = _method(node)
    if method is None:
        raise _refusal(node)
    column, name = frame[method[0]], method[1]
    if name == "contains":
        return _contains(column, _value(node.args[0], frame))
    owner = column if name in _METHODS else column.str
    found: pd.Series = getattr(owner, name)(*[_value(argument, frame) for argument in node.args])
    return found


def _contains(column: pd.Series, pattern: str) -> pd.Series:
    """Where a text has a pattern; in a time that grows as the text does, which `re` cannot say."""
    if not isinstance(column.dtype, pd.StringDtype):
        raise TypeError("expected a column of texts")
    found = pc.match_substring_regex(pa.array(column.astype("string"), pa.string()), pattern)
    return pd.Series(found.to_pylist(), column.index, "boolean")


def _method(call: ast.Call) -> tuple[str, str] | None:
    """Column and method of COLUMN.isna() or COLUMN.str.contains(TEXT) and their like."""
    match call:
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id=column), attr=name), args=[], keywords=[]
        ) if name in _METHODS:
            return column, name
        case ast.Call(
            func=ast.Attribute(
                value=ast.Attribute(value=ast.Name(id=column), attr="str"), attr=name
            ),
            args=[ast.Constant(value=str())],
            keywords=[],
        ) if name in _TEXT_METHODS:
            return column, name
    return None


def _truth(value: Any) -> pd.Series:
    if isinstance(value, pd.Series) and pd.api.types.is_bool_dtype(value.dtype):
        return value
    raise TypeError("what `and`, `or` and `not` join must be true or false row by row")


def _is_in(column: pd.Series, values: list[Any]) -> pd.Series:
    if not (isinstance(column, pd.Series) and isinstance(values, list)):
        raise TypeError("expected COLUMN in [VALUE, …]")
    return column.isin(values).astype("boolean").mask(column.isna())


_ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS: Mapping[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: _is_in,
    ast.NotIn: lambda column, values: ~_is_in(column, values),
}
_NODES: Mapping[type[ast.AST], Callable[[Any, pd.DataFrame], Any]] = {
    ast.Name: lambda node, frame: frame[node.id],
    ast.Constant: lambda node, _: node.value,
    ast.List: _list,
    ast.Tuple: _list,
    ast.UnaryOp: _unary,
    ast.BinOp: _arithmetic,
    ast.BoolOp: _joined,
    ast.Compare: _compared,
    ast.Call: _called,
}

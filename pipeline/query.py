"""Questions to an index: expressions over its columns, checked before pandas sees them.

The language is pandas' `DataFrame.query`, less everything that could run code: comparisons,
`and`, `or`, `not`, `in`, arithmetic, and a few methods of text and missing values.
"""

import ast
import difflib

import pandas as pd

from pipeline.errors import ConfigError

_NODES = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.Invert, ast.USub,
    ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.BitAnd, ast.BitOr, ast.Compare, ast.Eq,
    ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn, ast.Constant, ast.List,
    ast.Tuple, ast.Name, ast.Load,
)  # fmt: skip
_METHODS = ("isna", "notna", "abs")
_TEXT_METHODS = ("contains", "startswith", "endswith")
_LONGEST = 10_000


def select(frame: pd.DataFrame, expression: str) -> pd.DataFrame:
    """The rows for which an expression holds; a comparison with a missing value does not.

    Args:
        frame: an index.
        expression: as in `layer == "mixed4" and activation > 5` or
            `class_name.str.contains("dog")`.

    Raises:
        ConfigError: the expression is malformed, names a column that is not there, or asks for
            more than a comparison.
    """
    _check(frame, expression)
    try:
        kept = frame.eval(expression, engine="python")
        if not (isinstance(kept, pd.Series) and pd.api.types.is_bool_dtype(kept.dtype)):
            raise TypeError("it is not true or false row by row")
        return frame[kept.fillna(False).astype(bool)]
    except Exception as error:  # pandas raises many types for what it cannot compare
        raise ConfigError(f"the expression {expression!r} does not work: {error}") from error


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
            raise ConfigError(f"there is no column {name!r}{hint} The columns are {columns}")


def _check(frame: pd.DataFrame, expression: str) -> None:
    if len(expression) > _LONGEST:
        raise ConfigError(f"the expression is longer than {_LONGEST} characters")
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ConfigError(
            f"{expression!r} is no expression: expected one as in "
            "'layer == \"mixed4\" and activation > 5'"
        ) from error
    check_columns(frame, sorted(n.id for n in ast.walk(tree) if isinstance(n, ast.Name)))
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Call) and _is_method(node):
            todo.extend(node.args)
        elif isinstance(node, _NODES):
            todo.extend(ast.iter_child_nodes(node))
        else:
            what = ast.unparse(node)[:60]
            raise ConfigError(
                f"the expression may not have {what!r}: expected columns, numbers, texts, "
                "comparisons, and, or, not, in, COLUMN.isna(), COLUMN.notna(), COLUMN.abs(), "
                "COLUMN.str.contains(…), .str.startswith(…) and .str.endswith(…)"
            )


def _is_method(call: ast.Call) -> bool:
    """Whether a call is COLUMN.isna() or COLUMN.str.contains(TEXT) and their like."""
    method = call.func
    if not isinstance(method, ast.Attribute) or call.keywords:
        return False
    if isinstance(method.value, ast.Name):
        return method.attr in _METHODS and not call.args
    return (
        method.attr in _TEXT_METHODS
        and isinstance(method.value, ast.Attribute)
        and method.value.attr == "str"
        and isinstance(method.value.value, ast.Name)
        and all(isinstance(argument, ast.Constant) for argument in call.args)
    )

"""What is compared of each unit, read by name from the indices of atlases.

What an index does not have is not compared, and said. Robust activation is not among it: it is the
mean over shifts, turns and zooms, which ascents use.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.errors import ConfigError

KEPT = "kept_"
"""How columns of the views of a picture begin."""


@dataclass(frozen=True)
class Measure:
    """One thing that is compared.

    Attributes:
        name: of the column.
        way: 1 where more is better, -1 where less is; of activation it is the unit's own.
        is_factor: whether changes are factors, since scales differ, or differences.
        title: what it is, in words.
        is_of_batch: whether all units of a batch have one value.
    """

    name: str
    way: int
    is_factor: bool
    title: str
    is_of_batch: bool = False


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("activation", 1, True, "activation of the stored picture"),
        Measure(
            "kept",
            1,
            False,
            "what pictures keep under views whose kind no ascent used",
        ),
        Measure("prediction", 1, False, "how well pictures tell photographs, by the judge's eyes"),
        Measure("prediction_own", 1, False, "the same by the network's own"),
        Measure("seconds", -1, True, "processor seconds of a unit's rendering", is_of_batch=True),
    )
}
"""What is compared, by name, in the order of tables."""
_NEVER = {
    "activation_robust": "it is the mean over shifts, turns and zooms, which ascents use",
    "seconds": "it is what everything is held against",
}


def ranked_by(name: str) -> Measure:
    """A measure that recipes may be ranked by.

    Raises:
        ConfigError: it is none.
    """
    if name in _NEVER:
        raise ConfigError(f"recipes are not ranked by {name}: {_NEVER[name]}; {_expected()}")
    if name not in MEASURES:
        raise ConfigError(f"{name!r} is no measure of a study: {_expected()}")
    return MEASURES[name]


def _expected() -> str:
    return f"expected {', '.join(name for name in MEASURES if name not in _NEVER)}"


def views(indices: Sequence[pd.DataFrame]) -> list[str]:
    """The views of which all indices know what pictures keep."""
    names = [name.removeprefix(KEPT) for name in _columns(indices[0])]
    return [view for view in names if all(_is_known(index, KEPT + view) for index in indices)]


def _columns(index: pd.DataFrame) -> list[str]:
    """The columns of views."""
    return [str(name) for name in index if str(name).startswith(KEPT)]


def wanting(
    indices: Mapping[str, pd.DataFrame],
    seen: Sequence[str],
    fair: Sequence[str],
    trials: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """By measure that cannot be compared, why.

    Args:
        indices: by variation.
        seen: the views that all know of.
        fair: those of them that `kept` is the mean of.
        trials: by variation, what its pictures were tried on, and by whom.
    """
    first, *others = (trials or {"": ""}).items()
    unlike = [name for name, trial in others if trial != first[1]]
    found: dict[str, str] = {}
    for name in MEASURES:
        if name == "kept" and seen:
            found |= {} if fair else {name: "no view is left"}
        elif without := [each for each, index in indices.items() if not _is_known(index, name)]:
            found[name] = f"not measured in {', '.join(without)}"
        elif name == "kept":
            found[name] = "not measured view by view"
        elif name.startswith("prediction") and unlike:
            found[name] = (
                f"in {first[0]} other photographs were shown, or another judge saw them, than in "
                f"{', '.join(unlike)}: show all the same ones (--pictures)"
            )
    return found


def _is_known(index: pd.DataFrame, name: str) -> bool:
    return name in index and bool(index[name].notna().any())


def rows(index: pd.DataFrame, units: Sequence[str], fair: Sequence[str]) -> pd.DataFrame:
    """What is compared of some units, a row each.

    Args:
        index: of an atlas; it has the units.
        units: ids, in order.
        fair: the views that `kept` is the mean of; of none where one of them is wanting.

    Returns:
        Columns `unit`, `section`, `direction`, those of `MEASURES`, and `kept_VIEW` of every view
        that the index has; NaN for what is not known.
    """
    wanted = index.set_index("unit").loc[list(units)]
    found = wanted[["section", "direction"]].astype("string")
    for name in MEASURES:
        found[name] = _numbers(wanted, name)
    for name in _columns(index):
        found[name] = _numbers(wanted, name)
    columns = [KEPT + view for view in fair]
    found["kept"] = found[columns].mean(axis=1, skipna=False) if columns else np.nan
    return found.reset_index()


def _numbers(frame: pd.DataFrame, name: str) -> np.ndarray:
    if name not in frame:
        return np.full(len(frame), np.nan)
    return frame[name].to_numpy(dtype=float, na_value=np.nan)

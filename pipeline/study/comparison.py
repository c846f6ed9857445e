"""A study: units by several ways, compared measure by measure, in pairs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from pipeline.config.recipes import Recipe
from pipeline.errors import ConfigError, MissingError
from pipeline.plan.identity import stream
from pipeline.study import fair, measures
from pipeline.study.measures import MEASURES, Measure
from pipeline.study.paired import LEAST, RESAMPLES, paired

ALL = "all"
"""In place of a section's name: all units together."""
_TYPES = {
    "section": "string", "measure": "string", "variation": "string", "units": "Int32",
    "median": "Float64", "against": "string", "pairs": "Int32", "kind": "string",
    "change": "Float64", "low": "Float64", "high": "Float64", "better": "Float64",
    "counted": "Int32",
}  # fmt: skip


@dataclass(frozen=True)
class Study:
    """The same units by several ways, compared.

    Attributes:
        against: the variation that the others are held against.
        units: a row a unit and variation: `unit`, `section`, `direction`, `variation`,
            `activation`, `kept`, `kept_VIEW` of each view, `prediction`, `prediction_own`,
            `seconds`; NaN where a thing is not measured.
        summary: a row a section (and `all`), measure and variation: `median` over its `units`, and
            against the variation in `against` the middle `change` of `counted` units, a `factor` or
            a `difference` as `kind` says, with its 95 % interval from `low` to `high`, and the
            share of `pairs` of units that are `better`, ties by half.
        notes: what has to be known of these numbers, a sentence each.
    """

    against: str
    units: pd.DataFrame
    summary: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def variations(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(dict.fromkeys(self.units["variation"]))

    @property
    def sections(self) -> tuple[str, ...]:
        """The names of the sections of units, in order."""
        return tuple(dict.fromkeys(self.units["section"]))


def compare(
    indices: Mapping[str, pd.DataFrame],
    recipes: Mapping[str, Recipe],
    against: str | None = None,
    seed: int = 0,
    trials: Mapping[str, str] | None = None,
) -> Study:
    """Compare atlases of the same units.

    Args:
        indices: the index of each, by the variation's name.
        recipes: the recipe of each.
        against: the variation that the others are held against; the first, if nothing is said.
        seed: of the resampling.
        trials: by the variation's name, what its pictures were tried on, and by whom; the same for
            all, if nothing is said.

    Raises:
        ConfigError: there are fewer than two, or none of the name `against`.
        MissingError: there is no unit that all have built.
    """
    first = checked(list(indices), against)
    units = _built(indices)
    unfair = fair.left_out(recipes)
    seen = measures.views(list(indices.values()))
    views = [view for view in seen if view not in unfair]
    wanting = measures.wanting(indices, seen, views, trials)
    frames = {name: measures.rows(index, units, views) for name, index in indices.items()}
    compared = [measure for name, measure in MEASURES.items() if name not in wanting]
    summary = pd.DataFrame(_summary(frames, compared, first, seed)).astype(_TYPES)
    notes = (
        _about_units(indices, units),
        *_about_kept(seen, unfair),
        *(f"{name} is not compared: {why}." for name, why in wanting.items()),
        *_about_numbers(summary),
    )
    tables = [frame.assign(variation=name) for name, frame in frames.items()]
    table = pd.concat(tables, ignore_index=True).astype({"variation": "string"})
    leading = ["unit", "section", "direction", "variation"]
    return Study(first, table[[*leading, *table.columns.drop(leading)]], summary, notes)


def ranking(study: Study) -> Measure:
    """The measure that says most: whether pictures are true rather than how strong they are."""
    compared = set(study.summary["measure"])
    return next(MEASURES[name] for name in ("prediction", "kept", "activation") if name in compared)


def checked(names: Sequence[str], against: str | None) -> str:
    """The variation that others are held against. Raises a ConfigError as `compare`."""
    if len(names) < 2:
        raise ConfigError(f"a study compares two variations at least, came {len(names)}")
    if against is not None and against not in names:
        raise ConfigError(
            f"there is no variation {against!r} to hold others against: expected one of "
            f"{', '.join(names)}"
        )
    return against or names[0]


def _built(indices: Mapping[str, pd.DataFrame]) -> list[str]:
    """The units that all have built, in the order of the first."""
    done = [list(index.loc[index["status"] == "done", "unit"]) for index in indices.values()]
    common = set(done[0]).intersection(*done[1:])
    if not common:
        raise MissingError(f"there is no unit that all have built: {', '.join(indices)}")
    return [unit for unit in done[0] if unit in common]


def _summary(
    frames: Mapping[str, pd.DataFrame], compared: Sequence[Measure], first: str, seed: int
) -> Iterator[dict[str, Any]]:
    """The rows of a summary."""
    sections = list(dict.fromkeys(frames[first]["section"]))
    for section in [*sections, *([ALL] if len(sections) > 1 else [])]:
        parts = {
            name: frame if section == ALL else frame[frame["section"] == section]
            for name, frame in frames.items()
        }
        for measure in compared:
            random = stream(seed, "study", section, measure.name)
            for name, part in parts.items():
                yield {
                    "section": section,
                    "measure": measure.name,
                    "variation": name,
                    "kind": "factor" if measure.is_factor else "difference",
                    **_middle(part, measure, section),
                    **_change(parts[first], part, measure, random, is_first=name == first),
                    "against": first,
                }


def _middle(part: pd.DataFrame, measure: Measure, section: str) -> dict[str, Any]:
    """The median of a measure; of activations, whose scale is the layer's, not over sections."""
    values = part[measure.name].dropna()
    is_mixed = section == ALL and measure.name == "activation"
    middle = np.nan if is_mixed or values.empty else float(values.median())
    return {"units": len(values), "median": middle}


def _change(
    before: pd.DataFrame,
    after: pd.DataFrame,
    measure: Measure,
    random: np.random.Generator,
    *,
    is_first: bool,
) -> dict[str, Any]:
    """How a measure changes, in pairs; nothing against itself."""
    if is_first:
        empty = dict.fromkeys(("change", "low", "high", "better"), np.nan)
        return {**empty, "pairs": 0, "counted": 0}
    way = np.full(len(before), measure.way)
    if measure.name == "activation":
        way = np.where(before["direction"] == "negative", -1, 1)
    found = paired(
        before[measure.name].to_numpy(), after[measure.name].to_numpy(), way,
        _groups(before, measure), random, is_factor=measure.is_factor,
    )  # fmt: skip
    return {
        "change": found.change, "low": found.low, "high": found.high, "better": found.better,
        "pairs": found.units, "counted": found.counted,
    }  # fmt: skip


def _groups(frame: pd.DataFrame, measure: Measure) -> np.ndarray:
    """What is resampled together: the variants of a unit; of what batches share, a batch."""
    if measure.is_of_batch:
        # The units of a batch share its time to the bit.
        keys = frame["section"].str.cat(frame[measure.name].astype(str), sep="/")
    else:
        keys = frame["unit"].str.partition("#")[0]
    return np.asarray(pd.factorize(keys)[0])


def _about_units(indices: Mapping[str, pd.DataFrame], units: Sequence[str]) -> str:
    counts = {name: len(index) for name, index in indices.items()}
    if set(counts.values()) == {len(units)}:
        return f"{len(units):,} units, the same in all."
    listed = ", ".join(f"{count:,} of {name}" for name, count in counts.items())
    return f"{len(units):,} units that all have built are compared, of {listed}."


def _about_kept(seen: Sequence[str], unfair: Mapping[str, str]) -> Iterator[str]:
    """Which views count, and why others do not."""
    if not seen:
        return
    views = [view for view in seen if view not in unfair]
    gone = [f"{view} ({unfair[view]})" for view in seen if view in unfair]
    if views:
        yield f"kept is the mean over {', '.join(views)}."
    if gone:
        yield (
            "Left out of kept, for all, since an ascent uses what is of its kind: "
            f"{', '.join(gone)}."
        )


def _about_numbers(summary: pd.DataFrame) -> Iterator[str]:
    """How to read them."""
    yield (
        "Changes are the middle one over units: of activation and seconds a factor, since layers "
        "have scales of their own, of the rest a difference."
    )
    yield (
        f"Intervals hold 95 % of {RESAMPLES:,} resamples of units, variants of a unit together, "
        f"and for seconds of whole batches; there is none below {LEAST} of these."
    )
    yield (
        "Seconds are of rendering, by the processor; a worker's first batch of a section has its "
        "compiling with it."
    )
    short = summary[(summary["counted"] < summary["pairs"]) & (summary["section"] != ALL)]
    for (measure, name), rows in short.groupby(["measure", "variation"], sort=False):
        missing = int((rows["pairs"] - rows["counted"]).sum())
        yield (
            f"{missing:,} units have no factor of {measure} in {name}, for a value of zero or less "
            "or a negative direction; they count among those that are better or not."
        )

"""Words for what is known of a unit, by its kind and direction: for the page, cards and sheets.

Activations are plain ones, and that of a negative unit is to be low: what is said of it turns.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.plan.units import Kind, Unit


def pictured(unit: str, alive: bool = True) -> str:
    """What the image of a unit, by its id, is a picture of."""
    verb = "lower" if unit.startswith("-") else "excite"
    name = unit.removeprefix("-")
    return f"What {verb}s {name}" if alive else f"The image of {unit}, which does not {verb} {name}"


def meanings(kind: Kind, negative: bool) -> dict[str, str]:
    """What the columns of the index are of units of a kind and direction."""
    verb, best = ("lower", "lowest") if negative else ("excite", "highest")
    if kind.has_map:
        place = f"of its {'channel' if kind.has_channel else 'direction'}'s map on the image"
    else:
        place = f"of all {'classes' if kind.needs_classifier else 'its layers'} on the image"
    return {
        "activation": "the unit's value on the stored image"
        + (", as low as can be" if negative else ""),
        "activation_robust": "its mean over 16 small shifts, turns and scales of the stored image",
        "activation_start": "the activation before the first step",
        "activation_peak": f"the {best} activation that was seen",
        "mean": f"mean {place}",
        "deviation": f"standard deviation {place}",
        "sparsity": f"share {place} that is zero or less",
        "seconds": "its share of its batch's rendering; of the processor, on a CPU",
        "steps": "steps of the ascent",
        "explained": "share of its activation that goes without the ten channels that it is "
        "most built from",
        "explained_random": "the same without ten drawn at random: the yardstick",
        "variance_share": "of the builder's pictures' activations, what its dictionary explains "
        "by it",
        "closest_cosine": "cosine between it and the channel that it is most like",
        "own_rank": f"channels of its layer that its image {verb}s more; 0 is best",
        "selectivity": "how far its response stands out in its layer",
        "natural_quantile": f"share of the builder's pictures that {verb} it less than its "
        "image does",
        "natural_median": f"{kind.seen} on the builder's pictures, the middle one",
        "natural_p99": f"{kind.seen} on the builder's pictures, exceeded by one in a hundred",
        "prediction": f"how often, of two crops of the builder's photographs, that which "
        f"{verb}s it more is "
        "more like its picture, as another network sees it; 0.5 is chance",
        "prediction_low": "where the 95 % interval of prediction begins, by resampled photographs",
        "prediction_high": "where that interval ends",
        "prediction_null": "what one in forty of other units' pictures exceeds",
        "prediction_photo": "the same for the builder's strongest photograph in the picture's "
        "place",
        "prediction_own": "as prediction, by its own network's layer before",
        "prediction_own_photo": "as prediction photo, by the same layer",
        "prediction_pictures": "variants that all of that is of, together",
        "name_auroc": f"how often a picture of its name {verb}s it more than another",
    }


def _it(unit: Unit) -> str:
    """What pictures are measured by, where a unit is of one place."""
    if unit.row is None:
        return "it"
    return "its direction" if unit.kind.has_direction else "its channel"


TERMS = {
    "unit": "one thing that the network computes and that a picture was made for: a channel, a "
    "neuron, a direction, a layer or a class",
    "section": "the units of one kind, layer and direction; ranks and spreads are among them",
    "negative direction": "a picture that makes the unit as low as can be; its id begins with -",
    "variant": "another picture of the same unit, begun otherwise; its id ends with #1, #2, …",
    "neuron": "a channel at one place of its map; its id ends with @row,column",
    "distance": "how differently the network answers two pictures: 1 less the cosine of all "
    "channels' responses, each against its spread; from 0, the same, to 2",
    "cosine": "how alike two directions are: 1 the same, 0 unrelated, -1 opposite",
    "circuit": "the channels of earlier layers that a unit is built from, and the units it feeds",
    "share": "how much of a unit's activation goes when a channel is taken away, on its picture",
    "recipe": "how a picture is made: how it is written as numbers, transformed and changed",
    "step": "one small change of the whole picture, uphill in the unit's activation",
    "the builder": "whoever built this atlas; photographs, labels and notes are theirs",
    "?": "the picture did not tell which of the builder's photographs excite the unit",
    "fingerprint": "a digest of all that decides the pictures: weights, recipe, sizes, seed",
    "kind": "channel, neuron, direction, layer (DeepDream) or class",
    "layer": "the layer of the network that the unit is of",
    "channel": "the number of the channel in its layer",
    "class_index": "the number of the class",
    "class_name": "what the network's makers call the class",
    "direction": "positive: the picture excites the unit; negative: it lowers it",
    "status": "done, missing (not built yet), failed, or unavailable in this network",
    "alive": "whether the picture excites its unit more than what it began as",
    "tells": "whether the picture told which of the builder's photographs excite the unit",
    "name": "the label of the builder's pictures that the unit's activation tells best",
    "called": "what the unit is called by whoever read the atlas",
    "note": "what the builder noted on the unit",
    "closest_channel": "the channel that the direction is most like",
    "nearest": "the units whose pictures the network answers most alike",
    "nearest_distance": "how far each of those is",
    "built_from": "the channels that the unit's activation goes most without",
    "feeds": "the units of which it is among the strongest sources",
}
"""What words and columns of the page mean that `meanings` does not say, in a line each."""


NAMELESS = "No name: no label of the builder's pictures stands above chance."


def named(unit: Unit, auroc: float, low: float, high: float, count: int) -> str:
    """How well a unit tells its name, in a sentence for behind it.

    Args:
        unit: the unit.
        auroc: of its activation for the label.
        low: where the interval of that begins.
        high: where it ends.
        count: pictures that have the label.
    """
    it, verb = _it(unit), "lowers" if unit.negative else "excites"
    return (
        f"Of two of the builder's pictures, one labelled so and one not, the first {verb} {it} "
        "more in "
        f"{100 * auroc:.1f} % of cases (AUROC {auroc:.3f}, 95 % interval {low:.3f} to {high:.3f}; "
        f"{count:,} pictures have the label)."
    )


MARK = "?"
"""What marks a picture that does not tell."""


def trial(unit: Unit, row: Mapping[str, Any], judge: str) -> str:
    """Whether a unit's picture tells which photographs excite it, in sentences.

    Args:
        unit: the unit.
        row: its row of the index, less what does not apply.
        judge: who judges, for people; empty where nobody does.

    Returns:
        Nothing where pictures were not tried on photographs.
    """
    verb = "lower" if unit.negative else "excite"
    if "prediction" not in row:
        if not judge or "activation" not in row:
            return ""
        return (
            f"It is not known whether this picture tells what {verb}s the unit: too little in the "
            "builder's photographs does, or no other unit of the atlas looks at the same layers."
        )
    several = int(row.get("prediction_pictures", 1))
    picture, tells = (
        ("picture", "tells") if several == 1 else (f"{several} pictures together", "tell")
    )
    low, high, found = (row[f"prediction{end}"] for end in ("_low", "_high", ""))
    said = (
        f"Of two crops of the builder's photographs, one of the hundredth that {verb}s it most "
        "and one of "
        f"the rest, the first is more like the {picture} in {percent(found)} of cases (95 % "
        f"interval {percent(low)} to {percent(high)}), as {judge} sees them. "
    )
    if "prediction_null" in row:
        said += f"One in forty of other units' pictures exceeds {percent(row['prediction_null'])}. "
    said += f"The strongest photograph in its place comes to {percent(row['prediction_photo'])}."
    if "tells" not in row:
        return f"{said} The atlas has too few other pictures to say whether it tells."
    if row["tells"]:
        return f"The {picture} {tells} what {verb}s the unit. {said}"
    is_above = found > row["prediction_null"]
    why = "too few photographs bear it out" if is_above else "no better than other units' pictures"
    doubt = (
        f"{MARK} The {picture} did not tell what {verb}s the unit ({why}): do not cite it unawares."
    )
    return f"{doubt} {said}"


def strongest(unit: Unit) -> str:
    """What the pictures are that are kept for a unit."""
    it = _it(unit)
    return f"pictures that excite {it} {'least' if unit.negative else 'most'}"


def examples(unit: Unit, activations: Sequence[float]) -> str:
    """What the pictures are that are kept for a unit, with how they were cut and what is at zero.

    Args:
        unit: the unit.
        activations: its activation on each, in order.
    """
    it = _it(unit)
    count = sum(value != 0 for value in activations)
    if not count and not unit.negative:
        return (
            f"None of the builder's pictures excites {it}: 0 is the most that {it} comes to on any."
        )
    cut = "whole"
    if unit.kind.has_channel:
        cut = "cut about its channel's largest value" if unit.negative else "cut to what does"
    said = f"The builder's {strongest(unit)}, {cut}."
    if not count:
        return f"{said} They leave {it} at 0, and others may too."
    if unit.negative or activations[-1] != 0:
        return said
    first = "does" if count == 1 else f"{count} do"
    return f"{said} Only the first {first}; the others leave {it} at 0."


def explained(unit: Unit, row: Mapping[str, Any]) -> str:
    """What becomes of a unit without its strongest sources, and without others, in a sentence.

    Args:
        unit: the unit.
        row: its row of the index, less what does not apply.

    Returns:
        Nothing where it has no sources, or no activation that could go.
    """
    if "explained" not in row:
        return ""
    sources, share, random = (row[n] for n in ("built_from", "explained", "explained_random"))
    those = {1: "the one that excites it", 10: "the ten strongest"}
    without = those.get(len(sources), f"the {len(sources)} that excite it")
    what = "score" if unit.kind.needs_classifier else "activation"
    if share > 1.005:
        said = f"more than all of its {what} is gone"
    elif share < 0:
        said = f"it gains {percent(-share)}"
    else:
        said = f"{percent(share)} of its {what} is gone"
    less = percent(random) if random > -0.0005 else f"it gains {percent(-random)}"
    return f"Without {without}, {said}; without ten drawn at random, {less}."


def percent(share: float) -> str:
    """A share in hundredths, with a digit more where it is less than one."""
    hundredths = 100.0 * share
    rounded = round(hundredths, 0 if abs(hundredths) >= 1 else 1)
    return f"{rounded + 0.0:g} %".replace("-", "\u2212")

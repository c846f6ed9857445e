"""The kinds of unit, a record each, and the units that patterns name.

To add a kind: write its functions and its record, name it in `KINDS`, and give it an objective in
`pipeline.ascent.objectives`. Nothing else asks for a kind by its name. Kinds that are of a picture
of the user's, which no pattern names, are in `OF_PICTURES`.
"""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from pipeline.config.vectors import Vectors
from pipeline.errors import UnitError
from pipeline.plan import directions
from pipeline.plan.architecture import CLASSES, Architecture, Layer, Squash
from pipeline.plan.patterns import Pattern, split
from pipeline.plan.units import Kind, Picture, Shown, Unit

_MOST_CLASSES = 1_000_000
"""Classes that may be named where there is no classifier: they are listed as unavailable."""


def parse(text: str) -> Pattern:
    """Read a pattern.

    Raises:
        UnitError: the text has not the form of an id.
    """
    return Pattern.parse(text, _forms())


def expand(patterns: Iterable[str], architecture: Architecture, variants: int = 1) -> list[Unit]:
    """The distinct units that patterns name, in the atlas's order.

    Order: kind (as in `KINDS`), direction, depth of the layers, number, position, variant. A class
    of a network without a classifier is kept: it will be listed as unavailable.

    Args:
        patterns: of ids.
        architecture: the network's.
        variants: how many of each unit, where a pattern names none.

    Raises:
        UnitError: a pattern is malformed or names what the network does not have.
    """
    found: set[Unit] = set()
    for text in itertools.chain.from_iterable(map(split, patterns)):
        pattern = parse(text)
        numbers = range(variants) if pattern.variant is None else (pattern.variant,)
        found |= {u.sibling(n) for u in _firsts(pattern, architecture) for n in numbers}
    places = {kind: place for place, kind in enumerate(KINDS.values())}
    return sorted(found, key=lambda unit: _order(unit, places[unit.kind], architecture))


def bases_of(patterns: Iterable[str], architecture: Architecture) -> list[str]:
    """The names of the matrices whose rows patterns name. Raises as `parse`."""
    parsed = map(parse, itertools.chain.from_iterable(map(split, patterns)))
    named = (directions.basis_of(each.head, architecture.layers)[1] for each in parsed)
    return list(dict.fromkeys(filter(None, named)))


def one(text: str, architecture: Architecture) -> Unit:
    """The one unit that an id names.

    Raises:
        UnitError: the id is malformed, names nothing in the network, or names several units.
    """
    units = expand([text], architecture)
    if len(units) != 1:
        raise UnitError(f"{text!r} names {len(units)} units: expected the id of one")
    return units[0]


def several(text: str, architecture: Architecture) -> list[Unit]:
    """The units that a list of patterns names, in its order. Raises as `expand`."""
    found = [unit for part in split(text) for unit in expand([part], architecture)]
    return list(dict.fromkeys(found))


def finds(text: str, units: Iterable[Unit], architecture: Architecture) -> list[str]:
    """The ids, among some units, that a search for a list of patterns finds.

    A channel is found with its neurons and negative direction, whatever with its variants, where
    the pattern does not say which. Raises as `expand`.
    """
    wanted = []
    for part in split(text):
        pattern = parse(f"{part}all" if part.endswith(":") else part)
        named = _firsts(pattern, architecture)
        wanted.append((pattern, {_likeness(unit, pattern) for unit in named}))
    return [
        unit.id
        for unit in units
        if any(
            _likeness(unit, pattern) in likenesses
            and (unit.negative or not pattern.negative)
            and pattern.variant in (None, unit.variant)
            for pattern, likenesses in wanted
        )
    ]


def _likeness(unit: Unit, pattern: Pattern) -> object:
    """What is equal for the units that one of a pattern's finds."""
    place = (unit.row, unit.column) if pattern.place is not None else None
    of = unit.direction.said.partition("~")[0] if unit.direction else None
    return unit.subject, place, of if unit.kind.has_map else unit.kind


def _firsts(pattern: Pattern, architecture: Architecture) -> list[Unit]:
    """The first variants of what a pattern names."""
    kind = next(kind for kind in reversed(KINDS.values()) if kind.claims(pattern))
    if pattern.negative and not kind.has_negative:
        raise UnitError(f"unit {pattern.text!r}: {kind} units have no negative direction")
    return kind.expand(pattern, architecture)


def _order(unit: Unit, place: int, architecture: Architecture) -> tuple[object, ...]:
    depths = tuple(architecture.layers[name].depth for name in unit.layers)
    position = (unit.row or 0, unit.column or 0)
    of = (unit.direction.basis, unit.direction.order) if unit.direction else ()
    return (place, unit.negative, depths, unit.index, of, position, unit.variant)


def _forms() -> str:
    *most, last = [kind.forms for kind in KINDS.values() if kind.forms]
    return (
        f"{', '.join(most)} or {last}, with a leading - for the negative direction and a trailing "
        "#1 for a variant; numbers are `all`, 42, 0-63 or 0-63,100"
    )


def _is_of_a_layer(_: Pattern) -> bool:
    return True  # whatever nobody else claims


def _channels(pattern: Pattern, architecture: Architecture) -> list[Unit]:
    layer, numbers = _of_a_layer(pattern, architecture)
    return [Unit(CHANNEL, (layer.name,), n, negative=pattern.negative) for n in numbers]


def _has_place(pattern: Pattern) -> bool:
    return pattern.place is not None


def _neurons(pattern: Pattern, architecture: Architecture) -> list[Unit]:
    layer, numbers = _of_a_layer(pattern, architecture)
    place = pattern.position(layer, architecture.image_size)
    return [Unit(NEURON, (layer.name,), n, *place, negative=pattern.negative) for n in numbers]


def _of_a_layer(pattern: Pattern, architecture: Architecture) -> tuple[Layer, list[int]]:
    layer = pattern.layer(architecture, pattern.head)
    return layer, pattern.numbers(layer.channels, f"layer {layer.name} has channels")


def _mean(unit: Unit, shown: Mapping[str, Shown], _: Squash) -> np.ndarray:
    return unit.along(shown[unit.reads[0]].mean)


def _peak(unit: Unit, shown: Mapping[str, Shown], _: Squash) -> np.ndarray:
    return shown[unit.reads[0]].peak[:, unit.index]


CHANNEL = Kind(
    name="channel",
    forms="LAYER:CHANNELS",
    claims=_is_of_a_layer,
    expand=_channels,
    id="{layers}:{number}",
    short="{number}",
    section="{layers}",
    heading="{layers} · channels",
    words="Channel {number} of {layers}",
    on_pictures=_mean,
    has_channel=True,
)
NEURON = Kind(
    name="neuron",
    forms="LAYER:CHANNELS@ROW,COLUMN, LAYER:CHANNELS@center",
    claims=_has_place,
    expand=_neurons,
    id="{layers}:{number}@{row},{column}",
    short="{number}@{row},{column}",
    section="neurons-{layers}",
    heading="{layers} · neurons",
    words="Neuron of channel {number} of {layers}, row {row}, column {column}",
    on_pictures=_peak,
    seen="its channel's largest value",
    has_channel=True,
)


def _is_direction(pattern: Pattern) -> bool:
    return directions.is_of(pattern) and pattern.place is None and "~" not in pattern.selection


def _is_direction_at(pattern: Pattern) -> bool:
    return directions.is_of(pattern) and pattern.place is not None and "~" not in pattern.selection


def _is_cosine(pattern: Pattern) -> bool:
    return pattern.place is None and "~" in pattern.selection


def _is_cosine_at(pattern: Pattern) -> bool:
    return pattern.place is not None and "~" in pattern.selection


def _directions(pattern: Pattern, architecture: Architecture) -> list[Unit]:
    """The directions that a pattern names; one that is a channel as it is, is that."""
    name, basis = directions.basis_of(pattern.head, architecture.layers)
    layer = pattern.layer(architecture, name)
    rows = _rows(pattern, basis, layer, architecture) if basis else None
    row = column = None
    if pattern.place:
        row, column = pattern.position(layer, architecture.image_size)
    count = layer.channels if rows is None else len(rows.values)
    owner = f"layer {layer.name} has channels" if rows is None else f"{rows.file} has rows"
    found = []
    for said, power in directions.read(pattern, count, owner):
        kind, index, of = NEURON if pattern.place else CHANNEL, said.channel, None
        if index is None or power or rows is not None:
            kinds = (DIRECTION_AT, COSINE_AT) if pattern.place else (DIRECTION, COSINE)
            kind, index = kinds[bool(power)], 0
            of = directions.direction(pattern, said, power, layer.channels, rows)
        found.append(Unit(kind, (layer.name,), index, row, column, pattern.negative, direction=of))
    return found


def _rows(pattern: Pattern, name: str, layer: Layer, architecture: Architecture) -> Vectors:
    """The matrix of a name, whose rows are vectors of a layer."""
    rows = architecture.bases.get(name)
    if rows is None:
        known = ", ".join(architecture.bases) or "none"
        raise UnitError(
            f"unit {pattern.text!r}: there are no directions called {name!r}: name their file in "
            f"the configuration, as in `directions: {{{name.partition('/')[0]}: FILE.npy}}`; "
            f"known are {known}"
        )
    if rows.layer and rows.layer != layer.name:
        raise UnitError(
            f"unit {pattern.text!r}: the directions of {rows.file} are of the layer "
            f"{rows.layer!r}, not {layer.name!r}"
        )
    if rows.values.shape[1] != layer.channels:
        raise UnitError(
            f"unit {pattern.text!r}: the rows of {rows.file} have {rows.values.shape[1]} numbers, "
            f"but layer {layer.name} has {layer.channels} channels: expected a row a direction"
        )
    return rows


DIRECTION = Kind(
    name="direction",
    forms="LAYER:42+7-0.5*120, LAYER:42>7/5, LAYER@dir/NAME:ROWS",
    claims=_is_direction,
    expand=_directions,
    id="{layers}{basis}:{said}",
    short="{said}",
    section="directions-{layers}{source}",
    heading="{layers} · {source}",
    words="Direction {said} of {layers}, from {source}",
    on_pictures=_mean,
    has_direction=True,
)
DIRECTION_AT = replace(
    DIRECTION,
    name="direction at a place",
    forms="",
    claims=_is_direction_at,
    id="{layers}{basis}:{said}@{row},{column}",
    short="{said}@{row},{column}",
    section="directions-at-{layers}{source}",
    heading="{layers} · {source} at a place",
    words="Direction {said} of {layers}, from {source}, row {row}, column {column}",
    seen="its direction's mean",
)
COSINE = replace(
    DIRECTION,
    name="cosine",
    forms="either with ~2 for the cosine's power",
    claims=_is_cosine,
    section="cosines-{layers}{source}",
    heading="{layers} · {source} by cosine",
    words="Direction {said} of {layers}, from {source}, by dot product and cosine",
)
COSINE_AT = replace(
    DIRECTION_AT,
    name="cosine at a place",
    claims=_is_cosine_at,
    section="cosines-at-{layers}{source}",
    heading="{layers} · {source} by cosine at a place",
    words="Direction {said} of {layers}, from {source}, by dot product and cosine, row {row}, "
    "column {column}",
)


def _is_deepdream(pattern: Pattern) -> bool:
    return pattern.is_of("deepdream")


def _deepdreams(pattern: Pattern, architecture: Architecture) -> list[Unit]:
    pattern.refuse_place()
    names = dict.fromkeys(_split(pattern, architecture))
    ordered = sorted(names, key=lambda name: pattern.layer(architecture, name).depth)
    return [Unit(DEEPDREAM, tuple(ordered), negative=pattern.negative)]


def _split(pattern: Pattern, architecture: Architecture) -> list[str]:
    """The layers of a sum such as `a+b`; layers whose names have a + are found too."""
    parts = pattern.selection.split("+")
    ways: list[list[list[str]]] = [[[]]]  # by number of parts, each way to read them
    for end in range(1, len(parts) + 1):
        named = ((start, "+".join(parts[start:end])) for start in range(end))
        ends = [(start, name) for start, name in named if name in architecture.layers]
        ways.append([[*way, name] for start, name in ends for way in ways[start]][:2])
    if len(ways[-1]) > 1:
        read = " or ".join(str(way) for way in ways[-1])
        raise UnitError(f"unit {pattern.text!r} may be read as the layers {read}: name others")
    return ways[-1][0] if ways[-1] else parts


def _sum_of_means(unit: Unit, shown: Mapping[str, Shown], _: Squash) -> np.ndarray:
    return np.asarray(sum(shown[name].mean.mean(axis=1) for name in unit.reads))


DEEPDREAM = Kind(
    name="deepdream",
    forms="deepdream:LAYER+LAYER",
    claims=_is_deepdream,
    expand=_deepdreams,
    id="deepdream:{layers}",
    short="{layers}",
    section="deepdream",
    heading="DeepDream",
    words="DeepDream of {layers}",
    on_pictures=_sum_of_means,
    is_alone=True,
)


def _is_logit(pattern: Pattern) -> bool:
    return pattern.is_of("logits")


def _logits(pattern: Pattern, architecture: Architecture) -> list[Unit]:
    return _classes(LOGITS, pattern, architecture)


def _is_probability(pattern: Pattern) -> bool:
    return pattern.is_of("softmax")


def _probabilities(pattern: Pattern, architecture: Architecture) -> list[Unit]:
    return _classes(SOFTMAX, pattern, architecture)


def _classes(kind: Kind, pattern: Pattern, architecture: Architecture) -> list[Unit]:
    pattern.refuse_place()
    if architecture.classes is None and pattern.selection == "all":
        return []
    count = architecture.classes or _MOST_CLASSES
    numbers = pattern.numbers(count, "the classifier has classes")
    return [Unit(kind, (), number, negative=pattern.negative) for number in numbers]


def _probability(unit: Unit, shown: Mapping[str, Shown], squash: Squash) -> np.ndarray:
    logits = shown[CLASSES].mean
    if squash == "sigmoid":
        return np.asarray(1.0 / (1.0 + np.exp(-logits[:, unit.index])))
    likely = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(likely[:, unit.index] / likely.sum(axis=1))


LOGITS = Kind(
    name="logits",
    forms="logits:CLASSES",
    claims=_is_logit,
    expand=_logits,
    id="logits:{number}",
    short="{number}",
    section="logits",
    heading="class logits",
    words="Class {number}{name}, before the softmax",
    on_pictures=_mean,
    needs_classifier=True,
)
SOFTMAX = Kind(
    name="softmax",
    forms="softmax:CLASSES",
    claims=_is_probability,
    expand=_probabilities,
    id="softmax:{number}",
    short="{number}",
    section="softmax",
    heading="class probabilities",
    words="Class {number}{name}, its probability",
    on_pictures=_probability,
    needs_classifier=True,
)


def _is_of_picture(_: Pattern) -> bool:
    return False  # no pattern names a picture


def _refuse(pattern: Pattern, _: Architecture) -> list[Unit]:
    raise UnitError(f"unit {pattern.text!r}: `atlas invert` and `atlas caricature` take a picture")


def _of_no_pictures(unit: Unit, _: Mapping[str, Shown], __: Squash) -> np.ndarray:
    raise UnitError(f"unit {unit.id} is of one picture: what others make of it is not measured")


INVERSION = Kind(
    name="inversion",
    forms="",
    claims=_is_of_picture,
    expand=_refuse,
    id="invert:{layers}@{picture}",
    short="{layers}",
    section="inversions-{layers}",
    heading="{layers} · inversions",
    words="What {layers} keeps of {picture}",
    on_pictures=_of_no_pictures,
    has_negative=False,
)
CARICATURE = replace(
    INVERSION,
    name="caricature",
    id="caricature:{layers}@{picture}",
    section="caricatures-{layers}",
    heading="{layers} · caricatures",
    words="What {layers} sees in {picture}, exaggerated",
)
OF_PICTURES = {kind.name: kind for kind in (INVERSION, CARICATURE)}
"""The kinds of unit that are of a picture of the user's, by name; no atlas has any."""


def of_picture(kind: Kind, layer: str, picture: Picture, architecture: Architecture) -> Unit:
    """What a layer makes of a picture, as a unit.

    Args:
        kind: `INVERSION` or `CARICATURE`.
        layer: its name.
        picture: of the size that the architecture was described at.
        architecture: the network's.

    Raises:
        UnitError: there is no such layer.
    """
    known = Pattern.parse(f":{layer}:0", _forms()).layer(architecture, layer)
    return Unit(kind, (known.name,), picture=picture)


KINDS = {
    kind.name: kind
    for kind in (
        CHANNEL, NEURON, DIRECTION, DIRECTION_AT, COSINE, COSINE_AT, DEEPDREAM, LOGITS, SOFTMAX,
    )
}  # fmt: skip
"""The kinds, by name, in the atlas's order; a pattern is of the last that claims it."""

"""Which views of a picture say nothing of a recipe: those whose kind its ascent saw all along.

That a picture keeps its activation when it is turned is no proof of anything where every step of
the ascent turned it. So a view is left out where an ascent uses a transform of its kind, however
far that goes: 5 degrees count as 20 do. What is left out for one recipe is left out for all that it
is compared with.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.config.recipes import Recipe

_KINDS: dict[str, tuple[str, ...]] = {
    "transforms.jitter": (),  # no view is a mere shift
    "transforms.pad": ("half",),
    "transforms.rotate": ("turn",),
    "transforms.crop": ("crop",),
    "transforms.scale above 1": ("crop",),
    "transforms.scale below 1": ("half",),
    "blur": ("blur",),
    "octaves": ("half",),
}
"""By what an ascent does, the views of its kind. What is not here is the view of its own name."""


def climbed(recipe: Recipe) -> dict[str, tuple[str, ...]]:
    """By view, what a recipe's ascent does that is of its kind; views of other kinds are not in it.

    >>> climbed(RECIPES["article"])["blur"]
    ('blur',)
    """
    found: dict[str, tuple[str, ...]] = {}
    for used in dict.fromkeys(used for each in recipe.each for used in _used(each)):
        for view in _KINDS.get(used, (used.removeprefix("transforms."),)):
            found[view] = (*found.get(view, ()), used)
    return found


def left_out(recipes: Mapping[str, Recipe]) -> dict[str, str]:
    """By view that no comparison of some recipes may use, why, in words.

    >>> left_out({"mine": RECIPES["fourier"], "his": RECIPES["article"]})["turn"]
    'transforms.rotate of mine'
    """
    users: dict[str, dict[str, list[str]]] = {}
    for name, recipe in recipes.items():
        for view, used in climbed(recipe).items():
            for what in used:
                users.setdefault(view, {}).setdefault(what, []).append(name)
    return {
        view: "; ".join(f"{what} of {', '.join(names)}" for what, names in by.items())
        for view, by in sorted(users.items())
    }


def _used(recipe: Recipe) -> Iterator[str]:
    """What an ascent does to the image, or to what the network sees of it, by its keys."""
    for name in type(recipe.transforms).model_fields:
        given = getattr(recipe.transforms, name)
        if name == "apply" or not _is_drawn(given):
            continue
        if name == "scale":
            yield from ["transforms.scale above 1"] if given.most > 1 else []
            yield from ["transforms.scale below 1"] if given.least < 1 else []
        else:
            yield f"transforms.{name}"
    if _is_drawn(recipe.blur):
        yield "blur"
    if recipe.octaves.count > 1:
        yield "octaves"


def _is_drawn(given: Any) -> bool:
    """Whether a transform ever does anything."""
    is_off = given is None or getattr(given, "until", None) == 0
    sizes = (getattr(given, name, 1) for name in ("probability", "pixels", "degrees"))
    return not is_off and all(sizes)

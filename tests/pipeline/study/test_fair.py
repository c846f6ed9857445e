"""Tests of which views are left out of a comparison, and why."""

import pytest

from pipeline.config.recipes import (
    RECIPES,
    Blur,
    Jitter,
    Octaves,
    Pad,
    Recipe,
    Rotate,
    Scale,
    Style,
    Transforms,
)
from pipeline.study import fair

BARE = RECIPES["fourier"].model_copy(update={"transforms": Transforms()})
"""A recipe whose ascent sees nothing but the image."""
WIDE = Transforms(scale=Scale(least=0.8, most=1.0))


def _with(**transforms: object) -> Recipe:
    return BARE.model_copy(update={"transforms": Transforms(**transforms)})  # type: ignore[arg-type]


def test_an_ascent_without_transforms_leaves_all_views() -> None:
    assert fair.climbed(BARE) == {}
    assert fair.left_out({"a": BARE, "b": BARE}) == {}


@pytest.mark.parametrize(
    ("recipe", "views"),
    [
        (_with(jitter=Jitter()), set()),
        (_with(rotate=Rotate(degrees=0.5)), {"turn"}),
        (_with(rotate=Rotate(degrees=0)), set()),
        (_with(rotate=Rotate(probability=0)), set()),
        (_with(rotate=Rotate(until=0)), set()),
        (_with(scale=Scale()), {"crop", "half"}),
        (_with(scale=Scale(least=1.0, most=1.2)), {"crop"}),
        (_with(scale=Scale(least=0.8, most=1.0)), {"half"}),
        (_with(pad=Pad()), {"half"}),
        (_with(pad=Pad(pixels=0)), set()),
        (BARE.model_copy(update={"octaves": Octaves(count=2)}), {"half"}),
        (BARE.model_copy(update={"blur": Blur()}), {"blur"}),
        (BARE.model_copy(update={"styles": (Style(), Style(transforms=WIDE))}), {"half"}),
        (RECIPES["maco"], {"crop", "turn"}),
        (RECIPES["article"], {"blur", "half"}),
        (RECIPES["draft"], {"crop", "half", "turn"}),
    ],
)
def test_what_an_ascent_does_takes_the_views_of_its_kind(recipe: Recipe, views: set[str]) -> None:
    assert set(fair.climbed(recipe)) == views


def test_every_transform_is_decided_on() -> None:
    """A transform that a recipe gains has a line, or is the view of its own name."""
    keys = {f"transforms.{name}" for name in Transforms.model_fields} - {"transforms.apply"}
    decided = {key.partition(" ")[0] for key in fair._KINDS}
    views = {"noise", "jpeg", "blur", "turn", "crop", "grey", "half", "mirror"}
    assert keys - decided <= {f"transforms.{view}" for view in views}
    assert {view for kinds in fair._KINDS.values() for view in kinds} <= views


def test_why_names_the_transforms_and_whose_they_are() -> None:
    found = fair.left_out({name: RECIPES[name] for name in ("draft", "fourier", "article")})
    assert found == {
        "blur": "blur of article",
        "crop": "transforms.scale above 1 of draft, fourier",
        "half": (
            "transforms.scale below 1 of draft, fourier; transforms.pad of article; "
            "octaves of article"
        ),
        "turn": "transforms.rotate of draft, fourier",
    }

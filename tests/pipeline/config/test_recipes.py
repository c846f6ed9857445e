"""Tests of recipes: what fits together, and what is refused."""

from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.config.recipes import (
    RECIPES,
    Blur,
    Crop,
    Recipe,
    Scale,
    Spectrum,
    Style,
    Transforms,
)


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_bear_their_names_and_survive_json(name: str) -> None:
    recipe = RECIPES[name]
    assert recipe.name == name
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe


@pytest.mark.parametrize(
    "changes",
    [{"blur": Blur()}, {"transforms": Transforms(apply="image")}],
)
def test_only_pixels_are_changed_in_place(changes: dict[str, Any]) -> None:
    parts = {name: getattr(RECIPES["fourier"], name) for name in Recipe.model_fields}
    with pytest.raises(ValidationError, match=r"they need `parametrization.kind: pixel`"):
        Recipe(**parts | changes)


def test_a_kernel_has_a_middle() -> None:
    assert Blur(kernel=5).kernel == 5
    with pytest.raises(ValidationError, match="kernel must be odd, not 4"):
        Blur(kernel=4)


def test_a_scale_runs_upwards() -> None:
    assert Scale(least=1.0, most=1.0).most == 1.0
    with pytest.raises(ValidationError, match=r"least \(2\) must not be above most \(1\)"):
        Scale(least=2.0, most=1.0)
    with pytest.raises(ValidationError, match=r"least \(0.5\) must not be above most \(0.4\)"):
        Crop(most=0.4)


@pytest.mark.parametrize(
    "part", ["transforms.crop", "parametrization.contrast", "optimizer.weight_decay"]
)
def test_what_came_later_is_said_only_where_it_does_something(part: str) -> None:
    """Fingerprints of atlases from before it stay as they are."""
    name, key = part.split(".")
    for recipe in RECIPES.values():
        said = recipe.model_dump(mode="json")[name]
        assert (key in said) == bool(getattr(getattr(recipe, name), key, None))
        assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe
    assert key not in RECIPES["fourier"].model_dump(mode="json")[name]
    assert key in RECIPES["classes"].model_dump(mode="json")[name]


STYLED = RECIPES["fourier"].model_copy(
    update={
        "styles": (
            Style(),
            Style(parametrization=Spectrum(decay=2.0)),
            Style(transforms=Transforms(jitter=None)),
        )
    }
)


def test_each_style_is_a_recipe_that_has_none() -> None:
    plain = RECIPES["fourier"]
    assert plain.each == (plain,)
    first, second, third = STYLED.each
    assert first == plain
    assert second == plain.model_copy(update={"parametrization": Spectrum(decay=2.0)})
    assert third == plain.model_copy(update={"transforms": Transforms()})


def test_styles_are_said_only_where_there_are_any() -> None:
    assert "styles" not in RECIPES["fourier"].model_dump(mode="json")
    assert Recipe.model_validate_json(STYLED.model_dump_json()) == STYLED


def test_only_pixels_are_changed_in_place_in_any_style() -> None:
    parts = {name: getattr(STYLED, name) for name in Recipe.model_fields}
    wrong = Style(transforms=Transforms(apply="image"))
    with pytest.raises(ValidationError, match=r"need `parametrization.kind: pixel`, not spectrum"):
        Recipe(**parts | {"styles": (Style(), wrong)})


def test_a_recipe_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        RECIPES["fourier"].steps = 3

"""Recipes: named sets of parametrization, transforms, optimiser and schedule.

Every number can be set in `atlas_config.yaml` under `recipe`; what is not set there comes from the
named recipe in `RECIPES`. This module knows no TensorFlow: it is read where builds are planned.
"""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, SerializationInfo, model_serializer, model_validator

from pipeline.config.strict import Frozen

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Probability = Annotated[float, Field(ge=0, le=1)]
WHOLE = "whole"
"""The context in which a recipe is dumped with what later versions added and it does not use."""


class _Grown(Frozen):
    """What has gained keys: a later one that says nothing is left out; older fingerprints stay.

    With the context `WHOLE` every key is dumped, as for a comparison of two recipes.
    """

    later: ClassVar[tuple[str, ...]] = ()

    @model_serializer(mode="wrap")
    def _as_before_there_was_more(
        self, plain: Callable[[Self], dict[str, Any]], info: SerializationInfo
    ) -> dict[str, Any]:
        said, later = plain(self), () if info.context == WHOLE else self.later
        return {key: value for key, value in said.items() if key not in later or value}


class Spectrum(_Grown):
    """The image as a Fourier spectrum with decorrelated colours (lucid)."""

    later = ("contrast",)

    kind: Literal["spectrum"] = "spectrum"
    deviation: Positive = 0.01
    """Standard deviation of the spectrum's start."""
    decay: NotNegative = 1.3
    """Power of the frequency by which the spectrum is scaled."""
    saturation: Positive = 1.0
    """Factor on the image before the sigmoid: more gives stronger colours sooner."""
    contrast: NotNegative = 0.0
    """The deviation, over all colours, at which the image is held before the sigmoid; 0: none."""


class Maco(Frozen):
    """The phases of a spectrum whose magnitudes are those of photographs (MaCo)."""

    kind: Literal["maco"] = "maco"
    contrast: Positive = 1.0
    """Factor on the magnitudes."""


class Pixel(Frozen):
    """The image as pixels in [-1, 1], clipped after each step (the article)."""

    kind: Literal["pixel"] = "pixel"
    noise: Literal["normal", "uniform"] = "normal"
    """The start: clipped normal or uniform noise."""
    amplitude: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Standard deviation of normal noise; bound of uniform noise."""


class Jitter(Frozen):
    """A shift by whole pixels, up to `pixels` each way, with a probability."""

    pixels: Annotated[int, Field(ge=0)] = 8
    probability: Probability = 1.0
    until: int | None = None
    """The step from which it is not drawn any more."""


class Pad(Frozen):
    """The image made smaller inside a border of `pixels` reflected pixels, size kept."""

    pixels: Annotated[int, Field(ge=0)] = 3
    probability: Probability = 0.25
    until: int | None = 50


class _Between(Frozen):
    """A factor between two, in their order."""

    least: float
    most: float

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        if self.least > self.most:
            raise ValueError(f"least ({self.least:g}) must not be above most ({self.most:g})")
        return self


class Crop(_Between):
    """A square part of the image, anywhere in it, in the image's size."""

    least: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Of the image's side, the part's, at least."""
    most: Annotated[float, Field(gt=0, le=1)] = 1.0
    probability: Probability = 1.0
    until: int | None = None


class Rotate(Frozen):
    """A turn about the middle, up to `degrees` each way."""

    degrees: Annotated[float, Field(ge=0, le=180)] = 5.0
    probability: Probability = 1.0
    until: int | None = None


class Scale(_Between):
    """A zoom about the middle, between two factors."""

    least: Positive = 0.9
    most: Positive = 1.1
    probability: Probability = 1.0
    until: int | None = None


class Transforms(_Grown):
    """What keeps the image honest: one random affine map an image and step."""

    later = ("crop",)

    apply: Literal["view", "image"] = "view"
    """Whether the network sees a transformed view, or the image itself is transformed."""
    pad: Pad | None = None
    jitter: Jitter | None = None
    rotate: Rotate | None = None
    scale: Scale | None = None
    crop: Crop | None = None


class Adam(_Grown):
    """Adam (Kingma and Ba, 2015) whose rate warms up, stays, and falls, linearly."""

    later = ("weight_decay",)

    kind: Literal["adam"] = "adam"
    rate: Positive = 0.12
    beta1: Annotated[float, Field(ge=0, lt=1)] = 0.4
    beta2: Annotated[float, Field(ge=0, lt=1)] = 0.99
    warmup: Annotated[int, Field(ge=0)] = 5
    """Steps until the full rate."""
    fall: Probability = 0.4
    """The last share of the steps, in which the rate falls."""
    end: Probability = 0.1
    """The share of the rate that it falls towards."""
    weight_decay: NotNegative = 0.0
    """The share of the numbers that a step of rate 1 takes off (Loshchilov and Hutter, 2019)."""


class Normalised(Frozen):
    """Plain ascent along the gradient divided by its standard deviation (the article)."""

    kind: Literal["normalised"] = "normalised"
    rate: Positive = 0.05


class Blur(Frozen):
    """A Gaussian blur of the image after each step, sigma = `sigma` / (step + 1) pixels."""

    sigma: Positive = 25.0
    kernel: Annotated[int, Field(ge=3, le=31)] = 3
    """Side of the kernel, odd."""
    until: int | None = None

    @model_validator(mode="after")
    def _is_odd(self) -> Self:
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel must be odd, not {self.kernel}")
        return self


class Octaves(Frozen):
    """The image starts small and grows by `growth` from octave to octave."""

    count: Annotated[int, Field(ge=1, le=16)] = 1
    growth: Annotated[float, Field(gt=1, le=4)] = 1.15


Form = Annotated[Spectrum | Maco | Pixel, Field(discriminator="kind")]


class Style(Frozen):
    """What some variants of a unit have otherwise than the recipe says."""

    parametrization: Form | None = None
    transforms: Transforms | None = None


class Recipe(_Grown):
    """How an image is found: everything but the unit, the seed, the size and the weights."""

    later = ("styles",)

    name: str
    steps: Annotated[int, Field(ge=1, le=100_000)]
    revive: Annotated[int, Field(ge=0)]
    """For so many first steps a silent ReLU lets the gradient out."""
    parametrization: Form
    transforms: Transforms
    optimizer: Annotated[Adam | Normalised, Field(discriminator="kind")]
    blur: Blur | None = None
    octaves: Octaves = Octaves()
    styles: tuple[Style, ...] = ()
    """Of the variants of a unit each takes the next of these, in turn; none: all are alike."""

    @model_validator(mode="after")
    def _only_pixels_are_changed_in_place(self) -> Self:
        for each in self.each:
            changed = each.transforms.apply == "image" or each.blur
            if changed and each.parametrization.kind != "pixel":
                raise ValueError(
                    "`transforms.apply: image` and `blur` change the image itself, so they need "
                    f"`parametrization.kind: pixel`, not {each.parametrization.kind}"
                )
        return self

    @property
    def each(self) -> "tuple[Recipe, ...]":
        """The recipe of each style, without styles of its own; the first is of the variant 0."""
        if not self.styles:
            return (self,)
        own = [{key: part for key, part in style if part is not None} for style in self.styles]
        return tuple(self.model_copy(update={"styles": (), **changes}) for changes in own)


_NEAR = Transforms(jitter=Jitter(), rotate=Rotate(), scale=Scale())
_WIDE = Transforms(jitter=Jitter(), rotate=Rotate(), scale=Scale(least=0.4))

RECIPES = {
    "fourier": Recipe(
        name="fourier",
        steps=56,
        revive=12,
        parametrization=Spectrum(),
        transforms=_NEAR,
        optimizer=Adam(),
    ),
    "draft": Recipe(
        name="draft",
        steps=22,
        revive=8,
        parametrization=Spectrum(),
        transforms=_NEAR,
        optimizer=Adam(rate=0.15, warmup=2),
    ),
    "article": Recipe(
        name="article",
        steps=200,
        revive=200,  # its first blurs are so strong that a channel may fall silent again
        parametrization=Pixel(),
        transforms=Transforms(apply="image", pad=Pad(), jitter=Jitter(pixels=2, probability=0.25)),
        optimizer=Normalised(),
        blur=Blur(),
        octaves=Octaves(count=4),
    ),
    "maco": Recipe(
        name="maco",
        steps=96,
        revive=12,
        parametrization=Maco(),
        transforms=Transforms(crop=Crop(), rotate=Rotate(degrees=10.0)),
        optimizer=Adam(rate=0.2, beta1=0.9),
    ),
    "classes": Recipe(
        name="classes",
        steps=192,
        revive=12,
        parametrization=Spectrum(decay=1.5, contrast=2.2),
        transforms=Transforms(crop=Crop(least=0.7), rotate=Rotate(degrees=10.0)),
        optimizer=Adam(weight_decay=0.5),
        octaves=Octaves(count=4, growth=1.25),
    ),
    "true": Recipe(
        name="true",
        steps=32,
        revive=10,
        parametrization=Spectrum(decay=1.9, saturation=0.2),
        transforms=_WIDE,
        optimizer=Adam(warmup=2),
        styles=(
            Style(),
            Style(parametrization=Spectrum(decay=2.0, saturation=0.5), transforms=_NEAR),
            Style(parametrization=Spectrum(decay=2.1, saturation=0.8), transforms=_NEAR),
        ),
    ),
}

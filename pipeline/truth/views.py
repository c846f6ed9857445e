"""The battery: eight views of a picture, to see how much of its activation each leaves.

Noise, JPEG, blur and half the size take fine patterns away, as adversarial ones are (the first
three after Hendrycks and Dietterich, 2019, "Benchmarking Neural Network Robustness to Common
Corruptions and Perturbations"); the others show the same thing elsewhere, larger or without
colours. Pixels are the network's, so that figures in pixels hold for pictures of any size. Nothing
here is drawn anew: the noise is the unit's own, and the same in every atlas.
"""

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageFilter

from pipeline.config.recipes import Recipe
from pipeline.plan.architecture import Architecture
from pipeline.plan.identity import stream
from pipeline.plan.units import Unit

_NOISE, _QUALITY, _BLUR, _TURN, _PART = 16.0, 20, 1.5, 20.0, 0.75
"""Levels of the noise, quality of the JPEG, pixels of the blur, degrees, and the part of a side."""
_CUBIC = Image.Resampling.BICUBIC

Moves = tuple[tuple[float, float], tuple[float, float]]
"""Where a view takes (y, x), measured from the middle of a picture: the rows of a matrix."""
_STAYS: Moves = ((1.0, 0.0), (0.0, 1.0))
_ENLARGED: Moves = ((1.0 / _PART, 0.0), (0.0, 1.0 / _PART))


def _never(_: Recipe) -> bool:
    return False


@dataclass(frozen=True)
class View:
    """A way to see a picture.

    Attributes:
        name: behind `kept_`, in the index.
        words: what is done to the picture, for people.
        change: the picture so changed, (size, size, 3) uint8 both, by random numbers of the unit's.
        moves: where it takes what is in the picture.
        is_of: whether the ascent of a recipe sees its pictures so, or further.
    """

    name: str
    words: str
    change: Callable[[np.ndarray, np.random.Generator], np.ndarray]
    moves: Moves = _STAYS
    is_of: Callable[[Recipe], bool] = _never

    def see(self, pictures: np.ndarray, units: Sequence[Unit]) -> np.ndarray:
        """Pictures of units, (units, size, size, 3) uint8, so changed."""
        pairs = zip(pictures, units, strict=True)
        return np.stack([self.change(p, stream("kept", self.name, unit.id)) for p, unit in pairs])

    def moved(self, unit: Unit, known: Architecture) -> Unit:
        """The unit where the view takes what is in its place: another only of a neuron."""
        if unit.row is None or unit.column is None or self.moves == _STAYS:
            return unit
        layer = known.layers[unit.layers[0]]
        sides = np.array([layer.height, layer.width])
        place = (np.array([unit.row, unit.column]) + 0.5) / sides - 0.5
        found = np.floor((np.array(self.moves) @ place + 0.5) * sides)
        row, column = np.clip(found, 0, sides - 1).astype(int).tolist()
        return replace(unit, row=row, column=column)


def _noise(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    noise: np.ndarray = _NOISE * random.standard_normal(picture.shape, np.float32)
    return np.asarray(np.clip(np.rint(picture + noise), 0, 255), np.uint8)


def _jpeg(picture: np.ndarray, _: np.random.Generator) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=_QUALITY)
    return np.asarray(Image.open(file))


def _blur(picture: np.ndarray, _: np.random.Generator) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(_BLUR)))


def _grey(picture: np.ndarray, _: np.random.Generator) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).convert("L").convert("RGB"))


def _mirror(picture: np.ndarray, _: np.random.Generator) -> np.ndarray:
    return np.asarray(picture[:, ::-1])


def _turn(picture: np.ndarray, _: np.random.Generator) -> np.ndarray:
    size = len(picture)
    edge = size // 4  # the corners come from no farther
    wide = np.pad(picture, ((edge, edge), (edge, edge), (0, 0)), "symmetric")
    turned = np.asarray(Image.fromarray(wide).rotate(_TURN, _CUBIC))
    return turned[edge : edge + size, edge : edge + size]


def _crop(picture: np.ndarray, _: np.random.Generator) -> np.ndarray:
    size = len(picture)
    edge = (1.0 - _PART) / 2.0 * size
    box = (edge, edge, size - edge, size - edge)
    return np.asarray(Image.fromarray(picture).resize((size, size), _CUBIC, box))


def _half(picture: np.ndarray, _: np.random.Generator) -> np.ndarray:
    size = len(picture)
    small = Image.fromarray(picture).resize((size // 2, size // 2), _CUBIC)
    return np.asarray(small.resize((size, size), _CUBIC))


def _turned(degrees: float) -> Moves:
    """Anticlockwise, as it is seen; y grows downwards."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return ((cosine, -sine), (sine, cosine))


def _blurs(recipe: Recipe) -> bool:
    return recipe.blur is not None


def _turns(recipe: Recipe) -> bool:
    rotate = recipe.transforms.rotate
    return rotate is not None and rotate.degrees >= _TURN


def _enlarges(recipe: Recipe) -> bool:
    crop, scale = recipe.transforms.crop, recipe.transforms.scale
    is_cropped = crop is not None and crop.least <= _PART
    return is_cropped or (scale is not None and scale.most >= 1.0 / _PART)


def _shrinks(recipe: Recipe) -> bool:
    scale = recipe.transforms.scale
    return scale is not None and scale.least <= 0.5


VIEWS = (
    View("noise", "noise of 16 levels on each pixel", _noise),
    View("jpeg", "saved as a JPEG of quality 20", _jpeg),
    View("blur", "blurred by 1.5 pixels", _blur, is_of=_blurs),
    View("grey", "in greys", _grey),
    View("mirror", "mirrored, left to right", _mirror, ((1.0, 0.0), (0.0, -1.0))),
    View("turn", "turned by 20 degrees", _turn, _turned(_TURN), _turns),
    View("crop", "its middle three quarters, enlarged", _crop, _ENLARGED, _enlarges),
    View("half", "reduced to half its size, and enlarged again", _half, is_of=_shrinks),
)
"""The views, in the order of the index's columns."""

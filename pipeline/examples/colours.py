"""What a picture's numbers mean: deep greys brought to 8 bits, colours of any profile to sRGB."""

import contextlib
import io
from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageCms

Tags = Mapping[int, object]
_DEPTHS = (8, 10, 12, 14, 16)
_BITS, _INVERTED, _LEAST, _MOST = 258, 262, (340, 280), (341, 281)
"""TIFF's tags: bits a sample; whether 0 is white; the least, and the largest, in two ways each."""


def is_deep(image: Image.Image) -> bool:
    """Whether a picture is grey, of more than 8 bits or of floats."""
    return image.mode.startswith(("I", "F"))


def grey(image: Image.Image, noted: Tags) -> tuple[Image.Image, bool]:
    """A deep grey picture as RGB, and whether it was scaled by the range of its own values.

    The range is the one that the file notes; else floats are 0 to 1 or 0 to 255, and whole numbers
    fill 8 or 16 bits. What fills 10, 12 or 14 bits, or lies outside all of these, is scaled.
    """
    values = np.asarray(image, np.float64)
    values = values[..., 0] if values.ndim == 3 else values
    known = values[np.isfinite(values)]
    least, most = float(known.min(initial=np.inf)), float(known.max(initial=-np.inf))
    low, high, scaled = _noted(noted, least, most) or _guessed(image.mode, least, most)
    parts = np.clip((np.nan_to_num(values, nan=low) - low) / (high - low), 0.0, 1.0)
    if noted.get(_INVERTED) == 0:
        parts = 1.0 - parts  # 0 is white; Pillow itself turns those of 8 bits
    return Image.fromarray((parts * 255.0 + 0.5).astype(np.uint8)).convert("RGB"), scaled


def srgb(image: Image.Image) -> Image.Image:
    """A picture as RGB, of the profile that it carries; sRGB where there is none, or none fits."""
    content = image.info.get("icc_profile")
    if content:
        with contextlib.suppress(ImageCms.PyCMSError, OSError):
            profile = ImageCms.ImageCmsProfile(io.BytesIO(content))
            if image.mode not in ("RGB", "CMYK", "L", "LAB"):
                image = image.convert("RGB")
            if image.mode != "RGB" or "sRGB" not in ImageCms.getProfileDescription(profile):
                to = ImageCms.createProfile("sRGB")
                found = ImageCms.profileToProfile(image, profile, to, outputMode="RGB")
                return found if found is not None else image.convert("RGB")
    return image.convert("RGB")


def _noted(noted: Tags, least: float, most: float) -> tuple[float, float, bool] | None:
    """The range that a file notes; None where it notes none, or one that can't be true."""
    low = next((_number(noted[tag]) for tag in _LEAST if tag in noted), 0.0)
    high = next((_number(noted[tag]) for tag in _MOST if tag in noted), np.nan)
    bits = _number(noted.get(_BITS))
    if np.isnan(high) and bits < 16:
        high = 2.0**bits - 1
    return (low, high, False) if low <= least and most <= high and low < high else None


def _guessed(mode: str, least: float, most: float) -> tuple[float, float, bool]:
    """The range that values mean, and whether it is their own."""
    if not least <= most:
        return 0.0, 1.0, False  # no number at all
    if mode == "F" and least >= 0 and most <= 255:
        return 0.0, 1.0 if most <= 1 else 255.0, False
    if mode != "F" and least >= 0 and most < 2**16:
        bits = next(bits for bits in _DEPTHS if most < 2**bits)
        return 0.0, 2.0**bits - 1, bits not in (8, 16)
    return least, most if most > least else least + 1.0, True


def tags(image: Image.Image) -> Tags:
    """What a TIFF file notes of itself; nothing of other files."""
    return dict(getattr(image, "tag_v2", {}))


def _number(value: object) -> float:
    one = value[0] if isinstance(value, tuple) and value else value
    return float(one) if isinstance(one, (int, float)) else float("nan")

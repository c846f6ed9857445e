"""Pictures and curves on a terminal, in characters."""

from collections.abc import Sequence

import numpy as np
from PIL import Image
from rich.color import Color
from rich.style import Style
from rich.text import Text

_BARS = "▁▂▃▄▅▆▇█"


def picture(image: np.ndarray, width: int = 48) -> Text:
    """An image as coloured half blocks, two pixels a character.

    Args:
        image: (height, width, 3) uint8.
        width: characters a line.
    """
    rows = 2 * round(width * image.shape[0] / image.shape[1] / 2)
    small = np.asarray(Image.fromarray(image).resize((width, rows), Image.Resampling.LANCZOS))
    text = Text(no_wrap=True)
    for upper, lower in zip(small[::2], small[1::2], strict=True):
        for above, below in zip(upper.tolist(), lower.tolist(), strict=True):
            text.append("▀", Style(color=Color.from_rgb(*above), bgcolor=Color.from_rgb(*below)))
        text.append("\n")
    return text


def curve(values: Sequence[float], width: int = 48) -> str:
    """Numbers as a line of bars, lowest to highest, at most `width` of them."""
    places = np.linspace(0, len(values) - 1, min(width, len(values))).round().astype(int)
    shown = np.asarray(values, float)[places]
    span = float(np.ptp(shown)) or 1.0
    levels = ((shown - shown.min()) / span * (len(_BARS) - 1)).round().astype(int)
    return "".join(_BARS[level] for level in levels)

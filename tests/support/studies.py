"""Indices of made-up numbers, for studies of them."""

from typing import Any

import numpy as np
import pandas as pd

VIEWS = ("noise", "jpeg", "blur", "turn", "crop", "grey", "half", "mirror")


def index(count: int = 12, times: float = 1.0, **columns: Any) -> pd.DataFrame:
    """An index of two sections, whose activations and seconds are so many times what they are.

    Batches are of four units; `columns` come on top, or in the place of others.
    """
    numbers = np.arange(count)
    layers = [np.full(count, name, object) for name in ("mixed2", "mixed4")]
    scale = np.repeat([1.0, 10.0], count)
    frame = pd.DataFrame(
        {
            "unit": [f"{name}:{n}" for layer in layers for n, name in enumerate(layer)],
            "section": np.concatenate(layers),
            "direction": "positive",
            "status": "done",
            "activation": times * scale * (1 + np.tile(numbers, 2)),
            "activation_robust": 0.5,
            "seconds": times * scale * (1 + np.tile(numbers // 4, 2)),
        }
    )
    return frame.assign(**columns).convert_dtypes()


def kept(**views: float) -> dict[str, float]:
    """Columns of what pictures keep under views: a half, or what is said."""
    return {f"kept_{view}": views.get(view, 0.5) for view in VIEWS}

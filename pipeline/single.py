"""Rendering one unit without an atlas: the same engine, seed and shapes as a build's."""

from dataclasses import dataclass

import numpy as np

from pipeline.config.schema import AtlasConfig
from pipeline.network import device
from pipeline.plan.resolve import resolve_provenance


@dataclass(frozen=True)
class Single:
    """A finished unit.

    Attributes:
        unit: its id.
        image: (size, size, 3) uint8 RGB.
        film: (snapshots + 1, size, size, 3) uint8 RGB, the image last.
        activation: of the image.
        robust: its robust activation.
        start: activation before the first step.
        seconds: what rendering took.
    """

    unit: str
    image: np.ndarray
    film: np.ndarray
    activation: float
    robust: float
    start: float
    seconds: float


def filmed(config: AtlasConfig, snapshots: int) -> AtlasConfig:
    """A configuration that keeps snapshots: as many as it says, or `snapshots`, or its steps."""
    kept = config.render.snapshots or min(snapshots, config.recipe.steps)
    return config.model_copy(
        update={"render": config.render.model_copy(update={"snapshots": kept})}
    )


def render(unit_id: str, config: AtlasConfig) -> Single:
    """Render a unit in this process.

    Args:
        unit_id: its id; the configuration's own units do not matter.
        config: weights, recipe, size, seed.

    Raises:
        UsageError: the unit or the configuration cannot be.
    """
    device.use(config.device, config.render.compiler)
    from pipeline.ascent.engine import Engine  # noqa: PLC0415, TensorFlow after its environment
    from pipeline.network.describe import describe  # noqa: PLC0415

    named = config.model_copy(update={"units": (unit_id,)})
    provenance = resolve_provenance(named, describe=describe)
    unit = provenance.unit(unit_id)
    results = Engine.of(provenance).compute([unit])
    statistics = results.statistics
    return Single(
        unit=unit.id,
        image=results.images[0],
        film=np.concatenate([results.snapshots[0], results.images]),
        activation=float(statistics.activation[0]),
        robust=float(statistics.activation_robust[0]),
        start=float(statistics.activation_start[0]),
        seconds=float(statistics.seconds[0]),
    )

"""What a worker does: compute one batch and commit it.

The driver imports this module to name the function, so TensorFlow waits until a worker calls it.
"""

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import device
from pipeline.errors import WorkError
from pipeline.provenance import digest
from pipeline.recipes import Recipe
from pipeline.store import Store
from pipeline.units import Batch
from pipeline.weights import Weights

if TYPE_CHECKING:
    from pipeline.engine import Engine


def compute(folder: str, batch: Batch, fingerprint: str) -> str:
    """Compute a batch and commit it.

    Args:
        folder: the atlas folder, as the worker sees it.
        batch: what to compute.
        fingerprint: digest of the fingerprint that the driver works by.

    Returns:
        The batch's key.

    Raises:
        WorkError: the folder holds another atlas than the driver's.
        UsageError: the weights are not here, or are others than the atlas's.
    """
    store = Store.open(Path(folder))
    provenance = store.provenance
    if digest(provenance.fingerprint) != fingerprint:
        raise WorkError(
            f"{folder} is another atlas here than where the build runs: expected fingerprint "
            f"{fingerprint[:12]}; let the workers see the same folder"
        )
    device.use(provenance.device)
    engine = _engine(
        provenance.locate_weights(), provenance.recipe, provenance.size, provenance.seed,
        provenance.batch_size,
    )  # fmt: skip
    store.commit(batch, engine.compute(batch.units))
    return batch.key


@functools.lru_cache(maxsize=1)
def _engine(weights: Weights, recipe: Recipe, size: int, seed: int, batch_size: int) -> "Engine":
    """The worker's engine, kept from batch to batch with what it compiled."""
    from pipeline.engine import Engine  # noqa: PLC0415, see above

    return Engine(weights, recipe, size, seed, batch_size)

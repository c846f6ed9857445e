"""What a worker does: compute one batch and commit it.

The driver imports this module to name the function, so TensorFlow waits until a worker calls it.
"""

import contextlib
import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import numpy as np

from pipeline.errors import AtlasFolderError, StorageError, WorkError
from pipeline.examples import seen, source
from pipeline.examples.crops import Crops
from pipeline.explore import responses
from pipeline.network import device
from pipeline.plan.batches import Batch
from pipeline.store.store import Store
from tasks.pool import arrival

if TYPE_CHECKING:
    from pipeline.ascent.engine import Engine
    from pipeline.network.observer import Observer


def compute(folder: str, batch: Batch, fingerprint: str, most: int | None = None) -> int | None:
    """Compute a batch and commit it.

    Args:
        folder: the atlas folder, as the worker sees it.
        batch: what to compute.
        fingerprint: digest of the fingerprint that the driver works by.
        most: how many images to render at once, where a batch did not fit in memory before.

    Returns:
        How many images this worker renders at once since a batch did not fit in memory, or None.

    Raises:
        WorkError: the folder holds another atlas than the driver's.
        UsageError: the weights are not here, or are others than the atlas's.
        StorageError: the folder cannot be written or read.
    """
    arrival.insist()
    with _storage(folder):
        return _compute(folder, batch, fingerprint, most)


def respond(folder: str, batch: Batch, fingerprint: str, most: int | None = None) -> int | None:
    """Measure how every channel of the atlas's layers responds to a batch's images.

    Arguments, result and errors as `compute`.
    """
    arrival.insist()
    with _storage(folder):
        store = _opened(folder, fingerprint)
        known = store.provenance
        record = store.records.one(batch.section, batch.chunk)
        if record is None or record.units != tuple(unit.id for unit in batch.units):
            return most  # the images are gone since: the next build finds them missing
        tables = responses.tables(store)
        device.use(known.device, known.render.compiler)
        layers = tuple(table.layer.name for table in tables)
        size = most or known.batch_size
        found = _observer(folder, fingerprint, layers).see(store.read(record, "images"), size)
        values = {layer: {"mean": s.mean, "peak": s.peak} for layer, s in found.items()}
        responses.commit(tables, batch, values)
        return most


def look(folder: str, batch: Batch, fingerprint: str, most: int | None = None) -> int | None:
    """See a batch of pictures with every channel of the atlas's layers.

    Arguments, result and errors as `compute`; the batch's units are `source.Picture`s.
    """
    arrival.insist()
    with _storage(folder):
        store = _opened(folder, fingerprint)
        known = store.provenance
        tables = seen.tables(store)
        device.use(known.device, known.render.compiler)
        loaded = [source.load(cast(source.Picture, p), known.size) for p in batch.units]
        images = np.stack([image for image, _ in loaded])
        layers = tuple(table.layer.name for table in tables)
        found = _observer(folder, fingerprint, layers).see(images, most or known.batch_size)
        states = np.array([[state] for _, state in loaded], np.uint8)
        values = {
            layer: {"mean": s.mean, "peak": s.peak, "place": s.place, "state": states}
            for layer, s in found.items()
        }
        seen.commit(tables, batch, values)
        return most


def crop(folder: str, batch: Batch, fingerprint: str, most: int | None = None) -> int | None:
    """Cut out what excites a batch's units in their strongest pictures.

    Arguments, result and errors as `compute`.
    """
    arrival.insist()
    with _storage(folder):
        store = _opened(folder, fingerprint)
        Crops(store).cut(batch)
        return most


@functools.lru_cache(maxsize=1)
def _observer(folder: str, fingerprint: str, layers: tuple[str, ...]) -> "Observer":
    """The worker's observer, kept from batch to batch."""
    del fingerprint
    from pipeline.network.observer import Observer  # noqa: PLC0415, see above

    known = Store.open(folder).provenance
    return Observer(known.locate_weights(), layers, known.range)


def _opened(folder: str, fingerprint: str) -> Store:
    """The atlas, if it is the driver's."""
    store = Store.open(folder)
    if store.provenance.fingerprint.digest != fingerprint:
        raise WorkError(
            f"{folder} is another atlas here than where the build runs: expected fingerprint "
            f"{fingerprint[:12]}; let the workers see the same folder"
        )
    return store


@contextlib.contextmanager
def _storage(folder: str) -> Iterator[None]:
    """Errors of the folder, for a person."""
    try:
        yield
    except (OSError, AtlasFolderError) as error:
        raise StorageError(
            f"the atlas folder {folder} cannot be written or read: {error}; what was committed "
            "stays: make room or mend the folder, and build again"
        ) from error


def _compute(folder: str, batch: Batch, fingerprint: str, most: int | None) -> int | None:
    store = _opened(folder, fingerprint)
    provenance = store.provenance
    if store.records.one(batch.section, batch.chunk) is not None:
        return most  # Dask computes again what a worker that died had finished
    device.use(provenance.device, provenance.render.compiler)
    engine = _engine(folder, fingerprint)
    if most is not None and engine.most is None:
        engine.most = most
    store.commit(batch, engine.compute(batch.units))
    return engine.most


@functools.lru_cache(maxsize=1)
def _engine(folder: str, fingerprint: str) -> "Engine":
    """The worker's engine, kept from batch to batch with what it compiled."""
    del fingerprint  # another atlas in the same folder is another engine
    from pipeline.ascent.engine import Engine  # noqa: PLC0415, see above

    return Engine.of(Store.open(folder).provenance)

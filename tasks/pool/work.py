"""What a worker does: one thing with one batch, and commits it.

The driver imports this module to name the functions, so TensorFlow waits until a worker calls one.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from pipeline.errors import AtlasFolderError, StorageError, WorkError
from pipeline.examples import across, seen, source
from pipeline.examples.crops import Crops
from pipeline.examples.source import Picture
from pipeline.explore import circuits, responses
from pipeline.network import device
from pipeline.plan.batches import Batch, Named
from pipeline.plan.identity import digest
from pipeline.plan.units import Unit
from pipeline.store.folder import Folder
from pipeline.store.store import Store
from pipeline.truth import cuttings, features, kept
from pipeline.truth.cuttings import Photograph
from pipeline.truth.judge import Eyes
from tasks.pool import arrival

if TYPE_CHECKING:
    from pipeline.ascent.circuits import Tracer
    from pipeline.ascent.engine import Engine
    from pipeline.network.observer import Observed, Observer

Member = TypeVar("Member", bound=Named)
Looking = TypeVar("Looking", features.Cuttings, features.Pictures)
Do = Callable[[Store, Batch[Member], int | None], int | None]
"""What is done with a batch of an atlas.

The number is how many images to have in memory at once, where a batch did not fit before. The
answer is how many there are since one did not fit, or None where there is nothing to say.
"""


def run(
    do: Do[Member], folder: str, batch: Batch[Member], fingerprint: str, most: int | None = None
) -> int | None:
    """Do something with a batch, where this process may, and the atlas is the driver's.

    Args:
        do: what.
        folder: the atlas folder, as the worker sees it.
        batch: with what.
        fingerprint: digest of the fingerprint that the driver works by.
        most: how many images to have in memory at once, or None.

    Returns:
        What `do` answers.

    Raises:
        WorkError: the folder holds another atlas than the driver's.
        UsageError: the weights are not here, or are others than the atlas's.
        StorageError: the folder cannot be written or read.
        distributed.Reschedule: this worker was refused.
    """
    arrival.insist()
    with _storage(folder):
        store = Store.open(folder)
        if store.provenance.fingerprint.digest != fingerprint:
            raise WorkError(
                f"{folder} is another atlas here than where the build runs: expected fingerprint "
                f"{fingerprint[:12]}; let the workers see the same folder"
            )
        return do(store, batch, most)


def compute(store: Store, batch: Batch, most: int | None) -> int | None:
    """Render and measure a batch."""
    if store.records.one(batch.section, batch.chunk) is not None:
        return most  # Dask computes again what a worker that died had finished
    known = engine(store)
    if most is not None and known.most is None:
        known.most = most
    store.commit(batch, known.compute(batch.units))
    return known.most


def respond(store: Store, batch: Batch, most: int | None) -> None:
    """Measure how every channel of the atlas's layers responds to a batch's images."""
    record = store.records.one(batch.section, batch.chunk)
    if record is None or record.units != tuple(unit.id for unit in batch.units):
        return  # the images are gone since: the next build finds them missing
    tables = responses.tables(store)
    layers = tuple(table.layer.name for table in tables)
    images = store.read(record, "images")
    found = _observer(store, layers).see(images, most or store.provenance.batch_size)
    values = {layer: {"mean": s.mean, "peak": s.peak} for layer, s in found.items()}
    responses.commit(tables, batch, values)


def trace(store: Store, batch: Batch, most: int | None) -> None:
    """Measure which channels of earlier layers a batch's units are built from."""
    record = store.records.one(batch.section, batch.chunk)
    if record is None or not {unit.id for unit in batch.units} <= set(record.units):
        return  # as for `respond`
    # All that were committed together, those too that have left the configuration since.
    batch = replace(batch, units=tuple(map(store.provenance.unit, record.units)))
    unit = batch.units[0]
    layers = tuple(layer.name for layer in circuits.sources(store.provenance, unit))
    images, means = store.read(record, "images"), circuits.means(store)
    traced = _tracer(store, unit, layers).trace(images, batch.units, means, most or batch.size)
    circuits.commit(store, batch, traced)


def view(store: Store, batch: Batch, most: int | None) -> None:
    """Measure how much of their activation a batch's images keep under each view."""
    record = store.records.one(batch.section, batch.chunk)
    if record is None or not {unit.id for unit in batch.units} <= set(record.units):
        return  # as for `respond`
    units = tuple(map(store.provenance.unit, record.units))  # as for `trace`
    known = engine(store)
    if most is not None and known.most is None:
        known.most = most
    found = kept.measure(store.read(record, "images"), units, store.provenance, known.see)
    kept.commit(store, replace(batch, units=units), found)


def look(store: Store, batch: Batch[Picture], most: int | None) -> None:
    """See a batch of pictures with every channel of the atlas's layers."""
    known = store.provenance
    tables = seen.tables(store)
    loaded = [source.load(picture, known.size) for picture in batch.units]
    images = np.stack([image for image, _ in loaded])
    layers = tuple(table.layer.name for table in tables)
    found = _observer(store, layers).see(images, most or known.batch_size)
    states = np.array([[state] for _, state in loaded], np.uint8)
    values = {
        layer: {"mean": s.mean, "peak": s.peak, "place": s.place, "state": states}
        for layer, s in found.items()
    }
    seen.commit(tables, batch, values)


def look_at_parts(store: Store, batch: Batch[Photograph], most: int | None) -> None:
    """See the cuttings of a batch of photographs with all eyes that are to try pictures on them."""
    known = store.provenance
    cut = [cuttings.cut(photograph, known.size) for photograph in batch.units]
    for photograph, (_, state) in zip(batch.units, cut, strict=True):
        if state not in source.SEEN:
            raise WorkError(seen.lost(photograph.pictures[0], state))
    images, some = np.concatenate([parts for parts, _ in cut]), most or known.batch_size
    tables = features.cuttings_of(store, features.noted(store))
    found = {
        table.eye: {"mean": at.mean, "peak": at.peak}
        for table, at in _seen_by(store, tables, images, some)
    }
    features.commit(store, batch, [len(parts) for parts, _ in cut], found)


def look_at_images(store: Store, batch: Batch, most: int | None) -> None:
    """See a batch's images with all eyes that are to try them on photographs."""
    record = store.records.one(batch.section, batch.chunk)
    if record is None or not {unit.id for unit in batch.units} <= set(record.units):
        return  # as for `respond`
    batch = replace(batch, units=tuple(map(store.provenance.unit, record.units)))
    images, some = store.read(record, "images"), most or store.provenance.batch_size
    tables = features.pictures_of(store, features.noted(store))
    for table, at in _seen_by(store, tables, images, some):
        table.forget_others(batch)
        table.write(batch, {"mean": at.mean})


def crop(store: Store, batch: Batch, most: int | None) -> None:
    """Cut out what excites a batch's units in their strongest pictures."""
    del most  # of images that a network sees
    Crops(store).cut(batch)


def look_across(store: Store, batch: Batch, most: int | None) -> None:
    """Find where a batch's units fire, in pictures that excite them much, middling and little."""
    some = most or store.provenance.batch_size
    layers = batch.units[0].layers[:1] if batch.units[0].kind.has_map else ()

    def maps(pictures: np.ndarray) -> np.ndarray:
        return _observer(store, layers).maps_of(pictures, some)

    across.fill(store, batch, maps if layers else None, some)


@dataclass(frozen=True)
class Steps:
    """What workers do for a build, and for the pictures; tests and benchmarks have others do it."""

    render: Do[Unit] = compute
    measure: Do[Unit] = respond
    trace: Do[Unit] = trace
    view: Do[Unit] = view
    see: Do[Picture] = look
    cut: Do[Unit] = crop
    look_across: Do[Unit] = look_across
    see_parts: Do[Photograph] = look_at_parts
    see_images: Do[Unit] = look_at_images


STEPS = Steps()
"""What they do by default."""


def engine(store: Store) -> "Engine":
    """This process's engine for an atlas, kept from batch to batch with what it compiled."""
    known = store.provenance
    device.use(known.device, known.render.compiler)
    return _engine(store.folder, known.fingerprint.digest)


@functools.lru_cache(maxsize=1)
def _engine(folder: Folder, fingerprint: str) -> "Engine":
    del fingerprint  # another atlas in the same folder is another engine
    from pipeline.ascent.engine import Engine  # noqa: PLC0415, TensorFlow, see above

    return Engine.of(Store.open(folder).provenance)


def _observer(store: Store, layers: tuple[str, ...]) -> "Observer":
    """This process's observer of an atlas's network, kept from batch to batch."""
    known = store.provenance
    device.use(known.device, known.render.compiler)
    return _observing(store.folder, known.fingerprint.digest, layers)


@functools.lru_cache(maxsize=1)
def _observing(folder: Folder, fingerprint: str, layers: tuple[str, ...]) -> "Observer":
    del fingerprint
    from pipeline.network.observer import Observer  # noqa: PLC0415, TensorFlow, see above

    known = Store.open(folder).provenance
    return Observer(known.locate_weights(), layers, known.reading)


def _seen_by(
    store: Store, tables: Sequence[Looking], images: np.ndarray, most: int
) -> Iterator[tuple[Looking, "Observed"]]:
    """What each table's eye makes of images."""
    own = tuple(table.layer for table in tables if not table.is_judges)
    found = _observer(store, own).see(images, most) if own else {}
    for table in tables:
        if table.is_judges:
            yield table, _judge(store).see(images, most)[table.layer]
        else:
            yield table, found[table.layer]


def _judge(store: Store) -> "Observer":
    """This process's observer of the network that judges, kept from batch to batch."""
    device.use(store.provenance.device, store.provenance.render.compiler)
    return _judging(store.folder, digest(_eyes(store).to_json()))


@functools.lru_cache(maxsize=1)
def _judging(folder: Folder, eyes: str) -> "Observer":
    del eyes
    from pipeline.network.observer import Observer  # noqa: PLC0415, TensorFlow, see above

    judge = _eyes(Store.open(folder)).judge
    if judge is None:
        raise WorkError(f"{folder}: no network is to judge")
    return Observer(judge.located(), (judge.layer,), judge.reading)


def _eyes(store: Store) -> Eyes:
    noted = features.noted(store)
    if noted is None:
        raise WorkError(f"{store.folder}: it is not noted who is to look; `atlas examples` does so")
    return noted.eyes


def _tracer(store: Store, unit: Unit, layers: tuple[str, ...]) -> "Tracer":
    """This process's tracer of a section of an atlas, kept from batch to batch."""
    known = store.provenance
    device.use(known.device, known.render.compiler)
    first = replace(unit, index=0, row=None, column=None, variant=0)  # equal in all of a section
    return _tracing(store.folder, known.fingerprint.digest, first, layers)


@functools.lru_cache(maxsize=1)
def _tracing(folder: Folder, fingerprint: str, unit: Unit, layers: tuple[str, ...]) -> "Tracer":
    del fingerprint
    from pipeline.ascent.circuits import Tracer  # noqa: PLC0415, TensorFlow, see above

    known = Store.open(folder).provenance
    return Tracer(known.locate_weights(), layers, unit, known.reading, known.seed)


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

"""Small atlases of made-up numbers, for tests that have no fixtures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipeline.ascent.results import DRAWS, NAMES, STRONGEST, Results, Statistics, Traced
from pipeline.config.recipes import RECIPES
from pipeline.config.weights import Weights
from pipeline.examples import seen, strongest
from pipeline.examples.across import Across, fill
from pipeline.examples.crops import Crops
from pipeline.examples.source import READ, Picture, stamped
from pipeline.explore import circuits, responses
from pipeline.plan.architecture import Architecture, Layer
from pipeline.plan.batches import Batch
from pipeline.plan.identity import SCHEMA, Fingerprint, stream
from pipeline.plan.provenance import Provenance
from pipeline.plan.units import Unit
from pipeline.store.store import Store
from pipeline.truth import features, kept
from pipeline.truth.judge import Eyes, Judge, read_layers
from pipeline.truth.views import VIEWS

SIZE, STEPS = 8, 4
LAYERS = [Layer("mixed2", 3, 6, 4, 5, 100), Layer("mixed4", 7, 10, 3, 3, 200)]
ARCHITECTURE = Architecture("small", SIZE, {layer.name: layer for layer in LAYERS}, None)
"""Two layers, without a classifier."""
WIDE = Architecture(
    "wide", SIZE, {"mixed2": LAYERS[0], "mixed4": Layer("mixed4", 7, 50, 3, 3, 200)}, None
)
"""Two layers, the second of as many channels as it takes to tell their pictures apart."""


def provenance(
    *patterns: str,
    batch_size: int = 4,
    snapshots: int = 0,
    diversity: float = 0.0,
    size: int = SIZE,
    span: tuple[float, float] = (-1.0, 1.0),
    **more: Any,
) -> Provenance:
    """What an atlas of some units of the two layers is made of."""
    recipe = RECIPES["fourier"].model_dump(mode="json") | {"steps": STEPS}
    render = {"diversity": diversity, "snapshots": snapshots, "precision": "float32"}
    fingerprint = Fingerprint.from_json(
        {
            "schema": SCHEMA,
            "weights.sha256": "0" * 64,
            "model.range": span,
            "image.size": size,
            "seed": 0,
            "batch_size": batch_size,
            "recipe": recipe,
            "render": render | ({"variants": more["variants"]} if diversity else {}),
            "device": "cpu",
            "tensorflow": "none",
        }
    )
    weights = Weights("bundled", Path("w.h5"), "0" * 64)
    given = {"architecture": ARCHITECTURE} | more
    return Provenance(fingerprint, patterns or ("mixed2:all",), weights, **given)


def results(batch: Batch, seconds: float = 1.0, snapshots: int = 0, size: int = SIZE) -> Results:
    """What a batch might give: noise that depends on each unit alone."""
    count = len(batch.units)
    seeds = [unit.index + 1 + 1000 * unit.variant for unit in batch.units]
    images = np.stack(
        [np.random.default_rng(s).integers(0, 256, (size, size, 3), np.uint8) for s in seeds]
    )
    columns = {name: np.arange(count, dtype=np.float32) + 0.5 for name in NAMES}
    columns["activation"] = np.array(seeds, np.float32)
    columns["activation_start"] = np.full(count, 2.0, np.float32)
    columns["steps"] = np.full(count, STEPS, np.float32)
    columns["seconds"] = np.full(count, seconds, np.float32)
    trajectory = np.array(seeds, np.float32)[:, None] * np.ones(STEPS, np.float32)
    along = np.repeat(images[:, None] // 2, snapshots, axis=1)
    return Results(images, trajectory, along, Statistics(**columns))


def commit(store: Store, most: int | None = None) -> Store:
    """Commit a store's missing batches, or the first few of each section."""
    for section in store.provenance.available_sections():
        batches = store.missing(section)
        store.prepare(section, batches)
        for batch in batches[:most]:
            known = store.provenance
            store.commit(batch, results(batch, 1.0, known.render.snapshots, known.size))
    return store


def measure(store: Store, changed: tuple[str, ...] = ()) -> None:
    """Commit made-up responses to all images: noise that depends on each unit, its own channel 9.

    The noise of the units that are `changed` is another.
    """
    tables = responses.tables(store)
    batches = store.pending(tables)
    for table in tables:
        table.prepare_all(store.provenance.available_sections(), batches)
    for batch in batches:
        seen = {}
        for table in tables:
            rows = []
            for unit in batch.units:
                seed = unit.index + 100 * unit.variant + 1000 * (unit.id in changed)
                row = np.random.default_rng(seed).random(table.layer.channels, np.float32)
                if unit.layers[0] == table.layer.name:
                    row[unit.index] = 9
                rows.append(row)
            seen[table.layer.name] = {"mean": np.stack(rows), "peak": np.stack(rows) + 1}
        responses.commit(tables, batch, seen)


def show(
    store: Store, folder: Path, names: Sequence[str], labels: Sequence[tuple[str, ...]] = ()
) -> None:
    """Show an atlas pictures of made-up names, the first of which excite every channel most.

    They are files of one colour each in a folder, wider than high; the first may have labels.
    """
    pictures, said = [], [*labels, *[()] * len(names)]
    for number, name in enumerate(names):
        path = folder / f"{number:03d}.png"
        colour = (37 * number % 256, 91 * number % 256, 53 * number % 256)
        if not path.exists():  # as it was, or it would be another picture
            Image.new("RGB", (12, 8), colour).save(path)
        pictures += stamped([Picture(name, str(path), labels=said[number])])
    seen.begin(store, pictures)
    tables = seen.tables(store)
    batches = seen.pending(store, tables)
    seen.prepare(tables, batches)
    for batch in batches:
        start = batch.rows.start
        strength = np.arange(len(names), 0, -1, np.float32)[start : start + len(batch.units)] / 2
        found = {}
        for table in tables:
            mean = np.repeat(strength[:, None], table.layer.channels, axis=1)
            place = np.zeros(mean.shape, np.int32)
            state = np.full((len(mean), 1), READ, np.uint8)
            values = {"mean": mean, "peak": mean + 1, "place": place, "state": state}
            found[table.layer.name] = values
        seen.commit(tables, batch, found)
    strongest.summarise(store)
    crops = Crops(store)
    batches = crops.pending()
    crops.prepare_all(store.provenance.available_sections(), batches)
    for batch in batches:
        crops.cut(batch)
    across(store)


def across(store: Store) -> None:
    """Made-up maps on those pictures: each unit fires in a row of its own, ever less."""
    table = Across(store)
    batches = table.pending()
    table.prepare_all(store.provenance.available_sections(), batches)
    for batch in batches:
        unit = batch.units[0]
        layer = store.provenance.architecture.layers[unit.layers[0]] if unit.kind.has_map else None

        def look(pictures: np.ndarray, layer: Layer | None = layer) -> np.ndarray:
            maps = np.zeros((len(pictures), layer.height, layer.width, layer.channels), np.float32)
            for channel in range(layer.channels):
                maps[:, channel % layer.height, :, channel] = 1
            return maps

        fill(store, batch, look if layer else None, 4)


LATENTS = 8
"""Things of which there is more or less in made-up photographs."""


def look(
    store: Store,
    judge: str = "lite0",
    most: int | None = None,
    name: str = "Another",
    planted: tuple[str, ...] = (),
) -> None:
    """Have a made-up judge, and the layers before, look at cuttings of the pictures shown to it.

    Each cutting has so much of each latent thing, each channel sees some, pictures show these; but
    planted ones show anything else.
    """
    by = Weights("lite0", Path("l.keras"), judge)
    before = {layer.name: None if n == 0 else LAYERS[n - 1].name for n, layer in enumerate(LAYERS)}
    own = {name: before[name] for name in read_layers(store.provenance)}
    eyes = Eyes(own, Judge(name, by, judge, "some_layer", LATENTS, (-1.0, 1.0)))
    wanted = features.photographs(store, 200)
    features.begin(store, wanted, eyes)
    noted = features.noted(store)
    batches = features.pending(store, wanted)
    for table in features.cuttings_of(store, noted):
        table.prepare(features.PILE, batches)
    for batch in batches[:most]:
        latents = np.concatenate([_latents(p.id) for p in batch.units])
        found = {
            table.eye: {"mean": (seen := _made_of(latents, table)), "peak": seen + 1}
            for table in features.cuttings_of(store, noted)
        }
        features.commit(store, batch, [CUT] * len(batch.units), found)
    faces = features.pictures_of(store, noted)
    todo = store.pending(faces)
    for table in faces:
        table.prepare_all(store.provenance.available_sections(), todo)
        for batch in todo[:most]:
            shown = np.stack([_wants(unit, unit.id in planted) for unit in batch.units])
            table.write(batch, {"mean": _made_of(shown, table)})


CUT = 14
"""Cuttings of a made-up photograph."""


def _latents(photograph: str) -> np.ndarray:
    return stream("latents", photograph).normal(size=(CUT, LATENTS)).astype(np.float32)


def _seen(layer: str, channel: int) -> np.ndarray:
    return stream("sees", layer, channel).normal(size=LATENTS).astype(np.float32)


def _wants(unit: Unit, is_planted: bool) -> np.ndarray:
    """What a picture shows: what its channel sees, or not, and noise; or noise alone."""
    noise = stream("noise", unit.id).normal(size=LATENTS).astype(np.float32)
    if is_planted:
        return noise
    sign = -1.0 if unit.negative else 1.0
    return np.asarray(3 * sign * _seen("+".join(unit.layers), unit.index) + noise / 2)


def _made_of(latents: np.ndarray, table: features.Cuttings | features.Pictures) -> np.ndarray:
    """What an eye makes of latent things: the judge sees them as they are."""
    if table.is_judges:
        return latents
    channels = WIDE.layers[table.layer].channels
    sees = np.stack([_seen(table.layer, channel) for channel in range(channels)])
    return np.asarray(np.logaddexp(latents @ sees.T, 0.0), np.float32)


def trace(store: Store) -> Store:
    """Made-up circuits: channel c excites unit u by 3 - |c - u|, and so much goes with it.

    It does so in row c of its map, but for the last place of it, where it does the other thing.
    """
    circuits.begin(store)
    batches = circuits.pending(store)
    for table in circuits.tables(store):
        table.prepare_all(store.provenance.available_sections(), batches)
    for batch in batches:
        layers = circuits.sources(store.provenance, batch.units[0])
        circuits.commit(store, batch, {layer.name: traced(batch, layer) for layer in layers})
    circuits.refresh(store)
    return store


def keep(store: Store, most: int | None = None) -> Store:
    """Made-up activations under the views: of what `results` gained one, two, … eighths are left.

    Of all pending batches, or the first few.
    """
    batches = kept.pending(store)
    kept.Kept(store).prepare_all(store.provenance.available_sections(), batches)
    left = np.arange(1, len(VIEWS) + 1, dtype=np.float32) / len(VIEWS)
    for batch in batches[:most]:
        statistics = results(batch).statistics
        gain = statistics.activation - statistics.activation_start
        kept.commit(store, batch, statistics.activation_start[:, None] + gain[:, None] * left)
    return store


def traced(batch: Batch, layer: Layer) -> Traced:
    """What a layer's channels may be to a batch's units."""
    count, kept = len(batch.units), min(layer.channels, STRONGEST)
    channels = np.arange(layer.channels)
    away = np.array([3.0 - abs(channels - unit.index) for unit in batch.units], np.float32)
    strongest = np.full((count, 2 * STRONGEST), -1, np.int32)
    for row, values in enumerate(away):
        up = [c for c in np.argsort(-values, kind="stable") if values[c] > 0][:kept]
        down = [c for c in np.argsort(values, kind="stable") if values[c] < 0][:kept]
        strongest[row, : len(up)] = up
        strongest[row, STRONGEST : STRONGEST + len(down)] = down
    taken = np.where(strongest >= 0, np.take_along_axis(away, strongest.clip(0), 1), 0)
    score = np.full(count, 10.0, np.float32)
    heat = np.zeros((*strongest.shape, layer.height, layer.width), np.int8)
    for row, place in np.argwhere(strongest >= 0):
        channel = strongest[row, place]
        heat[row, place, channel % layer.height] = 127 * np.sign(away[row, channel])
        heat[row, place, channel % layer.height, -1] *= -1
    return Traced(
        score=score,
        attribution=away,
        weight=away / 2,
        strongest=strongest,
        zero=-taken.astype(np.float32),
        mean=-taken.astype(np.float32) / 2,
        together=score - 8.0,
        random=np.full((count, DRAWS), 9.5, np.float32),
        heat=heat,
        acting=heat.sum(axis=1).astype(np.float32),
    )

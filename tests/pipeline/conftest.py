"""Small atlases of made-up numbers: no network, no TensorFlow."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.architecture import Architecture, Layer
from pipeline.provenance import Provenance
from pipeline.recipes import RECIPES
from pipeline.results import NAMES, Results, Statistics
from pipeline.store import Store
from pipeline.units import Batch

SIZE, STEPS = 8, 4


@pytest.fixture
def architecture() -> Architecture:
    """Two layers, without a classifier."""
    layers = [Layer("mixed2", 3, 6, 4, 5, 100), Layer("mixed4", 7, 10, 3, 3, 200)]
    return Architecture("small", SIZE, {layer.name: layer for layer in layers}, None)


@pytest.fixture
def make_provenance(architecture: Architecture) -> Callable[..., Provenance]:
    def make(
        *patterns: str,
        batch_size: int = 4,
        snapshots: int = 0,
        diversity: float = 0.0,
        **more: Any,
    ) -> Provenance:
        recipe = RECIPES["fourier"].model_dump(mode="json") | {"steps": STEPS}
        fingerprint = {
            "image.size": SIZE,
            "seed": 0,
            "batch_size": batch_size,
            "recipe": recipe,
            "render": {"diversity": diversity, "snapshots": snapshots, "precision": "float32"},
            "model.range": [-1.0, 1.0],
            "device": "cpu",
        }
        if diversity:
            fingerprint["render"]["variants"] = more["variants"]
        weights = {"source": "bundled", "path": "w.h5", "sha256": "0" * 64}
        given = {"architecture": architecture} | more
        return Provenance(fingerprint, patterns or ("mixed2:all",), weights, **given)

    return make


@pytest.fixture
def fake_results() -> Callable[..., Results]:
    def make(batch: Batch, seconds: float = 1.0, snapshots: int = 0) -> Results:
        count = len(batch.units)
        seeds = [unit.index + 1 + 1000 * unit.variant for unit in batch.units]
        images = np.stack(
            [np.random.default_rng(s).integers(0, 256, (SIZE, SIZE, 3), np.uint8) for s in seeds]
        )
        columns = {name: np.arange(count, dtype=np.float32) + 0.5 for name in NAMES}
        columns["activation"] = np.array(seeds, np.float32)
        columns["activation_start"] = np.full(count, 2.0, np.float32)
        columns["steps"] = np.full(count, STEPS, np.float32)
        columns["seconds"] = np.full(count, seconds, np.float32)
        trajectory = np.array(seeds, np.float32)[:, None] * np.ones(STEPS, np.float32)
        along = np.repeat(images[:, None] // 2, snapshots, axis=1)
        return Results(images, trajectory, along, Statistics(**columns))

    return make


@pytest.fixture
def build(fake_results: Callable[..., Results]) -> Callable[..., Store]:
    """Create or carry on an atlas, and commit all batches that are missing, or the first few."""

    def make(
        folder: Path, provenance: Provenance, most: int | None = None, seconds: float = 1.0
    ) -> Store:
        store = Store.create(folder, provenance)
        for section in provenance.sections():
            if provenance.is_available(section.units[0]):
                batches = store.missing(section)
                store.prepare(section, batches)
                for batch in batches[:most]:
                    snapshots = provenance.render.snapshots
                    store.commit(batch, fake_results(batch, seconds, snapshots))
        return store

    return make

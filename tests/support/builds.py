"""Builds of a small network, and parts of one."""

import io
from pathlib import Path
from typing import Any

from rich.console import Console

from pipeline import Atlas
from pipeline.config.schema import AtlasConfig
from pipeline.explore import index
from pipeline.network.probe import probe
from pipeline.plan.batches import Batch
from pipeline.sheets import mosaics
from pipeline.store.records import Failure
from pipeline.store.store import Store
from tasks import planning, progress
from tasks.build import run
from tasks.planning import Plan
from tasks.pool import cluster, dispatch, work
from tasks.pool.dispatch import Note
from tasks.pool.work import Do

UNITS = (
    "relu:0-5", "-relu:0-1", "relu:0-2@center", "relu:1@0,1", "deepdream:relu+deep", "logits:0-2",
    "softmax:1", "deep:all",
)  # fmt: skip


def configuration(model: Path, output: Path, units: tuple[str, ...]) -> str:
    """The text of a configuration of the small network of `tiny_model`."""
    listed = "\n".join(f"  - {unit}" for unit in units)
    return (
        f"output: {output}\nunits:\n{listed}\nmodel: {{weights: {model}}}\nimage: {{size: 24}}\n"
        "recipe: {name: fourier, steps: 4}\nbatch_size: 4\ncluster: threads\n"
        # Each section compiles for a while, and another network would look: see test_circuits,
        # test_graph and test_photographs.
        "explore: {circuits: false}\ntruth: {kept: false, photographs: 0}\n"
    )


def silent() -> progress.Display:
    """A display that shows nothing."""
    return progress.show(Console(file=io.StringIO()))


def stopping() -> progress.Display:
    """A display at which somebody presses Ctrl-C as soon as a batch is there."""

    def stop(so_far: progress.Progress) -> None:
        if so_far.done:
            raise KeyboardInterrupt

    return progress.told(stop)


def build(config: AtlasConfig, only: tuple[str, ...] = (), **how: Any) -> run.Report:
    """Build an atlas, in silence; `how` as of `run.run`."""
    return run.run(planning.make(config, only), silent(), **how)


def contents(folder: str | Path) -> dict[str, object]:
    """What an atlas holds, timings apart."""
    atlas = Atlas.open(folder)
    found: dict[str, object] = {unit: atlas.image(unit).tobytes() for unit in atlas.index["unit"]}
    found |= {f"{unit} way": atlas.trajectory(unit).tobytes() for unit in atlas.index["unit"]}
    names = [mosaics.WHOLE, *(s.name for s in atlas.provenance.available_sections())]
    drawn = {name: atlas.folder.read(name) for name in map(mosaics.name_of, names)}
    return {**found, **drawn, "identity": index.notes(atlas.folder)["identity"]}


def begun(config: AtlasConfig) -> tuple[Plan, list[Batch]]:
    """A plan, its store, and its batches; the configuration's patience is for what comes then."""
    plan = planning.make(config, describe=probe)
    store = Store.create(plan.folder, plan.provenance)
    for section, batches in plan.missing():
        store.prepare(section, batches)
    return plan, [batch for _, batches in plan.missing() for batch in batches]


def outcomes_of(
    plan: Plan, batches: list[Batch], do: Do = work.compute, **how: Any
) -> list[Batch | Failure | Note]:
    """What comes of batches on a pool; `how` as of `dispatch.dispatch`."""
    with cluster.pool(plan.config) as client:
        return [found for found in dispatch.dispatch(client, plan, batches, do, **how) if found]

"""The Luigi tasks of a build. As little logic as possible: what to do is in `pipeline`.

    BuildAtlas ─┬─ WriteSite ── WriteIndex ── TryViews ── TraceCircuits ── MeasureResponses ─┐
                ├─ DrawMosaic × n ───────────────────────────────────────────────────────────┤
                └─ DrawMosaic ───────────────────────────────────────────────────────────────┤
                                                                Enumerate ── RenderUnits ────┘

A task is complete when the store says so, not when a file is there. It is identified by its atlas
and, where it has one, its section; the build itself is an object that they share (`running`).
"""

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Self

import luigi

from pipeline.errors import WorkError
from pipeline.explore import circuits, index, responses
from pipeline.plan.batches import Batch
from pipeline.plan.units import Unit
from pipeline.publish import site
from pipeline.sheets import mosaics
from pipeline.store.folder import Folder
from pipeline.store.records import Failure
from pipeline.store.store import Store
from pipeline.truth import kept
from tasks.build import estimate
from tasks.build.running import Fresh, Running, RunningParameter
from tasks.planning import Plan
from tasks.pool.dispatch import Note, dispatch
from tasks.pool.work import Do


class GivenUpError(WorkError):
    """Batches were given up; everything else was done."""


@dataclass(frozen=True)
class Part(luigi.Target):  # type: ignore[misc]
    """A file of an atlas folder, wherever that is."""

    folder: Folder
    name: str

    def exists(self) -> bool:
        """Whether it is there."""
        return self.folder.has(self.name)


def once(is_complete: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """A `complete` that is not asked again once it said yes."""

    @functools.wraps(is_complete)
    def complete(task: "AtlasTask") -> bool:
        return task.running.once(task.task_id, lambda: is_complete(task))

    return complete


class AtlasTask(luigi.Task, metaclass=Fresh):  # type: ignore[misc]
    """A task of one atlas folder."""

    atlas = luigi.Parameter(description="the atlas folder")
    running: Running = RunningParameter()

    @classmethod
    def of(cls, running: Running, **more: Any) -> Self:
        """The task of a build."""
        return cls(atlas=str(running.plan.folder), running=running, **more)

    @property
    def plan(self) -> Plan:
        """The build."""
        return self.running.plan

    @property
    def store(self) -> Store:
        """The atlas."""
        return Store.open(self.plan.folder)

    def run_stage(self, name: str, batches: list[Batch], do: Do[Unit]) -> None:
        """Have the pool do something with images, and tell how far it is.

        Raises:
            WorkError: it fails with one of the batches.
        """
        if not batches:
            return
        display = self.running.display
        total = sum(len(batch.units) for batch in batches)
        display.stage(name, total, estimate.writing(self.plan).seconds or 0.0)
        with self.running.pool() as client:
            for outcome in dispatch(client, self.plan, batches, do):
                if isinstance(outcome, Failure):
                    raise WorkError(f"the {name} of {outcome.batch}: {outcome.reason}")
                # The page shows them with the index only: it is not written anew for a batch.
                self.running.tell(outcome if isinstance(outcome, Note) else None)
                if isinstance(outcome, Batch):
                    display.advance(len(outcome.units))


class Enumerate(AtlasTask):
    """Begins the atlas: its provenance, its sections, room for every batch."""

    @once
    def complete(self) -> bool:
        """Whether the store is there, says the plan's provenance, and has room."""
        plan = self.plan
        if not Store.exists(plan.folder) or self.store.provenance != plan.provenance:
            return False
        return all(self.store.has_room(section, batches) for section, batches in plan.missing())

    def run(self) -> None:
        """Write what is not there yet."""
        plan = self.plan
        store = Store.create(plan.folder, plan.provenance)
        for section, batches in plan.missing():
            store.prepare(section, batches)


class RenderUnits(AtlasTask):
    """Has the pool compute every missing batch; what fails is noted and does not stop the rest."""

    def requires(self) -> AtlasTask:
        """The enumeration."""
        return Enumerate.of(self.running)

    @once
    def complete(self) -> bool:
        """Whether every batch is committed, or was given up by this build."""
        return self.requires().complete() and not self._missing()

    def run(self) -> None:
        """Compute, telling of each outcome."""
        batches = self._missing()
        total, done = sum(len(batch.units) for batch in batches), 0
        records = self.store.records
        failures = records.failures()
        with self.running.pool() as client:
            for outcome in dispatch(client, self.plan, batches, self.running.steps.render):
                self.running.tell(outcome)
                if not isinstance(outcome, Batch | Failure):
                    continue
                if isinstance(outcome, Failure):
                    failures.append(outcome)
                    records.note_failures(failures)
                done += len(outcome.units)
                self.set_progress_percentage(round(100 * done / total))
                self.set_status_message(f"{done} of {total} units, {len(failures)} batches failed")

    def _missing(self) -> list[Batch]:
        given_up = {failure.batch for failure in self.store.records.failures()}
        found = (batch for _, batches in self.plan.missing() for batch in batches)
        return [batch for batch in found if batch.key not in given_up]


class MeasureResponses(AtlasTask):
    """Has the pool measure how every channel responds to every image that is new."""

    def requires(self) -> AtlasTask:
        """The rendering."""
        return RenderUnits.of(self.running)

    @once
    def complete(self) -> bool:
        """Whether every image was looked at, or no responses are wanted."""
        return self.requires().complete() and not self._pending()

    def run(self) -> None:
        """Look at what is new."""
        store, batches = self.store, self._pending()
        for table in responses.tables(store):
            table.prepare_all(store.provenance.available_sections(), batches)
        self.run_stage("responses", batches, self.running.steps.measure)

    def _pending(self) -> list[Batch]:
        if not self.plan.config.explore.responses:
            return []
        return self.store.pending(responses.tables(self.store))


class TraceCircuits(AtlasTask):
    """Has the pool measure which channels of earlier layers every unit is built from."""

    def requires(self) -> AtlasTask:
        """The responses, whose means channels are set to."""
        return MeasureResponses.of(self.running)

    @once
    def complete(self) -> bool:
        """Whether every unit was traced with the means of now, or no circuits are wanted."""
        if not self.requires().complete():
            return False
        store = self.store
        if not self.plan.traces() or not circuits.tables(store):
            return True
        is_traced = circuits.is_of_now(store) and not circuits.pending(store)
        return is_traced and circuits.is_current(store)

    def run(self) -> None:
        """Trace what is new; all, where the pictures are others."""
        if not self.plan.traces():
            return  # Luigi asked before there were images whether it is complete
        store = self.store
        circuits.begin(store)
        batches = circuits.pending(store)
        sections = store.provenance.available_sections()
        for table in circuits.tables(store):
            concerned = [s for s in sections if any(map(table.concerns, s.units))]
            table.prepare_all(concerned, batches)
        self.run_stage("circuits", batches, self.running.steps.trace)
        circuits.refresh(store)


class TryViews(AtlasTask):
    """Has the pool measure how much of its activation every image keeps under other views."""

    def requires(self) -> AtlasTask:
        """What else is measured on the images."""
        return TraceCircuits.of(self.running)

    @once
    def complete(self) -> bool:
        """Whether every image was seen so, or that is not wanted."""
        return self.requires().complete() and not self._pending()

    def run(self) -> None:
        """See what is new."""
        store, batches = self.store, self._pending()
        kept.Kept(store).prepare_all(store.provenance.available_sections(), batches)
        self.run_stage("views", batches, self.running.steps.view)

    def _pending(self) -> list[Batch]:
        return kept.pending(self.store) if self.plan.config.truth.kept else []


class DrawMosaic(AtlasTask):
    """Draws the mosaic of a section, or of the whole (`section` empty)."""

    section = luigi.OptionalParameter(default=None)

    def requires(self) -> AtlasTask:
        """The rendering."""
        return RenderUnits.of(self.running)

    def output(self) -> Part:
        """The PNG."""
        return Part(self.plan.folder, mosaics.name_of(self.section))

    def complete(self) -> bool:
        """Whether all is rendered and the PNG shows it."""
        tile = self.plan.config.mosaic.tile
        return self.requires().complete() and mosaics.is_current(self.store, self.section, tile)

    def run(self) -> None:
        """Draw it."""
        self.running.display.stage("drawing mosaics")
        mosaics.draw(self.store, self.section, self.plan.config.mosaic.tile)


class WriteIndex(AtlasTask):
    """Writes `index.parquet`."""

    def requires(self) -> AtlasTask:
        """The rendering, and what was measured on it."""
        return TryViews.of(self.running)

    def output(self) -> Part:
        """The Parquet file."""
        return Part(self.plan.folder, index.NAME)

    def complete(self) -> bool:
        """Whether all is rendered and the index was made from it."""
        return self.requires().complete() and index.is_current(self.store)

    def run(self) -> None:
        """Write it."""
        self.running.display.stage("writing the index")
        index.refresh(self.store)


class WriteSite(AtlasTask):
    """Writes the page."""

    def requires(self) -> AtlasTask:
        """The index."""
        return WriteIndex.of(self.running)

    def output(self) -> Part:
        """The page."""
        return Part(self.plan.folder, site.NAME)

    def complete(self) -> bool:
        """Whether all is rendered and the page shows it."""
        return self.requires().complete() and site.is_current(self.store)

    def run(self) -> None:
        """Write it."""
        display = self.running.display
        display.stage("units on the page", len(self.store.records.places()))
        site.write(self.store, tell=display.advance)


class BuildAtlas(AtlasTask):
    """The whole atlas. Fails at the end where batches were given up."""

    def requires(self) -> Iterable[AtlasTask]:
        """Everything that the atlas folder holds."""
        shown = self.plan.provenance.available_sections()
        yield WriteIndex.of(self.running)
        if self.plan.config.site:
            yield WriteSite.of(self.running)
        yield DrawMosaic.of(self.running)
        yield from (DrawMosaic.of(self.running, section=section.name) for section in shown)

    def complete(self) -> bool:
        """Whether all of it is there and nothing was given up."""
        tasks = (RenderUnits.of(self.running), *self.requires())
        return all(task.complete() for task in tasks) and not self.store.records.failures()

    def run(self) -> None:
        """Tell the truth.

        Raises:
            GivenUpError: not all is there.
        """
        failures = self.store.records.failures()
        if failures:
            raise GivenUpError(f"{len(failures)} batches failed, first {failures[0].batch}")

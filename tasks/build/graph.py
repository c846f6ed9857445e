"""The Luigi tasks of a build. As little logic as possible: what to do is in `pipeline`.

    BuildAtlas ─┬─ WriteSite ── WriteIndex ── MeasureResponses ─┐
                ├─ DrawMosaic × n ──────────────────────────────┼─ RenderUnits ── Enumerate
                └─ DrawMosaic ──────────────────────────────────┘

A task is complete when the store says so, not when a file is there.
"""

import contextlib
import functools
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import luigi
from luigi.parameter import ParameterVisibility

from pipeline.explore import index, responses
from pipeline.publish import site
from pipeline.sheets import mosaics
from pipeline.errors import WorkError
from pipeline.store.folder import Folder
from pipeline.store.records import Failure
from pipeline.store.store import Store
from pipeline.plan.batches import Batch
from tasks.pool import work
from tasks.pool.cluster import pool
from tasks.pool.dispatch import Note, Outcome, dispatch
from tasks.planning import Plan
from pipeline.store import store

LISTENER: ContextVar[Callable[[Outcome], None]] = ContextVar("listener", default=lambda _: None)
"""Told of every outcome of a rendering. Not a Luigi event: those swallow a Ctrl-C."""


@dataclass(frozen=True)
class Part(luigi.Target):  # type: ignore[misc]
    """A file of an atlas folder, wherever that is."""

    folder: Folder
    name: str

    def exists(self) -> bool:
        """Whether it is there."""
        return self.folder.has(self.name)


_DONE: ContextVar[set[str] | None] = ContextVar("done", default=None)
"""Tasks of the build that goes on which are done for good: nobody else writes meanwhile."""


@contextlib.contextmanager
def remembering() -> Iterator[None]:
    """Look up only once, from here on, that all is enumerated and rendered."""
    token = _DONE.set(set())
    try:
        yield
    finally:
        _DONE.reset(token)


def _once(is_complete: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """A `complete` that is not asked again once it said yes."""

    @functools.wraps(is_complete)
    def complete(task: Any) -> bool:
        done = _DONE.get()
        if done is not None and task.task_id in done:
            return True
        answer = is_complete(task)
        if answer and done is not None:
            done.add(task.task_id)
        return answer

    return complete


class AtlasTask(luigi.Task):  # type: ignore[misc]
    """A task of one atlas folder; `plan` is a `Plan` as JSON."""

    folder = luigi.Parameter(description="the atlas folder")
    plan = luigi.Parameter(significant=False, visibility=ParameterVisibility.PRIVATE)

    @property
    def planned(self) -> Plan:
        """The build."""
        return Plan.from_json(self.plan)

    @property
    def store(self) -> Store:
        """The atlas."""
        return Store.open(self.planned.folder)

    def of_same(self, kind: type["AtlasTask"], **more: Any) -> "AtlasTask":
        """Another task of the same atlas."""
        return kind(folder=self.folder, plan=self.plan, **more)


class Enumerate(AtlasTask):
    """Begins the atlas: its provenance, its sections, room for every batch."""

    @_once
    def complete(self) -> bool:
        """Whether the store is there, says the plan's provenance, and has room."""
        plan = self.planned
        if not Store.exists(plan.folder) or self.store.provenance != plan.provenance:
            return False
        return all(self.store.has_room(section, batches) for section, batches in plan.missing())

    def run(self) -> None:
        """Write what is not there yet."""
        plan = self.planned
        store = Store.create(plan.folder, plan.provenance)
        for section, batches in plan.missing():
            store.prepare(section, batches)


class RenderUnits(AtlasTask):
    """Has the pool compute every missing batch; what fails is noted and does not stop the rest."""

    def requires(self) -> AtlasTask:
        """The enumeration."""
        return self.of_same(Enumerate)

    @_once
    def complete(self) -> bool:
        """Whether every batch is committed, or was given up by this build."""
        return self.requires().complete() and not self._missing()

    def run(self) -> None:
        """Compute, telling the listener of each outcome."""
        batches = self._missing()
        total, done = sum(len(batch.units) for batch in batches), 0
        records = self.store.records
        failures = records.failures()
        tell = LISTENER.get()
        with pool(self.planned.config) as client:
            for outcome in dispatch(client, self.planned, batches):
                tell(outcome)
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
        found = (batch for _, batches in self.planned.missing() for batch in batches)
        return [batch for batch in found if batch.key not in given_up]


class MeasureResponses(AtlasTask):
    """Has the pool measure how every channel responds to every image that is new."""

    def requires(self) -> AtlasTask:
        """The rendering."""
        return self.of_same(RenderUnits)

    @_once
    def complete(self) -> bool:
        """Whether every image was looked at, or no responses are wanted."""
        return self.requires().complete() and not self._pending()

    def run(self) -> None:
        """Look at what is new."""
        store, batches = self.store, self._pending()
        for table in responses.tables(store):
            table.prepare_all(store.provenance.available_sections(), batches)
        tell = LISTENER.get()
        with pool(self.planned.config) as client:
            for outcome in dispatch(client, self.planned, batches, work.respond):
                if isinstance(outcome, Failure):
                    raise WorkError(f"the responses of {outcome.batch}: {outcome.reason}")
                tell(outcome if isinstance(outcome, Note) else None)

    def _pending(self) -> list[Batch]:
        if not self.planned.config.explore.responses:
            return []
        return self.store.pending(responses.tables(self.store))


class DrawMosaic(AtlasTask):
    """Draws the mosaic of a section, or of the whole (`section` empty)."""

    section = luigi.OptionalParameter(default=None)

    def requires(self) -> AtlasTask:
        """The rendering."""
        return self.of_same(RenderUnits)

    def output(self) -> "Part":
        """The PNG."""
        return Part(self.planned.folder, mosaics.name_of(self.section))

    def complete(self) -> bool:
        """Whether all is rendered and the PNG shows it."""
        tile = self.planned.config.mosaic.tile
        return self.requires().complete() and mosaics.is_current(self.store, self.section, tile)

    def run(self) -> None:
        """Draw it."""
        mosaics.draw(self.store, self.section, self.planned.config.mosaic.tile)


class WriteIndex(AtlasTask):
    """Writes `index.parquet`."""

    def requires(self) -> AtlasTask:
        """The rendering, and what was measured on it."""
        return self.of_same(MeasureResponses)

    def output(self) -> "Part":
        """The Parquet file."""
        return Part(self.planned.folder, index.NAME)

    def complete(self) -> bool:
        """Whether all is rendered and the index was made from it."""
        return self.requires().complete() and index.is_current(self.store)

    def run(self) -> None:
        """Write it."""
        index.refresh(self.store)


class WriteSite(AtlasTask):
    """Writes the page."""

    def requires(self) -> AtlasTask:
        """The index."""
        return self.of_same(WriteIndex)

    def output(self) -> "Part":
        """The page."""
        return Part(self.planned.folder, site.NAME)

    def complete(self) -> bool:
        """Whether all is rendered and the page shows it."""
        return self.requires().complete() and site.is_current(self.store)

    def run(self) -> None:
        """Write it."""
        site.write(self.store)


class BuildAtlas(AtlasTask):
    """The whole atlas. Fails at the end where batches were given up."""

    def requires(self) -> Iterable[AtlasTask]:
        """Everything that the atlas folder holds."""
        shown = self.planned.provenance.available_sections()
        yield self.of_same(WriteIndex)
        if self.planned.config.site:
            yield self.of_same(WriteSite)
        yield self.of_same(DrawMosaic)
        yield from (self.of_same(DrawMosaic, section=section.name) for section in shown)

    def complete(self) -> bool:
        """Whether all of it is there and nothing was given up."""
        tasks = (self.of_same(RenderUnits), *self.requires())
        return all(task.complete() for task in tasks) and not self.store.records.failures()

    def run(self) -> None:
        """Tell the truth."""
        failures = self.store.records.failures()
        if failures:
            raise WorkError(f"{len(failures)} batches failed, first {failures[0].batch}")

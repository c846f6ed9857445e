"""Showing an atlas a user's own pictures: Luigi tasks on the pool that builds, as those of a build.

    ShowPictures ── PageExamples ── IndexExamples ── CutCrops ── NameUnits ── RankPictures
    ── SeePictures

A task is complete when the store says so; the units may still be those of an unfinished atlas.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline import verify
from pipeline.errors import ConfigError, NotMeasuredError, WorkError
from pipeline.examples import seen, strongest
from pipeline.examples.crops import Crops
from pipeline.examples.labels import Labels
from pipeline.examples.source import Picture, stamped
from pipeline.explore import names
from pipeline.plan.batches import Batch
from pipeline.publish import site
from pipeline.store import lock
from pipeline.store.records import Failure
from pipeline.store.store import Store
from tasks.build.graph import AtlasTask, WriteIndex, WriteSite, once
from tasks.build.running import Running
from tasks.build.schedule import schedule
from tasks.planning import Plan
from tasks.pool.dispatch import Display, dispatch
from tasks.pool.work import STEPS, Do, Member, Steps


@dataclass(frozen=True)
class Shown:
    """How that ended.

    Attributes:
        pictures: how many there are.
        left_out: those that could not be read, with the reason.
        rescaled: those whose greys were scaled by their own range.
        labelled: how many have labels.
        labels: how many labels there are.
        named: units that have one of them for a name.
    """

    pictures: int
    left_out: dict[str, str]
    rescaled: list[str]
    labelled: int = 0
    labels: int = 0
    named: int = 0

    @classmethod
    def of(cls, store: Store) -> "Shown":
        """What an atlas was shown, and what came of it."""
        known = seen.listed(store)
        labels = {label for picture in known for label in picture.labels}
        return cls(
            len(known), seen.left_out(store), seen.rescaled(store),
            sum(bool(picture.labels) for picture in known), len(labels),
            len(names.columns(store)),
        )  # fmt: skip


def show(
    plan: Plan,
    pictures: Sequence[Picture],
    display: Display,
    *,
    replace: bool = False,
    labels: Labels | None = None,
    steps: Steps = STEPS,
) -> Shown:
    """Show an atlas pictures, those that it has not seen, and find each unit's strongest.

    Args:
        plan: of the atlas, for its cluster.
        pictures: all of them; none for those that it was shown before. What changed since then is
            seen again.
        display: told of every outcome.
        replace: forget what it was shown before, and see all of them.
        labels: what is said of them; if nothing is, what they come with, or had before.
        steps: what workers do.

    Raises:
        AtlasFolderError: there is no atlas, or a build is at it.
        ConfigError: it was shown other pictures before, or none of these is there; or a table of
            labels cannot be.
        NotMeasuredError: none are given, and it was shown none.
        WorkError: a batch failed.
    """
    Store.open(plan.folder)  # raises where there is none
    with (
        lock.held(plan.folder, plan.config.build.lease) as check,
        Running(plan, display, check, steps=steps) as running,
    ):
        store = Store.open(plan.folder)
        asked = list(pictures) or stamped(seen.listed(store))
        if not asked:
            raise NotMeasuredError(
                f"the atlas {store.folder} was shown no pictures yet: name a folder of them"
            )
        if replace and not any(picture.stamp for picture in asked):
            raise ConfigError(
                f"none of the {len(asked):,} pictures is there, from {asked[0].path} on: what was "
                "seen stays; name the folder that they are in now"
            )
        said = asked if replace else seen.with_labels(store, asked)
        seen.begin(store, labels.put(said) if labels else said, replace=replace)
        known = seen.listed(store)
        missing = sum(len(batch.units) for batch in seen.pending(store, seen.tables(store)))
        display.start(len(known) - missing, missing, "pictures")
        schedule(ShowPictures.of(running), plan.config.build).insist()
        site.tidy(plan.folder)
        verify.note(store)
        return Shown.of(store)


class PoolTask(AtlasTask):
    """A task for which the pool does something with batches, all of them or it fails."""

    def have_done(self, batches: Sequence[Batch[Member]], do: Do[Member]) -> None:
        """Have it done, telling of each outcome.

        Raises:
            WorkError: a batch was given up.
        """
        total, done = sum(len(batch.units) for batch in batches), 0
        with self.running.pool() as client:
            for outcome in dispatch(client, self.plan, batches, do):
                if isinstance(outcome, Failure):
                    raise WorkError(f"{outcome.batch}: {outcome.reason}; what was done stays")
                self.running.tell(outcome)
                if isinstance(outcome, Batch):
                    done += len(outcome.units)
                    self.set_progress_percentage(round(100 * done / total))
                    self.set_status_message(f"{done} of {total}")


class SeePictures(PoolTask):
    """Has the pool see every picture, with every channel of the atlas's layers."""

    @once
    def complete(self) -> bool:
        """Whether every layer has seen every picture."""
        return not self._pending()

    def run(self) -> None:
        """See those that are new."""
        batches = self._pending()
        seen.prepare(seen.tables(self.store), batches)
        self.have_done(batches, self.running.steps.see)

    def _pending(self) -> list[Batch[Picture]]:
        store = self.store
        return seen.pending(store, seen.tables(store))


class RankPictures(AtlasTask):
    """Finds each unit's strongest pictures."""

    def requires(self) -> AtlasTask:
        """What was seen."""
        return SeePictures.of(self.running)

    @once
    def complete(self) -> bool:
        """Whether the strongest are those of what was seen."""
        return self.requires().complete() and strongest.is_current(self.store)

    def run(self) -> None:
        """Find them; what was cut out of others goes, and no more."""
        found = strongest.find(self.store)
        Crops(self.store).forget(found.changed(self.store))
        found.write(self.store)


class NameUnits(AtlasTask):
    """Finds which label of the pictures each unit tells best, where they have any."""

    def requires(self) -> AtlasTask:
        """The strongest, which take no time."""
        return RankPictures.of(self.running)

    @once
    def complete(self) -> bool:
        """Whether that is known of what was seen, and of its labels."""
        return self.requires().complete() and names.is_current(self.store)

    def run(self) -> None:
        """Find it."""
        self.running.display.stage("names of units")
        names.write(self.store)


class CutCrops(PoolTask):
    """Has the pool cut out what excites each unit in its strongest pictures."""

    def requires(self) -> AtlasTask:
        """The strongest, and what needs no picture any more."""
        return NameUnits.of(self.running)

    @once
    def complete(self) -> bool:
        """Whether every unit's are cut out."""
        return self.requires().complete() and not Crops(self.store).pending()

    def run(self) -> None:
        """Cut out those that are wanting."""
        store, crops = self.store, Crops(self.store)
        batches = crops.pending()
        crops.prepare_all(store.provenance.available_sections(), batches)
        self.running.display.stage("crops of units", sum(len(batch.units) for batch in batches))
        self.have_done(batches, self.running.steps.cut)


class IndexExamples(WriteIndex):
    """Writes `index.parquet`, with what the pictures tell."""

    def requires(self) -> AtlasTask:
        """All that the pictures tell."""
        return CutCrops.of(self.running)


class PageExamples(WriteSite):
    """Writes the page, with the pictures."""

    def requires(self) -> AtlasTask:
        """The index."""
        return IndexExamples.of(self.running)


class ShowPictures(AtlasTask):
    """All that follows from pictures."""

    def requires(self) -> AtlasTask:
        """The page, or the index where no page is wanted."""
        last = PageExamples if self.plan.config.site else IndexExamples
        return last.of(self.running)

    def complete(self) -> bool:
        """Whether that is there."""
        return bool(self.requires().complete())

"""Showing an atlas a user's own pictures: Luigi tasks on the pool that builds, as those of a build.

    ShowPictures ── PageExamples ── IndexExamples ── TryPictures ── SeeImages ── SeePhotographs
    ── LookAcross ── CutCrops ── NameUnits ── RankPictures ── SeePictures

A task is complete when the store says so; the units may still be those of an unfinished atlas.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline import verify
from pipeline.errors import ConfigError, NotMeasuredError, WorkError
from pipeline.examples import seen, strongest
from pipeline.examples.across import Across
from pipeline.examples.crops import Crops
from pipeline.examples.labels import Labels
from pipeline.examples.source import Picture, stamped
from pipeline.explore import names
from pipeline.plan.batches import Batch
from pipeline.publish import site
from pipeline.store import lock
from pipeline.store.records import Failure
from pipeline.store.store import Store
from pipeline.truth import features, judge, verdicts
from pipeline.truth.cuttings import LEAST, Photograph, photographs
from pipeline.truth.judge import Eyes
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
        judge: the network that judges pictures, and its layer; empty where none does.
        photographs: on which pictures were tried; none where there are too few.
        crops: that were cut out of these.
        told: units of which it is known whether their pictures tell what excites them.
        tell: those of them whose pictures do.
        on_page: whether the atlas's page shows crops of them.
        whole: pictures of which the page has small copies.
    """

    pictures: int
    left_out: dict[str, str]
    rescaled: list[str]
    labelled: int = 0
    labels: int = 0
    named: int = 0
    judge: str = ""
    photographs: int = 0
    crops: int = 0
    told: int = 0
    tell: int = 0
    on_page: bool = False
    whole: int = 0

    @classmethod
    def of(cls, store: Store) -> "Shown":
        """What an atlas was shown, and what came of it."""
        known = seen.listed(store)
        labels = {label for picture in known for label in picture.labels}
        tried, tells = verdicts.tried(store), verdicts.columns(store)["tells"]
        on = (tried.judge, tried.photographs, tried.crops) if tried else ("", 0, 0)
        return cls(
            len(known), seen.left_out(store), seen.rescaled(store),
            sum(bool(picture.labels) for picture in known), len(labels),
            len(names.columns(store)), *on, int(tells.notna().sum()), int(tells.sum()),
            *site.photographs(store.folder),
        )  # fmt: skip


def show(
    plan: Plan,
    pictures: Sequence[Picture],
    display: Display,
    *,
    replace: bool = False,
    labels: Labels | None = None,
    whole: bool | None = None,
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
        whole: whether the page may have small copies of whole pictures; None for as before.
        steps: what workers do.

    Raises:
        AtlasFolderError: there is no atlas, or a build is at it.
        ConfigError: it was shown other pictures before, or none of these is there; or a table of
            labels cannot be, or the network that is to judge.
        WeightsError: the weights of that are not here.
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
        said = labels.put(said) if labels else said
        running.eyes = _eyes(plan, store, said)
        seen.begin(store, said, replace=replace, whole=whole)
        known = seen.listed(store)
        missing = sum(len(batch.units) for batch in seen.pending(store, seen.tables(store)))
        display.start(len(known) - missing, missing, "pictures")
        schedule(ShowPictures.of(running), plan.config.build).insist()
        site.tidy(plan.folder)
        verify.note(store)
        return Shown.of(store)


def _eyes(plan: Plan, store: Store, pictures: Sequence[Picture]) -> Eyes | None:
    """Who is to look at pictures and photographs; nobody where there are too few of these."""
    wanted = plan.config.truth
    if len(photographs(pictures, wanted.photographs, 0)) < LEAST:
        return None
    noted = features.known(store)
    return judge.eyes(wanted, store.provenance, noted.eyes if noted else None)


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
        Across(self.store).forget_changed()


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


class LookAcross(PoolTask):
    """Has the pool find where units fire, in strong, middle and weak pictures."""

    def requires(self) -> AtlasTask:
        """The crops of the strongest."""
        return CutCrops.of(self.running)

    @once
    def complete(self) -> bool:
        """Whether that is known of every unit."""
        return self.requires().complete() and not Across(self.store).pending()

    def run(self) -> None:
        """Find it for those that are wanting."""
        store, across = self.store, Across(self.store)
        batches = across.pending()
        across.prepare_all(store.provenance.available_sections(), batches)
        self.running.display.stage("where units fire", sum(len(b.units) for b in batches))
        self.have_done(batches, self.running.steps.look_across)


class SeePhotographs(PoolTask):
    """Has the pool see cuttings of photographs, with the eyes that try pictures on them."""

    def requires(self) -> AtlasTask:
        """All else that is made of the pictures."""
        return LookAcross.of(self.running)

    @once
    def complete(self) -> bool:
        """Whether these eyes have seen all that are to be seen, and no others are kept."""
        if not self.requires().complete():
            return False
        store, wanted, eyes = self.store, self._wanted(), self.running.eyes
        if not wanted or eyes is None:
            return not store.folder.has(features.LIST)
        return features.is_of(store, wanted, eyes) and not features.pending(store, wanted)

    def run(self) -> None:
        """See those that are new."""
        store, wanted, eyes = self.store, self._wanted(), self.running.eyes
        if not wanted or eyes is None:
            features.forget(store)
            return
        features.begin(store, wanted, eyes)
        batches = features.pending(store, wanted)
        for table in features.cuttings_of(store, features.known(store)):
            table.prepare(features.PILE, batches)
        self.running.display.stage("photographs", sum(len(batch.units) for batch in batches))
        self.have_done(batches, self.running.steps.see_parts)

    def _wanted(self) -> list[Photograph]:
        return features.photographs(self.store, self.plan.config.truth.photographs)


class SeeImages(PoolTask):
    """Has the pool see the units' own pictures, with the same eyes."""

    def requires(self) -> AtlasTask:
        """The photographs, with whom it is noted who looks."""
        return SeePhotographs.of(self.running)

    @once
    def complete(self) -> bool:
        """Whether every picture was seen."""
        return self.requires().complete() and not self._pending()

    def run(self) -> None:
        """See those that are new."""
        store, batches = self.store, self._pending()
        for table in self._tables():
            table.prepare_all(store.provenance.available_sections(), batches)
        self.running.display.stage("pictures on trial", sum(len(b.units) for b in batches))
        self.have_done(batches, self.running.steps.see_images)

    def _pending(self) -> list[Batch]:
        return self.store.pending(self._tables())

    def _tables(self) -> list[features.Pictures]:
        return features.pictures_of(self.store, features.known(self.store))


class TryPictures(AtlasTask):
    """Finds how well pictures tell which photographs excite their units."""

    def requires(self) -> AtlasTask:
        """All that is to be seen for it."""
        return SeeImages.of(self.running)

    @once
    def complete(self) -> bool:
        """Whether that is known of what was seen."""
        return self.requires().complete() and verdicts.is_current(self.store)

    def run(self) -> None:
        """Find it."""
        self.running.display.stage("what pictures tell")
        verdicts.write(self.store)


class IndexExamples(WriteIndex):
    """Writes `index.parquet`, with what the pictures tell."""

    def requires(self) -> AtlasTask:
        """All that the pictures tell."""
        return TryPictures.of(self.running)


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

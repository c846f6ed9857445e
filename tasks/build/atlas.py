"""A whole build as one task, for Luigi's own command, or for a pipeline that needs an atlas.

luigi --module tasks.build.atlas Atlas --config atlas_config.yaml --output data/atlas
"""

import atexit
import contextlib
import logging
from functools import cached_property
from pathlib import Path

import luigi

from pipeline.config import yaml_file
from pipeline.store.records import Failure
from tasks import planning
from tasks.build.graph import BuildAtlas
from tasks.build.run import begun
from tasks.build.running import Running
from tasks.pool.dispatch import Note, Outcome


class Atlas(luigi.Task):  # type: ignore[misc]
    """The atlas that a configuration describes.

    Who has to do with it must not be disturbed: the folder is locked as soon as it is looked at,
    since what is damaged is found before what is complete, and free when all is there, or with the
    end of the process.
    """

    config = luigi.Parameter(default="atlas_config.yaml", description="the configuration")
    output = luigi.OptionalParameter(
        default=None, description="the atlas folder, if not the configuration's"
    )

    def requires(self) -> BuildAtlas:
        """All of it."""
        return BuildAtlas.of(self._running)

    def complete(self) -> bool:
        """Whether all of it is there and nothing was given up."""
        is_there = bool(self.requires().complete())
        if is_there:
            self._end()
        return is_there

    def run(self) -> None:
        """End: the work is done."""
        self._end()

    @cached_property
    def _held(self) -> contextlib.ExitStack:
        held = contextlib.ExitStack()
        atexit.register(held.close)  # where a task failed, Luigi asks for nothing more
        return held

    @cached_property
    def _running(self) -> Running:
        """The build, begun with the first look."""
        config = yaml_file.load(Path(self.config))
        if self.output:
            config = config.model_copy(update={"output": self.output})
        return self._held.enter_context(begun(planning.make(config), _Log()))

    def _end(self) -> None:
        self._held.close()
        self.__dict__.pop("_running", None)


class _Log:
    """Says how it goes among Luigi's own words."""

    def __init__(self) -> None:
        self._log = logging.getLogger("luigi-interface")

    def start(self, before: int, missing: int, what: str = "units", later: float = 0.0) -> None:
        del later
        self._log.info("%d %s are there, %d to go", before, what, missing)

    def stage(self, what: str, total: int | None = None, later: float = 0.0) -> None:
        del later
        self._log.info("%s", what if total is None else f"{total} {what} to go")

    def advance(self, count: int) -> None:
        """Nothing: Luigi has its own words for how far a task is."""

    def update(self, outcome: Outcome) -> None:
        if isinstance(outcome, Failure):
            self._log.error("batch %s failed: %s", outcome.batch, outcome.reason)
        elif isinstance(outcome, Note):
            self._log.warning("%s", outcome.text)

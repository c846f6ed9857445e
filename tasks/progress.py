"""What a build shows while it runs: a bar on a terminal or in a notebook, plain lines elsewhere."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar
from rich.text import Text

from pipeline.plan.batches import Batch
from pipeline.store.records import Failure
from tasks.pool.dispatch import Note, Outcome

_SECONDS_A_LINE = 10.0


@dataclass(frozen=True)
class Progress:
    """How far a build is.

    Attributes:
        before: units that were there before it.
        total: units that it is to render.
        done: of those, the ones that are committed.
        failed: of those, the ones that were given up.
        seconds: since it began to render.
        note: something that a person should know, such as why units failed; mostly nothing.
    """

    before: int
    total: int
    done: int
    failed: int
    seconds: float
    note: str = ""


def show(console: Console) -> "Display":
    """The display that fits a console."""
    if console.is_jupyter:
        return _Cell(console)
    return _Live(console) if console.is_terminal else _Lines(console)


def silent() -> "Display":
    """A display that shows nothing."""
    return _Lines(Console(quiet=True))


def told(tell: Callable[[Progress], object]) -> "Display":
    """A display that tells a function how far the build is: at the start, and with every batch."""
    return _Told(tell)


class Display:
    """Counts units and shows them; a context manager.

    Attributes:
        done: units committed since it started.
        failed: units given up since it started.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._total = 0
        self._what = "units"
        self._began = time.monotonic()
        self.done = 0
        self.failed = 0

    def start(self, before: int, missing: int, what: str = "units") -> None:
        """Say what is there and what is to come, and count from here on."""
        self._total, self._what = missing, what
        self._began = time.monotonic()
        self.done = self.failed = 0
        if before:
            self._console.print(f"{before:,} {what} are there, {missing:,} to go")

    def update(self, outcome: Outcome) -> None:
        """Take in what a build reports; see `tasks.pool.dispatch`."""
        if isinstance(outcome, Failure):
            self.failed += len(outcome.units)
            self._console.print(
                f"batch {outcome.batch} failed: {outcome.reason}", style="red", markup=False
            )
        elif isinstance(outcome, Batch):
            self.done += len(outcome.units)
        elif isinstance(outcome, Note):
            self._console.print(outcome.text, style="yellow", markup=False)
        self._refresh(outcome)

    @property
    def counted(self) -> int:
        """Units that are done or given up since the start."""
        return self.done + self.failed

    @property
    def seconds(self) -> float:
        """What has passed since the start."""
        return time.monotonic() - self._began

    @property
    def rate(self) -> float:
        """Units a second since the start."""
        return self.done / max(self.seconds, 1e-9)

    def _line(self) -> str:
        """How far it is, in words."""
        left = (self._total - self.counted) / self.rate if self.done else 0.0
        failed = f", {self.failed:,} failed" if self.failed else ""
        return (
            f"{self.counted:,} of {self._total:,} {self._what}{failed}, {self.rate:.2f} a second, "
            f"{duration(left)} left"
        )

    def _refresh(self, outcome: Outcome) -> None:
        raise NotImplementedError

    def _open(self) -> None:
        """Begin to show."""

    def _close(self) -> None:
        """Leave the terminal as it was."""

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()


class _Lines(Display):
    """A line about every ten seconds in which something was done."""

    _said = 0.0

    def _refresh(self, outcome: Outcome) -> None:
        now = time.monotonic()
        if not isinstance(outcome, Batch | Failure) or (
            now - self._said < _SECONDS_A_LINE and self.counted < self._total
        ):
            return
        self._said = now
        self._console.print(self._line())


class _Live(Display):
    """A bar with units done, units a second, time left and failures."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._bar = Bar(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
            TextColumn("{task.fields[what]}"), _Rate(), TimeRemainingColumn(compact=True),
            TextColumn("left"), TextColumn("[red]{task.fields[failed]}"), console=console,
        )  # fmt: skip
        self._task = self._bar.add_task("", total=None, failed="", what="units")

    def start(self, before: int, missing: int, what: str = "units") -> None:
        super().start(before, missing, what)
        self._bar.reset(self._task, total=missing, failed="", what=what)

    def _refresh(self, outcome: Outcome) -> None:
        del outcome
        failed = f"{self.failed} failed" if self.failed else ""
        self._bar.update(self._task, completed=self.counted, failed=failed)

    def _open(self) -> None:
        self._bar.start()

    def _close(self) -> None:
        self._bar.stop()


class _Cell(Display):
    """A bar and a line in the output of a notebook's cell, drawn anew with every batch."""

    _place: Any = None

    def start(self, before: int, missing: int, what: str = "units") -> None:
        super().start(before, missing, what)
        self._place = None
        if missing:
            self._draw()

    def _refresh(self, outcome: Outcome) -> None:
        if isinstance(outcome, Batch | Failure):
            self._draw()

    def _draw(self) -> None:
        from IPython.display import display  # noqa: PLC0415, who has a cell has it

        text = self._line() if self.counted else f"{self._total:,} {self._what} to go"
        bar = f'<progress value="{self.counted}" max="{self._total}"></progress>'
        shown = {"text/plain": text, "text/html": f"{bar} {text}"}
        if self._place is None:
            self._place = display(shown, raw=True, display_id=True)
        else:
            self._place.update(shown, raw=True)


class _Told(Display):
    """Tells a function."""

    def __init__(self, tell: Callable[[Progress], object]) -> None:
        super().__init__(Console(quiet=True))
        self._tell = tell
        self._before = 0

    def start(self, before: int, missing: int, what: str = "units") -> None:
        super().start(before, missing, what)
        self._before = before
        self._say("")

    def _refresh(self, outcome: Outcome) -> None:
        if isinstance(outcome, Batch):
            self._say("")
        elif isinstance(outcome, Failure):
            self._say(f"batch {outcome.batch} failed: {outcome.reason}")
        elif isinstance(outcome, Note):
            self._say(outcome.text)

    def _say(self, note: str) -> None:
        counts = (self._before, self._total, self.done, self.failed)
        self._tell(Progress(*counts, self.seconds, note))


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Units a second."""
        return Text(f"{task.speed:.2f}/s" if task.speed else "…", style="cyan")


def duration(seconds: float) -> str:
    """A time span for people, as in `9 min 5 s`."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"

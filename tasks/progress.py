"""What a build shows while it runs: a bar on a terminal or in a notebook, plain lines elsewhere."""

import html
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

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
        seconds: since it began to render, or what it does after that.
        note: something that a person should know, such as why units failed, or what it does now
            that all are rendered; mostly nothing.
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
    """Counts units and shows them, and what is done with them after; a context manager.

    Attributes:
        done: units committed since it started.
        failed: units given up since it started.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._total: int | None = 0
        self._what = "units"
        self._later = 0.0
        self._began = time.monotonic()
        self._is_first = True
        self._counted = 0
        self.done = 0
        self.failed = 0

    def start(self, before: int, missing: int, what: str = "units", later: float = 0.0) -> None:
        """Say what is there and what is to come, and count from here on.

        Args:
            before: how many are there.
            missing: how many are to come.
            what: they are.
            later: seconds that the stages after this one take, about.
        """
        self.done = self.failed = 0
        self._is_first = True
        self._begin(missing, what, later)
        if before:
            self._console.print(f"{before:,} {what} are there, {missing:,} to go")

    def stage(self, what: str, total: int | None = None, later: float = 0.0) -> None:
        """Say what comes next, and count it from here on.

        Args:
            what: is counted, as in `responses`; or done, as in `writing the index`.
            total: how many are to come; None where nothing is counted.
            later: seconds that the stages after this one take, about.
        """
        if what != self._what or self._is_first:
            self._is_first = False
            self._begin(total, what, later)
            self._announce()

    def _begin(self, total: int | None, what: str, later: float) -> None:
        self._total, self._what, self._later, self._counted = total, what, later, 0
        self._began = time.monotonic()

    def update(self, outcome: Outcome) -> None:
        """Take in what a build reports; see `tasks.pool.dispatch`."""
        if isinstance(outcome, Failure):
            self.failed += len(outcome.units)
            self._console.print(
                f"batch {outcome.batch} failed: {outcome.reason}", style="red", markup=False
            )
        elif isinstance(outcome, Batch):
            self.done += len(outcome.units) if self._is_first else 0
        elif isinstance(outcome, Note):
            self._console.print(outcome.text, style="yellow", markup=False)
        if isinstance(outcome, Batch | Failure):
            self._counted += len(outcome.units)
        self._refresh(outcome)

    def advance(self, count: int) -> None:
        """So many more of what this stage counts are done."""
        self._counted += count
        self._draw()

    @property
    def _seconds(self) -> float:
        """What has passed since this stage began."""
        return time.monotonic() - self._began

    def _text(self) -> str:
        """How far it is, in words."""
        if self._total is None:
            return self._what
        if not self._counted:
            return f"{self._total:,} {self._what} to go"
        failed = f", {self.failed:,} failed" if self._is_first and self.failed else ""
        rate = self._counted / max(self._seconds, 1e-9)
        return (
            f"{self._counted:,} of {self._total:,} {self._what}{failed}, {rate:.2f} a second, "
            f"{self._left()}"
        )

    def _left(self) -> str:
        """What is left of the time, in words; nothing before anything is known of it."""
        if not self._total or not self._counted:
            return ""
        left = (self._total - self._counted) * self._seconds / self._counted + self._later
        return f"{duration(left)} left"

    def _announce(self) -> None:
        """Show that a stage begins."""
        self._draw()

    def _refresh(self, outcome: Outcome) -> None:
        """Show what an outcome changed."""
        if isinstance(outcome, Batch | Failure):
            self._draw()

    def _draw(self) -> None:
        """Show how far it is."""
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
    """A line as a stage begins, about every ten seconds in which something was done, at its end."""

    _said = 0.0

    def _announce(self) -> None:
        self._said = time.monotonic()
        self._console.print(self._text(), highlight=False)

    def _draw(self) -> None:
        is_due = time.monotonic() - self._said >= _SECONDS_A_LINE
        if is_due or self._counted == self._total:
            self._announce()


class _Live(Display):
    """A bar with what is counted, how much of it a second, time left and failures."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._bar = Bar(
            BarColumn(), TextColumn("{task.description}", markup=False), console=console
        )
        self._task = self._bar.add_task("", total=None)

    def _begin(self, total: int | None, what: str, later: float) -> None:
        super()._begin(total, what, later)
        self._bar.reset(self._task, total=total, description=self._text())

    def _refresh(self, outcome: Outcome) -> None:
        del outcome  # a second that passed leaves less time, too
        self._draw()

    def _draw(self) -> None:
        self._bar.update(self._task, completed=self._counted, description=self._text())

    def _open(self) -> None:
        self._bar.start()

    def _close(self) -> None:
        self._bar.stop()


class _Cell(Display):
    """A bar and a line in the output of a notebook's cell, drawn anew with every batch."""

    _place: Any = None
    _ended = ""
    _opened = 0.0

    def start(self, before: int, missing: int, what: str = "units", later: float = 0.0) -> None:
        self._close()
        self._place, self._ended, self._opened = None, what, time.monotonic()
        super().start(before, missing, what, later)
        if missing:
            self._draw()

    def _draw(self) -> None:
        text = html.escape(self._text())
        ends = "" if self._total is None else f' value="{self._counted}" max="{self._total}"'
        self._put(self._text(), f'<progress aria-label="{text}"{ends}></progress> {text}')

    def _close(self) -> None:
        """Leave a line where the bar was, which would seem to go on for ever."""
        if self._place is not None:
            failed = f"{self.failed:,} failed, " if self.failed else ""
            done = f"{self.done:,} {self._ended}, " if self.done else ""
            text = f"{done}{failed}in {duration(time.monotonic() - self._opened)}"
            self._put(text, text)

    def _put(self, text: str, markup: str) -> None:
        """Show something where this shows."""
        from IPython.display import display  # noqa: PLC0415, who has a cell has it

        shown = {"text/plain": text, "text/html": markup}
        if self._place is None:
            self._place = display(shown, raw=True, display_id=True)
        else:
            self._place.update(shown, raw=True)


class _Told(Display):
    """Tells a function."""

    def __init__(self, tell: Callable[[Progress], object]) -> None:
        super().__init__(Console(quiet=True))
        self._tell = tell
        self._before = self._units = 0

    def start(self, before: int, missing: int, what: str = "units", later: float = 0.0) -> None:
        super().start(before, missing, what, later)
        self._before, self._units = before, missing
        self._say("")

    def _announce(self) -> None:
        self._say(self._text())

    def _refresh(self, outcome: Outcome) -> None:
        if isinstance(outcome, Batch) and self._is_first:
            self._say("")
        elif isinstance(outcome, Failure):
            self._say(f"batch {outcome.batch} failed: {outcome.reason}")
        elif isinstance(outcome, Note):
            self._say(outcome.text)

    def _draw(self) -> None:
        """Nothing: a function is told of units, and of what begins."""

    def _say(self, note: str) -> None:
        counts = (self._before, self._units, self.done, self.failed)
        self._tell(Progress(*counts, self._seconds, note))


def duration(seconds: float) -> str:
    """A time span for people, as in `9 min 5 s`."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"

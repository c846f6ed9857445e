import io
import re

import pytest
from rich.console import Console

from pipeline.plan.batches import Batch
from pipeline.plan.kinds import CHANNEL
from pipeline.plan.units import Unit
from pipeline.store.records import Failure
from tasks.command import progress
from tasks.pool.dispatch import Note

BATCH = Batch("relu", 0, 4, tuple(Unit(CHANNEL, ("relu",), i) for i in range(4)))


def _said(is_terminal: bool) -> tuple[progress.Display, str]:
    text = io.StringIO()
    with progress.show(Console(file=text, force_terminal=is_terminal, width=120)) as display:
        display.start(10, 6)
        display.update(None)
        display.update(Note("from here on by [4]"))
        display.update(BATCH)
        display.update(Failure("relu/000001", ("relu:4", "relu:5"), "it [bold]died"))
    return display, re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text.getvalue())


@pytest.mark.parametrize("is_terminal", [False, True])
def test_it_counts_and_tells_what_failed(is_terminal: bool) -> None:
    display, text = _said(is_terminal)
    assert (display.done, display.failed) == (4, 2)
    assert "10 units are there, 6 to go" in text
    assert "batch relu/000001 failed: it [bold]died" in text
    assert text.count("from here on by [4]") == 1


def test_off_a_terminal_there_are_plain_lines() -> None:
    _, text = _said(is_terminal=False)
    assert "6 of 6 units, 2 failed, " in text
    assert text.strip().endswith("left")


def test_on_a_terminal_there_is_a_bar() -> None:
    _, text = _said(is_terminal=True)
    assert "6/6" in text
    assert "2 failed" in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59, "59 s"), (125, "2 min 5 s"), (7260, "2 h 1 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert progress.duration(seconds) == text

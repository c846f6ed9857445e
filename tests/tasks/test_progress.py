import io
import re
from typing import Any

import pytest
from rich.console import Console

from pipeline.plan.batches import Batch
from pipeline.plan.kinds import CHANNEL
from pipeline.plan.units import Unit
from pipeline.store.records import Failure
from tasks import progress
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
    assert "6 of 6 units, 2 failed, " in text


def test_what_follows_is_told_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    text = io.StringIO()
    with progress.show(Console(file=text, width=120)) as display:
        display.start(0, 4, later=60)
        now[0] += 20
        display.update(BATCH)
        display.stage("responses", 8, later=30)
        now[0] += 10
        display.advance(2)
        now[0] += 20
        display.advance(6)
        for _ in range(2):
            display.stage("writing the index")
        display.stage("units on the page", 4)
    assert display.done == 4
    assert text.getvalue().splitlines() == [
        "4 of 4 units, 0.20 a second, 1 min 0 s left",
        "8 responses to go",
        "2 of 8 responses, 0.20 a second, 1 min 0 s left",
        "8 of 8 responses, 0.27 a second, 30 s left",
        "writing the index",
        "4 units on the page to go",
    ]


def test_in_a_notebook_a_cell_is_drawn_anew(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    display = pytest.importorskip("IPython.display")
    drawn: list[tuple[int, dict[str, str]]] = []

    class Place:
        """An output of a cell."""

        def __init__(self, number: int) -> None:
            self.number = number

        def update(self, shown: dict[str, str], raw: bool) -> None:
            drawn.append((self.number, shown))

    def draw(shown: Any, raw: bool = False, display_id: bool = False) -> Place:
        if raw:  # a line of rich's is not
            drawn.append((len(drawn), shown))
        return Place(len(drawn) - 1)

    monkeypatch.setattr(display, "display", draw)
    with progress.show(Console(file=io.StringIO(), force_jupyter=True)) as shown:
        shown.start(0, 6)
        shown.update(None)
        shown.update(BATCH)
        shown.update(Failure("relu/000001", ("relu:4", "relu:5"), "it died"))
        shown.stage("writing the index")
        shown.start(6, 0)
    places, outputs = zip(*drawn, strict=True)
    texts = [output["text/plain"] for output in outputs]
    assert texts[0] == "6 units to go"
    assert texts[1].startswith("4 of 6 units, ")
    assert texts[2].startswith("6 of 6 units, 2 failed, ")
    assert len(set(places)) == 1
    bars = [re.sub(r' aria-label="[^"]*"', "", output["text/html"]) for output in outputs]
    assert '<progress value="6" max="6"></progress>' in bars[2]
    assert bars[3] == "<progress></progress> writing the index"
    assert texts[4:] == ["4 units, 2 failed, in 0 s"]  # and no bar, which would go on for ever
    assert bars[4] == texts[4]


def test_a_function_is_told_what_happens() -> None:
    seen: list[progress.Progress] = []
    with progress.told(seen.append) as display:
        display.start(10, 6)
        display.update(None)
        display.update(Note("by halves"))
        display.update(BATCH)
        display.update(Failure("relu/000001", ("relu:4", "relu:5"), "it died"))
        display.stage("responses", 4)
        display.update(BATCH)
        display.advance(4)
    found = [(one.before, one.total, one.done, one.failed, one.note) for one in seen]
    assert found == [
        (10, 6, 0, 0, ""), (10, 6, 0, 0, "by halves"), (10, 6, 4, 0, ""),
        (10, 6, 4, 2, "batch relu/000001 failed: it died"), (10, 6, 4, 2, "4 responses to go"),
    ]  # fmt: skip
    assert all(one.seconds >= 0 for one in seen)


def test_silence_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.silent() as display:
        display.start(10, 6)
        display.update(BATCH)
        display.update(Note("by halves"))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59, "59 s"), (125, "2 min 5 s"), (7260, "2 h 1 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert progress.duration(seconds) == text

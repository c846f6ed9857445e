"""Tests of when the page is written anew, with a clock of their own."""

import logging
from pathlib import Path

import pytest

from pipeline.errors import DamageError
from pipeline.store.folder import Folder, LocalFolder
from tasks.build.refresh import Refresher


class Clock:
    """Seconds that pass when they are told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


FOLDER = LocalFolder(Path("atlas"))


def _written(takes: float, seconds: float) -> int:
    """How often a page is written in some seconds, where that takes so long."""
    clock, written = Clock(), []

    def write(folder: Folder) -> None:
        clock.now += takes
        written.append(folder)

    refresh = Refresher(FOLDER, write, clock=clock)
    while clock.now < seconds:
        refresh()
        clock.now += 1
    assert set(written) == {FOLDER}
    return len(written)


def test_it_is_written_every_half_minute() -> None:
    assert _written(takes=0.1, seconds=100) == 3


def test_it_takes_little_of_a_builds_time() -> None:
    assert 0.02 < 20 * _written(takes=20, seconds=20_000) / 20_000 < 0.04


@pytest.mark.parametrize("error", [OSError("no room"), DamageError("an image is damaged")])
def test_what_goes_wrong_is_told_and_stops_nothing(
    caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def fail(_: Folder) -> None:
        raise error

    clock = Clock()
    refresh = Refresher(FOLDER, fail, clock=clock)
    clock.now = 60
    with caplog.at_level(logging.WARNING):
        refresh()
        refresh()
    assert caplog.text.count("the page was not written now, and will be later") == 1

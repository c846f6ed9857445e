"""Tests of when the page is written anew, with a clock of their own."""

import logging
from pathlib import Path

import pytest

from pipeline.publish import site
from pipeline.store.folder import LocalFolder
from pipeline.store.store import Store
from tasks.build.refresh import Refresher


class Clock:
    """Seconds that pass when they are told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each writing takes; the test counts what is left."""
    clock = Clock()
    took: list[float] = []

    def write(_: object) -> None:
        clock.now += took.pop(0)

    monkeypatch.setattr(Store, "open", lambda folder: folder)
    monkeypatch.setattr(site, "write", write)
    monkeypatch.setattr(Refresher.__init__, "__defaults__", (clock,))
    return took


def _clock() -> Clock:
    [clock] = Refresher.__init__.__defaults__ or ()
    return clock


def test_it_is_written_every_half_minute(tmp_path: Path, written: list[float]) -> None:
    written += [0.1] * 10
    refresh, clock = Refresher(LocalFolder(tmp_path)), _clock()
    for _ in range(100):
        refresh()
        clock.now += 1
    assert len(written) == 7


def test_it_takes_little_of_a_builds_time(tmp_path: Path, written: list[float]) -> None:
    written += [20.0] * 100
    refresh, clock = Refresher(LocalFolder(tmp_path)), _clock()
    while clock.now < 20_000:
        refresh()
        clock.now += 1
    spent = 20.0 * (100 - len(written))
    assert 0.02 < spent / clock.now < 0.04


@pytest.mark.parametrize("error", [OSError("no room"), site.DamageError("an image is damaged")])
def test_what_goes_wrong_is_told_and_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error
) -> None:
    def fail(_: object) -> None:
        raise error

    clock = Clock()
    monkeypatch.setattr(Store, "open", fail)
    refresh = Refresher(LocalFolder(tmp_path), clock)
    clock.now = 60
    with caplog.at_level(logging.WARNING):
        refresh()
        refresh()
    assert caplog.text.count("the page was not written now, and will be later") == 1

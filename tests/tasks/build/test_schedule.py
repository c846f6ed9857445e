"""Having Luigi run tasks: by which scheduler, and what is told of those that fail."""

from collections.abc import Callable
from typing import ClassVar

import luigi
import pytest
from builds import build

from pipeline.config.schema import Build
from pipeline.errors import StorageError, WorkError
from pipeline.explore import index
from tasks.build.schedule import Ended, schedule

pytestmark = pytest.mark.usefixtures("cpu")


def test_luigid_is_used_when_a_host_is_given(configure, luigid: int) -> None:
    there = ("build.scheduler_host=127.0.0.1", f"build.scheduler_port={luigid}")
    assert build(configure(*there, units=("relu:0-3", "logits:1"))).done == 5
    listed = luigi.rpc.RemoteScheduler(f"http://127.0.0.1:{luigid}/").task_list("DONE", "")
    assert {task["name"] for task in listed.values()} == {
        "BuildAtlas", "DrawMosaic", "WriteSite", "WriteIndex", "TryViews", "TraceCircuits",
        "MeasureResponses", "RenderUnits", "Enumerate",
    }  # fmt: skip


def test_a_luigid_that_is_not_there(configure) -> None:
    config = configure("build.scheduler_host=127.0.0.1", "build.scheduler_port=9")
    with pytest.raises(WorkError, match=r"no luigid answers at 127.0.0.1:9 .*: start it, or leave"):
        build(config)


def test_an_error_outside_the_batches_stops_the_build(
    configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(index, "refresh", full)
    with pytest.raises(WorkError, match=r"the build stopped: OSError: .*No space left on device"):
        build(configure(units=("relu:0",)))


class Step(luigi.Task):
    """A task that does what it is told; done once it has run."""

    name = luigi.Parameter()
    do: ClassVar[dict[str, Callable[[], object]]] = {}
    done: ClassVar[set[str]] = set()

    def complete(self) -> bool:
        return self.name in self.done

    def requires(self) -> list["Step"]:
        self.do.get(f"requires {self.name}", bool)()
        return [Step(name="first")] if self.name == "last" else []

    def run(self) -> None:
        self.do.get(self.name, bool)()
        self.done.add(str(self.name))


@pytest.fixture
def last(monkeypatch: pytest.MonkeyPatch) -> Step:
    """A task that requires another one, `first`."""
    monkeypatch.setattr(Step, "do", {})
    monkeypatch.setattr(Step, "done", set())
    return Step(name="last")


def _raise(error: Exception) -> Callable[[], object]:
    def fail() -> None:
        raise error

    return fail


def test_a_task_is_run_after_what_it_requires(last: Step) -> None:
    order: list[str] = []
    last.do.update({name: lambda n=name: order.append(n) for name in ("first", "last")})
    assert schedule(last, Build()) == Ended(True, ())
    assert order == ["first", "last"]
    assert schedule(last, Build()).succeeded
    assert order == ["first", "last"]  # all was there


@pytest.mark.parametrize("where", ["first", "last", "requires first", "requires last"])
def test_what_a_task_raises_is_heard(last: Step, where: str) -> None:
    error = OSError(28, "No space left on device")
    last.do[where] = _raise(error)
    ended = schedule(last, Build())
    assert not ended.succeeded
    assert set(ended.errors) == {error}
    last.do.clear()
    assert schedule(last, Build()) == Ended(True, ())  # nothing of before is heard again


def test_the_first_error_is_raised_for_a_person() -> None:
    full, odd = StorageError("no room"), ValueError("odd")
    with pytest.raises(StorageError, match=r"^no room$"):
        Ended(False, (full, odd)).insist()
    with pytest.raises(WorkError, match=r"^the build stopped: ValueError: odd$") as told:
        Ended(False, (odd, full)).insist()
    assert told.value.__cause__ is odd


def test_expected_errors_are_passed_over() -> None:
    Ended(True, ()).insist()
    Ended(False, (WorkError("expected"),)).insist(WorkError)
    with pytest.raises(WorkError, match="ValueError: odd"):
        Ended(False, (WorkError("expected"), ValueError("odd"))).insist(WorkError)


def test_what_nobody_ran_is_told() -> None:
    with pytest.raises(WorkError, match=r"did not run every task: another build .* may be at it"):
        Ended(False, ()).insist()

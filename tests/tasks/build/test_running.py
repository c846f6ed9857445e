"""What the tasks of a build share, and that nothing of an older build is among it."""

import gc
import weakref

import luigi
import pytest
from builds import silent

from pipeline.errors import WorkError
from pipeline.store.records import Failure
from tasks import planning
from tasks.build.graph import BuildAtlas, DrawMosaic
from tasks.build.running import Running
from tasks.pool.dispatch import Note


@pytest.fixture
def plan(configure) -> planning.Plan:
    return planning.make(configure(units=("relu:0",)))


def test_a_task_is_identified_by_its_atlas_and_section(plan: planning.Plan) -> None:
    first, second = Running(plan, silent()), Running(plan, silent())
    assert BuildAtlas.of(first).task_id == BuildAtlas.of(second).task_id
    assert BuildAtlas.of(first).task_id.startswith("BuildAtlas__")
    drawn = DrawMosaic.of(first, section="relu")
    assert drawn.task_id.startswith("DrawMosaic_")
    assert "relu" in drawn.task_id
    assert drawn.to_str_params() == {"atlas": str(plan.folder), "section": "relu"}
    assert repr(drawn) == f"DrawMosaic(atlas={plan.folder}, section=relu)"


def test_a_task_of_another_build_is_another_object(plan: planning.Plan) -> None:
    first, second = Running(plan, silent()), Running(plan, silent())
    assert BuildAtlas.of(first).running is first
    assert BuildAtlas.of(second).running is second
    assert BuildAtlas.of(first) is not BuildAtlas.of(first)
    assert BuildAtlas.of(first) == BuildAtlas.of(first)


def test_a_build_that_is_over_is_forgotten(plan: planning.Plan) -> None:
    running = Running(plan, silent())
    task, known = BuildAtlas.of(running), weakref.ref(running)
    gc.collect()
    assert known() is running
    del running, task
    gc.collect()
    assert known() is None


def test_a_running_build_is_not_had_from_a_command_line() -> None:
    with pytest.raises(luigi.parameter.ParameterException, match="use `luigi --module tasks"):
        BuildAtlas.running.parse("this one")


def test_what_is_done_is_not_asked_again(plan: planning.Plan) -> None:
    running, answers = Running(plan, silent()), [False, True]
    asked = [running.once("it", lambda: answers.pop(0)) for _ in range(4)]
    assert asked == [False, True, True, True]


def test_the_pool_is_opened_once_and_closed_with_the_build(plan: planning.Plan) -> None:
    with Running(plan, silent()) as running:
        with running.pool() as first, running.pool() as second:
            assert first is second
        assert first.status == "running"
    assert first.status == "closed"


def test_a_pool_on_which_the_work_failed_is_closed_at_once(plan: planning.Plan) -> None:
    with Running(plan, silent()) as running:
        with pytest.raises(KeyboardInterrupt), running.pool() as first:
            raise KeyboardInterrupt
        assert first.status == "closed"


def test_the_lock_the_display_and_the_page_are_told(plan: planning.Plan) -> None:
    said: list[str] = []
    display = silent()
    running = Running(plan, display, lambda: said.append("lock"), lambda: said.append("page"))
    [(_, [batch])] = plan.missing()
    for outcome in (None, Note("well"), Failure("relu/000000", ("relu:0",), "no luck"), batch):
        running.tell(outcome)
    assert said == ["lock", "lock", "lock", "lock", "page"]
    assert (display.done, display.failed) == (1, 1)


def test_a_build_whose_lock_is_lost_goes_no_further(plan: planning.Plan) -> None:
    def lost() -> None:
        raise WorkError("another build took over")

    display = silent()
    [(_, [batch])] = plan.missing()
    with pytest.raises(WorkError, match="another build took over"):
        Running(plan, display, lost).tell(batch)
    assert display.done == 0

import threading

import pytest

from pipeline.patience import within


def test_what_is_returned_and_raised_in_time() -> None:
    assert within(60, lambda: 42) == 42
    with pytest.raises(KeyError, match="there is none"):
        within(60, lambda: {}["there is none"])


def test_what_does_not_answer_is_left() -> None:
    over, before = threading.Event(), set(threading.enumerate())
    with pytest.raises(TimeoutError):
        within(0.05, lambda: over.wait(60))
    [left] = set(threading.enumerate()) - before
    assert left.daemon
    over.set()
    left.join(60)


def test_an_answer_that_nobody_waits_for_is_given_to_who_closes_it() -> None:
    go, given = threading.Event(), threading.Event()
    found: list[int] = []

    def ask() -> int:
        go.wait(60)
        return 42

    def late(answer: int) -> None:
        found.append(answer)
        given.set()

    with pytest.raises(TimeoutError, match=r"no answer in 0\.05 seconds"):
        within(0.05, ask, late)
    go.set()
    assert given.wait(60)
    assert found == [42]


def test_a_call_that_raises_late_harms_nobody() -> None:
    go = threading.Event()
    before = set(threading.enumerate())
    with pytest.raises(TimeoutError, match="no answer"):
        within(0.05, lambda: go.wait(60) and 1 / 0)
    [left] = set(threading.enumerate()) - before
    go.set()
    left.join(60)
    assert not left.is_alive()


def test_a_time_out_of_the_call_itself_is_passed_on() -> None:
    def ask() -> None:
        raise TimeoutError("the server said so")

    with pytest.raises(TimeoutError, match="the server said so"):
        within(60, ask)

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

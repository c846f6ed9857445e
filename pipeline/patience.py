"""Waiting for an answer with a bound, where who is asked knows none."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Answer = TypeVar("Answer")


def within(seconds: float, ask: Callable[[], Answer]) -> Answer:
    """What a call returns or raises.

    Args:
        seconds: how long it may take. A call that takes longer is left to itself, in a thread that
            does not keep the process.
        ask: the call.

    Raises:
        TimeoutError: it took longer.
    """
    answer: Future[Answer] = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:  # it is raised where it was asked for
            answer.set_exception(error)

    threading.Thread(target=run, name="asking", daemon=True).start()
    return answer.result(seconds)

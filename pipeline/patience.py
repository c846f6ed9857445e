"""Waiting for an answer with a bound, where who is asked knows none."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Answer = TypeVar("Answer")


def within(
    seconds: float, ask: Callable[[], Answer], late: Callable[[Answer], object] | None = None
) -> Answer:
    """What a call returns or raises.

    Args:
        seconds: how long it may take. A call that takes longer is left to itself, in a thread that
            does not keep the process.
        ask: the call.
        late: told what the call returned when nobody waited any more, as to close it.

    Raises:
        TimeoutError: it took longer.
    """
    answer: Future[Answer] = Future()

    def run() -> None:
        try:
            found = ask()
        except BaseException as error:  # it is raised where it was asked for
            if answer.set_running_or_notify_cancel():
                answer.set_exception(error)
            return
        if answer.set_running_or_notify_cancel():
            answer.set_result(found)
        elif late is not None:
            late(found)

    threading.Thread(target=run, name="asking", daemon=True).start()
    try:
        return answer.result(seconds)
    except TimeoutError:
        if answer.cancel():
            raise TimeoutError(f"no answer in {seconds:g} seconds") from None
        return answer.result()  # it came at the last moment, or is a TimeoutError itself

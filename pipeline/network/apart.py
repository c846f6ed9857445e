"""Asking a process of its own, so that who asks stays free of TensorFlow, or keeps its own.

What computes sets up its whole process (`device`): threads, environment, what Keras remembers.
"""

import contextlib
import multiprocessing
import signal
import sys
import types
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import TypeVar

from pipeline.errors import WorkError

Answer = TypeVar("Answer")


def apart(do: Callable[[], Answer], task: str, patience: float, remedy: str) -> Answer:
    """What a call returns or raises in a process of its own, which ends with it.

    Args:
        do: the call; it goes there as a pickle, and its answer comes back as one.
        task: what it is to do, as in `read FILE`.
        patience: seconds until it must have answered.
        remedy: where that is set, and what to do about it.

    Raises:
        WorkError: the process died, or did not answer in time.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(there, do), daemon=True)
    try:
        with unseen_script():
            process.start()
        there.close()
        if not here.poll(patience):
            raise WorkError(
                f"the process that was to {task} has not answered for {patience:g} seconds {remedy}"
            )
        answer: Answer | Exception = here.recv()
    except (EOFError, OSError) as error:
        raise WorkError(
            f"the process that was to {task} died, most likely for want of memory"
        ) from error
    finally:
        here.close()
        if process.pid is not None:
            process.kill()
            process.join()
    if isinstance(answer, Exception):
        raise answer
    return answer


def _answer(asker: Connection, do: Callable[[], Answer]) -> None:
    """Answer once and end, whatever became of who asked; a pool's process would wait for more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # that is for who asked
    try:
        answer: Answer | Exception = do()
    except Exception as error:  # it is raised where it was asked for
        answer = error
    with contextlib.suppress(OSError):
        asker.send(answer)


@contextlib.contextmanager
def unseen_script() -> Iterator[None]:
    """Have processes that start meanwhile not run the program's own script.

    They do by default, to find what is defined there. Nothing of this project is; and a script
    that calls it, without `if __name__ == "__main__"` around the call, would begin anew in each.
    """
    script = sys.modules["__main__"]
    unseen = types.ModuleType("__main__")
    vars(unseen).update({**vars(script), "__spec__": None, "__file__": None})
    sys.modules["__main__"] = unseen
    try:
        yield
    finally:
        if sys.modules["__main__"] is unseen:
            sys.modules["__main__"] = script

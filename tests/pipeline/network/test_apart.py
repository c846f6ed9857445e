"""Tests of asking a process of its own."""

import multiprocessing
import os
import signal
import subprocess
import sys
import types
from functools import partial
from pathlib import Path

import pytest

from pipeline.errors import UnitError, WorkError
from pipeline.network.apart import apart, unseen_script


def _refuse(why: str) -> None:
    raise UnitError(why)


def test_an_answer_comes_from_another_process() -> None:
    assert apart(os.getpid, "say who it is", 60, "") != os.getpid()
    assert apart(partial(int, "3"), "count", 60, "") == 3


def test_what_is_raised_there_is_raised_here() -> None:
    with pytest.raises(UnitError, match=r"^there is none$"):
        apart(partial(_refuse, "there is none"), "look", 60, "")


def test_who_does_not_answer_is_told_and_ended() -> None:
    message = r"was to wait has not answered for 0\.01 seconds \(here\): do"
    with pytest.raises(WorkError, match=message):
        apart(signal.pause, "wait", 0.01, "(here): do")
    assert multiprocessing.active_children() == []


def test_who_dies_is_told() -> None:
    with pytest.raises(WorkError, match="was to end died, most likely for want of memory"):
        apart(partial(os._exit, 1), "end", 60, "")


def test_a_script_is_not_run_again(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import os\nfrom functools import partial\nfrom pipeline.network.apart import apart\n"
        "print('once', apart(partial(int, '3'), 'count', 60, ''), __file__, flush=True)\n"
    )
    found = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=300, check=True
    )
    assert found.stdout.splitlines() == [f"once 3 {script}"]


def test_a_script_is_back_after_an_error() -> None:
    def interrupt(unseen: types.ModuleType) -> None:
        assert vars(unseen).keys() >= vars(script).keys()
        assert unseen.__file__ is None
        raise KeyboardInterrupt

    script = sys.modules["__main__"]
    with pytest.raises(KeyboardInterrupt), unseen_script():
        interrupt(sys.modules["__main__"])
    assert sys.modules["__main__"] is script

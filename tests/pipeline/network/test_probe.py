"""Tests of describing a network in a process of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from processes import children_of, is_running, wait

from pipeline.config.weights import resolve
from pipeline.errors import ConfigError, WorkError
from pipeline.network.probe import probe


def test_a_probe_describes_the_bundled_weights() -> None:
    found = probe(resolve("bundled"), 80)
    assert (found.image_size, found.classes, found.deepest) == (80, None, "mixed4")
    assert (found.layers["mixed2"].channels, found.layers["mixed4"].channels) == (288, 768)
    depths = [layer.depth for layer in found.layers.values()]
    assert depths == sorted(depths)


def test_who_asks_again_has_the_same_answer_at_once() -> None:
    found = probe(resolve("bundled"), 80)
    assert probe(resolve("bundled"), 80, patience=0.0) is found


def test_a_probe_raises_what_its_process_raised() -> None:
    with pytest.raises(ConfigError, match="20 px is too small for inception_v3"):
        probe(resolve("bundled"), 20)


def test_a_probe_that_does_not_answer_is_told_and_ended() -> None:
    with pytest.raises(WorkError, match=r"has not answered for 0\.01 seconds \(build.patience\)"):
        probe(resolve("bundled"), 96, patience=0.01)
    assert not _answering(os.getpid())


def _answering(asking: int) -> list[int]:
    """The process that describes a network for another one."""
    commands = {pid: Path(f"/proc/{pid}/cmdline") for pid in children_of(asking)}
    return [
        pid
        for pid, path in commands.items()
        if path.exists() and b"spawn_main" in path.read_bytes()
    ]


def _probing() -> subprocess.Popen[str]:
    """A process that asks, and that process's own, which answers."""
    code = (
        "from pipeline.network.probe import probe\n"
        "from pipeline.config.weights import resolve\n"
        "probe(resolve('bundled'), 128)\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT])
def test_a_probe_ends_though_who_asked_is_gone(by: signal.Signals) -> None:
    asking = _probing()
    children = wait(lambda: children_of(asking.pid), asking)
    asking.send_signal(by)
    asking.communicate(timeout=60)  # nobody else holds its output
    wait(lambda: not any(map(is_running, children)), None)


def test_a_probe_that_dies_is_told() -> None:
    asking = _probing()
    for child in wait(lambda: _answering(asking.pid), asking):
        subprocess.run(["kill", "-9", str(child)], check=False)
    text, _ = asking.communicate(timeout=60)
    assert "WorkError: the process that was to read" in text

"""Tests of what a plan knows of a network."""

import json
import signal
import subprocess
import sys

import pytest
from processes import children_of, is_running, wait

from pipeline.architecture import Architecture, probe
from pipeline.errors import ConfigError
from pipeline.weights import resolve


def test_json_and_back(architecture: Architecture) -> None:
    assert Architecture.from_json(json.loads(json.dumps(architecture.to_json()))) == architecture


def test_the_deepest_layer(architecture: Architecture) -> None:
    assert architecture.deepest == "mixed4"


def test_a_probe_describes_the_bundled_weights() -> None:
    found = probe(resolve("bundled"), 80)
    assert (found.image_size, found.classes, found.deepest) == (80, None, "mixed4")
    assert (found.layers["mixed2"].channels, found.layers["mixed4"].channels) == (288, 768)
    depths = [layer.depth for layer in found.layers.values()]
    assert depths == sorted(depths)


def test_a_probe_raises_what_its_process_raised() -> None:
    with pytest.raises(ConfigError, match="20 px is too small for inception_v3"):
        probe(resolve("bundled"), 20)


def _probing() -> subprocess.Popen[str]:
    """A process that asks, and that process's own, which answers."""
    code = (
        "from pipeline.architecture import probe\n"
        "from pipeline.weights import resolve\n"
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
    for child in wait(lambda: children_of(asking.pid), asking):
        subprocess.run(["kill", "-9", str(child)], check=False)
    text, _ = asking.communicate(timeout=60)
    assert "WorkError: the process that was to read" in text

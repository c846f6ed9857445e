"""Tests of libraries that only some uses need."""

import re
import sys
import tomllib
from pathlib import Path

import pytest

from pipeline import extras
from pipeline.errors import ConfigError

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize(("module", "extra"), extras._EXTRAS.items())
def test_an_extra_brings_its_library(module: str, extra: str) -> None:
    brought = {
        re.split(r"[\[<>=~!]", line)[0].replace("-", "_")
        for line in PROJECT["optional-dependencies"][extra]
    }
    assert module in brought


def test_what_is_here_is_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xarray", sys)
    extras.need("xarray", "a test")


def test_the_line_that_installs_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ConfigError, match=r"^a test needs xarray.*'channel-atlas\[xarray\]'$"):
        extras.need("xarray", "a test")

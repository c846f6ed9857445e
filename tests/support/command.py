"""The command, run in the tests' own process."""

import signal
import sys

import pytest

from tasks.command import main


def call(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str
) -> tuple[int, str, str]:
    """The exit code, output and errors of the command."""
    monkeypatch.setattr(sys, "argv", ["atlas", *arguments])
    before = signal.getsignal(signal.SIGTERM)
    try:
        with pytest.raises(SystemExit) as ended:
            main.main()
    finally:
        signal.signal(signal.SIGTERM, before)
    said = capfd.readouterr()
    return int(ended.value.code or 0), said.out, said.err

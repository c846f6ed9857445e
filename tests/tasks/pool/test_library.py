"""Tests of Dask as it starts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("text", ["distributed: [", "distributed: {logging-file-config: none.ini}"])
def test_settings_of_dask_that_it_refuses_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "tasks.command.main", "doctor"], cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "DASK_CONFIG": str(tmp_path)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "Dask does not start by your settings of it (~/.config/dask" in done.stderr

"""A build by Luigi's own command, as a user types it, and as part of another pipeline."""

import os
import subprocess
import sys
from pathlib import Path

import luigi
import pytest
from builds import contents

from pipeline.errors import AtlasFolderError
from pipeline.store import lock
from pipeline.store.place import at
from pipeline.store.store import LOCK, Store
from tasks.build import run
from tasks.build.atlas import Atlas

LUIGI = Path(sys.executable).parent / "luigi"
CODES = ("--retcode-task-failed", "30", "--retcode-scheduling-error", "35")


def _luigi(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """What Luigi's command says of the atlas of a configuration in a folder."""
    command = [str(LUIGI), "--module", "tasks.build.atlas", "Atlas", *options]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip


def test_luigis_own_command_builds_by_a_luigid(
    written: Path, tmp_path: Path, luigid: int, finished: run.Report
) -> None:
    there = ("--scheduler-host", "127.0.0.1", "--scheduler-port", str(luigid))
    done = _luigi(tmp_path, *there, *CODES, "--config", "atlas_config.yaml")
    assert done.returncode == 0, done.stderr
    assert "This progress looks :)" in done.stderr
    assert contents(tmp_path / "atlas") == contents(finished.folder)
    assert Store.open(tmp_path / "atlas").folder.read(LOCK) == b""
    listed = luigi.rpc.RemoteScheduler(f"http://127.0.0.1:{luigid}/").task_list("DONE", "")
    names = [task["name"] for task in listed.values()]
    assert {"Atlas", "BuildAtlas", "RenderUnits", "DrawMosaic", "WriteSite"} <= set(names)
    assert {task["params"].get("section") for task in listed.values()} >= {"relu", "softmax"}


def test_what_failed_is_told_by_luigis_return_codes(
    written: Path, tiny_model: Path, hopeless: Path, tmp_path: Path
) -> None:
    text = written.read_text().replace(str(tiny_model), str(hopeless))
    (tmp_path / "hopeless.yaml").write_text(text)
    given = ("--local-scheduler", "--config", "hopeless.yaml", "--output", "elsewhere")
    done = _luigi(tmp_path, *given, *CODES)
    assert done.returncode == 30, done.stderr
    assert "values that are not finite" in done.stderr
    assert "batches failed, first " in done.stderr
    assert not (tmp_path / "atlas").exists()
    assert Store.open(tmp_path / "elsewhere").folder.read(LOCK) == b""
    assert Store.open(tmp_path / "elsewhere").records.failures()


def test_a_folder_in_use_is_no_folder_to_build_in(written: Path, built: Path) -> None:
    (built / "mosaic.png").unlink()
    with lock.held(at(built)):
        done = _luigi(built.parent, "--local-scheduler", *CODES)
    assert done.returncode == 35
    assert f"is being built by process {os.getpid()} on" in done.stderr
    assert not (built / "mosaic.png").exists()


def test_a_folder_is_locked_until_all_is_there(written: Path, built: Path) -> None:
    task = Atlas(config=str(written), output=str(built))
    assert task.complete()
    with lock.held(at(built)):
        pass
    (built / "mosaic.png").unlink()
    assert not task.complete()
    with pytest.raises(AtlasFolderError, match="is being built by"), lock.held(at(built)):
        pass
    assert luigi.build([task], local_scheduler=True, no_lock=True)
    assert (built / "mosaic.png").is_file()
    with lock.held(at(built)):
        pass
    assert task.complete()

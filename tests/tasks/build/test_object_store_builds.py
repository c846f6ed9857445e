"""Whole builds into an object store that fails now and then, by the command as a user gives it."""

import random
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import obstore
import pytest
from builds import contents
from processes import children_of, is_running, run_build, start_build, wait
from s3 import SECRET, Door

from pipeline.store.object_store import RemoteFolder
from pipeline.store.place import at


@pytest.fixture
def address(door: Door) -> str:
    return f"s3://bucket/{uuid.uuid4()}"


def _everything(address: str) -> dict[str, bytes]:
    folder = at(address)
    assert isinstance(folder, RemoteFolder)
    names = [item["path"] for page in obstore.list(folder.store) for item in page]
    return {name: folder.read(name) for name in names}


def _records(address: str) -> dict[str, bytes]:
    return {n: content for n, content in _everything(address).items() if n.startswith("records/")}


def _atlas(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tasks.command.main", *words],
        cwd=folder, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_a_build_where_requests_fail_is_killed_goes_on_and_is_read(
    written: Path, tmp_path: Path, door: Door, address: str, undisturbed: dict[str, object]
) -> None:
    chance = random.Random(6)
    ways = ("error", "drop", "slow", *[""] * 27)
    door.fail = lambda *_: chance.choice(ways)
    building = start_build(tmp_path, f"output={address}", "recipe.steps=60", "site=false")
    wait(lambda: _records(address), building)
    children = children_of(building.pid)
    building.send_signal(signal.SIGKILL)
    building.communicate(timeout=60)
    wait(lambda: not any(map(is_running, children)), None)
    kept = _records(address)
    assert kept

    done = run_build(
        tmp_path, f"output={address}", "recipe.steps=60", "site=false", "build.lease=2"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert _records(address).items() >= kept.items()

    door.fail = lambda *_: ""
    found = contents(address)
    assert found.keys() == undisturbed.keys()
    words = [done.stdout, done.stderr]
    for command in (
        ("status", address), ("verify", address), ("query", address, "layer == 'relu'"),
        ("show", address, "relu:3", "--save", "three.png"),
    ):  # fmt: skip
        told = _atlas(tmp_path, *command)
        assert told.returncode == 0, told.stdout + told.stderr
        words += [told.stdout, told.stderr]
    assert (tmp_path / "three.png").is_file()
    assert not any(SECRET in word for word in words)
    assert not any(SECRET.encode() in content for content in _everything(address).values())
    assert not list(tmp_path.glob("s3:*"))


@pytest.mark.slow
def test_an_atlas_there_equals_one_on_a_disk(
    written: Path, tmp_path: Path, address: str, undisturbed: dict[str, object]
) -> None:
    done = run_build(tmp_path, f"output={address}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert contents(address) == undisturbed
    before = _records(address)
    done = run_build(tmp_path, f"output={address}")
    assert (done.returncode, _records(address)) == (0, before)
    images = next(name for name in _everything(address) if "/deep/images/c/1" in name)
    at(address).write_bytes(images, b"short")
    done = _atlas(tmp_path, "verify", address)
    assert done.returncode == 1
    assert "damaged: deep/000001" in done.stdout
    assert run_build(tmp_path, f"output={address}").returncode == 0
    assert contents(address) == undisturbed


@pytest.mark.slow
def test_a_store_that_goes_away_ends_the_build(
    written: Path, tmp_path: Path, door: Door, address: str
) -> None:
    door.fail = lambda *_: "error"
    done = run_build(tmp_path, f"output={address}")
    assert done.returncode in (1, 2)
    said = done.stderr.strip().splitlines()[-1]
    assert address in said
    assert SECRET not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_store_that_refuses(written: Path, tmp_path: Path, door: Door, address: str) -> None:
    door.fail = lambda *_: "refuse"
    done = run_build(tmp_path, f"output={address}")
    assert done.returncode in (1, 2)
    assert "check the credentials in the environment" in done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr

"""Faults done for real, to builds in processes: all end in the atlas that nothing disturbed."""

import errno
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from builds import begun, build, contents
from processes import children_of, is_running, run_build, start_build, wait

from pipeline import Atlas
from pipeline.errors import StorageError
from pipeline.plan.batches import Batch
from pipeline.store.store import Store
from tasks.pool import cluster, dispatch, work
from tasks.pool.work import Steps

pytestmark = pytest.mark.slow
KILLS = 30


def _records(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("records/*/*.json")}


def test_a_driver_killed_at_any_moment_again_and_again(
    written: Path, tmp_path: Path, undisturbed: dict[str, object]
) -> None:
    chance = random.Random(4)
    for number in range(KILLS):
        running = start_build(tmp_path)
        by = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)[number % 3]
        before = _records(tmp_path)
        later = before if chance.random() < 0.5 else None
        try:
            running.wait(chance.uniform(0.2, 8.0))
        except subprocess.TimeoutExpired:
            children = children_of(running.pid)
            running.send_signal(by)
        else:
            children = []
        text, _ = running.communicate(timeout=60)
        wait(lambda found=children: not any(map(is_running, found)), None, 30)
        assert running.returncode in (0, 130, -by), text
        assert _records(tmp_path).items() >= (later or before).items()
    done = run_build(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert contents(tmp_path / "atlas") == undisturbed


def test_workers_killed_in_mid_batch_again_and_again(
    written: Path, tmp_path: Path, undisturbed: dict[str, object]
) -> None:
    chance = random.Random(5)
    running = start_build(tmp_path, "build.deaths=20")
    for _ in range(5):
        seen = len(_records(tmp_path))
        wait(lambda least=seen: len(_records(tmp_path)) > least or running.poll() is not None, None)
        if running.poll() is not None:
            break
        workers = [pid for pid in children_of(running.pid) if _is_worker(pid)]
        if workers:
            os.kill(chance.choice(workers), signal.SIGKILL)
    text, _ = running.communicate(timeout=300)
    assert running.returncode == 0, text
    assert contents(tmp_path / "atlas") == undisturbed


def _is_worker(pid: int) -> bool:
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own with little room, at `tmp_path/atlas`."""
    place = tmp_path / "atlas"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(place)],
        capture_output=True, check=False,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip("only root can mount a disk")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk(written: Path, room: Path, undisturbed: dict[str, object]) -> None:
    done = run_build(written.parent)
    assert done.returncode == 1
    said = done.stderr.strip().splitlines()[-1]
    assert "No space left on device" in said
    kept = _records(room)
    assert kept
    subprocess.run(["mount", "-o", "remount,size=20m", str(room)], check=True)
    done = run_build(written.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    assert _records(room).items() >= kept.items()
    assert contents(room) == undisturbed


def test_a_disk_that_is_taken_away(written: Path, room: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=20m", str(room)], check=True)
    running = start_build(written.parent, "recipe.steps=400")
    wait(lambda: _records(room), running)
    subprocess.run(["umount", "-l", str(room)], check=True)
    text, _ = running.communicate(timeout=120)
    assert running.returncode == 1, text
    assert "cannot be written or read" in text or "the folder is gone" in text
    assert list(room.iterdir()) == []  # nothing was put in its place
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(room)], check=True)


def test_a_read_only_disk(written: Path, room: Path, undisturbed: dict[str, object]) -> None:
    subprocess.run(["mount", "-o", "remount,size=20m", str(room)], check=True)
    assert run_build(written.parent).returncode == 0
    next(iter(_records(room))).unlink()
    subprocess.run(["mount", "-o", "remount,ro", str(room)], check=True)
    done = run_build(written.parent)
    assert done.returncode in (1, 2)
    assert "Read-only file system" in done.stderr
    assert done.stderr.count("Traceback") == 0
    subprocess.run(["mount", "-o", "remount,rw", str(room)], check=True)
    assert run_build(written.parent).returncode == 0
    assert contents(room) == undisturbed


def test_a_quota(configure) -> None:
    """No file may grow past some bytes: the kernel refuses the rest of a write."""
    plan, batches = begun(configure(units=("relu:0-3",)))
    code = (
        "import resource, sys, pickle\n"
        "from pipeline.store.store import Store\n"
        "from tasks.pool import work\n"
        "folder, batch, fingerprint = pickle.load(sys.stdin.buffer)\n"
        "results = work.engine(Store.open(folder)).compute(batch.units)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))\n"
        "store = lambda store, batch, most: store.commit(batch, results)\n"
        "work.run(store, folder, batch, fingerprint)\n"
    )
    import pickle

    given = (str(plan.folder), batches[0], plan.provenance.fingerprint.digest)
    done = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps(given), capture_output=True, check=False
    )
    assert b"StorageError" in done.stderr
    assert os.strerror(errno.EFBIG).encode() in done.stderr
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 512
    store = Store.open(plan.folder)
    assert store.records.one("relu", 0) is None
    assert work.run(work.compute, *given) is None
    assert store.check(store.records.of("relu")[0]) == ""


def test_numbers_that_are_not_finite_are_never_stored(configure, tmp_path: Path) -> None:
    def broken(store: Store, batch: Batch, most: int | None) -> int | None:
        if batch.key != "relu/000000":
            return work.compute(store, batch, most)
        results = work.engine(store).compute(batch.units)
        tried = len(list(tmp_path.glob("try *")))
        (tmp_path / f"try {tried}").touch()
        results.trajectory[1, 2] = np.nan if tried else np.inf
        store.commit(batch, results)
        return None

    config = configure("build.retries=2", units=("relu:all",))
    report = build(config, steps=Steps(render=broken))
    assert (report.done, report.failed) == (4, 4)
    assert len(list(tmp_path.glob("try *"))) == 3
    failures = Atlas.open(report.folder).failures()
    assert "values that are not finite, first for unit relu:1" in failures["relu/000000"]
    assert build(config).failed == 0


def test_a_batch_that_kills_its_workers_fails_alone_and_is_tried_again(configure) -> None:
    def deadly(store: Store, batch: Batch, most: int | None) -> int | None:
        return os._exit(9) if batch.key == "relu/000000" else work.compute(store, batch, most)

    settings = ("cluster={kind: local, workers: 2}", "build.deaths=1")
    config = configure(*settings, units=("relu:all", "deep:all"))
    report = build(config, steps=Steps(render=deadly))
    assert (report.done, report.failed) == (8, 4)
    report = build(config)
    assert (report.done, report.failed) == (12, 0)


def test_a_folder_that_goes_away_stops_the_build_at_once(configure) -> None:
    plan, batches = begun(configure(units=("relu:all", "deep:all")))
    with cluster.pool(plan.config) as client:
        running = dispatch.dispatch(client, plan, batches, work.compute)
        assert isinstance(next(outcome for outcome in running if outcome), Batch)
        shutil.rmtree(plan.folder.path)
        with pytest.raises(StorageError, match="what was committed stays: make room or mend"):
            list(running)
    assert not plan.folder.path.exists()

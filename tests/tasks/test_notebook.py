"""Tests of building an atlas from a program: in an event loop, in a thread, in a script."""

import asyncio
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import luigi
import pytest
import yaml
from builds import UNITS, configuration, contents

import tasks
from pipeline import Atlas
from pipeline.errors import AtlasError, ConfigError, UnitError, WorkError
from pipeline.patience import within
from tasks import Progress, build_atlas, build_study
from tasks.build import run


@pytest.fixture
def plain(tiny_model: Path, tmp_path: Path) -> dict[str, Any]:
    """A configuration of the small network, as a mapping."""
    return yaml.safe_load(configuration(tiny_model, tmp_path / "atlas", UNITS))


def test_public_names() -> None:
    assert tasks.__all__ == ["Progress", "build_atlas", "build_study"]
    assert set(tasks.__all__) <= set(dir(tasks))
    with pytest.raises(AttributeError, match="module 'tasks' has no attribute 'builds'"):
        getattr(tasks, "builds")  # noqa: B009, the checker knows too


def test_it_builds_where_an_event_loop_runs(plain: dict[str, Any], finished: run.Report) -> None:
    seen: list[Progress] = []
    handlers: list[list[Any]] = []

    def tell(progress: Progress) -> None:
        handlers.append([signal.getsignal(number) for number in signal.valid_signals()])
        seen.append(progress)

    async def cell() -> Atlas:
        handlers.append([signal.getsignal(number) for number in signal.valid_signals()])
        return build_atlas(plain, progress=tell)

    atlas = asyncio.run(cell())
    assert all(found == handlers[0] for found in handlers)
    assert contents(atlas.folder) == contents(finished.folder)
    assert (seen[0].before, seen[0].total, seen[0].done) == (0, len(atlas), 0)
    assert (seen[-1].done, seen[-1].failed) == (len(atlas), 0)
    assert [one.done for one in seen] == sorted(one.done for one in seen)
    assert {one.note for one in seen if one.done < len(atlas)} == {""}
    assert "21 responses to go" in [one.note for one in seen]
    section = ("worker", "no_install_shutdown_handler")
    assert luigi.configuration.get_config().get(*section, "false") == "false"  # as it was


def test_it_goes_on_where_it_was_interrupted(
    plain: dict[str, Any], finished: run.Report, tmp_path: Path
) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.done:
            raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        build_atlas(plain, progress=interrupt)
    kept = sum(counts["done"] for counts in Atlas.open(tmp_path / "atlas").status().values())
    assert 0 < kept < len(UNITS) * 6
    seen: list[Progress] = []
    atlas = within(300, lambda: build_atlas(plain, progress=seen.append))  # in a thread
    assert threading.active_count() < before + 20
    assert seen[0].before == kept
    assert contents(atlas.folder) == contents(finished.folder)


def test_a_file_and_changes_to_it(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changes = {"output": "other", "image.size": 16, "explore.responses": False, "site": False}
    atlas = build_atlas(written, changes, only=["relu:2"])
    assert atlas.folder.path == written.parent / "other"
    assert atlas.image("relu:2").shape == (16, 16, 3)
    assert "1 of 1 units" in capsys.readouterr().out
    build_atlas(str(written), changes, only=["relu:2"], progress=False)
    assert capsys.readouterr().out == ""


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
def test_batches_that_failed_are_an_error(plain: dict[str, Any], hopeless: Path) -> None:
    plain |= {"model": {"weights": hopeless}, "units": ["relu:0-3", "logits:0-1"]}
    reason = "batch logits/000000: .* are not finite, .*"
    message = f"2 units failed, first of batch logits/000000: {reason}; 4 are done and kept in"
    for before in (0, 4):  # the same call tries again
        seen: list[Progress] = []
        with pytest.raises(WorkError, match=message):
            build_atlas(plain, progress=seen.append)
        assert (seen[0].before, seen[-1].failed) == (before, 2)
        assert any(re.match(f"batch logits/000000 failed: {reason}", one.note) for one in seen)


def test_what_cannot_be_writes_nothing(plain: dict[str, Any], tmp_path: Path) -> None:
    wrong: list[tuple[type[AtlasError], str, Any]] = [
        (ConfigError, r"key 'image\.sise': did you mean 'size'", {"image.sise": 3}),
        (UnitError, "no layer 'mixed9'", {"units": ["mixed9:1"]}),
    ]
    for error, message, settings in wrong:
        with pytest.raises(error, match=message):
            build_atlas(plain, settings, progress=False)
    assert not (tmp_path / "atlas").exists()


def test_units_that_the_weights_have_nothing_for_are_told(
    plain: dict[str, Any], tiny_model: Path, tmp_path: Path
) -> None:
    import keras

    whole, path = keras.models.load_model(tiny_model, compile=False), tmp_path / "headless.keras"
    keras.Model(whole.input, whole.get_layer("deep").output).save(path)
    seen: list[Progress] = []
    plain |= {"model": {"weights": path}, "units": ["deep:0", "logits:1"]}
    atlas = build_atlas(plain, progress=seen.append)
    assert atlas["logits:1"].row["status"] == "unavailable"
    assert seen[0].note == f"1 units are unavailable: {path} has no classifier"


def test_a_study_is_a_function_too(plain: dict[str, Any], tmp_path: Path) -> None:
    plain |= {"units": ["relu:0-1"], "explore": {"responses": False}, "site": False}
    seen: list[Progress] = []
    both = {name: plain | {"seed": seed} for seed, name in enumerate(("one", "two"))}
    study = build_study(
        both, tmp_path / "study", {"recipe.steps": 2}, against="two", progress=seen.append
    )
    assert (study.variations, study.against) == (("one", "two"), "two")
    assert Atlas.open(tmp_path / "study" / "one").provenance.recipe.steps == 2
    assert [one.note for one in seen if " of 2" in one.note] == ["one, 1 of 2", "two, 2 of 2"]
    assert (tmp_path / "study" / "study.md").is_file()
    both["two"] |= {"image": {"size": 32}}
    with pytest.raises(ConfigError, match=r"image\.size differs: 24 in one, 32 in two"):
        build_study(both, tmp_path / "other", progress=False)
    assert not (tmp_path / "other").exists()


def test_a_script_needs_no_guard(tiny_model: Path, tmp_path: Path) -> None:
    text = configuration(tiny_model, tmp_path / "atlas", ("relu:0-1",))
    (tmp_path / "config.yaml").write_text(text)
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\nfrom tasks import build_atlas\nprint('once', flush=True)\n"
        "workers = {'kind': 'local', 'workers': 1}\n"
        "settings = {'cluster': workers, 'explore.responses': False, 'site': False}\n"
        "atlas = build_atlas('config.yaml', settings, progress=False)\n"
        "print(atlas['relu:1'].image.shape, flush=True)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=400,
        check=False,
    )  # fmt: skip
    assert done.stdout == "once\n(24, 24, 3)\n", done.stderr
    assert done.stderr == ""

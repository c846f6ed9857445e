"""The command, as a user types it."""

import csv
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
import webbrowser
from http.server import ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from command import call
from PIL import Image, ImageSequence
from processes import children_of, heed_ctrl_c, is_running, wait
from typer.main import get_command

from pipeline import Atlas
from pipeline.store.records import Failure
from pipeline.store.store import Store
from tasks.command import main

pytestmark = pytest.mark.usefixtures("cpu")

COMMANDS = (
    "init", "build", "plan", "status", "query", "show", "render", "doctor", "verify", "similar",
    "compare", "sheet", "diff", "export", "view", "examples", "where", "mosaic", "circuit", "why",
    "note", "study", "site",
)  # fmt: skip


@pytest.fixture(scope="module")
def built(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `atlas_config.yaml` and a finished atlas in `atlas`."""
    folder = tmp_path_factory.mktemp("built")
    units = '["relu:0-5", "relu:2#1", "-relu:1", "relu:2@center", "logits:0-2", "deepdream:deep"]'
    (folder / "names.txt").write_text("cat\ndog\n[red]fox[/red]\n")
    (folder / "atlas_config.yaml").write_text(
        f"output: atlas\nunits: {units}\nmodel: {{weights: {tiny_model}, classes: names.txt}}\n"
        "image: {size: 24}\nrecipe: {name: fourier, steps: 4}\nbatch_size: 4\ncluster: threads\n"
        "render: {snapshots: 3}\n"
    )
    assert _run("build", cwd=folder).returncode == 0
    return folder


def _run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tasks.command.main", *arguments],
        cwd=cwd, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


@pytest.fixture
def atlas(built: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """A function that runs the command where the finished atlas is."""
    monkeypatch.chdir(built)
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *arguments: call(capfd, monkeypatch, *arguments)


# Reading -----------------------------------------------------------------------------------------


def test_help_names_every_command(atlas) -> None:
    code, text, _ = atlas("--help")
    assert code == 0
    assert all(name in text for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(atlas, command: str) -> None:
    code, text, _ = atlas(command, "--help")
    assert code == 0
    assert "Usage" in text


def test_no_words_of_help_are_taken_for_markup() -> None:
    for command in get_command(main.app).commands.values():
        texts = [command.help, *(getattr(one, "help", "") for one in command.params)]
        assert not re.search(r"\[[a-z#/@]", " ".join(filter(None, texts))), command.name


def test_reading_commands_never_import_tensorflow(built: Path) -> None:
    for arguments in (["--help"], ["status"], ["query", "activation > 0"], ["show", "relu:1"]):
        code = (
            f"import sys; from tasks.command import main; sys.argv = ['atlas', *{arguments}]\n"
            "try: main.main()\nexcept SystemExit: pass\n"
            "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=built, capture_output=True, timeout=60, check=False
        )
        assert done.returncode == 0, arguments


def test_status_of_a_finished_atlas(atlas) -> None:
    code, text, _ = atlas("status", "--json")
    assert code == 0
    sections = json.loads(text)["sections"]
    assert sections["relu"] == {"done": 7, "missing": 0, "failed": 0, "unavailable": 0}
    assert "neurons-relu" in atlas("status", "atlas")[1]


def test_status_of_an_unfinished_and_of_a_failed_atlas(atlas, built: Path, tmp_path: Path) -> None:
    done = Store.open(built / "atlas")
    store = Store.create(tmp_path / "new", done.provenance)
    assert atlas("status", str(tmp_path / "new"))[0] == 3
    store.records.note_failures([Failure("relu/000000", ("relu:0",), "it died")])
    code, text, _ = atlas("status", str(tmp_path / "new"))
    assert code == 1
    assert "batch relu/000000 failed: it died" in text


def test_query_prints_a_table(atlas) -> None:
    code, text, _ = atlas("query", "kind == 'logits'")
    assert code == 0
    assert [line.split()[0] for line in text.splitlines()] == [
        "unit",
        "logits:0",
        "logits:1",
        "logits:2",
    ]
    assert "[red]fox[/red]" in text


def test_query_sorts_limits_and_chooses_columns(atlas, built: Path) -> None:
    _, text, _ = atlas(
        "query", "atlas", "layer == 'relu' and kind == 'channel' and direction == 'positive'",
        "--top", "2", "--columns", "unit,activation", "--format", "csv",
    )  # fmt: skip
    rows = list(csv.reader(io.StringIO(text)))
    index = Atlas.open(built / "atlas").index.query("section == 'relu'")
    assert rows[0] == ["unit", "activation"]
    assert [row[0] for row in rows[1:]] == list(index.nlargest(2, "activation")["unit"])


def test_query_gives_json(atlas) -> None:
    rows = json.loads(atlas("query", "channel == 1", "--format", "json", "--sort", "unit")[1])
    assert [row["unit"] for row in rows] == ["-relu:1", "relu:1"]
    assert rows[0]["direction"] == "negative"


def test_query_gives_parquet(built: Path) -> None:
    done = subprocess.run(
        [
            sys.executable, "-m", "tasks.command.main", "query", "activation < 1e9",
            "--format", "parquet",
        ],
        cwd=built, capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    frame = pd.read_parquet(io.BytesIO(done.stdout))
    assert list(frame["unit"]) == list(Atlas.open(built / "atlas").index["unit"])


def test_query_draws_a_sheet(atlas, tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    assert atlas("query", "kind == 'channel'", "--sheet", str(path))[0] == 0
    with Image.open(path) as found:
        assert found.width > 300


def test_nothing_found(atlas) -> None:
    assert atlas("query", "activation > 1e9")[:2] == (0, "no unit\n")


def test_show_prints_and_saves(atlas, built: Path, tmp_path: Path) -> None:
    path = tmp_path / "unit.png"
    for arguments in (["show", "-relu:1"], ["show", "atlas", "-relu:1"]):
        code, text, _ = atlas(*arguments, "--save", str(path))
        assert code == 0
        assert "negative" in text
        image = Atlas.open(built / "atlas").image("-relu:1")
        np.testing.assert_array_equal(np.asarray(Image.open(path)), image)


def test_show_writes_a_film(atlas, built: Path, tmp_path: Path) -> None:
    path = tmp_path / "way.png"
    code, text, _ = atlas("show", "relu:2#1", "--film", str(path))
    assert code == 0
    assert text.endswith(f"saved {path}\n")
    with Image.open(path) as found:
        frames = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(found)]
    np.testing.assert_array_equal(frames, Atlas.open(built / "atlas").film("relu:2#1"))


# Building ----------------------------------------------------------------------------------------


def test_build_says_where_mosaic_index_and_page_are(atlas, built: Path) -> None:
    code, text, _ = atlas("build")
    assert code == 0
    assert "13 units done, in" in text
    for name in ("mosaic.png", "index.parquet", "site/index.html"):
        assert str(built / "atlas" / name) in text
        assert (built / "atlas" / name).is_file()


def test_view_serves_the_page(built: Path) -> None:
    command = [
        sys.executable,
        "-u",
        "-m",
        "tasks.command.main",
        "view",
        "--port",
        "0",
        "--no-browser",
    ]
    with subprocess.Popen(command, cwd=built, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        address = server.stdout.readline().split()[0]
        with urllib.request.urlopen(address, timeout=10) as answer:
            program = re.search(rb'src="page/[^"]+"', answer.read())
        assert program
        assert program[0] in (built / "atlas/site/index.html").read_bytes()
        server.terminate()
        assert server.wait(30) == 0


def test_view_opens_the_browser(atlas, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr(ThreadingHTTPServer, "serve_forever", lambda _: None)
    code, text, _ = atlas("view", "--port", "0")
    assert code == 0
    assert opened == text.split()[:1]


def test_view_without_a_page_says_how_to_get_one(atlas, built: Path, tmp_path: Path) -> None:
    shutil.copytree(built / "atlas", tmp_path / "bare", ignore=shutil.ignore_patterns("site*"))
    code, _, errors = atlas("view", str(tmp_path / "bare"))
    assert code == 2
    assert "`atlas build` writes it" in errors


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
def test_a_failed_build_exits_with_1(atlas, hopeless: Path, tmp_path: Path) -> None:
    settings = ("-o", str(tmp_path / "a"), "--set", f"model.weights={hopeless}")
    code, text, _ = atlas("build", *settings, "--only", "logits:0-1")
    assert code == 1
    assert "batch logits/000000 failed: batch logits/000000: " in text
    assert "0 units done, 2 failed" in text


def test_plan_counts_and_writes_nothing(atlas, tmp_path: Path) -> None:
    code, text, _ = atlas("plan", "-o", str(tmp_path / "new"), "--set", "seed=4")
    assert code == 0
    assert [line.split()[:4] for line in text.splitlines() if line.startswith("relu")] == [
        ["relu", "7", "7", "2"]
    ]
    assert "weights file, black and white -1 and 1 (" in text
    assert not (tmp_path / "new").exists()


def test_render_equals_the_tile(atlas, built: Path, tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    code, text, _ = atlas("render", "-relu:1", "-o", str(path))
    assert code == 0
    assert "activation" in text
    image = Atlas.open(built / "atlas").image("-relu:1")
    np.testing.assert_array_equal(np.asarray(Image.open(path)), image)


def test_render_of_a_variant_with_its_film_equals_the_tile(
    atlas, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = str(built / "atlas_config.yaml")
    settings = ["--set", f"model.classes={built / 'names.txt'}"]
    monkeypatch.chdir(tmp_path)
    code, text, _ = atlas("render", "relu:2#1", "-c", config, *settings, "--film", "way.webp")
    assert code == 0
    assert text.startswith("relu:2#1: activation ")
    assert "robust" in text
    assert text.endswith("saved relu_2_1.png\nsaved way.webp\n")
    tile = Atlas.open(built / "atlas").image("relu:2#1")
    np.testing.assert_array_equal(np.asarray(Image.open("relu_2_1.png")), tile)
    with Image.open("way.webp") as film:
        assert (film.n_frames, film.size) == (4, (24, 24))


def test_doctor_is_well_and_lists_the_layers(atlas) -> None:
    code, text, _ = atlas("doctor")
    assert code == 0
    for word in ("Python", "TensorFlow", "3 classes", "relu (8)", "cores", "disk"):
        assert word in text


def test_doctor_says_what_is_wrong(atlas) -> None:
    code, text, _ = atlas("doctor", "--set", "model.weights=none.h5")
    assert code == 1
    assert "there is no file" in text


# Bad input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["build", "-c", "none.yaml"], "there is no configuration none.yaml: run where"),
        (["build", "-c", "names.txt"], "expected a mapping with `units` and more, came str"),
        (["build", "--set", "image.sise=64"], "did you mean 'size'"),
        (["build", "--set", "units=[relu:8]"], "layer relu has channels 0 to 7, not 8"),
        (["build", "--set", "units=[logits:3]"], "the classifier has classes 0 to 2, not 3"),
        (["build", "--set", "units=[rely:3]"], "with channels; did you mean 'relu'"),
        (["build", "--set", "units=['relu:1@22,0']"], "the map of relu is 22 x 22: rows 0 to 21"),
        (["build", "--set", "model.weights=names.txt"], "is none of auto, imagenet, bundled"),
        (["build", "--set", "model.weights=fake.h5"], "is neither a Keras archive nor HDF5"),
        (["build", "--set", "model.classes=none.txt"], "none.txt cannot be read: No such file"),
        (["build", "--set", "model.weights=bundled", "--set", "units=[mixed4:0]"], "too small"),
        (["build", "-o", "atlas", "--set", "seed=9"], "seed: 0 there, 9 here"),
        (["build", "-o", ".", "--set", "seed=9"], "is there and is no atlas"),
        (["build", "-o", "names.txt/x", "--set", "seed=9"], "cannot be written: Not a directory"),
        (["build", "--only", "relu:7"], "--only names relu:7"),
        (["status", "none"], "/none is not there: expected a folder"),
        (["status", "."], "holds no atlas: expected a folder"),
        (["query", "activatoin > 1"], "no column 'activatoin'; did you mean 'activation'"),
        (["query", "activation > 1", "--columns", "unit,unity"], "no column 'unity'"),
        (["query", "activation > 1", "--sort", "unity"], "no column 'unity'"),
        (["query", "alive", "--sort", "nearest"], "'nearest' holds lists, which have no order"),
        (["query", "nearest == 'relu:1'"], "expected VALUE in COLUMN"),
        (["query", "activation > 1e9", "--sheet", "x.png"], "no unit for which"),
        (["similar", "relu:7"], "unit relu:7 has no responses: it is not in the atlas's conf"),
        (["similar", "relu:9"], "layer relu has channels 0 to 7, not 9"),
        (["compare", "none", "relu:0"], "none is not there: expected a folder with atlas.zarr"),
        (["compare", "relu:0", "relu:7"], "/atlas relu:7` renders it alone"),
        (["compare", "atlas"], "there is nothing to compare: name a unit"),
        (["compare", "relu:0", "-o", "x.gif"], "expected a file that ends in .png or .pdf"),
        (["compare", "relu:0", "-o", "none/x.png"], "x.png: there is no folder"),
        (["sheet", "alive", "-o", "x.jpg"], "expected a file that ends in .png or .pdf"),
        (["sheet", "alive", "-o", "x.png", "--caption", "unity"], "no column 'unity'"),
        (["sheet", "activation > 1e9", "-o", "x.png"], "no unit for which"),
        (["diff", "atlas", "none"], "none is not there: expected a folder with atlas.zarr"),
        (["diff", "atlas", "atlas", "--by", "unit"], "'unit' is no measure of change: expected"),
        (["diff", "atlas", "atlas", "--columns", "unity"], "no column 'unity'"),
        (["export", "--format", "png", "-o", "x"], "there is no format 'png': expected ome-zarr"),
        (["export", "--format", "csv", "-o", "names.txt"], "names.txt is there already"),
        (["export", "--format", "csv", "-o", "none/x"], "none/x: there is no folder"),
        (["query", "__import__('os')"], "there is no column '__import__'"),
        (["query", "a", "b", "c"], "put EXPR in quotes"),
        (["show", "relu:9"], "layer relu has channels 0 to 7, not 9"),
        (["show", "relu:7"], "/atlas relu:7` renders it alone; add it to `units`"),
        (["where", "relu:7"], "/atlas relu:7` renders it alone"),
        (["show", "nonsense"], "'nonsense' is not an id: expected LAYER:CHANNELS"),
        (["render", "relu:0", "-o", "none/x.png"], "there is no folder"),
        (["render", "relu:all"], "names 8 units: expected the id of one"),
        (["render", "relu:0#"], "'relu:0#' is not an id: expected LAYER:CHANNELS"),
        (["render", "relu:0", "--film", "way.mp4"], "expected a file that ends in .webp, .gif"),
        (["render", "relu:0", "--film", "none/way.gif"], "way.gif: there is no folder"),
        (["show", "relu:0", "--film", "way.mp4"], "expected a file that ends in .webp, .gif"),
        (["show", "relu:7", "--film", "way.gif"], "is not in"),
        (["build", "--set", "render.variants=0"], "render.variants"),
        (["build", "-o", "atlas", "--set", "render.snapshots=0"], "render.snapshots: 3 there"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)  # fmt: skip
def test_bad_input_is_one_line_and_2(
    atlas, built: Path, arguments: list[str], message: str
) -> None:
    (built / "fake.h5").write_text("no HDF5")
    before = sorted(built.rglob("*"))
    output = ["-o", "new"] if arguments[0] == "build" and "-o" not in arguments else []
    code, text, error = atlas(*arguments, *output)
    assert code == 2, text + error
    assert message in error
    assert error.count("\n") == 1
    assert sorted(built.rglob("*")) == before


def test_unknown_words_exit_with_2(built: Path) -> None:
    assert _run("bild", cwd=built).returncode == 2
    assert _run("query", cwd=built).returncode == 2
    assert _run("build", "--nonsense", cwd=built).returncode == 2


# Ending early ------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_killed_build_leaves_no_process_and_goes_on(
    written: Path,
    tmp_path: Path,
    by: signal.Signals,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    units = "units=[relu:all, deep:all, 'relu:all@center', 'relu:all@3,3']"
    command = ("build", "--set", "recipe.steps=40", "--set", units, "--set")
    arguments = [sys.executable, "-m", "tasks.command.main", *command, "cluster=local"]
    build = subprocess.Popen(
        arguments, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True, preexec_fn=heed_ctrl_c,  # noqa: PLW1509
    )  # fmt: skip
    first = wait(lambda: next(tmp_path.rglob("records/*/*.json"), None), build)
    children = children_of(build.pid)
    assert children
    build.send_signal(by)
    text, _ = build.communicate(timeout=60)
    assert build.returncode == (-by if by == signal.SIGKILL else 130), text
    if by != signal.SIGKILL:
        assert "are kept in" in text
    wait(lambda: not any(is_running(pid) for pid in children), None)
    done = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("records/*/*.json")}
    assert first in done
    assert call(capfd, monkeypatch, *command, "cluster=threads")[0] == 0  # in this process
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert set(Atlas.open(tmp_path / "atlas").index["status"]) == {"done"}


# As JSON ------------------------------------------------------------------------------------------


REPORTS = {
    ("build",): {"done", "missing", "failed", "unavailable", "seconds", "folder"},
    ("plan",): {"sections", "later", "unavailable", "folder", "weights", "range", "precision"},
    ("status",): {"sections", "failures"},
    ("verify",): {"part", "state", "reason", "files"},
    ("show", "relu:1"): {"unit", "activation", "nearest", "trajectory"},
    ("where", "relu:1"): {"unit", "mean", "peak", "row", "column", "own_peak"},
    ("render", "relu:1"): {"unit", "activation", "robust", "start", "by", "file"},
    ("query", "relu:1"): {"unit", "activation", "nearest"},
    ("similar", "relu:1"): {"unit", "distance"},
    ("diff", "atlas", "atlas"): {"unit", "activation_before", "image_distance"},
    ("doctor",): {"what", "state", "found", "remedy"},
}
"""By command with arguments, keys of its document, or of the first item of that."""


@pytest.mark.parametrize("words", REPORTS, ids=lambda words: words[0])
def test_every_report_can_be_json(atlas, tmp_path: Path, words: tuple[str, ...]) -> None:
    where = ["-o", str(tmp_path / "a.png")] if words[0] in ("where", "render") else []
    code, text, error = atlas(*words, *where, "--json")
    assert code == 0, error
    document = json.loads(text)
    assert REPORTS[words] <= set(document[0] if isinstance(document, list) else document)


def test_examples_as_json(atlas, built: Path, tmp_path: Path) -> None:
    copy = str(shutil.copytree(built / "atlas", tmp_path / "copy"))
    (tmp_path / "pictures").mkdir()
    Image.fromarray(np.full((30, 30), 40_000, np.uint16)).save(tmp_path / "pictures" / "deep.png")
    deep = np.linspace(0, 5000, 900, dtype=np.float32).reshape(30, 30)
    Image.fromarray(deep).save(tmp_path / "pictures" / "deep.tif")
    (tmp_path / "pictures" / "notes.txt").write_text("none")
    (tmp_path / "pictures" / "bad.jpg").write_text("none")
    code, text, error = atlas("examples", str(tmp_path / "pictures"), "-o", copy, "--json")
    assert code == 0, error
    found = json.loads(text)
    assert found["pictures"] == 3
    assert list(found["left_out"]) == ["bad.jpg"]
    assert found["rescaled"] == ["deep.tif"]
    assert found["passed_over"] == ["notes.txt"]
    told = atlas("examples", str(tmp_path / "pictures"), "-o", copy)[1]
    assert "2 pictures seen, 1 left out" in told
    assert "1 rescaled by the range of their own greys: " in told
    assert "1 passed over, no pictures by name: " in told


def test_a_version_and_completion_for_a_shell(built: Path) -> None:
    assert re.fullmatch(r"atlas \d+\.\d+\.\d+\n", _run("--version", cwd=built).stdout)
    words = {"COMP_WORDS": "atlas ver", "COMP_CWORD": "1", "_ATLAS_COMPLETE": "complete_bash"}
    code = "import sys; sys.argv = ['atlas']; from tasks.command import main; main.main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | words, cwd=built, capture_output=True,
        text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.split() == ["verify"]

"""Tests of the doctor, on a made-up machine: what is well, what is wrong, and what to do."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from atlases import ARCHITECTURE

from pipeline.config import yaml_file
from pipeline.config.schema import AtlasConfig
from pipeline.config.weights import Weights
from pipeline.errors import WeightsError
from tasks.command import doctor
from tasks.command.doctor import Finding

CLASSIFIER = replace(ARCHITECTURE, classes=1000)
GIB = 1024**3


class Machine:
    """What the doctor finds, to be changed by a test."""

    answer = subprocess.CompletedProcess([], 0, "a warning\n" + json.dumps(["2.21", False, 0]), "")
    gpus: tuple[int, ...] = ()
    free = 5 * GIB
    architecture = CLASSIFIER
    asked_for_room = Path()
    file = Path("w.keras")

    def see(self, seen: int) -> None:
        """Let TensorFlow see GPUs."""
        self.answer = subprocess.CompletedProcess([], 0, json.dumps(["2.21", True, seen]), "")

    def room(self, path: Path) -> SimpleNamespace:
        """The room on a disk."""
        self.asked_for_room = path
        return SimpleNamespace(free=self.free)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine on which all is well."""
    made = Machine()
    monkeypatch.setattr(doctor.subprocess, "run", lambda *_, **__: made.answer)
    monkeypatch.setattr(doctor, "gpus", lambda: made.gpus)
    monkeypatch.setattr(doctor.shutil, "disk_usage", made.room)
    monkeypatch.setattr(
        doctor.weights, "resolve", lambda *_, **__: Weights("file", made.file, "ab" * 32)
    )
    monkeypatch.setattr(doctor, "probe", lambda *_: made.architecture)
    return made


def _config(output: object = "data/atlas", cluster: str = "local") -> AtlasConfig:
    return yaml_file.parse(f"units: [mixed2:all]\noutput: {output}\ncluster: {cluster}\n")


def _examined(config: AtlasConfig) -> dict[str, Finding]:
    return {finding.what: finding for finding in doctor.examine(config)}


def test_a_machine_on_which_all_is_well(machine: Machine) -> None:
    found = _examined(_config())
    assert {finding.state for finding in found.values()} == {"ok"}
    assert list(found) == [
        "Python", "packages", "cores", "disk", "TensorFlow", "weights", "network", "range",
        "layers",
    ]  # fmt: skip
    assert found["TensorFlow"].found.startswith("2.21, CPU build, runs and sees 0 GPUs")
    assert found["weights"].found == "file, w.keras, SHA-256 abababababab…"
    assert found["network"].found == "small, 1000 classes, at 128 px"
    assert found["layers"].found == "mixed2 (6) and 1 others: `--layers` lists them all"


def test_all_layers_are_listed_where_they_are_asked_for(machine: Machine) -> None:
    *_, layers = doctor.examine(_config(), all_layers=True)
    assert layers.found == "mixed2 (6), mixed4 (10)"


def test_a_unit_that_cannot_be_is_wrong(machine: Machine) -> None:
    config = yaml_file.parse("units: ['mixed9:0']\n")
    *_, layers = doctor.examine(config)
    assert layers.state == "wrong"
    assert "`atlas doctor --layers` lists them all" in layers.found


def test_why_auto_has_no_classifier_is_told(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def resolve(wanted: str, *_: object, **__: object) -> Weights:
        if wanted == "imagenet":
            raise WeightsError("it could not be downloaded")
        return Weights(wanted, Path("w.h5"), "ab" * 32)

    machine.architecture = ARCHITECTURE
    monkeypatch.setattr(doctor.weights, "resolve", resolve)
    found = _examined(yaml_file.parse("units: [mixed2:all]\nmodel: {weights: auto}\n"))
    assert found["weights"].found.startswith("bundled, w.h5")
    assert found["classifier"].found.endswith("are unavailable: it could not be downloaded")


def test_another_python_is_wrong(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(doctor.sys, "version_info", (3, 10, 9))
        found = next(doctor.examine(_config()))
    assert (found.state, found.remedy) == ("wrong", "use Python 3.11, 3.12 or 3.13")


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        ("Traceback\nImportError: no libcudart\n", "ImportError: no libcudart"),
        ("", "it ended without a word"),
    ],
)
def test_a_tensorflow_that_does_not_run_is_wrong(machine: Machine, errors: str, said: str) -> None:
    machine.answer = subprocess.CompletedProcess([], 1, "", errors)
    found = _examined(_config())
    assert found["TensorFlow"] == Finding(
        "TensorFlow", "wrong", said, "install the project again: make install"
    )
    assert "GPU" not in found
    assert "layers" in found  # all else is looked at


@pytest.mark.parametrize(
    ("driver", "seen", "cluster", "state", "remedy"),
    [
        (0, 0, "local", None, ""),
        (0, 0, "local-gpu", "note", "set `cluster.kind: local`"),
        (2, 0, "local", "note", "make install GPU=1"),
        (2, 0, "local-gpu", "wrong", "make install GPU=1"),
        (2, 2, "local", None, ""),
        (2, 2, "local-gpu", None, ""),
    ],
)
def test_gpus_that_are_wanted_or_cannot_be_used(
    machine: Machine, driver: int, seen: int, cluster: str, state: str | None, remedy: str
) -> None:
    machine.gpus = tuple(range(driver))
    machine.see(seen)
    found = _examined(_config(cluster=cluster))
    assert found["TensorFlow"].found.endswith(
        f"CUDA build, runs and sees {seen} GPUs; the driver lists {driver}"
    )
    assert (found["GPU"].state if "GPU" in found else None) == state
    if state:
        assert found["GPU"].remedy.startswith(remedy)


def test_room_is_looked_for_where_the_folder_will_be(machine: Machine, tmp_path: Path) -> None:
    found = _examined(_config(tmp_path / "not" / "yet"))["disk"]
    assert machine.asked_for_room == tmp_path
    assert found == Finding("disk", "ok", f"5.0 GiB free where {tmp_path / 'not' / 'yet'} is")
    machine.free = GIB - 1
    found = _examined(_config(tmp_path))["disk"]
    assert (found.state, found.remedy[:9]) == ("wrong", "make room")


def test_an_object_store_has_no_known_limit(machine: Machine) -> None:
    found = _examined(_config("s3://bucket/atlas"))["disk"]
    assert (found.state, found.found) == (
        "note", "s3://bucket/atlas is in an object store: no limit is known",
    )  # fmt: skip


def test_weights_without_a_classifier_are_noted(machine: Machine) -> None:
    machine.architecture = ARCHITECTURE
    found = _examined(_config())
    assert found["network"].found == "small, no classifier, at 128 px"
    assert found["classifier"].state == "note"
    assert found["classifier"].remedy.startswith("set `model.weights: imagenet`")


def test_weights_that_are_not_there_are_wrong(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object, **__: object) -> Weights:
        raise WeightsError("there is no file w.h5")

    monkeypatch.setattr(doctor.weights, "resolve", none)
    *_, last = doctor.examine(_config())
    assert last == Finding("weights", "wrong", "there is no file w.h5", "see the message")


def test_a_model_file_is_looked_into(machine: Machine, tmp_path: Path) -> None:
    machine.architecture = replace(
        CLASSIFIER, range=(0.0, 255.0), told="by its first layers", squash="sigmoid", classes=3,
        is_living=True, activations={"relu up to 6": 2, "silu": 1},
    )  # fmt: skip
    path = tmp_path / "w.keras"
    path.write_bytes(b"0" * 2_000_000)
    machine.file = path
    found = {finding.what: finding for finding in doctor.look_into(path)}
    assert {finding.state for finding in found.values()} == {"ok"}
    assert found["file"].found == f"{path}, 2.0 MB, SHA-256 abababababab…"
    assert found["range"].found == "black and white are 0 and 255, by its first layers"
    assert found["classes"].found.startswith("3, without names: `model.classes` says them; ")
    assert found["classes"].found.endswith("the sigmoid of each")
    assert found["activations"].found.startswith("2 relu up to 6, 1 silu; flat ends are climbed")
    assert found["next"].found.startswith("atlas init --network ")


def test_what_cannot_be_known_of_a_model_file_is_told(machine: Machine, tmp_path: Path) -> None:
    machine.architecture = replace(ARCHITECTURE, range=None, told="x", heads=("a", "b"))
    machine.file = tmp_path / "w.keras"
    machine.file.write_bytes(b"0")
    found = {finding.what: finding for finding in doctor.look_into(machine.file)}
    assert found["range"].state == "wrong"
    assert "say `model.range`" in found["range"].remedy
    assert (found["classes"].state, found["classes"].found[-4:]) == ("note", "a, b")
    machine.architecture = replace(ARCHITECTURE, told="a guess")
    found = {finding.what: finding for finding in doctor.look_into(machine.file)}
    assert (found["range"].state, found["classes"].state) == ("note", "note")

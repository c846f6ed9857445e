"""A small network with a classifier, as a user's file, and builds of it."""

import io
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from builds import UNITS, configuration, contents
from processes import run_build
from rich.console import Console

from pipeline.config import yaml_file
from pipeline.config.schema import AtlasConfig
from tasks import planning, progress
from tasks.build import run

Configure = Callable[..., AtlasConfig]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of a network of two convolutions and three classes, for images of any size."""
    from pipeline.network import device

    device.use("cpu")
    import keras

    keras.utils.set_random_seed(7)
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(8, 3, use_bias=False, name="conv")(image)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Activation("relu", name="relu")(x)
    x = keras.layers.Conv2D(4, 3, strides=2, activation="relu", name="deep")(x)
    x = keras.layers.GlobalAveragePooling2D(name="mean")(x)
    x = keras.layers.Dense(3, activation="softmax", name="classes")(x)
    path = tmp_path_factory.mktemp("model") / "tiny.keras"
    keras.Model(image, x, name="tiny").save(path)
    return path


@pytest.fixture(scope="session")
def hopeless(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of the same network, with a classifier that gives no number."""
    import keras

    model = keras.models.load_model(tiny_model)
    classes = model.get_layer("classes")
    classes.set_weights([np.full_like(values, np.nan) for values in classes.get_weights()])
    path = tmp_path_factory.mktemp("hopeless") / "hopeless.keras"
    model.save(path)
    return path


@pytest.fixture(scope="session")
def finished(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> run.Report:
    """The report on a build of every kind of unit, whose atlas is there for reading."""
    folder = tmp_path_factory.mktemp("finished") / "atlas"
    config = yaml_file.parse(configuration(tiny_model, folder, UNITS))
    display = progress.show(Console(file=io.StringIO()))
    return run.run(planning.make(config), display)


@pytest.fixture(scope="session")
def undisturbed(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What `processes.run_build` leaves when nothing happens to it."""
    folder = tmp_path_factory.mktemp("undisturbed")
    text = configuration(tiny_model, folder / "atlas", UNITS)
    (folder / "atlas_config.yaml").write_text(text)
    done = run_build(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return contents(folder / "atlas")


@pytest.fixture
def built(finished: run.Report, tmp_path: Path) -> Path:
    """A copy of that atlas, where `configure` has its own."""
    return shutil.copytree(finished.folder.path, tmp_path / "atlas")


@pytest.fixture
def configure(tiny_model: Path, tmp_path: Path) -> Configure:
    """A function that makes a configuration of the small network, into `tmp_path/atlas`."""

    def make(*settings: str, units: tuple[str, ...] = UNITS) -> AtlasConfig:
        text = configuration(tiny_model, tmp_path / "atlas", units)
        return yaml_file.parse(text, settings=settings)

    return make


@pytest.fixture
def written(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same configuration as `atlas_config.yaml` in `tmp_path`, the working folder."""
    path = tmp_path / "atlas_config.yaml"
    path.write_text(configuration(tiny_model, tmp_path / "atlas", UNITS), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return path

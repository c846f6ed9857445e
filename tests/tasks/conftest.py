"""A small network with a classifier, as a user's file, and builds of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import config_file
from pipeline.config import AtlasConfig

UNITS = (
    "relu:0-5", "-relu:0-1", "relu:0-2@center", "relu:1@0,1", "deepdream:relu+deep", "logits:0-2",
    "softmax:1", "deep:all",
)  # fmt: skip
Configure = Callable[..., AtlasConfig]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of a network of two convolutions and three classes, for images of any size."""
    from pipeline import device

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


@pytest.fixture
def configure(tiny_model: Path, tmp_path: Path) -> Configure:
    """A function that makes a configuration of the small network, into `tmp_path/atlas`."""

    def make(*settings: str, units: tuple[str, ...] = UNITS) -> AtlasConfig:
        text = configuration(tiny_model, tmp_path / "atlas", units)
        return config_file.parse(text, settings=settings)

    return make


@pytest.fixture
def written(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same configuration as `atlas_config.yaml` in `tmp_path`, the working folder."""
    path = tmp_path / "atlas_config.yaml"
    path.write_text(configuration(tiny_model, tmp_path / "atlas", UNITS), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return path


def configuration(model: Path, output: Path, units: tuple[str, ...]) -> str:
    listed = "\n".join(f"  - {unit}" for unit in units)
    return (
        f"output: {output}\nunits:\n{listed}\nmodel: {{weights: {model}}}\nimage: {{size: 24}}\n"
        "recipe: {name: fourier, steps: 4}\nbatch_size: 4\ncluster: threads\n"
    )

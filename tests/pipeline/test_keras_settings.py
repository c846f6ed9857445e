"""A user's own settings of Keras, in a file, the environment or a notebook, change no pixel."""

import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from pipeline import render_unit, single
from pipeline.config import yaml_file
from pipeline.config.schema import AtlasConfig
from pipeline.errors import UsageError
from pipeline.network import device

pytestmark = pytest.mark.usefixtures("cpu")

ROOT = Path(__file__).parents[2]
UNIT = "mixed0:3"
SETTINGS = ("model.weights=bundled", "image.size=76", "recipe.steps=2", "seed=3")
"""Weights whose network is put together here, layer by layer."""
ODD = {"floatx": "float16", "epsilon": 0.5, "image_data_format": "channels_first"}


@pytest.fixture(scope="module")
def config() -> AtlasConfig:
    return yaml_file.parse(f"units: ['{UNIT}']", settings=SETTINGS)


@pytest.fixture(scope="module")
def expected(cpu: None, config: AtlasConfig) -> np.ndarray:
    return single.render(UNIT, single.planned(config, UNIT)).image


def _by_command(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    return subprocess.run(
        [sys.executable, "-m", "tasks.command.main", "render", UNIT, *settings, "-o", "one.png"],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "said",
    [ODD, {"floatx": "float64"}, {"backend": "jax"}, {"backend": "torch", "nnx_enabled": False}],
    ids=str,
)
def test_a_keras_json_is_not_heeded(tmp_path: Path, expected: np.ndarray, said: dict) -> None:
    (tmp_path / "keras.json").write_text(json.dumps(said))
    done = _by_command(tmp_path, KERAS_HOME=str(tmp_path), KERAS_BACKEND="numpy")
    assert done.returncode == 0, done.stderr
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "one.png")), expected)


def test_a_keras_json_that_keras_refuses_is_told(tmp_path: Path) -> None:
    (tmp_path / "keras.json").write_text('{"floatx": "bfloat16"}')
    done = _by_command(tmp_path, KERAS_HOME=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    assert "Keras does not start: Invalid `floatx`" in done.stderr
    assert "delete your keras.json" in done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("floatx", "float16"),
        ("floatx", "float64"),
        ("epsilon", 0.5),
        ("image_data_format", "channels_first"),
        ("dtype_policy", "mixed_float16"),
        ("dtype_policy", "bfloat16"),
    ],
)
def test_what_a_notebook_sets_changes_no_pixel_and_stays(
    config: AtlasConfig, expected: np.ndarray, name: str, value: object
) -> None:
    with device.borrowed():
        getattr(keras.config, f"set_{name}")(value)
        with device.borrowed():
            found = single.render(UNIT, single.planned(config, UNIT))
        np.testing.assert_array_equal(found.image, expected)
        kept = getattr(keras.config, name)()
        assert getattr(kept, "name", kept) == value
    assert keras.config.floatx() == "float32"


def test_a_process_of_its_own_heeds_neither(
    config: AtlasConfig, expected: np.ndarray, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "keras.json").write_text(json.dumps(ODD | {"backend": "jax"}))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    np.testing.assert_array_equal(render_unit(UNIT, config).image, expected)


def test_another_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    for kind in ("cpu", "gpu"):
        assert "with the backend jax: expected tensorflow; set KERAS" in device.refusal(kind)
    with pytest.raises(UsageError, match="with the backend jax"):
        device.use("cpu")

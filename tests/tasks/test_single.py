"""Tests of rendering one unit without an atlas, in this process and in one of its own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline import Atlas, Single, render_unit, single
from pipeline.errors import ConfigError, UnitError, UsageError, WeightsError, WorkError
from tasks.build import run

pytestmark = pytest.mark.usefixtures("cpu")

UNITS = ("relu:3", "-relu:1", "relu:1@0,1", "deepdream:relu+deep", "logits:2", "softmax:1")


def _subclassed() -> Any:
    import keras

    class Mine(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.conv = keras.layers.Conv2D(2, 3)

        def call(self, images: Any) -> Any:
            return self.conv(images)

    model = Mine()
    model(np.zeros((1, 8, 8, 3), np.float32))
    return model


def _sequential(*layers: Any, channels: int = 3) -> Any:
    import keras

    return keras.Sequential([keras.Input((24, 24, channels)), *layers])


def _grey() -> Any:
    import keras

    return _sequential(keras.layers.Conv2D(2, 3, name="conv"), channels=1)


def _with_code() -> Any:
    import keras

    return _sequential(keras.layers.Lambda(lambda x: 2 * x), keras.layers.Conv2D(2, 3, name="conv"))


def _fixed() -> Any:
    import keras

    return _sequential(keras.layers.Flatten(), keras.layers.Dense(2))


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_rendered_alone_equals_the_atlas(unit: str, configure, finished: run.Report) -> None:
    config, atlas = configure(), Atlas.open(finished.folder.path)
    alone = single.render(unit, config)
    np.testing.assert_array_equal(alone.image, atlas.image(unit), unit)
    np.testing.assert_array_equal(alone.trajectory, atlas.trajectory(unit), unit)
    assert alone.activation == pytest.approx(float(atlas.row(unit)["activation"]))


def test_a_place_may_be_said_as_center(configure) -> None:
    assert single.render("relu:2@center", configure()).unit == "relu:2@11,11"


def test_several_units_are_refused(configure) -> None:
    with pytest.raises(UnitError, match="names 6 units: expected the id of one"):
        single.render("relu:0-5", configure())


def test_a_film_has_as_many_snapshots_as_the_configuration_says(configure) -> None:
    assert single.filmed(configure(), 3).render.snapshots == 3
    assert single.filmed(configure(), 24).render.snapshots == 4  # no more than its steps
    config = single.filmed(configure("render.snapshots=3"), 24)
    assert config.render.snapshots == 3
    rendered = single.render("relu:3#1", config)
    assert rendered.unit == "relu:3#1"
    assert rendered.film.shape == (4, 24, 24, 3)
    np.testing.assert_array_equal(rendered.film[-1], rendered.image)
    assert (rendered.film[0] != rendered.image).any()
    assert np.isfinite([rendered.start, rendered.activation, rendered.robust]).all()


def _state(model: Any) -> list[Any]:
    """All of a model that rendering might touch."""
    found = [(layer.name, layer.trainable, id(layer)) for layer in model.layers]
    found += [(value.path, value.trainable, value.numpy().tolist()) for value in model.weights]
    found += [value.numpy().tolist() for value in model.optimizer.variables]
    return [*found, model.compiled, model.name, model.loss]


def test_a_model_in_memory_equals_the_atlas_and_is_left_as_it_is(
    configure, finished: run.Report, tiny_model: Path, tmp_path: Path, monkeypatch
) -> None:
    import keras
    import tensorflow as tf

    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "temporary").mkdir()
    model = keras.models.load_model(tiny_model)
    model.get_layer("deep").trainable = False
    model.compile("adam", loss=lambda wanted, found: tf.reduce_mean(wanted - found))
    model.optimizer.build(model.trainable_variables)
    model.optimizer.iterations.assign(7)
    before, environment, names = _state(model), dict(os.environ), keras.backend.get_uid("conv2d")
    found = render_unit("relu:3", configure("model.weights=none.keras"), model=model)
    atlas = Atlas.open(finished.folder.path)
    np.testing.assert_array_equal(found.image, atlas.image("relu:3"))
    np.testing.assert_array_equal(found.trajectory, atlas.trajectory("relu:3"))
    assert _state(model) == before
    assert dict(os.environ) == environment
    assert keras.backend.get_uid("conv2d") == names + 1  # Keras forgot nothing
    left = [path.name for path in (tmp_path / "temporary").iterdir()]
    # What TensorFlow makes of the functions of this process, it keeps there to its end.
    assert [name for name in left if not name.startswith("__autograph")] == []


def test_a_script_whose_tensorflow_has_its_own_threads_gets_the_same_bytes(
    finished: run.Report, tiny_model: Path, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import keras, tensorflow as tf\n"
        "tf.config.threading.set_intra_op_parallelism_threads(2)\n"
        f"model = keras.models.load_model({str(tiny_model)!r})\n"
        "model(tf.zeros((1, 24, 24, 3)))\n"
        "from pipeline import render_unit\n"
        "config = {'batch_size': 4, 'recipe': {'name': 'fourier', 'steps': 4}}\n"
        "found = render_unit('relu:3', config, model=model, size=24, snapshots=2)\n"
        "found.save('one.png'), found.save_film('film.webp')\n"
        "print(tf.config.threading.get_intra_op_parallelism_threads(), found.film.shape)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=300,
        check=False,
    )  # fmt: skip
    assert done.stdout == "2 (3, 24, 24, 3)\n", done.stderr
    with Image.open(tmp_path / "one.png") as found:
        expected = Atlas.open(finished.folder.path).image("relu:3")
        np.testing.assert_array_equal(np.asarray(found), expected)
    with Image.open(tmp_path / "film.webp") as film:
        assert film.n_frames == 3


@pytest.mark.parametrize(
    ("shortcut", "said"),
    [
        ({"size": 3}, r"image\.size: .*came 3"),
        ({"recipe": "drift"}, r"recipe 'drift' is not known"),
        ({"seed": -7}, r"seed: .*came -7"),
        ({"snapshots": -2}, r"render\.snapshots: .*came -2"),
        ({"model": Path("none.keras")}, r"model\.weights: there is no file .*none\.keras"),
    ],
)
def test_shortcuts_stand_for_keys_of_the_configuration(shortcut: dict[str, Any], said: str) -> None:
    given = {"image": {"size": 32}, "model": {"weights": "bundled"}}
    with pytest.raises(UsageError, match=said):
        render_unit("mixed2:1", given, **shortcut)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_grey, r"^the model in memory takes \[\(None, 24, 24, 1\)\]: expected one input of RGB"),
        (_subclassed, "^the model in memory does not load: .*Could not locate class 'Mine'.*own"),
        (_with_code, "^the model in memory does not load: .*`Lambda`.*without Python code in it"),
    ],
)
def test_models_that_cannot_be_are_refused_as_files_are(make, said: str) -> None:
    with pytest.raises(WeightsError, match=said):
        render_unit("conv:1", model=make(), size=24)


def test_a_size_that_cannot_be_is_told_of_a_model_in_memory() -> None:
    with pytest.raises(ConfigError, match="network in memory takes only images of 24 px, not 64"):
        render_unit("logits:1", model=_fixed(), size=64)


def test_a_model_that_cannot_be_saved_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = _grey()

    def save(path: Path) -> None:
        raise ValueError("it has no config\nat all")

    monkeypatch.setattr(model, "save", save)
    with pytest.raises(
        WeightsError, match="in memory cannot be saved as a file: it has no config;"
    ):
        render_unit("conv:1", model=model)


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"expected a Keras model, or the path .*builtins\.int"):
        render_unit("conv:1", model=3)


def test_what_nobody_foresaw_is_told_in_a_line() -> None:
    class Odd:
        @property
        def device(self) -> str:
            raise TypeError("odd\nthings")

    with pytest.raises(WorkError, match=r"^rendering relu:3 failed: TypeError: odd$"):
        single._render("relu:3", Odd())


def test_a_notebook_shows_image_and_figures() -> None:
    image = np.zeros((16, 16, 3), np.uint8)
    found = Single("a:<1>", image, image[None], np.zeros(4), 1.5, 1.25, 0.0, 3.0)
    assert repr(found) == "Single('a:<1>', 1.5, 16 px)"
    text = found._repr_html_()
    assert "<b>a:&lt;1&gt;</b>" in text
    assert "<th>robust</th><td>1.25</td>" in text
    assert text.count("<img src=") == 1

"""Tests of rendering one unit without an atlas: what is asked for, and what is refused.

That its bytes are those of an atlas: tests/tasks/test_single.py.
"""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline import Single, render_unit, single
from pipeline.config.schema import AtlasConfig
from pipeline.errors import ConfigError, WeightsError, WorkError

pytestmark = pytest.mark.usefixtures("cpu")


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


def _spectral() -> Any:
    import keras

    return _sequential(keras.layers.Conv2D(2, 3, name="conv"), channels=4)


def _with_code() -> Any:
    import keras

    return _sequential(keras.layers.Lambda(lambda x: 2 * x), keras.layers.Conv2D(2, 3, name="conv"))


def _fixed() -> Any:
    import keras

    return _sequential(keras.layers.Flatten(), keras.layers.Dense(2))


def test_shortcuts_stand_for_keys_of_the_configuration(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = []
    monkeypatch.setattr(single, "apart", lambda do, *_: asked.append(do.args[1:]))
    render_unit("a:1", model=tmp_path / "a.keras", size=64, recipe="draft", seed=3, snapshots=2)
    render_unit("a:2", {"image": {"size": 32}, "model": {"weights": "bundled"}})
    (first, one), (second, other) = asked
    assert (first, one.model.weights, one.image.size) == ("a:1", str(tmp_path / "a.keras"), 64)
    assert (one.recipe.name, one.seed, one.render.snapshots) == ("draft", 3, 2)
    assert (second, other.model.weights, other.image.size) == ("a:2", "bundled", 32)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            _spectral,
            r"^the model in memory takes \[\(None, 24, 24, 4\)\]: expected one input of images",
        ),
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
    model = _spectral()

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
    with pytest.raises(ConfigError, match=r"image\.size: .*came 3"):
        render_unit("conv:1", size=3)


def test_what_nobody_foresaw_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise TypeError("odd\nthings")

    monkeypatch.setattr(single, "planned", fail)
    with pytest.raises(WorkError, match=r"^rendering relu:3 failed: TypeError: odd$"):
        single._told(partial(single._render, "relu:3"), "relu:3", AtlasConfig(units=("relu:3",)))


def test_a_notebook_shows_image_and_figures() -> None:
    image = np.zeros((16, 16, 3), np.uint8)
    found = Single("a:<1>", image, image[None], np.zeros(4), 1.5, 1.25, 0.0, 3.0)
    assert repr(found) == "Single('a:<1>', 1.5, 16 px)"
    text = found._repr_html_()
    assert "<b>a:&lt;1&gt;</b>" in text
    assert "<th>robust</th><td>1.25</td>" in text
    assert text.count("<img src=") == 1

"""One unit, rendered without an atlas, is the atlas's: in this process and in one of its own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipeline import Atlas, invert, render_unit, single
from pipeline.errors import ConfigError, UnitError
from pipeline.network import device
from pipeline.plan import kinds
from pipeline.plan.units import Picture
from tasks.build import run

pytestmark = pytest.mark.usefixtures("cpu")

UNITS = ("relu:3", "-relu:1", "relu:1@0,1", "deepdream:relu+deep", "logits:2", "softmax:1")


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_rendered_alone_equals_the_atlas(unit: str, configure, finished: run.Report) -> None:
    config, atlas = configure(), Atlas.open(finished.folder.path)
    alone = single.render(unit, single.planned(config, unit))
    np.testing.assert_array_equal(alone.image, atlas.image(unit), unit)
    np.testing.assert_array_equal(alone.trajectory, atlas.trajectory(unit), unit)
    assert alone.activation == pytest.approx(float(atlas.row(unit)["activation"]))


def test_a_place_may_be_said_as_center(configure) -> None:
    known = single.planned(configure(), "relu:2@center")
    assert single.render("relu:2@center", known).unit == "relu:2@11,11"


def test_several_units_are_refused(configure) -> None:
    with pytest.raises(UnitError, match="names 6 units: expected the id of one"):
        single.render("relu:0-5", single.planned(configure(), "relu:0-5"))


def test_a_film_has_as_many_snapshots_as_the_configuration_says(configure) -> None:
    plain = single.planned(configure(), "relu:3#1")
    assert single.filmed(plain, 3).render.snapshots == 3
    assert single.filmed(plain, 24).render.snapshots == 4  # no more than its steps
    known = single.filmed(single.planned(configure("render.snapshots=3"), "relu:3#1"), 24)
    assert known.render.snapshots == 3
    rendered = single.render("relu:3#1", known)
    assert rendered.unit == "relu:3#1"
    assert rendered.film.shape == (4, 24, 24, 3)
    np.testing.assert_array_equal(rendered.film[-1], rendered.image)
    assert (rendered.film[0] != rendered.image).any()
    assert np.isfinite([rendered.start, rendered.activation, rendered.robust]).all()


def test_a_unit_of_an_atlas_is_rendered_by_its_provenance(finished: run.Report) -> None:
    folder = finished.folder.path
    found = render_unit("-relu:1", atlas=folder, snapshots=2)
    atlas = Atlas.open(folder)
    assert len(found.film) == 3
    np.testing.assert_array_equal(found.image, atlas.image("-relu:1"))
    np.testing.assert_array_equal(found.trajectory, atlas.trajectory("-relu:1"))


def test_of_an_atlas_only_the_snapshots_are_to_choose(finished: run.Report) -> None:
    atlas = Atlas.open(finished.folder.path)
    with pytest.raises(ConfigError, match="seed: an atlas is rendered by its own recipe"):
        render_unit("relu:3", atlas=atlas, seed=4)
    with pytest.raises(ConfigError, match="a number from 0 to the atlas's 4 steps, came 5"):
        render_unit("relu:3", atlas=atlas, snapshots=5)


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


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(90, 160, (24, 24, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "cat.png")
    return tmp_path / "cat.png"


def test_a_picture_is_inverted_to_the_same_bytes_whatever_it_is_called(
    configure, picture: Path
) -> None:
    known = single.planned(configure(), "relu:0")
    first = single.render_picture(kinds.INVERSION, picture, ["relu", "deep"], known)
    other = picture.rename(picture.with_name("dog.png"))
    again = single.render_picture(kinds.INVERSION, other, ["deep"], known)
    assert [each.unit for each in first] == ["invert:relu@cat.png", "invert:deep@cat.png"]
    np.testing.assert_array_equal(first[1].image, again[0].image)
    assert first[1].activation > first[1].start


def test_a_picture_has_all_of_its_own_activations_and_goes_along_them_by_one(
    configure, picture: Path
) -> None:
    known = single.planned(configure(), "relu:0")
    device.use("cpu")
    from pipeline.ascent.engine import Engine

    pixels = np.asarray(Image.open(picture))
    subject = Picture("cat.png", 24, pixels.tobytes())
    for kind in (kinds.INVERSION, kinds.CARICATURE):
        unit = kinds.of_picture(kind, "deep", subject, known.architecture)
        _, meter = Engine.of(known).compiled(unit)
        seen = np.stack([pixels, 255 - pixels])
        for measured in (meter.plain(seen, [unit] * 2, 4), meter.robust(seen, [unit] * 2, 4)):
            assert measured[0] == pytest.approx(1, rel=1e-5)
            assert measured[1] < 1


def test_a_caricature_goes_further_than_the_picture(configure, picture: Path) -> None:
    known = single.planned(configure("recipe={name: draft, steps: 24}"), "relu:0")
    [found] = single.render_picture(kinds.CARICATURE, picture, ["deep"], known)
    assert found.unit == "caricature:deep@cat.png"
    assert found.activation > max(1, found.start)


def test_the_face_inverts_in_a_process_of_its_own(
    tiny_model: Path, configure, picture: Path
) -> None:
    config = configure()
    [found] = invert(picture, ["relu"], config)
    known = single.planned(config, "relu:0")
    [expected] = single.render_picture(kinds.INVERSION, picture, ["relu"], known)
    np.testing.assert_array_equal(found.image, expected.image)
    with pytest.raises(UnitError, match="no layer 'nope'"):
        invert(picture, ["nope"], config)
    with pytest.raises(ConfigError, match=r"layers: expected names of layers, as in \['mixed4'\]"):
        invert(picture, "relu", config)


def test_no_pattern_names_a_picture(configure) -> None:
    with pytest.raises(UnitError):
        single.planned(configure(), "invert:relu@cat.png")

import numpy as np
import pytest

from pipeline import Atlas, single
from pipeline.errors import UnitError
from tasks.build import run

pytestmark = pytest.mark.usefixtures("cpu")


def test_a_unit_rendered_alone_equals_the_atlas(configure, finished: run.Report) -> None:
    config, atlas = configure(), Atlas.open(finished.folder.path)
    for unit in ("relu:3", "-relu:1", "relu:1@0,1", "deepdream:relu+deep", "logits:2", "softmax:1"):
        alone = single.render(unit, config)
        np.testing.assert_array_equal(alone.image, atlas.image(unit), unit)
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

"""Tests of plots of studies."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import studies
from PIL import Image

from pipeline.config.recipes import RECIPES
from pipeline.errors import NotMeasuredError
from pipeline.sheets import paper, pareto
from pipeline.sheets.paper import Box, Line, Paper, Text, width_of
from pipeline.study.comparison import Study, compare
from pipeline.study.measures import MEASURES


def _study(seconds: dict[str, float], kept: dict[str, float], **more: object) -> Study:
    made = {
        name: studies.index(
            seconds=seconds[name], kept_noise=kept[name], kept_grey=kept[name], **more
        )
        for name in seconds
    }
    return compare(made, dict.fromkeys(made, RECIPES["draft"]))


@pytest.fixture
def study() -> Study:
    seconds = {"draft": 0.3, "fourier": 0.8, "slow": 3.1, "slower": 3.2}
    return _study(seconds, {"draft": 0.5, "fourier": 0.7, "slow": 0.6, "slower": 0.9})


def _texts(sheet: Paper) -> list[Text]:
    return [item for item in sheet.items if isinstance(item, Text)]


def test_the_best_are_those_that_none_beats_in_both(study: Study) -> None:
    found = pareto.points(study, "mixed2", MEASURES["kept"])
    assert {point.name: point.is_best for point in found} == {
        "draft": True, "fourier": True, "slow": False, "slower": True,
    }  # fmt: skip
    assert [point.seconds for point in found] == pytest.approx([0.3, 0.8, 3.1, 3.2])
    assert [point.said for point in found][:2] == ["", "+0.200 (+0.200 to +0.200)"]


def test_equal_ones_are_both_best_and_a_dearer_equal_is_not() -> None:
    study = _study({"a": 1.0, "b": 1.0, "c": 2.0}, {"a": 0.5, "b": 0.5, "c": 0.5})
    found = pareto.points(study, "mixed2", MEASURES["kept"])
    assert [point.is_best for point in found] == [True, True, False]


def test_activation_in_a_negative_direction_is_best_where_it_is_low() -> None:
    made = {
        name: studies.index(direction="negative", activation=value)
        for name, value in (("low", 0.1), ("high", 0.4))
    }
    study = compare(made, dict.fromkeys(made, RECIPES["draft"]))
    found = pareto.points(study, "mixed2", MEASURES["activation"])
    assert [point.is_best for point in found] == [True, False]


def test_a_panel_a_section_with_each_name_once(study: Study) -> None:
    sheet = pareto.lay_out(study, MEASURES["kept"])
    said = [text.text for text in _texts(sheet)]
    for name in study.variations:
        assert said.count(name) == 3  # of mixed2, mixed4 and all
    assert [said.count(section) for section in ("mixed2", "mixed4", "all")] == [1, 1, 1]
    marks = [item for item in sheet.items if isinstance(item, Box)]
    assert [mark.tone for mark in marks].count("pale") == 3
    assert len(marks) == 12
    # Over sections activations have no median.
    strong = pareto.lay_out(study, MEASURES["activation"])
    assert "all" not in [text.text for text in _texts(strong)]


def _boxes(sheet: Paper) -> list[tuple[float, float, float, float]]:
    """Where texts and marks are."""
    found = []
    for item in sheet.items:
        if isinstance(item, Text):
            wide = width_of(item.text, item.size)
            left = item.x - wide if item.is_right else item.x
            found.append((left, item.y, left + wide, item.y + item.size))
        elif isinstance(item, Box):
            found.append((item.x, item.y, item.x + item.width, item.y + item.height))
    return found


def _assert_apart(sheet: Paper) -> None:
    for one, other in itertools.combinations(_boxes(sheet), 2):
        is_over = (
            one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
        )
        assert not is_over, (one, other)
    assert all(box[0] >= 0 and box[2] <= sheet.width for box in _boxes(sheet))
    assert all(box[1] >= 0 and box[3] <= sheet.height for box in _boxes(sheet))


def test_nothing_lies_over_anything(study: Study) -> None:
    _assert_apart(pareto.lay_out(study, MEASURES["kept"]))


def test_labels_of_crowded_points_find_a_place() -> None:
    random = np.random.default_rng(1)
    names = [f"steps-{n}_rate-0.1{n}" for n in range(8)]
    seconds = dict(zip(names, 1 + 0.2 * random.random(8), strict=True))
    study = _study(seconds, dict(zip(names, 0.6 + 0.02 * random.random(8), strict=True)))
    sheet = pareto.lay_out(study, MEASURES["kept"])
    _assert_apart(sheet)
    pale = [item for item in sheet.items if isinstance(item, Line) and item.width < 1]
    assert pale  # leads from a label that had to go elsewhere


@pytest.mark.parametrize(
    ("low", "high"), [(0.3, 0.31), (1.0, 1.0), (0.02, 400.0), (0.5, 2.0), (1e-4, 3e-4)]
)
def test_ticks_hold_what_they_are_for(low: float, high: float) -> None:
    across = pareto._powers(low, high)
    assert 0 < across[0] <= low <= high <= across[-1]
    assert 2 <= len(across) <= 16
    assert across == sorted(across)
    up = pareto._even(low, high)
    assert up[0] <= low <= high <= up[-1]
    assert 2 <= len(up) <= 7
    assert len(pareto._even(-low, high)) >= 2


def test_a_measure_that_is_not_known_is_refused(study: Study) -> None:
    with pytest.raises(NotMeasuredError, match="prediction is not known of these units by all of"):
        pareto.lay_out(study, MEASURES["prediction"])


@pytest.mark.parametrize("kind", ["png", "pdf"])
def test_it_is_saved_as_other_sheets_are(study: Study, tmp_path: Path, kind: str) -> None:
    if kind == "pdf":
        pytest.importorskip("reportlab")
    sheet = pareto.lay_out(study, MEASURES["kept"])
    paper.save(sheet, tmp_path / f"p.{kind}")
    if kind == "png":
        with Image.open(tmp_path / "p.png") as found:
            assert found.size == (2 * sheet.width, 2 * sheet.height)
            assert np.asarray(found).mean() > 235  # mostly white

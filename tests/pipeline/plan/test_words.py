"""Tests of the words for a unit's figures and pictures: those of negative units turn round."""

import atlases
import pytest

from pipeline.plan import words
from pipeline.plan.kinds import KINDS, one
from pipeline.plan.units import Unit


def unit_of(text: str) -> Unit:
    return one(text, atlases.ARCHITECTURE)


@pytest.mark.parametrize(
    ("unit", "alive", "said"),
    [
        ("mixed4:3", True, "What excites mixed4:3"),
        ("-mixed4:3@1,1#1", True, "What lowers mixed4:3@1,1#1"),
        ("mixed4:3", False, "The image of mixed4:3, which does not excite mixed4:3"),
        ("-:logits:3", False, "The image of -:logits:3, which does not lower :logits:3"),
    ],
)
def test_what_an_image_is(unit: str, alive: bool, said: str) -> None:
    assert words.pictured(unit, alive) == said


def test_the_meanings_of_a_negative_unit_turn() -> None:
    up, down = (words.meanings(KINDS["channel"], negative) for negative in (False, True))
    assert up["own_rank"] == "channels of its layer that its image excites more; 0 is best"
    assert down["own_rank"] == "channels of its layer that its image lowers more; 0 is best"
    assert down["natural_quantile"].startswith("share of your pictures that lower it less")
    assert (up["activation_peak"], down["activation_peak"]) == (
        "the highest that was seen", "the lowest that was seen",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("neuron", "of its channel's map on the image"),
        ("deepdream", "of all its layers on the image"),
        ("softmax", "of all classes on the image"),
    ],
)
def test_the_numbers_among_which_a_unit_stands(kind: str, place: str) -> None:
    assert words.meanings(KINDS[kind], False)["mean"] == place


def test_a_neuron_is_judged_anywhere_on_pictures() -> None:
    assert words.meanings(KINDS["neuron"], False)["natural_p99"].startswith("its channel's largest")


@pytest.mark.parametrize(
    ("unit", "activations", "said"),
    [
        ("mixed4:3", [3, 2], "Your pictures that excite it most, cut to what does."),
        ("mixed4:3@1,1", [3, 2], "Your pictures that excite its channel most, cut to what does."),
        ("deepdream:mixed4", [3, 2], "Your pictures that excite it most, whole."),
        ("logits:1", [-1, -2], "Your pictures that excite it most, whole."),
        (
            "mixed4:3",
            [3, 0, 0],
            "Your pictures that excite it most, cut to what does. Only the first does; the others "
            "leave it at 0.",
        ),
        (
            "mixed4:3",
            [0, 0],
            "None of your pictures excites it: 0 is the most that it comes to on any.",
        ),
        (
            "-mixed4:3",
            [1, 2],
            "Your pictures that excite it least, cut about its channel's largest value.",
        ),
        (
            "-mixed4:3",
            [0, 0],
            "Your pictures that excite it least, cut about its channel's largest value. They leave "
            "it at 0, and others may too.",
        ),
        ("-softmax:1", [0.1, 0.2], "Your pictures that excite it least, whole."),
    ],
)
def test_what_a_units_pictures_are(unit: str, activations: list[float], said: str) -> None:
    assert words.examples(unit_of(unit), activations) == said

"""Tests of the words for a unit's figures and pictures: those of negative units turn round."""

from dataclasses import replace

import atlases
import pytest

from pipeline.plan import words
from pipeline.plan.kinds import KINDS, one
from pipeline.plan.units import Unit

ARCHITECTURE = replace(atlases.ARCHITECTURE, classes=3)


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
    assert down["natural_quantile"].startswith("share of the builder's pictures that lower it less")
    assert (up["activation_peak"], down["activation_peak"]) == (
        "the highest activation that was seen", "the lowest activation that was seen",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("neuron", "mean of its channel's map on the image"),
        ("deepdream", "mean of all its layers on the image"),
        ("softmax", "mean of all classes on the image"),
    ],
)
def test_the_numbers_among_which_a_unit_stands(kind: str, place: str) -> None:
    assert words.meanings(KINDS[kind], False)["mean"] == place


def test_a_neuron_is_judged_anywhere_on_pictures() -> None:
    assert words.meanings(KINDS["neuron"], False)["natural_p99"].startswith("its channel's largest")


@pytest.mark.parametrize(
    ("unit", "activations", "said"),
    [
        ("mixed4:3", [3, 2], "The builder's pictures that excite it most, cut to what does."),
        (
            "mixed4:3@1,1",
            [3, 2],
            "The builder's pictures that excite its channel most, cut to what does.",
        ),
        ("deepdream:mixed4", [3, 2], "The builder's pictures that excite it most, whole."),
        ("logits:1", [-1, -2], "The builder's pictures that excite it most, whole."),
        (
            "mixed4:3",
            [3, 0, 0],
            "The builder's pictures that excite it most, cut to what does. Only the first does; "
            "the others "
            "leave it at 0.",
        ),
        (
            "mixed4:3",
            [0, 0],
            "None of the builder's pictures excites it: 0 is the most that it comes to on any.",
        ),
        (
            "-mixed4:3",
            [1, 2],
            "The builder's pictures that excite it least, cut about its channel's largest value.",
        ),
        (
            "-mixed4:3",
            [0, 0],
            "The builder's pictures that excite it least, cut about its channel's largest "
            "value. They leave "
            "it at 0, and others may too.",
        ),
        ("-softmax:1", [0.1, 0.2], "The builder's pictures that excite it least, whole."),
    ],
)
def test_what_a_units_pictures_are(unit: str, activations: list[float], said: str) -> None:
    assert words.examples(unit_of(unit), activations) == said


@pytest.mark.parametrize(
    ("unit", "figures", "said"),
    [
        (
            "mixed4:3",
            (10, 0.8324, 0.0696),
            "Without the ten strongest, 83 % of its activation is gone; "
            "without ten drawn at random, 7 %.",
        ),
        (
            "-mixed4:3",
            (3, 0.5, -0.0141),
            "Without the 3 that excite it, 50 % of its activation is gone; "
            "without ten drawn at random, it gains 1 %.",
        ),
        (
            "logits:1",
            (10, 1.12, -0.0001),
            "Without the ten strongest, more than all of its score is gone; "
            "without ten drawn at random, 0 %.",
        ),
        (
            "mixed4:3",
            (1, -0.02, 0.004),
            "Without the one that excites it, it gains 2 %; without ten drawn at random, 0.4 %.",
        ),
    ],
)
def test_what_becomes_of_a_unit_without_its_sources(
    unit: str, figures: tuple[int, float, float], said: str
) -> None:
    sources, share, random = figures
    row = {"built_from": ["a"] * sources, "explained": share, "explained_random": random}
    assert words.explained(one(unit, ARCHITECTURE), row) == said


def test_nothing_is_said_of_a_unit_without_sources() -> None:
    assert words.explained(unit_of("mixed4:3"), {"activation": 1}) == ""


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.1324, "13 %"), (0.0042, "0.4 %"), (-0.031, "\u22123 %"), (-0.0001, "0 %"), (1, "100 %")],
)
def test_a_share_is_in_hundredths(share: float, said: str) -> None:
    assert words.percent(share) == said


ROW = {
    "activation": 3.0, "prediction": 0.783, "prediction_low": 0.702, "prediction_high": 0.851,
    "prediction_null": 0.664, "prediction_photo": 0.721, "prediction_pictures": 1, "tells": True,
}  # fmt: skip


def test_whether_a_picture_tells_is_said_with_the_judge() -> None:
    unit = unit_of("mixed4:3")
    assert words.trial(unit, ROW, "Lite0, block9_add") == (
        "The picture tells what excites the unit. Of two crops of the builder's photographs, "
        "one of the "
        "hundredth that excites it most and one of the rest, the first is more like the picture in "
        "78 % of cases (95 % interval 70 % to 85 %), as Lite0, block9_add sees them. One in forty "
        "of other units' pictures exceeds 66 %. The strongest photograph in its place comes to "
        "72 %."
    )
    doubtful = words.trial(unit_of("-mixed4:3"), ROW | {"tells": False}, "Lite0")
    assert doubtful.startswith(
        "? The picture did not tell what lowers the unit (too few photographs bear it out): do not"
    )
    low = words.trial(unit, ROW | {"tells": False, "prediction": 0.6}, "Lite0")
    assert low.startswith("? The picture did not tell what excites the unit (no better than other")
    several = words.trial(unit, ROW | {"prediction_pictures": 4}, "Lite0")
    assert several.startswith("The 4 pictures together tell what excites the unit.")


def test_what_is_not_known_is_said_to_be() -> None:
    unit = unit_of("mixed4:3")
    few = {k: v for k, v in ROW.items() if k not in ("tells", "prediction_null")}
    assert words.trial(unit, few, "Lite0").endswith(
        "The atlas has too few other pictures to say whether it tells."
    )
    said = words.trial(unit, {"activation": 3.0}, "Lite0")
    assert said.startswith("It is not known whether this picture tells what excites the unit:")
    assert words.trial(unit, {"activation": 3.0}, "") == ""
    assert words.trial(unit, {}, "Lite0") == ""  # it has no picture

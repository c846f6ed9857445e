"""Tests of who judges: the bundled networks, a user's file, and what cannot be."""

from dataclasses import replace
from pathlib import Path

import pytest
from atlases import ARCHITECTURE, provenance

from pipeline.config.schema import Truth
from pipeline.config.weights import Weights, resolve
from pipeline.errors import ConfigError, WeightsError
from pipeline.plan.architecture import CLASSES, Architecture, Layer
from pipeline.plan.provenance import Provenance
from pipeline.truth import judge
from pipeline.truth.judge import Eyes, Judge, eyes, judging

LITE = Architecture(
    "functional", 64, {n: Layer(n, 1, 112, 4, 4, 1) for n in ("block8_add", "block9_add")}, 1000
)


@pytest.fixture
def known() -> Provenance:
    """An atlas whose weights are here."""
    found = resolve("bundled")
    return replace(provenance("mixed2:all", "mixed4:0-1"), weights=found)


def _before(weights: Weights, reading: object, names: tuple[str, ...]) -> dict[str, str | None]:
    return {"mixed2": None, "mixed4": "mixed2"}


def _look(weights: Weights, size: int) -> Architecture:
    return LITE


def _never(*_: object) -> None:
    raise AssertionError("nobody was to be asked")


def test_the_bundled_lite0_judges_unless_it_would_judge_itself(known: Provenance) -> None:
    found = eyes(Truth(), known, None, _before, _look)
    assert str(found.judge) == "EfficientNet-Lite0, block9_add"
    assert found.own == {"mixed2": None, "mixed4": "mixed2"}
    of_lite = replace(known, weights=resolve("lite0"))
    assert judging(Truth(), of_lite).source == "bundled"
    with pytest.raises(ConfigError, match=r"lite0 is the atlas's own network.*name another"):
        judging(Truth(judge="lite0"), of_lite)
    assert eyes(Truth(judge="none"), known, None, _before, _never).judge is None


def test_who_was_asked_is_not_asked_again(known: Provenance) -> None:
    noted = eyes(Truth(), known, None, _before, _look)
    assert eyes(Truth(), known, noted, _never, _never) == noted
    other = eyes(Truth(judge_layer="block8_add"), known, noted, _never, _look)
    assert other.judge.layer == "block8_add"
    more = replace(known, patterns=("mixed4:0",))
    assert eyes(Truth(), more, noted, _before, _never).own == noted.own  # of another list of layers


def test_it_is_kept_as_json(known: Provenance) -> None:
    noted = eyes(Truth(), known, None, _before, _look)
    assert Eyes.from_json(noted.to_json()) == noted
    plain = Judge("mine", noted.judge.weights, "0" * 64, "conv", 3, "caffe")
    assert Judge.from_json(plain.to_json()) == plain
    none = Eyes({"a": None}, None)
    assert Eyes.from_json(none.to_json()) == none


def test_a_layer_that_is_not_there_is_told_with_the_nearest(known: Provenance) -> None:
    with pytest.raises(ConfigError, match=r"no layer 'blok9_add'; the nearest are block9_add, "):
        eyes(Truth(judge_layer="blok9_add"), known, None, _before, _look)
    with pytest.raises(ConfigError, match=r"no layer 'x'; the deepest are block8_add, block9_add"):
        eyes(Truth(judge_layer="x"), known, None, _before, _look)


def test_a_file_needs_the_name_of_a_layer(known: Provenance, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"truth\.judge: there is no file .*nowhere\.keras"):
        judging(Truth(judge=str(tmp_path / "nowhere.keras")), known)
    path = tmp_path / "mine.keras"
    path.write_bytes(b"a network")
    wanted = Truth(judge=str(path))
    with pytest.raises(ConfigError, match=r"truth\.judge_layer: name the layer that .*mine\.keras"):
        eyes(wanted, known, None, _before, _look)
    named = wanted.model_copy(update={"judge_layer": "block9_add"})
    found = eyes(named, known, None, _before, _look)
    assert (found.judge.name, found.judge.located().path) == ("functional", path)
    strange = replace(LITE, range=None, told="its first layers make 0 to 3")
    with pytest.raises(ConfigError, match=r"to functional cannot be told: its first layers make"):
        eyes(named, known, None, _before, lambda *_: strange)
    path.write_bytes(b"another")
    with pytest.raises(WeightsError, match="are others than before: expected SHA-256"):
        found.judge.located()
    moved = path.rename(tmp_path / "moved.keras")
    again = eyes(
        named.model_copy(update={"judge": str(moved)}), known, found, _never, lambda *_: LITE
    )
    assert again.judge != found.judge  # of other content


def test_a_judge_that_moved_is_the_same(known: Provenance, tmp_path: Path) -> None:
    path = tmp_path / "mine.keras"
    path.write_bytes(b"a network")
    wanted = Truth(judge=str(path), judge_layer="block9_add")
    found = eyes(wanted, known, None, _before, _look)
    moved = path.rename(tmp_path / "moved.keras")
    again = eyes(wanted.model_copy(update={"judge": str(moved)}), known, found, _never, _never)
    assert again == found
    assert again.judge.weights.path == moved


def test_classes_are_read_too() -> None:
    of_classes = replace(ARCHITECTURE, classes=3)
    made = provenance("mixed4:0", "logits:0-2", architecture=of_classes)
    assert judge.read_layers(made) == ["mixed4", CLASSES]
    assert judge.read_layers(provenance("mixed4:0", "logits:0-2")) == ["mixed4"]

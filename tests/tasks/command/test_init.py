"""Tests of the configuration that `atlas init` writes."""

from pathlib import Path

import pytest
from command import call

from pipeline.config import yaml_file
from pipeline.config.schema import AtlasConfig
from pipeline.errors import ConfigError
from pipeline.plan.architecture import Architecture, Layer
from tasks import planning
from tasks.command import init

ROOT = Path(__file__).parents[3]
SIDES = {"a": 24, "b: c": 24, "d,e": 12, "logits": 6, "pooled": 1}
ODD = Architecture(
    "odd", 48,
    {name: Layer(name, i, 8, side, side, 10) for i, (name, side) in enumerate(SIDES.items())},
    classes=3,
)  # fmt: skip


def test_it_is_the_projects_own_and_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "atlas_config.yaml"
    assert init.write(path) is None
    assert path.read_bytes() == (ROOT / "atlas_config.yaml").read_bytes()
    path.write_text("mine")
    with pytest.raises(ConfigError, match="is there already, and stays"):
        init.write(path)
    assert path.read_text() == "mine"
    with pytest.raises(ConfigError, match="cannot be written: No such file or directory"):
        init.write(tmp_path / "none" / "atlas_config.yaml")


def test_one_for_a_network_of_ones_own_can_be_planned(tiny_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    found = init.write(path, tiny_model)
    assert found is not None
    config = yaml_file.load(path)
    assert config.units == ("relu:all", "deep:all", "logits:0-2")
    assert config.image.size == found.image_size == 128  # it takes any
    assert "  - deep:all  # 4 channels, a map of 62 x 62\n" in path.read_text()
    config = config.model_copy(update={"output": str(tmp_path / "atlas")})
    assert len(planning.make(config).provenance.units()) == 8 + 4 + 3


def test_a_file_that_does_not_load_leaves_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my.keras").write_text("no model")
    words = ("init", "-c", str(tmp_path / "c.yaml"), "--network", str(tmp_path / "my.keras"))
    code, _, said = call(capfd, monkeypatch, *words)
    assert code == 2
    assert "my.keras" in said
    assert not (tmp_path / "c.yaml").exists()


def test_layers_of_any_name_are_named() -> None:
    text = init.adapted(init.template(), Path("a: 'b' #c.keras"), ODD)
    config = yaml_file.parse(text)
    assert config.model.weights == "a: 'b' #c.keras"
    assert config.image.size == 48
    assert config.units == ("d,e:all", ":logits:all", "logits:0-2")
    assert "  # - 'b: c:all'  # 8 channels, a map of 24 x 24\n" in text
    default = yaml_file.parse(init.template())
    same = set(AtlasConfig.model_fields) - {"units", "model", "image"}
    assert config.model_dump(include=same) == default.model_dump(include=same)
    assert [layer.name for layer in init.stages(ODD)] == ["b: c", "d,e", "logits"]

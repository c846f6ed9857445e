"""Tests of configurations that programs give."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.config import yaml_file
from pipeline.config.given import configuration
from pipeline.errors import ConfigError

TEXT = "units: [mixed4:1]\nimage: {size: 64}\nrecipe: {name: draft, steps: 4}\ncluster: threads\n"
PLAIN = {
    "units": ("mixed4:1",),
    "image": {"size": np.int64(64)},
    "recipe": {"name": "draft", "steps": 4},
    "cluster": "threads",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "atlas_config.yaml"
    path.write_text(TEXT)
    return path


def test_every_form_says_the_same(path: Path) -> None:
    wanted = yaml_file.parse(TEXT)
    assert [configuration(form) for form in (wanted, path, str(path), PLAIN)] == [wanted] * 4
    assert configuration(wanted) is wanted


def test_settings_change_every_form(path: Path) -> None:
    settings = {"image.size": 32, "recipe.steps": 3, "output": Path("here"), "cluster.workers": 2}
    given = [f"{key}={value}" for key, value in settings.items()]
    wanted = yaml_file.parse(TEXT, settings=given)
    found = [configuration(form, settings) for form in (yaml_file.parse(TEXT), path, PLAIN)]
    assert found == [wanted] * 3
    assert configuration(PLAIN, {"recipe": "article"}).recipe.steps == 200
    assert PLAIN["image"] == {"size": 64}  # as it was


def test_a_setting_is_named_where_it_cannot_be(path: Path) -> None:
    with pytest.raises(ConfigError, match=r"config\.yaml, image\.size=4: image\.size: .*came 4$"):
        configuration(path, {"image.size": 4})
    with pytest.raises(ConfigError, match=r"^the configuration, imag=4: unknown key 'imag': did"):
        configuration(PLAIN, {"imag": 4})
    with pytest.raises(ConfigError, match=r"^units\.a=4: 'units' holds no keys"):
        configuration(PLAIN, {"units.a": 4})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"units": ["a"], "image": {"sise": 4}}, "unknown key 'image.sise': did you mean 'size'"),
        ({}, "^the configuration: the key 'units' is missing"),
        ({"units": ["a"], "seed": object()}, "configuration: expected text, .*came a object$"),
        ({"units": ["a"], "seed": float("nan")}, "seed: "),
        (3, "expected an AtlasConfig, the path of a YAML file, or a mapping, came a int"),
        ("none.yaml", r"there is no configuration none\.yaml"),
    ],
)
def test_what_cannot_be_given(given: Any, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        configuration(given)


def test_lines_of_a_file_are_named(path: Path) -> None:
    path.write_text(TEXT.replace("64", "4"))
    with pytest.raises(ConfigError, match=r"atlas_config\.yaml, line 2: image\.size: "):
        configuration(path, {"seed": 3})

from pathlib import Path

import pytest

from pipeline import config_file
from pipeline.errors import ConfigError


def test_default_configuration_is_valid() -> None:
    assert config_file.load(Path("atlas_config.yaml")).recipe.name == "fourier"


def test_unknown_key_names_line_and_nearest() -> None:
    with pytest.raises(ConfigError, match="line 1: unknown key 'unitz': did you mean 'units'"):
        config_file.parse("unitz: [a]\nunits: [a]")

from pathlib import Path

import pytest

from pipeline import config
from pipeline.errors import ConfigError


def test_default_configuration_is_valid() -> None:
    assert config.load(Path("atlas_config.yaml")).recipe.name == "fourier"


def test_unknown_key_names_line_and_nearest() -> None:
    with pytest.raises(ConfigError, match="line 1: unknown key 'unitz': did you mean 'units'"):
        config.parse("unitz: [a]\nunits: [a]")

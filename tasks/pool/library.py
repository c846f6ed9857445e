"""Dask itself, which reads a user's settings of it as it is imported."""

from pipeline.errors import ConfigError


def load() -> None:
    """Import Dask.

    Raises:
        ConfigError: it does not start by the user's settings of it.
    """
    try:
        import distributed  # noqa: F401, PLC0415, see above
    except ImportError:
        raise
    except Exception as error:  # of YAML, of logging's own configuration, of its files
        raise ConfigError(
            "Dask does not start by your settings of it (~/.config/dask, or where DASK_CONFIG "
            f"says): {' '.join(str(error).split())[:200] or type(error).__name__}; mend them"
        ) from error

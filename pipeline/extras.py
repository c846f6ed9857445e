"""Libraries that only some uses need, and how to get them."""

import importlib

from pipeline.errors import ConfigError

_EXTRAS = {
    "networkx": "export",
    "ome_zarr": "export",
    "pyvips": "export",
    "reportlab": "export",
    "xarray": "xarray",
}
"""By the module that is imported, the extra that brings it."""


def need(module: str, use: str) -> None:
    """Make sure that a library of an extra is here.

    Args:
        module: what is imported.
        use: what it is for, as in `a sheet as PDF`.

    Raises:
        ConfigError: it is not; the message has the line that installs it.
    """
    try:
        importlib.import_module(module)
    except (ImportError, OSError) as error:  # OSError: a library that it loads is not there
        raise ConfigError(
            f"{use} needs {module}, which cannot be loaded ({str(error).splitlines()[0]}): "
            f"pip install 'channel-atlas[{_EXTRAS[module]}]'"
        ) from error

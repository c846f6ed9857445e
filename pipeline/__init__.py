"""Channel atlas: what every channel of a convolutional network sees.

>>> from pipeline import Atlas, render_unit
>>> atlas = Atlas.open("data/atlas")
>>> atlas.index, atlas.image("mixed4:42"), atlas["mixed4:42"]
>>> atlas.gallery("layer:mixed4 activation > 5"), atlas.page("mixed4:42")
>>> render_unit("mixed4:42").save("one.png")

`tasks.build_atlas` builds a whole atlas. docs/api.md has every name and method.
"""

import importlib
from typing import TYPE_CHECKING, Any

from pipeline.errors import (
    AtlasError,
    AtlasFolderError,
    ChangedError,
    ConfigError,
    DamageError,
    MissingError,
    NotMeasuredError,
    StorageError,
    UnitError,
    UsageError,
    WeightsError,
    WorkError,
)

if TYPE_CHECKING:
    from pipeline.atlas import Atlas, gallery
    from pipeline.config.schema import AtlasConfig
    from pipeline.notebook.cards import Card
    from pipeline.notebook.drawings import Drawing, Fired
    from pipeline.notebook.frames import Frame
    from pipeline.notebook.galleries import Gallery
    from pipeline.plan.units import Unit
    from pipeline.single import Single, caricature, invert, render_unit

    __version__: str

__all__ = [
    "Atlas", "AtlasConfig", "AtlasError", "AtlasFolderError", "Card", "ChangedError",
    "ConfigError", "DamageError",
    "Drawing", "Fired", "Frame", "Gallery", "MissingError", "NotMeasuredError", "Single",
    "StorageError", "Unit", "UnitError", "UsageError", "WeightsError", "WorkError", "__version__",
    "caricature", "gallery", "invert", "render_unit",
]  # fmt: skip

_LATE = {
    "Atlas": "pipeline.atlas",
    "AtlasConfig": "pipeline.config.schema",
    "Card": "pipeline.notebook.cards",
    "Drawing": "pipeline.notebook.drawings",
    "Fired": "pipeline.notebook.drawings",
    "Frame": "pipeline.notebook.frames",
    "Gallery": "pipeline.notebook.galleries",
    "Single": "pipeline.single",
    "Unit": "pipeline.plan.units",
    "caricature": "pipeline.single",
    "gallery": "pipeline.atlas",
    "invert": "pipeline.single",
    "render_unit": "pipeline.single",
}
"""Names by the module that is imported once they are used: every start of the command pays."""

if not TYPE_CHECKING:  # a type checker would take any name for one of the face

    def __getattr__(name: str) -> Any:
        """A name of the face, when it is used for the first time."""
        if name == "__version__":
            globals()[name] = _version()
        elif name in _LATE:
            globals()[name] = getattr(importlib.import_module(_LATE[name]), name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _version() -> str:
    """The version of the project as it is installed; of a mere checkout nothing is known."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415, seldom asked

    try:
        return version("channel-atlas")
    except PackageNotFoundError:
        return "unknown"

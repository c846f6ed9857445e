"""Orchestration: what drives `pipeline` over many units; Luigi tasks, a Dask pool, the command.

>>> from tasks import build_atlas
>>> atlas = build_atlas({"output": "data/small", "units": ["mixed4:0-3"], "recipe": "draft"})
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasks.notebook import build_atlas, build_study
    from tasks.progress import Progress

__all__ = ["Progress", "build_atlas", "build_study"]

_LATE = {
    "Progress": "tasks.progress",
    "build_atlas": "tasks.notebook",
    "build_study": "tasks.notebook",
}
"""Names by the module that is imported once they are used: every start of the command pays."""

if not TYPE_CHECKING:  # a type checker would take any name for one of these

    def __getattr__(name: str) -> Any:
        """A public name, when it is used for the first time."""
        if name not in _LATE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = getattr(importlib.import_module(_LATE[name]), name)
        return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

"""Run docs/tour.ipynb and keep what it shows: `make tour`, after the notebook was changed.

A test runs it too, by `run`, and keeps nothing.
"""

import re
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).with_name("tour.ipynb")
_LONGEST = 600
"""Seconds that a cell may take."""


def run(folder: Path) -> Any:
    """The notebook, run in a folder.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell raised.
        nbclient.exceptions.CellTimeoutError: a cell took too long.
    """
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    place = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, timeout=_LONGEST, resources=place, record_timing=False).execute()
    return notebook


def tidied(notebook: Any, folder: Path) -> str:
    """A notebook's file without what is of this machine alone: where it ran, logs, frames."""
    notebook.metadata = {"language_info": {"name": "python"}}
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = [each for each in cell.outputs if each.get("name") != "stderr"]
            for output in cell.outputs:
                _unframe(output.get("data", {}))
    for place in {f"{folder}", f"{folder.resolve()}"}:
        _shorten(notebook, f"{place}/")
    return str(nbformat.writes(notebook)) + "\n"


def _unframe(shown: Any) -> None:
    """Take out a frame, which shows nothing without its kernel, and the port, which changes."""
    if "<iframe" in shown.get("text/html", ""):
        del shown["text/html"]
        shown["text/plain"] = re.sub(r"(127\.0\.0\.1):\d+", r"\1", shown["text/plain"])


def _shorten(node: Any, place: str) -> None:
    """Take a place out of every text below a node."""
    for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
        if isinstance(value, str):
            node[key] = value.replace(place, "")
        elif isinstance(value, dict | list):
            _shorten(value, place)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as here:
        written = tidied(run(Path(here)), Path(here))
    NOTEBOOK.write_text(written, encoding="utf-8")

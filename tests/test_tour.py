"""Tests of docs/tour.ipynb: it runs, and shows what it did when it was last run."""

import json
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parent.parent / "docs"
LARGEST = 700_000
"""Bytes of the file with what it shows."""
LOCAL = re.compile(r"(?<![\w.])/(?:home|root|tmp|work|Users|private|var)/")
"""The beginning of a path of somebody's machine."""


@pytest.fixture(scope="module")
def kept() -> list[dict[str, Any]]:
    """The cells of code as the file has them."""
    cells = json.loads((DOCS / "tour.ipynb").read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def _texts(cell: dict[str, Any]) -> list[str]:
    """What a cell shows, less pictures."""
    found = []
    for output in cell["outputs"]:
        data = {"text": output.get("text", ""), **output.get("data", {})}
        found += ["".join(text) for kind, text in data.items() if not kind.startswith("image/")]
    return [re.sub(r'"data:[^"]*"', '""', text) for text in found]


def test_it_keeps_what_it_showed(kept: list[dict[str, Any]]) -> None:
    silent = [cell for cell in kept if not cell["outputs"]]
    assert len(silent) <= 1, "docs/tour.ipynb shows nothing: run `make tour`"
    assert (DOCS / "tour.ipynb").stat().st_size < LARGEST
    kinds = [output["output_type"] for cell in kept for output in cell["outputs"]]
    assert "error" not in kinds


def test_it_names_nobodys_folders(kept: list[dict[str, Any]]) -> None:
    for cell in kept:
        assert not LOCAL.search("\n".join(_texts(cell))), "run `make tour`, which takes them out"


def test_paths_and_logs_are_taken_out(tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    kernel = {"name": "mine", "display_name": "mine"}
    cell = nbformat.v4.new_code_cell("atlas", metadata={"scrolled": True})
    result = {"text/html": f"<b>Atlas('{tmp_path}/atlas')</b>", "text/plain": "Atlas"}
    cell.outputs = [
        nbformat.v4.new_output("stream", name="stderr", text="a log"),
        nbformat.v4.new_output("execute_result", data=result, execution_count=1),
    ]
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})
    text = runpy.run_path(str(DOCS / "make_tour.py"))["tidied"](notebook, tmp_path)
    found = json.loads(text)
    assert found["cells"][0]["metadata"] == {}
    (output,) = found["cells"][0]["outputs"]
    assert output["data"]["text/html"] == ["<b>Atlas('atlas')</b>"]
    assert "mine" not in text


def test_a_frame_is_not_kept(tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    text = "Frame(address='http://127.0.0.1:40123/#mixed4:5')"
    result = {"text/html": '<iframe src="http://127.0.0.1:40123/#mixed4:5">', "text/plain": text}
    cell = nbformat.v4.new_code_cell("atlas.page('mixed4:5')")
    cell.outputs = [nbformat.v4.new_output("execute_result", data=result, execution_count=1)]
    notebook = nbformat.v4.new_notebook(cells=[cell])
    made = runpy.run_path(str(DOCS / "make_tour.py"))["tidied"](notebook, tmp_path)
    (output,) = json.loads(made)["cells"][0]["outputs"]
    assert output["data"] == {"text/plain": ["Frame(address='http://127.0.0.1/#mixed4:5')"]}


def test_it_shows_what_notebooks_can(kept: list[dict[str, Any]]) -> None:
    shown = {"".join(cell["source"]).split("(")[0]: cell["outputs"][-1] for cell in kept}
    assert "image/jpeg" in shown["atlas.where"]["data"]
    assert "".join(shown["atlas.gallery"]["data"]["text/html"]).count("<figure") == 6
    for cell in kept:
        if "atlas.compare(" in "".join(cell["source"]):
            assert "image/jpeg" in cell["outputs"][-1]["data"]
        texts = [json.dumps(output) for output in cell["outputs"]]
        assert not any("<progress" in text for text in texts)  # none that seems to go on
        assert not any("<iframe" in text for text in texts)


@pytest.mark.slow
def test_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: list[dict[str, Any]]
) -> None:
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    folder = tmp_path / "folder"
    folder.mkdir()
    notebook = runpy.run_path(str(DOCS / "make_tour.py"))["run"](folder)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    seen = [[o.output_type for o in cell.outputs if o.get("name") != "stderr"] for cell in cells]
    assert seen == [[output["output_type"] for output in cell["outputs"]] for cell in kept]
    made = {"compare.png", "map.png", "one.png", "strong.png", "tour-atlas"}
    assert made <= {path.name for path in folder.iterdir()}

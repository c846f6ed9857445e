"""Tests of the public face: its names, and that it costs nothing until it is used."""

import subprocess
import sys

import pytest

import pipeline
from pipeline import errors

NAMES = [
    "Atlas", "AtlasConfig", "AtlasError", "AtlasFolderError", "Card", "ChangedError",
    "ConfigError", "DamageError",
    "Drawing", "Fired", "Frame", "Gallery", "MissingError", "NotMeasuredError", "Single",
    "StorageError", "Unit", "UnitError", "UsageError", "WeightsError", "WorkError", "__version__",
    "caricature", "gallery", "invert", "render_unit",
]  # fmt: skip
HEAVY = {
    "PIL", "dask", "keras", "luigi", "numpy", "pandas", "pyarrow", "pydantic", "rich", "scipy",
    "sklearn", "tensorflow", "xarray", "yaml", "zarr",
}  # fmt: skip


def _loaded(code: str) -> set[str]:
    """The heavy libraries that are loaded after some code, in a process of its own."""
    words = f"import sys\n{code}\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    found = subprocess.run(
        [sys.executable, "-c", words], capture_output=True, text=True, check=True
    )
    return HEAVY & set(found.stdout.split())


def test_public_names() -> None:
    assert pipeline.__all__ == NAMES
    assert set(NAMES) <= set(dir(pipeline))
    assert all(getattr(pipeline, name) for name in NAMES)


def test_every_error_is_public() -> None:
    found = {name for name, item in vars(errors).items() if isinstance(item, type)}
    assert found == {name for name in NAMES if name.endswith("Error")}


def test_another_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="module 'pipeline' has no attribute 'atlases'"):
        getattr(pipeline, "atlases")  # noqa: B009, the checker knows too
    with pytest.raises(ImportError, match="cannot import name 'Atlases'"):
        exec("from pipeline import Atlases")


def test_the_face_loads_nothing_until_it_is_used() -> None:
    assert _loaded("import pipeline, tasks") == set()
    assert _loaded("from pipeline import Atlas") == {"numpy", "pydantic"}
    assert _loaded("from pipeline import render_unit") <= {"numpy", "pydantic", "PIL", "yaml"}


def test_the_version_is_that_of_the_package() -> None:
    assert pipeline.__version__.count(".") == 2

"""Tests of several atlases that are opened: by names, and without those that cannot be read."""

from pathlib import Path

import atlases
import pairs as made
import pytest

from pipeline.errors import ConfigError
from pipeline.store.store import Store
from pipeline.together.opened import MOST, opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("several")
    for name in ("one/atlas", "two/atlas", "three"):
        made.write(folder / name, patterns=("mixed2:0-3",))
    return folder


def test_atlases_are_called_after_their_folders_or_as_said(folder: Path) -> None:
    found = opened([str(folder / "one/atlas"), f"Fine tuned: α={folder / 'three'}"])
    assert [(side.name, side.key) for side in found.sides] == [
        ("atlas", "atlas"), ("Fine tuned: α", "fine_tuned"),
    ]  # fmt: skip
    assert found.said == ()


def test_folders_of_one_name_are_told_apart(folder: Path) -> None:
    found = opened([str(folder / "one/atlas"), f"{folder}/two/atlas/", str(folder / "three")])
    assert [side.name for side in found.sides] == ["one/atlas", "two/atlas", "three"]
    assert [side.key for side in found.sides] == ["one_atlas", "two_atlas", "three"]


def test_keys_are_names_of_folders_that_nothing_else_has(folder: Path) -> None:
    one, two = folder / "one/atlas", folder / "two/atlas"
    found = opened([f"data={one}", f"DATA={two}", f"<b>={one}", f"日本={two}"])
    assert [side.key for side in found.sides] == ["data_atlas", "data_atlas_2", "b", "atlas"]


def test_what_cannot_be_read_or_lacks_units_is_told_in_a_line(folder: Path, tmp_path: Path) -> None:
    part = Store.create(tmp_path / "part", atlases.provenance("mixed2:0-5"))
    atlases.commit(part, 1)
    Store.create(tmp_path / "empty", atlases.provenance("mixed2:0-5"))
    (tmp_path / "older/atlas.zarr").mkdir(parents=True)
    (tmp_path / "older/atlas.zarr/zarr.json").write_text('{"attributes": {"schema": 0}}')
    names = [
        str(folder / "three"),
        *(str(tmp_path / n) for n in ("part", "empty", "older", "gone")),
    ]
    found = opened(names)
    assert [side.name for side in found.sides] == ["three", "part"]
    assert found.said == (
        "part is incomplete: 2 of 6 units not built",
        "empty is left out: none of its units is built yet",
        "older is left out: there is no atlas that can be read",
        "gone is left out: there is no atlas that can be read",
    )
    assert str(tmp_path) not in "".join(found.said)
    assert "is not there" in found.reasons["gone"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["x={0}/three", "x={0}/one/atlas"], "two atlases are called x: tell them apart"),
        (["{0}/three", "{0}/three"], "two atlases are called"),
        (["{0}/three", "{0}/gone"], "two atlases at least .* gone is left out: .* is not there"),
        (["{0}/three"] * (MOST + 1), "expected at most 8 atlases side by side, came 9"),
    ],
)
def test_what_cannot_be_opened_is_told(folder: Path, names: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        opened([name.format(folder) for name in names])

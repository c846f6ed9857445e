"""Atlases made to harm who reads them: nothing in them runs, and nothing outside is touched."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import Atlas, verify
from pipeline.errors import AtlasError
from pipeline.explore import index
from pipeline.plan.provenance import Provenance
from pipeline.sheets import mosaics
from pipeline.store.seal import seal
from pipeline.store.store import Store

Make = Callable[..., Provenance]
Build = Callable[..., Store]


class Harm:
    """What would leave a mark, were it ever loaded."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.mark,)


@pytest.fixture
def store(tmp_path: Path, make_provenance: Make, build: Build) -> Store:
    """A finished atlas, with all that is drawn from it."""
    made = build(tmp_path / "atlas", make_provenance("mixed2:0-5", "mixed4:1"))
    index.refresh(made)
    for section in (mosaics.WHOLE, "mixed2", "mixed4"):
        mosaics.draw(made, section, 16)
    verify.trust(made)
    return made


def _read_everything(folder: Path) -> None:
    """What people do with an atlas; errors are told, or nothing is wrong."""
    readings = (
        lambda atlas: atlas.status(), lambda atlas: atlas.index, lambda atlas: atlas.failures(),
        lambda atlas: atlas.query("layer == 'mixed2'"), lambda atlas: atlas.image("mixed2:1"),
        lambda atlas: atlas.trajectory("mixed4:1"),
        lambda atlas: atlas.sheet(["mixed2:0", "mixed4:1"], folder.parent / "sheet.png", "two"),
    )  # fmt: skip
    for read in readings:
        try:
            read(Atlas.open(folder))
        except AtlasError:
            continue
    try:
        store = Store.open(folder)
    except AtlasError:
        return
    list(verify.verify(store))
    verify.drop_damaged(store)


def test_a_pickle_in_any_place_is_never_loaded(store: Store, tmp_path: Path) -> None:
    mark, folder = tmp_path / "mark", tmp_path / "atlas"
    pickle.loads(pickle.dumps(Harm(mark)))
    assert mark.exists()  # it would do harm
    mark.unlink()
    contents = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for path in sorted(contents):
        path.write_bytes(pickle.dumps(Harm(mark)))
        _read_everything(folder)
        assert not mark.exists(), path
        for other, content in contents.items():
            other.write_bytes(content)


@pytest.mark.parametrize("section", ["..", "../..", "/tmp", "mixed2/../../.."])
def test_records_that_point_out_of_the_folder_count_as_absent(
    store: Store, tmp_path: Path, section: str
) -> None:
    name = store.records.name("mixed2", 0)
    record = json.loads(store.folder.read(name))
    record.pop("self")
    store.folder.write_json(name, seal({**record, "section": section}))
    assert store.records.one("mixed2", 0) is None
    before = {path for path in tmp_path.rglob("*") if (tmp_path / "atlas") not in path.parents}
    _read_everything(tmp_path / "atlas")
    after = {path for path in tmp_path.rglob("*") if (tmp_path / "atlas") not in path.parents}
    assert after - before <= {tmp_path / "sheet.png"}


def test_a_picture_of_absurd_size_is_refused(store: Store, tmp_path: Path) -> None:
    """A section's metadata may claim what no memory holds: it is no longer what was made."""
    path = tmp_path / "atlas/atlas.zarr/mixed2/images/zarr.json"
    metadata = json.loads(path.read_text())
    metadata["chunk_grid"]["configuration"]["chunk_shape"] = [1 << 40, 8, 8, 3]
    path.write_text(json.dumps(metadata))
    with pytest.raises(AtlasError, match="cannot be read"):
        Atlas.open(tmp_path / "atlas").image("mixed2:1")

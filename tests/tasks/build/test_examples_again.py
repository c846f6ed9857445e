"""Pictures that changed, moved or came back since an atlas was shown them."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zarr
from builds import build, silent
from command import call
from PIL import Image

from pipeline import Atlas
from pipeline.errors import ConfigError, WorkError
from pipeline.examples import seen
from pipeline.examples.source import Picture, found_in
from pipeline.plan.batches import Batch
from pipeline.store.seal import seal
from pipeline.store.store import Store
from tasks import planning
from tasks.build import examples
from tasks.pool import work
from tasks.pool.work import Steps

pytestmark = pytest.mark.usefixtures("cpu")
UNITS = ("relu:0-5",)


def _noise(number: int) -> np.ndarray:
    noise = np.random.default_rng(number).normal(128, 1 + number, (30, 40, 3))
    return np.clip(noise, 0, 255).astype(np.uint8)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder of seventy noisy pictures, one of which is cut short: two batches."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for number in range(70):
        Image.fromarray(_noise(number)).save(folder / f"{number:02d}.png")
    whole = (folder / "07.png").read_bytes()
    (folder / "07.png").write_bytes(whole[: len(whole) // 2])
    return folder


@pytest.fixture
def show(tmp_path: Path) -> Callable[..., tuple[examples.Shown, list[int]]]:
    """Show an atlas pictures; the answer has the batches that were seen for it."""
    tried = tmp_path / "tried"
    tried.mkdir()

    def look(store: Store, batch: Batch[Picture], most: int | None) -> None:
        (tried / f"{batch.chunk}").touch()
        work.look(store, batch, most)

    def shown(config, source: Path | None, **how) -> tuple[examples.Shown, list[int]]:
        for file in tried.iterdir():
            file.unlink()
        pictures = found_in(source) if source else []
        steps = Steps(see=look)
        told = examples.show(planning.make(config), pictures, silent(), steps=steps, **how)
        return told, sorted(int(file.name) for file in tried.iterdir())

    return shown


def _strongest(config) -> list[str]:
    return [example.picture for example in Atlas.open(config.output).examples("relu:3")]


def _black(config, unit: str) -> int:
    """How many of a unit's crops are black."""
    crops = Atlas.open(config.output).example_crops(unit)
    return sum(not crop.any() for crop in crops)


def test_what_changed_under_its_name_is_seen_again(configure, mine: Path, show) -> None:
    config = configure(units=UNITS)
    build(config)
    assert show(config, mine)[0].left_out == {"07.png": "it is no picture, or is damaged"}
    first = _strongest(config)[0]
    before = Atlas.open(config.output).example_crops("relu:3")[0]
    assert show(config, mine)[1] == []
    Image.new("RGB", (40, 30), "grey").save(mine / first)
    Image.fromarray(_noise(7)).save(mine / "07.png")
    told, batches = show(config, None)  # the former ones, as they are now
    assert told.left_out == {}
    assert batches == sorted({0, int(Path(first).stem) // 64})
    assert first not in _strongest(config)
    assert (Atlas.open(config.output).example_crops("relu:3")[0] != before).any()
    assert show(config, mine)[1] == []


def test_what_could_not_be_read_is_tried_again(
    configure, mine: Path, show, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a file's rights were mended: its size and time are what they were."""
    config = configure(units=UNITS)
    build(config)
    show(config, mine)
    stamp = (mine / "07.png").stat().st_mtime_ns
    size = (mine / "07.png").stat().st_size
    Image.new("RGB", (8, 8), "red").save(mine / "07.png")
    content = (mine / "07.png").read_bytes()
    (mine / "07.png").write_bytes(content + bytes(size - len(content)))
    os.utime(mine / "07.png", ns=(stamp, stamp))
    told, batches = show(config, mine)
    assert (told.left_out, batches) == ({}, [0])


def test_replace_sees_all_again_and_loses_nothing_to_an_empty_place(
    configure, mine: Path, show
) -> None:
    config = configure(units=UNITS)
    build(config)
    show(config, mine)
    assert show(config, mine, replace=True)[1] == [0, 1]
    before = _strongest(config)
    mine.rename(mine.with_name("elsewhere"))
    with pytest.raises(ConfigError, match=r"none of the 70 pictures is there.*what was seen stays"):
        show(config, None, replace=True)
    assert _strongest(config) == before
    assert show(config, None)[1] == []


def test_a_list_whose_files_are_gone_for_now_keeps_what_was_seen(
    configure, mine: Path, show
) -> None:
    config, names = configure(units=UNITS), mine.parent / "names.txt"
    build(config)
    names.write_text("".join(f"mine/{number:02d}.png\n" for number in range(70)))
    show(config, names)
    before = _strongest(config)
    mine.rename(mine.with_name("elsewhere"))
    assert show(config, names)[1] == []
    assert _strongest(config) == before


def test_a_moved_folder_blackens_no_crop(configure, mine: Path, show) -> None:
    config = configure(units=UNITS)
    build(config)
    show(config, mine)
    moved = mine.rename(mine.with_name("elsewhere"))
    more = configure("build.retries=0", units=("relu:0-7",))
    build(more)
    with pytest.raises(
        WorkError, match=r"mine/\d\d\.png was seen, but now it is not there.*FOLDER"
    ):
        show(more, None)
    assert [_black(more, f"relu:{channel}") for channel in range(6)] == [0] * 6
    told, batches = show(more, moved)
    assert (told.pictures, batches) == (70, [])  # the same ones, elsewhere
    assert [_black(more, f"relu:{channel}") for channel in range(8)] == [0] * 8


def test_a_moved_folder_is_not_seen_as_gone_by_another_layer(configure, mine: Path, show) -> None:
    config = configure(units=UNITS)
    build(config)
    show(config, mine)
    moved = mine.rename(mine.with_name("elsewhere"))
    more = configure("build.retries=0", units=(*UNITS, "deep:0"))
    build(more)
    with pytest.raises(WorkError, match="was seen, but now it is not there"):
        show(more, None)
    told, batches = show(more, moved)
    assert (list(told.left_out), batches) == (["07.png"], [0, 1])
    assert _black(more, "deep:0") == 0


def test_an_array_that_changed_is_seen_again(configure, tmp_path: Path, show) -> None:
    config, place = configure(units=UNITS), tmp_path / "all.zarr"
    values = np.stack([_noise(number) for number in range(12)])
    array = zarr.create_array(place, data=values, chunks=(4, 30, 40, 3))
    build(config)
    show(config, place)
    first = _strongest(config)[0]
    assert show(config, place)[1] == []
    array[int(first)] = 128
    assert show(config, place)[1] == [0]
    assert first not in _strongest(config)
    shutil.copytree(place, tmp_path / "copy.zarr", copy_function=shutil.copy2)
    assert show(config, tmp_path / "copy.zarr")[1] == []


def test_a_list_from_before_there_were_stamps_is_seen_again_once(
    configure, mine: Path, show
) -> None:
    config = configure(units=UNITS)
    build(config)
    show(config, mine)
    path = Path(config.output) / "examples/pictures.json"
    pictures = json.loads(path.read_text())["pictures"]
    older = [{k: v for k, v in picture.items() if k != "stamp"} for picture in pictures]
    path.write_text(json.dumps(seal({"pictures": older})))
    assert [p.stamp for p in seen.listed(Store.open(config.output))] == [""] * 70
    assert len(Atlas.open(config.output).examples("relu:3")) == 9
    assert show(config, None)[1] == [0, 1]
    assert show(config, None)[1] == []


def test_a_name_that_is_not_utf_8(
    configure, mine: Path, show, written: Path,
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    config = configure(units=UNITS)
    build(config)
    show(config, mine)
    strange = os.fsencode(mine) + b"/caf\xe9"
    os.mkdir(strange)  # noqa: PTH102, a path of bytes
    for name in (b"/69\xff.png", b"/cut\xe9.png"):
        shutil.copy(mine / "69.png", strange + name)
    with open(strange + b"/cut\xe9.png", "r+b") as file:  # noqa: PTH123, a path of bytes
        file.truncate(100)
    code, text, error = call(
        capfd, monkeypatch, "examples", str(mine), "--replace", "--set", f"units=[{UNITS[0]}]"
    )
    assert code == 0, error
    assert r"left out: caf\xe9/cut\xe9.png: it is no picture, or is damaged" in text
    assert r"caf\xe9/69\xff.png" in _strongest(config)
    assert _black(config, "relu:3") == 0
    assert show(config, mine)[1] == []

"""Pictures shown to an atlas of a small network, by its own pool."""

import io
from pathlib import Path

import numpy as np
import pytest
from builds import build, silent, stopping
from command import call
from PIL import Image
from rich.console import Console

from pipeline import Atlas, verify
from pipeline.errors import AtlasFolderError, NotMeasuredError, WorkError
from pipeline.examples import seen
from pipeline.examples.crops import Crops
from pipeline.examples.source import Picture, found_in
from pipeline.plan.batches import Batch
from pipeline.publish import site
from pipeline.store import lock
from pipeline.store.place import at
from pipeline.store.store import Store
from tasks import planning, progress
from tasks.build import examples, run
from tasks.build.examples import (
    CutCrops,
    IndexExamples,
    NameUnits,
    PageExamples,
    RankPictures,
    SeePictures,
    ShowPictures,
)
from tasks.build.running import Running
from tasks.build.schedule import schedule
from tasks.pool import work
from tasks.pool.work import Steps

pytestmark = pytest.mark.usefixtures("cpu")
TASKS = (
    SeePictures, RankPictures, NameUnits, CutCrops, IndexExamples, PageExamples, ShowPictures,
)  # fmt: skip
UNITS = ("relu:0-5", "-relu:1", "relu:2@center", "deepdream:relu+deep", "logits:0-2", "softmax:1")


@pytest.fixture
def pictures(tmp_path: Path) -> list[Picture]:
    """Eighty noisy pictures of different contrast, and one that is none."""
    (tmp_path / "mine").mkdir()
    for number in range(80):
        noise = np.random.default_rng(number).normal(128, 1 + number, (30, 40, 3))
        image = Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8))
        image.save(tmp_path / "mine" / f"{number:02d}.png")
    (tmp_path / "mine" / "none.png").write_text("no picture")
    return found_in(tmp_path / "mine")


def _show(config, pictures: list[Picture], **how) -> examples.Shown:
    display = progress.show(Console(quiet=True))
    return examples.show(planning.existing(config), pictures, display, **how)


def test_what_showing_pictures_does_not_use_is_not_compared(configure, pictures) -> None:
    """It takes the atlas as it is, and the pool and the page's wish from the configuration."""
    folder = build(configure(units=("relu:0-3",))).folder.path
    before = {path: path.read_bytes() for path in folder.glob("records/**/*.json")}
    settings = (
        "seed=3",
        "image.size=32",
        "recipe.steps=7",
        "batch_size=2",
        "render.precision=bfloat16",
    )
    shown = _show(configure(*settings, "model.weights=none.keras", units=("x:1",)), pictures[:4])
    assert shown.pictures == 4
    assert {path: path.read_bytes() for path in folder.glob("records/**/*.json")} == before
    assert len(Atlas.open(folder).examples("relu:3")) == 4


def test_without_an_atlas_there_is_nothing_to_show_to(configure) -> None:
    with pytest.raises(AtlasFolderError, match=r"is not there: expected a folder with atlas\.zarr"):
        planning.existing(configure())


def test_the_atlas_learns_which_pictures_excite_its_units(configure, pictures) -> None:
    config = configure(units=UNITS)
    build(config)
    shown = _show(config, pictures)
    assert shown.pictures == 81
    assert shown.left_out == {"none.png": "it is no picture, or is damaged"}
    atlas = Atlas.open(config.output)
    from pipeline.examples.source import load
    from pipeline.network.observer import Observer

    known = atlas.provenance
    observer = Observer(known.locate_weights(), ("relu",), known.reading)
    images = np.stack([load(p, known.size)[0] for p in pictures[:80]])
    seen = observer.see(images, 4)["relu"].mean[:, 3]
    expected = [pictures[i].id for i in np.argsort(-seen, kind="stable")[:9]]
    found = atlas.examples("relu:3")
    assert [example.picture for example in found] == expected
    np.testing.assert_allclose([e.activation for e in found], -np.sort(-seen)[:9], rtol=1e-5)
    for unit in atlas.index["unit"]:
        assert atlas.example_crops(unit).shape == (9, 64, 64, 3), unit
    frame = atlas.index.set_index("unit")
    assert frame["natural_quantile"].between(0, 1).all()
    assert frame.loc["relu:3", "natural_median"] == pytest.approx(np.median(seen), rel=1e-4)
    likely = [e.activation for e in atlas.examples("softmax:1")]
    assert likely == sorted(likely, reverse=True)
    assert 0 < likely[-1] <= likely[0] <= 1


def test_a_damaged_batch_of_pictures_is_named_by_a_build_and_seen_again(
    configure, pictures: list[Picture]
) -> None:
    config, told = configure(units=("relu:0-5",)), io.StringIO()
    folder = build(config).folder.path
    _show(config, pictures)
    before = Atlas.open(folder).examples("relu:3")
    chunk = next(p for p in folder.glob("atlas.zarr/examples/**/mean/c/**/*") if p.is_file())
    chunk.write_bytes(chunk.read_bytes()[:-1] + b"!")
    run.run(planning.make(config), progress.show(Console(file=told, width=300)))
    assert "is damaged and left to `atlas examples`" in told.getvalue()
    _show(config, pictures)
    assert Atlas.open(folder).examples("relu:3") == before
    assert all(found.state == "whole" for found in verify.verify(Store.open(folder)))


def test_it_goes_on_where_it_was(configure, pictures, tmp_path: Path) -> None:
    config = configure("build.retries=0", units=UNITS)
    build(config)

    def see(store: Store, batch: Batch[Picture], most: int | None) -> None:
        tries = len(list(tmp_path.glob(f"try {batch.chunk} *")))
        (tmp_path / f"try {batch.chunk} {tries}").touch()
        if batch.chunk == 1 and tries == 0:
            raise WorkError("the lights went out")
        work.look(store, batch, most)

    steps = Steps(see=see)
    with pytest.raises(WorkError, match=r"pictures/000001: the lights went out; what was done"):
        _show(config, pictures, steps=steps)
    assert _show(config, pictures, steps=steps).pictures == 81
    assert len(list(tmp_path.glob("try 0 *"))) == 1
    assert len(list(tmp_path.glob("try 1 *"))) == 2
    assert _show(config, [], steps=steps).pictures == 81  # the former ones: nothing to do
    assert len(list(tmp_path.glob("try *"))) == 3


def test_a_crop_that_fails_ends_it(configure, pictures) -> None:
    def cut(store: Store, batch: Batch, most: int | None) -> None:
        raise WorkError("the scissors are gone")

    config = configure("build.retries=0", units=("relu:0-5",))
    build(config)
    with pytest.raises(WorkError, match=r"relu/00000\d: the scissors are gone; what was done"):
        _show(config, pictures, steps=Steps(cut=cut))
    assert len(Atlas.open(config.output).examples("relu:0")) == 9


def test_a_page_written_before_the_crops_is_written_again(configure, pictures) -> None:
    """As where a process is killed between the two, and a build writes the page meanwhile."""
    config = configure(units=("relu:0-5",))
    store = Store.open(build(config).folder)
    seen.begin(store, pictures)
    plan = planning.make(config)
    for last in (RankPictures, CutCrops):
        with Running(plan, silent()) as running:
            assert schedule(last.of(running), config.build).succeeded
        if last is RankPictures:
            build(config)
            assert site.is_current(store)
    assert not store.folder.files("site/examples")
    _show(config, [])
    assert len(store.folder.files("site/examples")) == 6


def test_ctrl_c_ends_it_and_the_next_goes_on(configure, pictures) -> None:
    config = configure(units=("relu:0",))
    build(config)
    with pytest.raises(KeyboardInterrupt):
        examples.show(planning.make(config), pictures, stopping())
    assert _show(config, []).pictures == 81
    assert len(Atlas.open(config.output).examples("relu:0")) == 9


def test_luigi_knows_what_is_done(configure, pictures) -> None:
    config = configure(units=("relu:0",))
    build(config)

    def done() -> list[bool]:
        running = Running(planning.make(config), silent())
        return [kind.of(running).complete() for kind in TASKS]

    assert done() == [True, *[False] * 6]  # of no pictures all are seen
    _show(config, pictures)
    assert done() == [True] * 7
    store = Store.open(config.output)
    [record, *_] = Crops(store).records.of("relu")
    Crops(store).records.drop(record)
    assert done() == [True] * 3 + [False] * 4
    _show(config, [])
    assert done() == [True] * 7
    seen.begin(store, pictures[:3], replace=True)
    assert not any(done())


def test_units_that_come_later_are_shown_the_former_pictures(configure, pictures) -> None:
    config = configure(units=UNITS)
    build(config)
    _show(config, pictures)
    more = configure(units=(*UNITS, "relu:6"))
    build(more)
    atlas = Atlas.open(more.output)
    assert atlas.examples("relu:6") == []
    _show(more, [])
    assert len(Atlas.open(more.output).examples("relu:6")) == 9


def test_no_atlas_no_pictures_another_build(configure, pictures) -> None:
    config = configure(units=("relu:0",))
    with pytest.raises(AtlasFolderError, match="is not there"):
        _show(config, pictures)
    build(config)
    with pytest.raises(NotMeasuredError, match="was shown no pictures yet: name a folder"):
        _show(config, [])
    with (
        lock.held(at(config.output)),
        pytest.raises(AtlasFolderError, match="is being built by"),
    ):
        _show(config, pictures)


def test_the_commands(
    configure, pictures, written: Path, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    build(configure(units=UNITS))
    mine, units = str(Path(pictures[0].path).parent), f"units=[{', '.join(UNITS)}]"
    code, text, _ = call(capfd, monkeypatch, "examples", mine, "--set", units)
    assert code == 0
    assert "80 pictures seen, 1 left out\nleft out: none.png: it is no picture" in text
    code, text, _ = call(
        capfd, monkeypatch, "where", "atlas", "relu:3", "--picture", pictures[7].path, "-o", "w.png"
    )
    assert code == 0
    assert text.startswith("relu:3: ")
    assert "its own image's is" in text
    with Image.open("w.png") as drawn:
        assert drawn.size == (384, 384)
    code, _, _ = call(capfd, monkeypatch, "where", "atlas", "-relu:1", "-o", "own.png")
    assert (code, Path("own.png").is_file()) == (0, True)
    code, _, error = call(capfd, monkeypatch, "where", "atlas", "logits:1")
    assert (code, "has no map of its own: name a channel, a neuron or a direction" in error) == (
        2,
        True,
    )
    code, _, error = call(capfd, monkeypatch, "examples", "nowhere", "--set", units)
    assert (code, "nowhere is not there: expected a folder" in error) == (2, True)
    for order in ("similarity", "activation"):
        code, _, _ = call(capfd, monkeypatch, "mosaic", "atlas", "--order", order, "-o", "m.png")
        assert (code, Path("m.png").is_file()) == (0, True)
    code, _, error = call(capfd, monkeypatch, "mosaic", "atlas", "--order", "luck", "-o", "x.png")
    assert (code, "expected channel, activation, similarity" in error) == (2, True)

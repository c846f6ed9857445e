"""Whole builds of a small network, in threads of this process."""

import json
from pathlib import Path

import numpy as np
import pytest
from builds import build, contents, silent, stopping
from PIL import Image

from pipeline import Atlas, single, verify
from pipeline.errors import AtlasFolderError
from pipeline.explore import index
from pipeline.plan.batches import Batch
from pipeline.store import lock
from pipeline.store.folder import Folder
from pipeline.store.place import at
from pipeline.store.store import Store
from tasks import planning, progress
from tasks.build import run
from tasks.build.graph import BuildAtlas
from tasks.build.refresh import Refresher, write_page
from tasks.build.running import Running
from tasks.build.schedule import schedule
from tasks.pool import work
from tasks.pool.work import Steps

pytestmark = pytest.mark.usefixtures("cpu")


def test_a_build_of_every_kind_of_unit(finished: run.Report) -> None:
    report = finished
    assert (report.done, report.missing, report.failed, report.unavailable) == (21, 0, 0, 0)
    atlas = Atlas.open(report.folder.path)
    frame = atlas.index
    assert set(frame["status"]) == {"done"}
    assert set(frame["kind"]) == {"channel", "neuron", "deepdream", "logits", "softmax"}
    assert set(frame["direction"]) == {"positive", "negative"}
    assert (frame["steps"] == 4).all()
    for unit in frame["unit"]:
        assert atlas.image(unit).shape == (24, 24, 3)
        assert np.isfinite(atlas.trajectory(unit)).all()
    assert index.notes(report.folder)["identity"] == index.identity(frame)


@pytest.mark.usefixtures("built")
def test_the_mosaics_show_the_stored_images_where_the_maps_say(configure) -> None:
    report = build(configure("mosaic.tile=24"))
    atlas = Atlas.open(report.folder.path)
    names = {section.name for section in atlas.provenance.sections()}
    assert {path.stem for path in (atlas.folder.path / "mosaics").glob("*.png")} == names
    placed = json.loads((report.folder.path / "mosaic.json").read_text())["tiles"]
    assert [tile["unit"] for tile in placed] == list(atlas.index["unit"])
    canvas = np.asarray(Image.open(report.folder.path / "mosaic.png"))
    for tile in placed:
        shown = canvas[tile["y"] : tile["y"] + 24, tile["x"] : tile["x"] + 24]
        np.testing.assert_array_equal(shown, atlas.image(tile["unit"]))


def test_a_finished_build_does_nothing_wherever_it_is(configure, built: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in built.rglob("*") if p.is_file()}
    assert build(configure()).done == 21
    after = {p: p.stat().st_mtime_ns for p in built.rglob("*") if p.is_file()}
    for name in ("build.lock", "whole.json"):  # a copy lies on the disk in another way
        before.pop(built / name)
        after.pop(built / name)
    assert after == before


def _states(folder: Path) -> set[str]:
    return {finding.state for finding in verify.verify(Store.open(folder))}


def test_a_build_mends_what_is_not_committed_too(configure, built: Path) -> None:
    picture, group = next(built.glob("site/images/*")), "atlas.zarr/responses/relu/zarr.json"
    altered = [picture, built / "site/data/now.js", built / group]
    before = {path: path.read_bytes() for path in altered}
    for path in altered:
        path.write_bytes(path.read_bytes()[:-9] + b"otherwise")
    assert _states(built) == {"whole", "damaged"}
    build(configure())
    assert {path: path.read_bytes() for path in altered} == before
    assert _states(built) == {"whole"}


@pytest.mark.parametrize("content", [None, b"", b"{}"])
def test_what_an_atlas_is_made_of_can_be_made_again(
    configure, built: Path, content: bytes | None
) -> None:
    root = built / "atlas.zarr/zarr.json"
    before = json.loads(root.read_bytes())
    root.unlink() if content is None else root.write_bytes(content)
    with pytest.raises(AtlasFolderError, match="`atlas build`"):
        Store.open(built)
    with pytest.raises(AtlasFolderError, match="was built by is another: build with that one"):
        build(configure(units=("relu:0-5",)))
    assert (root.read_bytes() if root.exists() else None) == content
    build(configure())
    assert json.loads(root.read_bytes()) == before
    assert _states(built) == {"whole"}
    (built / "index.json").unlink()
    (built / "whole.json").unlink()
    root.unlink()
    with pytest.raises(AtlasFolderError, match="may be another: nothing there says which it was"):
        build(configure())


def test_a_broken_off_build_goes_on_and_ends_the_same(configure, finished: run.Report) -> None:
    folder = build(configure(), only=["relu:4-5", "softmax:1"]).folder.path
    records = Store.open(folder).records
    first = {path: path.read_bytes() for path in folder.rglob("records/*/*.json")}
    assert records.sections() == ["relu", "softmax"]
    build(configure(), only=["relu:0-5"])
    build(configure())
    assert {path: path.read_bytes() for path in first} == first
    mine, other = contents(folder), contents(finished.folder.path)
    mine.pop("identity"), other.pop("identity")  # rows of `only` stand elsewhere in the store
    assert mine == other


def test_lost_records_are_made_again_and_the_index_is_identical(configure, built: Path) -> None:
    before, identity = contents(built), index.notes(at(built))["identity"]
    records = sorted(built.rglob("records/*/*.json"))
    for path in records[::2]:
        path.unlink()
    assert Atlas.open(built).index["status"].eq("missing").any()
    build(configure())
    assert contents(built) == before
    assert index.notes(at(built))["identity"] == identity


def test_units_added_later_leave_the_old_ones(configure) -> None:
    folder = build(configure(units=("relu:1-3", "logits:2"))).folder.path
    old = {path: path.read_bytes() for path in folder.rglob("records/*/*.json")}
    assert build(configure(units=("relu:0-5", "logits:0-2", "softmax:1"))).done == 10
    assert {path: path.read_bytes() for path in old} == old


def test_variants_kept_apart_with_films(configure, tmp_path: Path) -> None:
    config = configure(
        "render={variants: 2, diversity: 1, snapshots: 3}",
        units=("relu:0-2", "-relu:1", "deepdream:relu+deep", "logits:2"),
    )
    report = build(config)
    assert (report.done, report.missing, report.failed, report.unavailable) == (12, 0, 0, 0)
    atlas, folder = Atlas.open(report.folder.path), report.folder.path
    frame = atlas.index
    assert list(frame["unit"][:3]) == ["relu:0", "relu:0#1", "relu:1"]
    assert list(frame["variant"]) == [0, 1] * 6
    assert frame["image_sha256"].is_unique
    for unit in frame["unit"]:
        film = atlas.film(unit)
        assert film.shape == (4, 24, 24, 3)
        np.testing.assert_array_equal(film[-1], atlas.image(unit))

    before, identity = contents(folder), index.notes(report.folder)["identity"]
    files = {path: path.read_bytes() for path in folder.rglob("records/*/*.json")}
    assert build(config).done == 12
    assert {path: path.read_bytes() for path in folder.rglob("records/*/*.json")} == files
    for path in sorted(files)[::2]:
        path.unlink()
    report = build(config)
    assert (contents(folder), index.notes(report.folder)["identity"]) == (before, identity)

    folder.rename(tmp_path / "whole")
    assert build(config, only=["relu:1#1"]).done == 1
    assert Atlas.open(folder).image("relu:1#1").tobytes() == before["relu:1#1"]
    alone = single.render("relu:1#1", single.planned(config, "relu:1#1"))
    np.testing.assert_array_equal(alone.film, Atlas.open(tmp_path / "whole").film("relu:1#1"))


def test_more_variants_later_leave_the_old_ones(configure) -> None:
    units = ("relu:0-4",)
    folder = build(configure(units=units)).folder.path
    old = {path: path.read_bytes() for path in folder.rglob("records/*/*.json")}
    images = {unit: Atlas.open(folder).image(unit) for unit in ("relu:0", "relu:4")}
    assert build(configure("render.variants=3", units=units)).done == 15
    assert {path: path.read_bytes() for path in old} == old
    for unit, image in images.items():
        np.testing.assert_array_equal(Atlas.open(folder).image(unit), image)


def test_a_failed_batch_is_told_and_the_rest_is_built(configure) -> None:
    def some_fail(store: Store, batch: Batch, most: int | None) -> int | None:
        if batch.key == "relu/000001":
            raise MemoryError("no room for it")
        return work.compute(store, batch, most)

    config = configure(units=("relu:0-5", "-relu:0-1", "logits:0-2"))
    report = build(config, steps=Steps(render=some_fail))
    assert (report.done, report.missing, report.failed) == (9, 0, 2)
    atlas = Atlas.open(report.folder.path)
    assert set(atlas.index.query("status == 'failed'")["unit"]) == {"relu:4", "relu:5"}
    assert atlas.failures() == {"relu/000001": "no room for it"}
    assert (report.folder.path / "mosaic.png").is_file()
    assert build(config).failed == 0
    assert set(Atlas.open(report.folder.path).index["status"]) == {"done"}


def test_a_build_says_how_many_units_are_dead(configure, tiny_model: Path, tmp_path: Path) -> None:
    import keras

    model = keras.models.load_model(tiny_model)
    norm = model.get_layer("norm")
    gamma, beta, mean, variance = norm.get_weights()
    gamma[3], beta[3] = 0, -1  # whatever the image, below the ReLU
    norm.set_weights([gamma, beta, mean, variance])
    model.save(tmp_path / "dead.keras")
    config = configure(f"model.weights={tmp_path / 'dead.keras'}", units=("relu:0-5",))
    told: list[str] = []
    run.run(planning.make(config), progress.told(lambda so_far: told.append(so_far.note)))
    folder = config.output
    assert told[-1] == (
        f"1 unit is dead, with an image that does not excite it: atlas query {folder} 'not alive'"
    )
    assert list(Atlas.open(folder).query("not alive")["unit"]) == ["relu:3"]


def test_weights_without_a_classifier_leave_classes_unavailable(configure) -> None:
    config = configure(
        "model.weights=bundled", "image.size=76", "recipe.steps=1",
        units=("mixed0:3", "logits:1,7", "softmax:2"),
    )  # fmt: skip
    report = build(config)
    assert (report.done, report.unavailable) == (1, 3)
    frame = Atlas.open(report.folder.path).index
    assert dict(zip(frame["unit"], frame["status"], strict=True)) == {
        "mixed0:3": "done", "logits:1": "unavailable", "logits:7": "unavailable",
        "softmax:2": "unavailable",
    }  # fmt: skip


def test_the_real_layers_in_worker_processes_and_one_unit_alone(configure) -> None:
    """The bundled weights, the default pool: the same bytes in a worker and in this process."""
    config = configure(
        "model.weights=bundled", "image.size=96", "recipe.steps=3", "cluster=local",
        units=("mixed2:0-5", "mixed4:7", "-mixed4:7", "mixed4:7@center", "deepdream:mixed2+mixed4"),
    )  # fmt: skip
    report = build(config)
    assert (report.done, report.missing, report.failed) == (10, 0, 0)
    from pipeline.ascent.engine import Engine

    atlas = Atlas.open(report.folder.path)
    assert atlas.index["activation"].notna().all()
    alone = single.render("mixed2:5", single.planned(config, "mixed2:5"))
    np.testing.assert_array_equal(alone.image, atlas.image("mixed2:5"))
    engine = Engine.of(atlas.provenance)
    for unit in ("-mixed4:7", "mixed4:7@2,2", "deepdream:mixed2+mixed4"):
        alone = engine.compute([atlas.unit(unit)])
        np.testing.assert_array_equal(alone.images[0], atlas.image(unit), unit)
        assert alone.statistics.activation[0] == atlas.row(unit)["activation"]


def test_two_builds_at_once_are_refused(configure) -> None:
    config = configure()
    with (
        lock.held(at(config.output)),
        pytest.raises(AtlasFolderError, match="is being built by process"),
    ):
        build(config)


def test_ctrl_c_in_a_build_ends_it_and_the_next_goes_on(configure) -> None:
    config = configure(units=("relu:0-3", "softmax:1"))
    with pytest.raises(KeyboardInterrupt):
        run.run(planning.make(config), stopping())
    assert Store.open(config.output).records.places()
    assert build(config).done == 5


def test_a_build_of_part_of_a_section_and_then_of_the_rest(configure) -> None:
    """What is drawn of the part is right until the rest is rendered, and not after."""
    config = configure(units=("relu:0-5", "softmax:1"))
    build(config, only=["relu:0-3"])
    assert build(config, only=["relu:4-5"]).missing == 0
    report = build(config)
    assert (report.done, report.missing, report.failed) == (7, 0, 0)
    assert set(index.read(report.folder)["status"]) == {"done"}


def test_the_page_grows_with_the_build(configure) -> None:
    plan = planning.make(configure(units=("relu:0-5", "deep:all", "logits:0-2")))
    done: list[int] = []

    def write(folder: Folder) -> None:
        write_page(folder)
        done.append(sum(counts["done"] for counts in Atlas.open(folder).status().values()))

    refresh = Refresher(plan.folder, write, every=0.0, share=1e9)
    with Running(plan, silent(), refresh=refresh) as running:
        assert schedule(BuildAtlas.of(running), plan.config.build).succeeded
    assert done == sorted(done)
    assert done[0] < done[-1] == 13

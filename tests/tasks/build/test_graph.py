"""The tasks of a build: when each is complete, what it requires, and what it tells Luigi."""

import shutil
from collections.abc import Callable
from pathlib import Path

import luigi
import pandas as pd
import pytest
from builds import build, silent
from PIL import Image

from pipeline import verify
from pipeline.errors import WorkError
from pipeline.explore import circuits, index
from pipeline.plan.batches import Batch
from pipeline.publish import site
from pipeline.store.store import Store
from pipeline.truth import kept
from tasks import planning
from tasks.build.graph import BuildAtlas
from tasks.build.running import Running
from tasks.pool.work import Steps

pytestmark = pytest.mark.usefixtures("cpu")


def _noting(seen: list, name: str, real: Callable):
    """A method that also notes its value."""

    def method(self, task_id, value):
        seen.append((name, value))
        return real(self, task_id, value)

    return method


def test_luigi_shows_status_and_percentage(configure, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, object]] = []
    scheduler = luigi.scheduler.Scheduler
    for name in ("set_task_progress_percentage", "set_task_status_message"):
        monkeypatch.setattr(scheduler, name, _noting(seen, name, getattr(scheduler, name)))
    build(configure(units=("relu:0-5", "-relu:0-1", "logits:0-2")))
    percentages = [value for name, value in seen if name == "set_task_progress_percentage"]
    assert percentages == sorted(percentages)
    assert percentages[-1] == 100
    assert ("set_task_status_message", "11 of 11 units, 0 batches failed") in seen


def test_a_task_is_complete_when_the_store_says_so(configure, built: Path) -> None:
    config = configure()
    plan = planning.make(config)

    def is_complete() -> bool:
        return bool(BuildAtlas.of(Running(plan, silent())).complete())

    assert is_complete()
    (built / "mosaic.png").unlink()
    assert not is_complete()
    build(config)
    assert is_complete()
    next(built.rglob("records/*/*.json")).unlink()
    assert not is_complete()


def test_a_changed_look_redraws_the_mosaics_alone(configure, built: Path) -> None:
    records = {p: p.stat().st_mtime_ns for p in built.rglob("records/*/*.json")}
    with Image.open(built / "mosaic.png") as before:
        build(configure("mosaic.tile=80", "mosaic.columns=2"))
    with Image.open(built / "mosaic.png") as after:
        assert after.width != before.width
    assert {p: p.stat().st_mtime_ns for p in records} == records


def test_the_page_is_part_of_a_build_unless_it_is_not_wanted(configure) -> None:
    few = {"units": ("relu:0-3",)}
    folder = build(configure("site=false", **few)).folder
    assert not folder.has(site.NAME)
    build(configure(**few))
    assert site.is_current(Store.open(folder))


def test_a_page_that_is_gone_is_written_again(configure, built: Path) -> None:
    (built / site.NAME).unlink()
    build(configure())
    assert site.is_current(Store.open(built))


@pytest.mark.parametrize("with_a_page", [True, False])
def test_a_build_requires_what_its_folder_holds(configure, with_a_page: bool) -> None:
    config = configure(f"site={str(with_a_page).lower()}", units=("relu:0", "softmax:1"))
    required = BuildAtlas.of(Running(planning.make(config), silent())).requires()
    assert [(type(task).__name__, getattr(task, "section", "")) for task in required] == [
        ("WriteIndex", ""),
        *([("WriteSite", "")] if with_a_page else []),
        ("DrawMosaic", None),
        ("DrawMosaic", "relu"),
        ("DrawMosaic", "softmax"),
    ]


def test_responses_that_cannot_be_measured_stop_the_build(configure) -> None:
    def shut(store: Store, batch: Batch, most: int | None) -> int | None:
        raise WorkError("the eyes are shut")

    config = configure("build.retries=0", units=("relu:0",))
    with pytest.raises(WorkError, match=r"^the responses of relu/000000: the eyes are shut"):
        build(config, steps=Steps(measure=shut))
    assert build(config).done == 1


def test_circuits_that_are_not_wanted_are_not_traced(configure) -> None:
    folder = build(configure(units=("relu:0-3", "deep:0-3"))).folder
    assert not folder.has(circuits.EDGES)
    assert "circuits" not in folder.folders("")


def test_circuits_make_room_for_nothing_but_what_they_trace(configure) -> None:
    wanted = configure("explore.circuits=true", units=("relu:0", "deep:0", "logits:0"))
    store = Store.open(build(wanted).folder)
    assert not [f.part for f in verify.verify(store) if f.state == "foreign"]


def test_circuits_are_traced_and_again_where_units_come_and_go(configure) -> None:
    wanted = ("explore.circuits=true", "site=false")
    folder = build(configure(*wanted, units=("relu:0-3", "deep:0-3"))).folder
    first = circuits.edges(Store.open(folder))
    assert set(first["target"]) == {f"deep:{n}" for n in range(4)}
    assert set(first["source_layer"]) == {"relu"}
    assert (first["attribution"] * first["ablation_zero"] <= 0).mean() > 0.9
    build(configure(*wanted, units=("relu:0-4", "deep:0-2")))
    store = Store.open(folder)
    assert circuits.is_of_now(store)
    assert circuits.pending(store) == []
    assert set(circuits.edges(store)["target"]) == {f"deep:{n}" for n in range(3)}


def test_views_that_are_not_wanted_are_not_tried(configure) -> None:
    folder = build(configure(units=("relu:0-3",))).folder
    assert "truth" not in folder.folders("")
    assert index.read(folder)["kept"].isna().all()


def test_a_finished_atlas_gains_what_its_pictures_keep_and_renders_nothing(configure) -> None:
    units = ("relu:0-4", "-relu:0", "relu:1@center", "deepdream:relu+deep", "logits:0-1")
    folder = build(configure(units=units)).folder
    before = index.read(folder)
    config = configure("truth.kept=true", units=units)
    build(config, steps=Steps(render=_refused))
    store, after = Store.open(folder), index.read(folder)
    assert kept.pending(store) == []
    assert {f.state for f in verify.verify(store)} == {"whole"}
    others = [name for name in before if name not in kept.TYPES]
    pd.testing.assert_frame_equal(after[others], before[others])
    alive = after[after["alive"].fillna(False) & (after["direction"] == "positive")]
    assert alive[list(kept.TYPES)].apply(lambda column: column.between(0, 1)).all(axis=None)
    assert site.is_current(store)
    build(config, steps=Steps(render=_refused, view=_refused))  # and once is enough


def _refused(*_: object) -> None:
    raise WorkError("nothing was to be done")


def test_what_is_kept_is_of_each_unit_alone(configure, tmp_path: Path) -> None:
    wanted = ("truth.kept=true", "site=false")
    many = kept.columns(Store.open(build(configure(*wanted, units=("relu:0-7", "deep:0"))).folder))
    shutil.rmtree(tmp_path / "atlas")
    few = build(configure(*wanted, "batch_size=8", units=("relu:6,2", "deep:0"))).folder
    found = kept.columns(Store.open(few))
    pd.testing.assert_frame_equal(found, many.loc[found.index])
    assert set(found.index) == {"relu:2", "relu:6", "deep:0"}

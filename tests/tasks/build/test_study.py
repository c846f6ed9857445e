"""Studies on real weights, and what they refuse."""

from pathlib import Path

import pandas as pd
import pytest
import studies
from builds import silent
from PIL import Image

from pipeline import Atlas
from pipeline.config import yaml_file
from pipeline.config.recipes import RECIPES
from pipeline.config.schema import AtlasConfig
from pipeline.errors import AtlasError, AtlasFolderError, ConfigError, NotMeasuredError, WorkError
from pipeline.study.comparison import Study, compare
from tasks.build import study as studying
from tasks.build.study import Wish
from tasks.pool.work import Steps

pytestmark = pytest.mark.usefixtures("cpu")

REAL = (
    "units: [mixed2:0-3]\nimage: {size: 64}\nbatch_size: 4\ncluster: threads\nsite: false\n"
    "model: {weights: bundled}\nexplore: {responses: false}\nrender: {precision: float32}\n"
)


def _of(text: str, *settings: str) -> AtlasConfig:
    return yaml_file.parse(text, settings=settings)


def _real() -> dict[str, AtlasConfig]:
    return {
        "long": _of(REAL, "recipe=draft", "recipe.steps=6"),
        "short": _of(REAL, "recipe=draft", "recipe.steps=1"),
    }


def _idle(*_: object) -> None:
    raise AssertionError("a unit is rendered again")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a study of four channels by two recipes, on the bundled weights."""
    folder = tmp_path_factory.mktemp("real") / "study"
    studying.study(_real(), Wish(folder), silent())
    return folder


def test_a_study_on_real_weights(real: Path) -> None:
    summary, units = (pd.read_parquet(real / name) for name in ("summary.parquet", "units.parquet"))
    assert list(dict.fromkeys(units["variation"])) == ["long", "short"]
    for name in ("long", "short"):
        index = Atlas.open(real / name).index.set_index("unit")
        rows = units[units["variation"] == name].set_index("unit")
        assert list(rows.index) == [f"mixed2:{n}" for n in range(4)]
        assert rows["activation"].tolist() == pytest.approx(index["activation"].tolist())
        assert rows["seconds"].tolist() == pytest.approx(index["seconds"].tolist())
    row = summary.query("measure == 'activation' and variation == 'short'").iloc[0]
    assert row["change"] < 1  # one step climbs less than six
    assert (row["pairs"], row["against"], row["kind"]) == (4, "long", "factor")
    assert "4 units, the same in all." in (real / "study.md").read_text()
    with Image.open(real / "pareto.png") as plot:
        assert plot.width > 500
    assert sorted(path.name for path in real.iterdir()) == [
        "long", "pareto.png", "short", "study.md", "summary.parquet", "units.parquet",
    ]  # fmt: skip


def test_the_second_time_nothing_is_rendered(real: Path) -> None:
    before = {path.name: path.read_bytes() for path in real.iterdir() if path.is_file()}
    studying.study(_real(), Wish(real), silent(), Steps(render=_idle))
    assert {path.name: path.read_bytes() for path in real.iterdir() if path.is_file()} == before


def test_another_recipe_in_a_variation_s_folder_is_refused(real: Path) -> None:
    other = _real() | {"short": _of(REAL, "recipe=fourier", "recipe.steps=1")}
    with pytest.raises(AtlasFolderError, match=r"recipe\.name: draft there, fourier here"):
        studying.study(other, Wish(real), silent(), Steps(render=_idle))
    with pytest.raises(AtlasFolderError, match="long is an atlas: a study needs a folder of its"):
        studying.study(_real(), Wish(real / "long"), silent(), Steps(render=_idle))


def _small(configure, **settings: str) -> dict[str, AtlasConfig]:
    made = {name: configure(*text.split(), "explore.responses=false", "site=false",
                            units=("relu:0-3",)) for name, text in settings.items()}  # fmt: skip
    return dict(made)


def _study(configs: dict[str, AtlasConfig], folder: Path, **how) -> Study:
    return studying.study(configs, Wish(folder, **how), silent())


@pytest.mark.parametrize(
    ("second", "how", "message"),
    [
        ("image.size=32", {}, r"image\.size differs: 24 in one, 32 in two"),
        ("units=[deep:0]", {}, "no unit in common: units are relu:0-3 in one; deep:0 in two"),
        ("seed=0", {}, "the variations one and two say the same"),
        ("seed=1", {"against": "three"}, "no variation 'three' to hold others against"),
        ("seed=1", {"measure": "activation_robust"}, "not ranked by activation_robust"),
        ("seed=1", {"sheet": Path("plot.jpg")}, r"plot\.jpg: expected a file that ends in"),
        ("seed=1", {"pictures": Path("nowhere")}, "nowhere"),
        ("units=[relu:99]", {}, "relu:99"),
        ("truth.judge=none", {}, r"truth\.judge differs: auto in one, none in two; .*one judge"),
        ("truth.photographs=9", {}, r"truth\.photographs differs: 0 in one, 9 in two"),
    ],
)
def test_what_cannot_be_writes_nothing(
    configure, tmp_path: Path, second: str, how: dict[str, object], message: str
) -> None:
    configs = _small(configure, one="seed=0", two=second)
    with pytest.raises(AtlasError, match=message):
        _study(configs, tmp_path / "study", **how)
    assert not (tmp_path / "study").exists()


def test_pictures_are_shown_to_every_atlas(configure, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for number in range(3):
        Image.new("RGB", (30, 30), (80 * number, 9, 9)).save(tmp_path / "mine" / f"{number}.png")
    configs = _small(configure, one="seed=0", two="seed=1")
    found = _study(configs, tmp_path / "study", pictures=tmp_path / "mine")
    assert found.variations == ("one", "two")
    for name in found.variations:
        assert len(Atlas.open(tmp_path / "study" / name).examples("relu:0")) == 3


def test_common_units_are_compared_and_counted(configure, tmp_path: Path) -> None:
    configs = _small(configure, one="seed=0", two="units=[relu:2-5]")
    found = _study(configs, tmp_path / "study", sheet=tmp_path / "plot.png")
    assert found.notes[0] == ("2 units that all have built are compared, of 4 of one, 4 of two.")
    assert (tmp_path / "plot.png").is_file()


def test_a_measure_that_was_not_taken_leaves_the_tables(configure, tmp_path: Path) -> None:
    configs = _small(configure, one="seed=0", two="seed=1")
    with pytest.raises(NotMeasuredError, match="prediction is not known of these units"):
        _study(configs, tmp_path / "study", measure="prediction")
    assert (tmp_path / "study" / "summary.parquet").is_file()


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
def test_units_that_failed_end_a_study(configure, hopeless: Path, tmp_path: Path) -> None:
    how = f"units=[relu:0,logits:0] model.weights={hopeless}"
    configs = _small(configure, one=f"seed=0 {how}", two=f"seed=1 {how}")
    with pytest.raises(WorkError, match=r"1 units of one failed: `atlas status .*one` says why"):
        _study(configs, tmp_path / "study")
    assert not (tmp_path / "study" / "summary.parquet").exists()


def test_a_folder_that_cannot_be_written_is_said(configure, tmp_path: Path) -> None:
    configs = _small(configure, one="seed=0", two="seed=1")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AtlasFolderError, match=r"file.one cannot be written: Not a directory"):
        _study(configs, tmp_path / "file")
    made = {"a": studies.index(), "b": studies.index(times=2.0)}
    found = compare(made, dict.fromkeys(made, RECIPES["draft"]))
    (tmp_path / "study" / "summary.parquet").mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"study cannot be written: Is a directory"):
        studying.write(found, tmp_path / "study")
    assert not (tmp_path / "study" / "pareto.png").exists()

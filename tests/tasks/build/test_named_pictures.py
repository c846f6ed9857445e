"""A planted check, end to end: a hand-made unit that sees red squares is called so."""

import json
from pathlib import Path

import numpy as np
import pytest
from builds import build, silent
from command import call
from PIL import Image

from pipeline import Atlas, verify
from pipeline.config import yaml_file
from pipeline.config.schema import AtlasConfig
from pipeline.errors import ConfigError
from pipeline.examples import seen
from pipeline.examples.labels import Labels
from pipeline.examples.source import found_in
from pipeline.explore import index
from pipeline.publish import site
from pipeline.store.store import Store
from tasks import planning
from tasks.build import examples

pytestmark = pytest.mark.usefixtures("cpu")
COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
UNITS = ("paint:0-3", "-paint:0")


@pytest.fixture(scope="module")
def painter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network whose channels see red less green and blue; blue so; brightness; and stripes."""
    import keras

    image = keras.Input((24, 24, 3))
    paint = keras.layers.Conv2D(4, 2, activation="relu", name="paint")(image)
    model = keras.Model(image, paint)
    kernel = np.zeros((2, 2, 3, 4), np.float32)
    kernel[..., 0] = np.array([1, -0.5, -0.5])
    kernel[..., 1] = np.array([-0.5, -0.5, 1])
    kernel[..., 2] = 1 / 3
    kernel[..., 3] = np.array([[[1], [-1]], [[1], [-1]]])
    model.get_layer("paint").set_weights([kernel, np.full(4, 0.5, np.float32)])
    path = tmp_path_factory.mktemp("painter") / "painter.keras"
    model.save(path)
    return path


@pytest.fixture
def config(painter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AtlasConfig:
    """The configuration of a finished atlas of that network, in the working folder."""
    path = tmp_path / "atlas_config.yaml"
    path.write_text(
        f"output: {tmp_path}/atlas\nunits: {json.dumps(UNITS)}\nmodel: {{weights: {painter}, "
        "range: tf}\nimage: {size: 24}\nrecipe: {name: fourier, steps: 3}\nbatch_size: 8\n"
        "cluster: threads\ntruth: {kept: false, photographs: 0}\n"
    )
    monkeypatch.chdir(tmp_path)
    made = yaml_file.load(path)
    build(made)
    return made


@pytest.fixture
def squares(tmp_path: Path) -> Path:
    """Sixty grey noisy pictures, each with a square of one of three colours somewhere."""
    random = np.random.default_rng(0)
    for number in range(60):
        colour = list(COLOURS)[number % 3]
        pixels = random.normal(128, 20, (24, 24, 3)).clip(0, 255).astype(np.uint8)
        y, x = random.integers(0, 12, 2)
        pixels[y : y + 12, x : x + 12] = COLOURS[colour]
        (tmp_path / "squares" / colour).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "squares" / colour / f"{number}.png")
    return tmp_path / "squares"


def _names(config: AtlasConfig) -> dict[str, str]:
    frame = Atlas.open(config.output).index.set_index("unit")
    return frame["name"].dropna().to_dict()


def _chunks(config: AtlasConfig) -> list[object]:
    """What was seen of the pictures."""
    tables = seen.tables(Store.open(config.output))
    return [record.sha256 for table in tables for record in table.records.of("pictures")]


def _show(config: AtlasConfig, folder: Path | None, **how) -> examples.Shown:
    pictures = found_in(folder) if folder else []
    return examples.show(planning.existing(config), pictures, silent(), **how)


def test_a_direction_is_named_as_a_channel_is(config: AtlasConfig, squares: Path) -> None:
    sums = ("paint:2*0-0.5*1", "paint:0+1", "paint:2*0@center")
    more = config.model_copy(update={"units": (*UNITS, *sums)})
    build(more)
    _show(more, squares)
    atlas = Atlas.open(more.output)
    named = _names(more)
    assert (named["paint:2*0-0.5*1"], named["paint:2*0@11,11"]) == ("red", "red")
    best = atlas.examples("paint:2*0-0.5*1")
    assert {example.picture.split("/")[0] for example in best} == {"red"}


def test_a_unit_that_sees_red_squares_is_called_red_and_one_that_sees_stripes_is_not(
    config: AtlasConfig, squares: Path, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    code, text, error = call(capfd, monkeypatch, "examples", "squares")
    assert code == 0, error
    named = _names(config)
    said = f"60 of 60 pictures have labels, 3 in all; {len(named)} units have one for a name"
    assert said in text
    assert {unit: named.get(unit) for unit in ("paint:0", "paint:1", "paint:3")} == {
        "paint:0": "red", "paint:1": "blue", "paint:3": None,
    }  # fmt: skip
    store = Store.open(config.output)
    assert index.is_current(store)
    assert site.is_current(store)
    assert {f.state for f in verify.verify(store)} == {"whole"}
    code, text, _ = call(capfd, monkeypatch, "query", 'name:"red"', "--columns", "unit")
    assert (code, text.split()) == (0, ["unit", "paint:0"])
    assert "name               red" in call(capfd, monkeypatch, "show", "paint:0")[1]
    code, text, _ = call(capfd, monkeypatch, "examples", "--json")
    assert json.loads(text)["named"] == len(named)


def test_a_table_of_labels_is_remembered_and_may_be_another(
    config: AtlasConfig, squares: Path, tmp_path: Path
) -> None:
    assert _show(config, squares).labels == 3
    chunks = _chunks(config)
    names = [picture.id for picture in found_in(squares)]
    rows = "".join(f"{n},{'warm' if n.startswith('red') else 'cold;cool'}\n" for n in names)
    (tmp_path / "labels.csv").write_text(f"path,label\n{rows}")
    told = _show(config, None, labels=Labels(tmp_path / "labels.csv"))
    assert (told.labelled, told.labels) == (60, 3)
    assert _names(config)["paint:0"] == "warm"
    for again in (None, squares):  # the table's word stays, and nothing is seen again
        assert _show(config, again).labels == 3
        assert _names(config)["paint:0"] == "warm"
    assert _chunks(config) == chunks
    _show(config, None, replace=True)
    assert _names(config)["paint:0"] == "warm"
    _show(config, squares, replace=True)
    assert _names(config)["paint:0"] == "red"


def test_a_bad_table_writes_nothing(config: AtlasConfig, squares: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("path,label\nred/nowhere.png,x\n")
    before = {p: p.read_bytes() for p in Path(config.output).rglob("*") if p.is_file()}
    with pytest.raises(ConfigError, match=r"names 1 picture that the 60 lack, 'red/nowh"):
        _show(config, squares, labels=Labels(tmp_path / "labels.csv"))
    after = {p: p.read_bytes() for p in Path(config.output).rglob("*") if p.is_file()}
    assert after == before


def test_a_build_keeps_names_and_notes(config: AtlasConfig, squares: Path) -> None:
    _show(config, squares)
    Atlas.open(config.output).note("paint:3", "stripes")
    more = config.model_copy(update={"units": (*UNITS, "paint:2@1,1")})
    build(more)
    frame = Atlas.open(config.output).index.set_index("unit")
    assert frame.loc["paint:0", "name"] == "red"
    assert frame.loc["paint:3", "note"] == "stripes"
    assert frame.loc["paint:2@1,1", ["name", "note"]].isna().all()
    _show(more, None)
    assert len(Atlas.open(config.output).names) == 3 * 6

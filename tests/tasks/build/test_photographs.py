"""Pictures tried on photographs: detectors of textures, by the eyes of another network of them."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from builds import build, silent
from command import call
from PIL import Image

from pipeline import Atlas, verify
from pipeline.config import yaml_file
from pipeline.config.schema import AtlasConfig
from pipeline.errors import ConfigError, WorkError
from pipeline.examples.source import found_in
from pipeline.explore import index
from pipeline.network.observer import Observer
from pipeline.plan.batches import Batch
from pipeline.publish import site
from pipeline.store.store import Store
from pipeline.truth import features, prediction, trial, verdicts
from pipeline.truth.cuttings import Photograph
from tasks import planning
from tasks.build import examples
from tasks.pool import work
from tasks.pool.work import Steps

pytestmark = pytest.mark.usefixtures("cpu")
SIZE, UNITS, FOOLED = 48, 48, 5
"""Pixels, units, and the unit that a checkerboard excites as well."""


def _gratings(count: int, side: int, waves: float, phase: float) -> np.ndarray:
    """Filters of gratings of so many slants, (side, side, 3, count) float32, of mean zero."""
    at = np.arange(side) - side // 2
    y, x = np.meshgrid(at, at, indexing="ij")
    window = np.exp(-(x**2 + y**2) / (side / 2.5) ** 2)
    kernels = []
    for turn in np.arange(count) * np.pi / count:
        wave = np.cos(waves * (x * np.cos(turn) + y * np.sin(turn)) + phase) * window
        kernels.append((wave - wave.mean()) / np.abs(wave - wave.mean()).sum())
    return np.repeat(np.stack(kernels, axis=2)[:, :, None], 3, axis=2).astype(np.float32)


def _pairs() -> list[tuple[int, int]]:
    """The two slants that each unit sees."""
    every = [(a, b) for a in range(16) for b in range(a + 3, 16) if (b - a) % 16 < 14]
    drawn = np.random.default_rng(3).permutation(len(every))[:UNITS]
    return [every[number] for number in drawn]


@pytest.fixture(scope="module")
def textures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network whose units see two slants together; one of them a checkerboard, too."""
    import keras

    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(17, 9, activation="relu", name="bank")(image)
    x = keras.layers.AveragePooling2D(4, name="pool")(x)
    x = keras.layers.Conv2D(UNITS, 1, activation="relu", name="pairs")(x)
    model = keras.Model(image, x, name="textures")
    checks = np.zeros((9, 9, 3, 1), np.float32)
    checks[..., 0] = ((np.indices((9, 9)).sum(axis=0) % 2) * 2 - 1)[..., None] / (81 * 3)
    bank = np.concatenate([_gratings(16, 9, 1.0, 0.0), checks], axis=3)
    model.get_layer("bank").set_weights([bank, np.zeros(17, np.float32)])
    mix = np.full((1, 1, 17, UNITS), -0.2, np.float32)
    mix[0, 0, 16] = 0.0
    for unit, (a, b) in enumerate(_pairs()):
        mix[0, 0, [a, b], unit] = 1.0
    mix[0, 0, 16, FOOLED] = 8.0
    model.get_layer("pairs").set_weights([mix, np.full(UNITS, 0.02, np.float32)])
    path = tmp_path_factory.mktemp("textures") / "textures.keras"
    model.save(path)
    return path


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that sees slants, other ones, in finer and in coarser waves."""
    import keras

    image = keras.Input((None, None, 3))
    kernels = [_gratings(20, 11, 0.9, 1.0), _gratings(20, 11, 1.25, 0.5)]
    x = keras.layers.Conv2D(40, 11, activation="relu", name="slants")(image)
    model = keras.Model(image, x, name="another")
    weights = [np.concatenate(kernels, axis=3), np.zeros(40, np.float32)]
    model.get_layer("slants").set_weights(weights)
    path = tmp_path_factory.mktemp("another") / "another.keras"
    model.save(path)
    return path


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photographs of four places each, with two gratings of any slants in each."""
    folder, random = tmp_path_factory.mktemp("photographs"), np.random.default_rng(0)
    for number in range(60):
        pixels = random.normal(0.0, 0.1, (144, 144))
        for top in (0, 72):
            for left in (0, 72):
                y, x = np.mgrid[:72, :72]
                for turn in random.integers(0, 16, 2) * np.pi / 16:
                    waves = 1.0 / random.uniform(1.0, 1.8)
                    wave = np.cos(waves * (x * np.cos(turn) + y * np.sin(turn)) + random.random())
                    pixels[top : top + 72, left : left + 72] += wave * random.uniform(0.2, 1.0)
        grey = np.clip(128 + 50 * pixels, 0, 255).astype(np.uint8)
        Image.fromarray(np.repeat(grey[..., None], 3, axis=2)).save(folder / f"{number:02d}.png")
    return folder


def _configuration(textures: Path, another: Path, folder: Path) -> str:
    return (
        f"output: {folder}\nunits: ['pairs:all', '-pairs:0-1', 'bank:0']\n"
        f"model: {{weights: {textures}, range: tf}}\nimage: {{size: {SIZE}}}\n"
        "recipe: {name: draft, steps: 16}\nbatch_size: 16\ncluster: threads\n"
        "explore: {circuits: false, responses: false}\n"
        f"truth: {{kept: false, judge: {another}, judge_layer: slants, photographs: 50}}\n"
    )


@pytest.fixture(scope="module")
def tried(
    textures: Path, another: Path, photographs: Path, tmp_path_factory: pytest.TempPathFactory
) -> AtlasConfig:
    """The configuration of an atlas whose pictures were tried."""
    folder = tmp_path_factory.mktemp("tried") / "atlas"
    config = yaml_file.parse(_configuration(textures, another, folder))
    build(config)
    _show(config, photographs)
    return config


@pytest.fixture
def copied(tried: AtlasConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AtlasConfig:
    """A copy of it, in the working folder."""
    shutil.copytree(tried.output, tmp_path / "atlas")
    monkeypatch.chdir(tmp_path)
    return tried.model_copy(update={"output": str(tmp_path / "atlas")})


def _show(config: AtlasConfig, folder: Path | None, **how) -> examples.Shown:
    pictures = found_in(folder) if folder else []
    return examples.show(planning.existing(config), pictures, silent(), **how)


def _with(config: AtlasConfig, **changes) -> AtlasConfig:
    return config.model_copy(update={"truth": config.truth.model_copy(update=changes)})


def _contents(config: AtlasConfig) -> dict[str, bytes]:
    root = Path(config.output)
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def _pool(config: AtlasConfig) -> trial.Pool:
    [pool] = [p for p in trial.pools(Store.open(config.output)) if p.units[0].reads == ("pairs",)]
    return pool


class Notes:
    """Steps that note in a folder what they are given: they go to the pool as copies."""

    def __init__(self, folder: Path, fail: str = "") -> None:
        """The first look at a batch of this key fails."""
        self._folder, self._fail = folder, fail
        folder.mkdir()

    @property
    def seen(self) -> list[str]:
        """The keys of the batches, sorted."""
        return sorted(
            path.name.rpartition(" ")[0].replace(" ", "/") for path in self._folder.iterdir()
        )

    @property
    def steps(self) -> Steps:
        """What notes."""

        def note(key: str) -> None:
            tries = len(list(self._folder.glob(f"{key.replace('/', ' ')} *")))
            (self._folder / f"{key.replace('/', ' ')} {tries}").touch()
            if key == self._fail and tries == 0:
                raise WorkError("the lights went out")

        def parts(store: Store, batch: Batch[Photograph], most: int | None) -> None:
            note(batch.key)
            work.look_at_parts(store, batch, most)

        def images(store: Store, batch: Batch, most: int | None) -> None:
            note(batch.key)
            work.look_at_images(store, batch, most)

        return Steps(see_parts=parts, see_images=images)


def test_pictures_of_textures_tell_where_there_are_such(tried: AtlasConfig) -> None:
    rows = Atlas.open(tried.output).index.set_index("unit")
    pairs = rows.loc[[f"pairs:{unit}" for unit in range(UNITS) if unit != FOOLED]]
    assert pairs["prediction"].median() > 0.8
    assert pairs["prediction_own"].median() > 0.8
    assert pairs["tells"].mean() > 0.6
    assert pairs["prediction_photo"].median() > 0.6
    assert _is_none(rows.loc["bank:0", "prediction_own"])  # nothing is before the first layer


def _is_none(value: object) -> bool:
    import pandas as pd

    return bool(pd.isna(value))


def test_shuffled_pictures_do_not(tried: AtlasConfig) -> None:
    pool = _pool(tried)
    pictures = pool.judge.directions(pool.units)
    aurocs, tells = [], []
    for shift in range(1, 41, 4):
        order = np.roll(np.arange(len(pictures)), shift)
        found = prediction.of_pictures(pool.judge.crops, pool.subjects, pictures[order], 0)
        aurocs.append(np.nanmedian(found.auroc))
        tells.append(found.tells[found.is_known].mean())
    assert np.mean(aurocs) == pytest.approx(0.5, abs=0.05)
    assert np.mean(tells) <= 0.05


def test_a_planted_picture_is_marked(tried: AtlasConfig) -> None:
    """A checkerboard, which excites the unit more than its own picture, and is in no photograph."""
    pool, store = _pool(tried), Store.open(tried.output)
    row = np.indices((SIZE, SIZE)).sum(axis=0) % 2 * 255
    planted = np.repeat(row.astype(np.uint8)[..., None], 3, axis=2)[None]
    known, judge = store.provenance, pool.looked.noted.eyes.judge
    own = Observer(known.locate_weights(), ("pairs",), known.reading).see(planted, 4)["pairs"]
    place = [unit.id for unit in pool.units].index(f"pairs:{FOOLED}")
    activation = Atlas.open(tried.output).row(f"pairs:{FOOLED}")["activation"]
    assert own.mean[0, FOOLED] > activation
    seen = Observer(judge.located(), (judge.layer,), judge.reading).see(planted, 4)[judge.layer]
    pictures = pool.judge.directions(pool.units)
    pictures[place] = pool.judge.scaled(seen.mean)[0]
    found = prediction.of_pictures(pool.judge.crops, pool.subjects, pictures, 0)
    assert found.is_known[place]
    assert not found.tells[place]


def test_nothing_is_looked_at_twice(copied: AtlasConfig, tmp_path: Path) -> None:
    notes = Notes(tmp_path / "notes")
    before = _contents(copied)
    told = _show(copied, None, steps=notes.steps)
    assert (told.judge, told.photographs, notes.seen) == ("another, slants", 50, [])
    assert told.tell > 0.5 * told.told > 20
    assert _contents(copied) == before | {"whole.json": _contents(copied)["whole.json"]}
    more = copied.model_copy(update={"units": (*copied.units, "pairs:0@1,1")})
    build(more)
    _show(more, None, steps=notes.steps)
    assert notes.seen == ["neurons-pairs/000000"]
    assert np.isfinite(Atlas.open(more.output).row("pairs:0@1,1")["prediction"])


def test_another_judge_looks_and_the_own_network_stays(copied: AtlasConfig, tmp_path: Path) -> None:
    def kept() -> dict[str, bytes]:
        return {name: of for name, of in _contents(copied).items() if "/own/" in name}

    before, notes = kept(), Notes(tmp_path / "notes")
    told = _show(_with(copied, judge="none"), None, steps=notes.steps)
    assert (told.judge, told.told, notes.seen) == ("", 0, [])
    assert kept() == before
    rows = Atlas.open(copied.output).index.set_index("unit")
    assert rows["prediction"].isna().all()
    assert rows["prediction_own"].notna().any()
    store = Store.open(copied.output)
    assert index.is_current(store)
    assert site.is_current(store)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"judge_layer": "slant"}, "has no layer 'slant'; the nearest are slants"),
        ({"judge_layer": "auto"}, r"truth\.judge_layer: name the layer that"),
        ({"judge": "nowhere.keras"}, r"truth\.judge: there is no file"),
        ({"judge": "OWN"}, "is the atlas's own network"),
    ],
)
def test_a_bad_judge_writes_nothing(
    copied: AtlasConfig, textures: Path, photographs: Path, changes: dict[str, str], said: str
) -> None:
    before = _contents(copied)
    if changes.get("judge") == "OWN":
        changes = {"judge": str(textures)}
    with pytest.raises((ConfigError, Exception), match=said):
        _show(_with(copied, **changes), photographs, replace=True)
    assert _contents(copied) == before


def test_it_goes_on_where_it_was(
    textures: Path, another: Path, photographs: Path, tmp_path: Path, tried: AtlasConfig
) -> None:
    config = yaml_file.parse(
        _configuration(textures, another, tmp_path / "atlas"), settings=("build.retries=0",)
    )
    build(config)
    notes = Notes(tmp_path / "notes", fail="photographs/000004")
    with pytest.raises(WorkError, match="photographs/000004: the lights went out"):
        _show(config, photographs, steps=notes.steps)
    assert not Store.open(config.output).folder.has(verdicts.NAME)
    _show(config, None, steps=notes.steps)
    assert notes.seen.count("photographs/000000") == 1
    assert notes.seen.count("photographs/000004") == 2
    here, there = (Atlas.open(of.output).predictions for of in (config, tried))
    assert here.equals(there)  # however it was stopped
    assert {f.state for f in verify.verify(Store.open(config.output))} == {"whole"}


def test_one_photograph_tells_nothing_and_it_says_so(
    copied: AtlasConfig, photographs: Path, tmp_path: Path,
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.png").write_bytes((photographs / "00.png").read_bytes())
    (tmp_path / "atlas_config.yaml").write_text(
        json.dumps({**copied.model_dump(mode="json"), "output": copied.output})
    )
    code, text, error = call(capfd, monkeypatch, "examples", "one", "--replace")
    assert code == 0, error
    assert "no picture was tried on photographs: that takes ten that could be read" in text
    rows = Atlas.open(copied.output).index
    assert rows["prediction"].isna().all()
    assert rows["tells"].isna().all()
    assert not Store.open(copied.output).folder.has(features.LIST)
    assert {f.state for f in verify.verify(Store.open(copied.output))} <= {"whole", "left over"}


def test_a_photograph_that_changed_is_looked_at_again(
    copied: AtlasConfig, photographs: Path, tmp_path: Path
) -> None:
    mine = Path(shutil.copytree(photographs, tmp_path / "mine"))
    _show(copied, mine)
    store = Store.open(copied.output)
    changed = features.noted(store).names[9]
    Image.new("RGB", (144, 144), "grey").save(mine / changed)
    notes = Notes(tmp_path / "notes")
    _show(copied, None, steps=notes.steps)
    assert notes.seen == ["photographs/000001"]


def test_the_command_the_page_and_show_name_the_judge(
    copied: AtlasConfig, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("atlas_config.yaml").write_text(
        json.dumps({**copied.model_dump(mode="json"), "output": copied.output})
    )
    code, text, _ = call(capfd, monkeypatch, "examples")
    assert code == 0
    assert "700 crops of 50 photographs, by the eyes of another, slants: " in text
    rows = Atlas.open(copied.output).index
    unit = rows.loc[rows["tells"].fillna(False), "unit"].iloc[0]
    code, text, _ = call(capfd, monkeypatch, "show", unit)
    assert "The picture tells what excites the unit. Of two crops" in text
    assert "as another, slants sees them" in text
    assert json.loads(call(capfd, monkeypatch, "show", unit, "--json")[1])["judge"] == (
        "another, slants"
    )
    code, text, _ = call(capfd, monkeypatch, "query", "tells", "--columns", "unit,prediction")
    assert (code, unit in text) == (0, True)
    data = "".join(p.read_text() for p in Path("atlas/site/data").glob("*.js"))
    assert '"judge":"another, slants"' in data
    assert "The picture tells what excites the unit." in data
    doubtful = rows.loc[~rows["tells"].fillna(True)]
    if len(doubtful):
        assert "? The picture did not tell" in call(
            capfd, monkeypatch, "show", doubtful["unit"].iloc[0]
        )[1]  # fmt: skip


def _dead_leaves(folder: Path, count: int) -> None:
    """Pictures of coloured discs that lie on each other, of all sizes, as photographs are made up.

    Their spectra and the joint statistics of their edges are those of natural scenes (Lee, Mumford
    and Huang, 2001).
    """
    folder.mkdir()
    random = np.random.default_rng(1)
    y, x = np.mgrid[:192, :192]
    for number in range(count):
        pixels = np.zeros((192, 192, 3))
        for _ in range(400):
            radius = 3.0 * random.random() ** (-1 / 2)  # a power law of sizes
            row, column = random.uniform(-20, 212, 2)
            inside = (y - row) ** 2 + (x - column) ** 2 < radius**2
            stripes = 1 + 0.3 * random.random() * np.sin(random.uniform(0.1, 1.5) * (x + y))
            pixels[inside] = (random.uniform(0, 255, 3) * stripes[..., None])[inside]
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(folder / f"{number:02d}.png")


@pytest.mark.slow
def test_pictures_of_random_weights_tell_their_own_network_and_no_other(tmp_path: Path) -> None:
    import keras

    from pipeline.config.weights import resolve
    from pipeline.model import model_file

    model, random = model_file.read(resolve("bundled")).model, np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            kernel, *rest = layer.get_weights()
            spread = np.sqrt(2.0 / np.prod(kernel.shape[:3]))
            layer.set_weights([random.normal(0.0, spread, kernel.shape), *rest])
    part = keras.Model(model.inputs[0], model.get_layer("mixed1").output, name="random")
    part.save(tmp_path / "random.keras")
    _dead_leaves(tmp_path / "leaves", 24)
    config = yaml_file.parse(
        f"output: {tmp_path}/atlas\nunits: ['mixed1:0-63']\nimage: {{size: 64}}\n"
        f"model: {{weights: {tmp_path}/random.keras, range: tf}}\n"
        "recipe: {name: draft, steps: 12}\nbatch_size: 16\ncluster: threads\nsite: false\n"
        "explore: {circuits: false, responses: false}\ntruth: {kept: false}\n"
    )
    build(config)
    _show(config, tmp_path / "leaves")
    rows = Atlas.open(config.output).index
    assert rows["prediction_own"].median() > 0.75
    assert rows["prediction"].median() < 0.6
    assert rows["tells"].mean() < 0.3

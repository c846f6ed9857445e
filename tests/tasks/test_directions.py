"""Directions from a configuration to the page: rendered, measured, found, drawn, kept, refused."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from builds import build, configuration
from PIL import Image

from pipeline import Atlas
from pipeline.config import yaml_file
from pipeline.errors import AtlasError, ConfigError, UnitError
from pipeline.examples import where
from pipeline.sheets import mosaics
from pipeline.store.store import Store
from pipeline.verify import verify
from tasks import planning

UNITS = (
    "relu:0-5", "relu:1+2-0.5*3", "relu:1>2/3", "relu:1~2", "relu:1+2@1,1", "relu@dir/sae:0-2",
    "-relu@dir/sae:0", "deep:0-3", "deep:0+1",
)  # fmt: skip
SHARES = [0.5, 0.25, 0.125]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("vectors") / "sae.npz"
    rows = np.random.default_rng(1).normal(size=(3, 8)).astype(np.float32)
    rows[2] = np.eye(8)[5]
    np.savez(path, parts=rows, shares=np.array(SHARES))
    return path


def text_of(model: Path, output: Path, file: Path, units: tuple[str, ...] = UNITS) -> str:
    text = configuration(model, output, units).replace("circuits: false", "circuits: true")
    return f"{text}directions: {{sae: {file}}}\n".replace("kept: false", "kept: true")


@pytest.fixture(scope="module")
def atlas(tiny_model: Path, file: Path, tmp_path_factory: pytest.TempPathFactory) -> Atlas:
    folder = tmp_path_factory.mktemp("directed") / "atlas"
    return Atlas.open(build(yaml_file.parse(text_of(tiny_model, folder, file))).folder)


def test_they_are_rendered_and_measured_like_any_other(atlas: Atlas) -> None:
    assert list(atlas.status()) == [
        "relu", "deep", "directions-relu", "directions-relu-sae", "directions-deep",
        "negative-directions-relu-sae", "directions-at-relu", "cosines-relu",
    ]  # fmt: skip
    rows = atlas.index.set_index("unit")
    some = rows.loc[["relu:1+2-0.5*3", "relu:1>2/3/1", "relu@dir/sae:1", "relu:1~2", "deep:0+1"]]
    assert (some["status"] == "done").all()
    assert some["alive"].all()
    for name in ("own_rank", "map_x", "kept", "nearest"):
        assert some[name].notna().all(), name
    assert rows.loc["deep:0+1", "explained"] > 0
    assert rows["channel"].notna().sum() == 10


def test_a_sum_is_what_it_says(atlas: Atlas) -> None:
    responses = atlas.responses("relu:1+2-0.5*3").set_index("unit")["mean"]
    expected = responses["relu:1"] + responses["relu:2"] - 0.5 * responses["relu:3"]
    assert atlas.row("relu:1+2-0.5*3")["activation"] == pytest.approx(expected, rel=1e-4)


def test_the_index_says_what_is_known_of_the_vector(atlas: Atlas) -> None:
    rows = atlas.index.set_index("unit")
    found = rows.loc[[f"relu@dir/sae:{n}" for n in range(3)], "variance_share"]
    assert found.tolist() == SHARES
    row = rows.loc["relu@dir/sae:2"]
    assert (row["closest_channel"], row["closest_cosine"]) == ("relu:5", 1)
    assert rows["variance_share"].notna().sum() == 4
    assert rows.loc["relu:0", ["variance_share", "closest_channel"]].isna().all()


def test_one_hot_is_the_channel_in_an_atlas_too(atlas: Atlas) -> None:
    np.testing.assert_array_equal(atlas.image("relu@dir/sae:2"), atlas.image("relu:5"))


def test_a_path_is_found_and_drawn_as_a_strip_and_a_film(atlas: Atlas, tmp_path: Path) -> None:
    ids = [f"relu:1>2/3/{n}" for n in range(3)]
    assert atlas.query("relu:1>2/3")["unit"].tolist() == ids
    assert atlas.query("relu:1+2")["unit"].tolist() == ["relu:1+2@1,1"]
    atlas.sheet(ids, tmp_path / "strip.png", tile=32, columns=3)
    with Image.open(tmp_path / "strip.png") as strip:
        assert strip.width > 3 * 32
    atlas.sheet(["relu:1>2/3"], tmp_path / "film.webp")
    with Image.open(tmp_path / "film.webp") as film:
        assert film.n_frames == 3


def test_they_are_on_mosaics(atlas: Atlas) -> None:
    assert atlas.folder.has(mosaics.name_of("directions-relu-sae"))
    labels = atlas.folder.read(mosaics.name_of("directions-relu").replace(".png", ".json"))
    assert b"relu:1>2/3/1" in labels


def test_their_map_on_a_picture_is_the_weighted_one(atlas: Atlas) -> None:
    known, picture = atlas.provenance, atlas.image("relu:0")
    maps = [where.fires(known, f"relu:{n}", picture) for n in (1, 2, 3)]
    got = where.fires(known, "relu:1+2-0.5*3", picture)
    np.testing.assert_allclose(got, maps[0] + maps[1] - 0.5 * maps[2], rtol=1e-4, atol=1e-5)


def test_a_picture_excites_them_for_reasons(atlas: Atlas, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    channels = {r.unit.id: r.activation for r in atlas.why(tmp_path / "a.png", ["deep:0-1"])}
    whole, place = atlas.why(tmp_path / "a.png", ["deep:0+1", "deep:0+1@center"])
    assert whole.activation == pytest.approx(sum(channels.values()), rel=1e-4)
    assert place.activation == pytest.approx(whole.activation)
    assert np.isfinite(whole.usual)
    assert whole.sources["source"].str.startswith("relu:").all()
    assert (whole.sources["target"] == "deep:0+1").all()


def test_the_atlas_stands_alone_and_holds_to_its_vectors(
    tiny_model: Path, file: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.npz"
    mine.write_bytes(file.read_bytes())
    units = ("relu@dir/sae:0", "relu@dir/sae:2")
    text = text_of(tiny_model, tmp_path / "atlas", mine, units[:1])
    first = build(yaml_file.parse(text))
    before = Atlas.open(first.folder).image("relu@dir/sae:0")
    mine.unlink()
    build(yaml_file.parse(text_of(tiny_model, tmp_path / "atlas", mine, units)))
    alone = Atlas.open(first.folder)
    np.testing.assert_array_equal(alone.image("relu@dir/sae:0"), before)
    assert alone.row("relu@dir/sae:2")["status"] == "done"
    assert {each.state for each in verify(Store.open(first.folder))} == {"whole"}
    np.savez(mine, parts=np.ones((3, 8)))
    with pytest.raises(ConfigError, match=f"directions.sae: {mine} is not what it was when"):
        planning.make(yaml_file.parse(text))


@pytest.mark.parametrize("content", [None, b"", b"x"])
def test_kept_vectors_that_are_lost_are_told_of_and_made_again(
    tiny_model: Path, file: Path, tmp_path: Path, content: bytes | None
) -> None:
    config = yaml_file.parse(text_of(tiny_model, tmp_path / "atlas", file, ("relu@dir/sae:0",)))
    folder = build(config).folder.path
    kept = folder / "directions/sae.safetensors"
    store, before = Store.open(folder), kept.read_bytes()
    if content is None:
        kept.unlink()
    else:
        kept.write_bytes(content)
    losses = [finding.part for finding in verify(store) if finding.is_loss]
    assert losses == ["directions/sae.safetensors"]
    subprocess.run([sys.executable, "-c", _OPEN, folder], check=True)
    build(config)
    assert kept.read_bytes() == before
    assert {each.state for each in verify(Store.open(folder))} == {"whole"}


_OPEN = """
import sys, pytest
from pipeline.errors import AtlasFolderError
from pipeline.store.store import Store
assert Store.is_lost(sys.argv[1])
with pytest.raises(AtlasFolderError, match="directions/: .*sae.*`atlas build` makes it again"):
    Store.open(sys.argv[1])
"""
"""What another process makes of it, that has not read it before."""


@pytest.mark.parametrize(
    ("unit", "values", "message"),
    [
        ("relu:1+", None, "is no weighted sum"),
        ("relu:1e9*3", None, "is no weighted sum"),
        ("relu@dir/sae:0", np.full((1, 8), np.nan), "is no finite number"),
        ("relu@dir/sae:0", np.zeros((1, 8)), "is zero: it points nowhere"),
        ("relu@dir/sae:0", np.ones((1, 7)), "have 7 numbers, but layer relu has 8 channels"),
        ("relu@dir/sae:1", np.ones((1, 8)), "has rows 0 to 0, not 1"),
        ("relu@dir/else:1", np.ones((1, 8)), "no directions called 'else'"),
    ],
)
def test_bad_ones_are_refused_before_anything_is_written(
    tiny_model: Path, tmp_path: Path, unit: str, values: np.ndarray | None, message: str
) -> None:
    vectors = tmp_path / "sae.npy"
    if values is not None:
        np.save(vectors, values)
    config = yaml_file.parse(text_of(tiny_model, tmp_path / "atlas", vectors, ("relu:0", unit)))
    with pytest.raises(AtlasError, match=message) as caught:
        build(config)
    assert isinstance(caught.value, UnitError | ConfigError)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "atlas").exists()


def test_names_of_files_are_plain(tiny_model: Path, tmp_path: Path) -> None:
    text = configuration(tiny_model, tmp_path / "atlas", ("relu:0",))
    with pytest.raises(ConfigError, match="directions"):
        yaml_file.parse(f"{text}directions: {{'a/b': x.npy}}\n")

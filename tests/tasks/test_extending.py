"""A kind of unit, added in one file: what docs/extending.md says in words."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from builds import build, configuration

from pipeline import Atlas
from pipeline.ascent.objectives import OBJECTIVES, Activations, Aim, Objective
from pipeline.config import yaml_file
from pipeline.errors import UnitError
from pipeline.plan.architecture import Architecture, Squash
from pipeline.plan.kinds import KINDS
from pipeline.plan.patterns import Pattern
from pipeline.plan.units import Kind, Shown, Unit
from pipeline.publish import site
from pipeline.sheets import mosaics

DOCUMENT = Path(__file__).parents[2] / "docs" / "extending.md"


def is_peak(pattern: Pattern) -> bool:
    return pattern.place == "peak"


def peaks(pattern: Pattern, architecture: Architecture) -> list[Unit]:
    layer = pattern.layer(architecture, pattern.head)
    numbers = pattern.numbers(layer.channels, f"layer {layer.name} has channels")
    return [Unit(PEAK, (layer.name,), number) for number in numbers]


def on_pictures(unit: Unit, shown: Mapping[str, Shown], squash: Squash) -> np.ndarray:
    del squash
    return shown[unit.layers[0]].peak[:, unit.index]


PEAK = Kind(
    name="peak",
    forms="LAYER:CHANNELS@peak",
    claims=is_peak,
    expand=peaks,
    id="{layers}:{number}@peak",
    short="{number}@peak",
    section="peaks-{layers}",
    heading="{layers} · peaks",
    words="Channel {number} of {layers}, wherever it is strongest",
    on_pictures=on_pictures,
    has_channel=True,
    has_negative=False,
)


def peak(activations: Activations, aim: Aim) -> tf.Tensor:
    (values,) = activations.values()  # (batch, rows, columns, channels)
    return tf.gather(tf.reduce_max(values, axis=(1, 2)), aim.index, batch_dims=1)


UNITS = ("relu:0-2", "relu:0-2@peak", "relu:1@0,1")
IDS = [f"relu:{number}@peak" for number in range(3)]


@pytest.fixture(scope="module")
def atlas(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Atlas]:
    """An atlas that has units of the new kind beside others, which is known meanwhile."""
    text = configuration(tiny_model, tmp_path_factory.mktemp("extended") / "atlas", UNITS)
    config = yaml_file.parse(text, settings=("recipe.steps=12",))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(KINDS, "peak", PEAK)
        patch.setitem(OBJECTIVES, "peak", Objective(peak))
        yield Atlas.open(build(config).folder)


def test_it_is_planned_rendered_and_measured(atlas: Atlas) -> None:
    assert list(atlas.status()) == ["relu", "neurons-relu", "peaks-relu"]
    rows = atlas.index.set_index("unit").loc[IDS]
    assert (rows["status"] == "done").all()
    assert (rows["kind"] == "peak").all()
    assert rows["channel"].tolist() == [0, 1, 2]
    assert rows["alive"].all()
    assert (rows["activation"] > rows["activation_start"]).all()
    assert rows["own_rank"].notna().all()  # it has a channel
    # Its highest place is judged, and not the mean of its map, which is a statistic.
    assert (rows["activation"] > rows["mean"]).all()


def test_it_is_in_the_mosaics(atlas: Atlas) -> None:
    tiles = json.loads(atlas.folder.read(mosaics.map_of("peaks-relu")))["tiles"]
    assert [(tile["unit"], tile["label"]) for tile in tiles] == [
        (unit, unit.removeprefix("relu:")) for unit in IDS
    ]
    whole = json.loads(atlas.folder.read(mosaics.map_of(mosaics.WHOLE)))["tiles"]
    assert {tile["unit"] for tile in whole} > set(IDS)


def test_it_is_on_the_page(atlas: Atlas) -> None:
    root = atlas.folder.path / site.FOLDER
    now = re.search(r"data/\w+\.js", (root / "data/now.js").read_text())
    text = (root / now[0]).read_text()
    data = json.loads(text[text.index("(") + 1 : text.rindex(")")])
    assert data["kinds"]["peak"] == "Channel {number} of {layers}, wherever it is strongest"
    assert {"name": "peaks-relu", "heading": "relu · peaks", "count": 3} in data["sections"]
    assert {unit for batch in data["batches"] for unit in batch["units"]} > set(IDS)


def test_its_ids_are_read_and_refused(atlas: Atlas) -> None:
    assert atlas.unit("relu:2@peak").kind == PEAK
    assert atlas.image("relu:2@peak").shape == (24, 24, 3)
    with pytest.raises(UnitError, match="peak units have no negative direction"):
        atlas.unit("-relu:2@peak")
    with pytest.raises(UnitError, match=r"softmax:CLASSES or LAYER:CHANNELS@peak, with a leading"):
        atlas.unit("relu")


def test_the_document_has_the_same_code() -> None:
    here = Path(__file__).read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    kind = [block for block in blocks if "PEAK" in block or "peak" in block]
    assert len(kind) >= 2
    for block in kind:
        for part in block.strip().split("\n\n\n"):
            assert part in here

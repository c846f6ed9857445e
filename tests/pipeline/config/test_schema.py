"""Tests of what a configuration may say, and of what follows from it."""

import pytest

from pipeline.config.schema import Address, Local, LocalGpu, Slurm, Threads
from pipeline.config.yaml_file import parse
from pipeline.errors import ConfigError

UNITS = "units: [mixed4:1]\n"


def test_settings_of_what_is_rendered() -> None:
    config = parse(
        UNITS, settings=["render.variants=3", "render.diversity=0.5", "model.range=auto"]
    )
    assert (config.render.group, config.model.range) == (3, "auto")
    assert parse(UNITS, settings=["render.variants=3"]).render.group == 1
    assert parse(UNITS, settings=["model.range=[0, 255]"]).model.range == (0.0, 255.0)
    assert [parse(UNITS + f"cluster: {kind}").is_here for kind in ("local", "threads")] == [
        True
    ] * 2
    assert not parse(UNITS + "cluster: local-gpu").is_here


def test_there_may_be_a_snapshot_of_each_step() -> None:
    config = parse(UNITS, settings=["recipe.steps=7", "render.snapshots=7"])
    assert config.render.snapshots == config.recipe.steps == 7
    with pytest.raises(ConfigError, match=r"^f: render.snapshots \(7\) must not be above recipe"):
        parse(UNITS + "render: {snapshots: 7}", "f", ["recipe.steps=6"])


def test_variants_are_kept_apart_in_one_way() -> None:
    styled = ["render.variants=2", "recipe.styles=[{}, {}]"]
    assert len(parse(UNITS, settings=styled).recipe.each) == 2
    with pytest.raises(ConfigError, match=r"render\.diversity keeps variants apart .*: leave out"):
        parse(UNITS, "f", [*styled, "render.diversity=0.5"])


@pytest.mark.parametrize(
    ("text", "cluster", "device"),
    [
        ("local", Local(), "cpu"),
        ("{kind: local, workers: 2}", Local(workers=2), "cpu"),
        ("threads", Threads(), "cpu"),
        ("{kind: local-gpu, gpus: [0, 2]}", LocalGpu(gpus=(0, 2)), "gpu"),
        ("{kind: address, address: 'tcp://h:1'}", Address(address="tcp://h:1"), "cpu"),
        ("{kind: slurm, jobs: 2, device: gpu}", Slurm(jobs=2, device="gpu"), "gpu"),
    ],
)
def test_clusters(text: str, cluster: object, device: str) -> None:
    config = parse(f"{UNITS}cluster: {text}")
    assert (config.cluster, config.device) == (cluster, device)

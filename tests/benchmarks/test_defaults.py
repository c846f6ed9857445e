"""Tests of measuring peers by their own defaults: which channels, and by whom."""

import argparse
from pathlib import Path

import numpy as np
import pytest

from benchmarks import defaults
from benchmarks.defaults import Peer
from pipeline.config.recipes import RECIPES
from pipeline.config.weights import resolve
from pipeline.plan.kinds import CHANNEL
from pipeline.plan.units import Unit


def test_channels_are_drawn_the_same_each_time_and_more_begin_with_fewer() -> None:
    some = defaults.drawn("mixed4", 16)
    assert some == defaults.drawn("mixed4", 24)[:16]
    assert len({*some}) == 16
    assert 0 <= min(some) < max(some) < 768
    assert some != sorted(some)
    assert some != defaults.drawn("mixed2", 16)


def test_methods_come_in_an_order_and_some_may_be_left_out() -> None:
    every = defaults.wanted(argparse.Namespace(maco=2, only=None))
    assert every == ["article", "tf-keras-vis", "xplique", "xplique-maco", *defaults.OURS]
    assert defaults.wanted(argparse.Namespace(maco=0, only=["draft", "xplique-maco"])) == ["draft"]


def test_a_folder_of_other_pictures_is_refused(tmp_path: Path) -> None:
    defaults.begin(tmp_path, {"isa": "own"}, {"mixed4": [3]})
    defaults.begin(tmp_path, {"isa": "own"}, {"mixed4": [3]})
    with pytest.raises(SystemExit, match="pictures of other settings: name another --folder"):
        defaults.begin(tmp_path, {"isa": "avx2"}, {"mixed4": [3]})


def test_a_peer_that_fails_says_why(tmp_path: Path) -> None:
    reason = defaults.peer(Peer("benchmarks.peers.none"), tmp_path / "x.npz", [1], ["--layer", "a"])
    assert reason.startswith("failed: ")
    assert "No module named benchmarks.peers.none" in reason


@pytest.mark.slow
def test_workers_share_the_channels_and_give_the_pictures_of_one(cpu: None, tmp_path: Path) -> None:
    from pipeline.ascent.engine import Engine

    how = ["--layer", "mixed0", "--size", "75", "--steps", "2", "--recipe", "draft",
           "--precision", "float32", "--rounds", "1"]  # fmt: skip
    out = tmp_path / "mixed0-draft.npz"
    defaults.ours(out, [5, 3, 9], 2, how)
    recipe = RECIPES["draft"].model_copy(update={"steps": 2})
    engine = Engine(resolve("bundled"), recipe, 75, 0, 16)
    alone = engine.compute([Unit(CHANNEL, ("mixed0",), number) for number in (5, 3, 9)]).images
    assert np.array_equal(np.load(out)["images"], alone)
    said = defaults.read(out)
    assert said["steps"] == 2
    assert len(said["seconds"]) == 2
    assert said["settings"] == "float32, batches of 2, a process a core"
    assert [path.name for path in tmp_path.iterdir()] == [out.name]

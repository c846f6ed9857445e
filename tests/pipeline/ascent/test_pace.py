"""Tests of the time of real steps."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from networks import of_one_size, saved

from pipeline.ascent import pace
from pipeline.ascent.results import Pace
from pipeline.plan.kinds import CHANNEL, LOGITS
from pipeline.plan.provenance import Provenance
from pipeline.plan.units import Unit

pytestmark = pytest.mark.usefixtures("cpu")


@pytest.mark.parametrize("kind", [CHANNEL, LOGITS], ids=str)
def test_steps_and_looks_take_time(
    kind: object, make_provenance: Callable[..., Provenance], tmp_path: Path
) -> None:
    weights = saved(of_one_size(16), tmp_path)
    digest = hashlib.sha256(weights.path.read_bytes()).hexdigest()
    known = replace(make_provenance(), weights=replace(weights, sha256=digest))
    layer = ("conv",) if kind is CHANNEL else ()
    found = pace.timed(known, [Unit(kind, layer, number) for number in range(3)])  # type: ignore[arg-type]
    assert isinstance(found, Pace)
    assert 0 < found.look < 1
    assert 0 < found.step < 1
    assert found.compiling > 0

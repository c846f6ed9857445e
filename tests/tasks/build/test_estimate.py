from collections.abc import Callable
from dataclasses import replace

import pytest
from builds import build

from pipeline.errors import WorkError
from tasks import planning
from tasks.build import estimate
from tasks.build.estimate import Rate
from tasks.pool.work import Steps

RATE = Rate(climbing=1e9, looking=0.5e9, compiling=3.0, workers=1)


@pytest.fixture
def cost(configure) -> Callable[..., estimate.Estimate]:
    """A function that estimates six channels with some settings."""

    def estimated(*settings: str) -> estimate.Estimate:
        plan = planning.make(configure(*settings, units=("relu:0-5",)))
        [(_, batches)] = plan.missing()
        return estimate.estimate(plan, batches, rate=RATE)

    return estimated


def test_operations_follow_from_the_network(cost) -> None:
    forward = 2 * 22 * 22 * 3 * 3 * 3 * 8  # a 3 x 3 convolution of a 24 px image to 8 channels
    ascent, measuring = 6 * 4 * 2 * forward, 6 * 18 * forward
    found = cost()
    assert (found.units, found.batches) == (6, 2)
    assert found.operations == ascent + measuring
    assert found.seconds == pytest.approx(ascent / 1e9 + measuring / 0.5e9 + 3.0)
    assert found.stored > 6 * 24 * 24


def test_films_and_variants_cost_their_images(cost) -> None:
    plain, film, three = cost(), cost("render.snapshots=4"), cost("render.variants=3")
    assert film.stored == pytest.approx(5 * plain.stored, rel=0.1)
    assert film.operations == plain.operations
    assert three.units == 18
    assert three.stored == pytest.approx(3 * plain.stored, rel=1e-3)
    assert three.operations == 3 * plain.operations


def test_several_together() -> None:
    known = estimate.Estimate(1, 1, 10.0, 2.0, 100)
    unknown = estimate.Estimate(2, 1, 20.0, None, 200)
    assert estimate.total([known, known]) == estimate.Estimate(2, 2, 20.0, 4.0, 200)
    assert estimate.total([known, unknown]).seconds is None


def _refuse(*_: object) -> None:
    raise ValueError("nobody looks")


def test_responses_go_to_the_deepest_layer_and_count_what_nobody_looked_at(configure) -> None:
    config = configure(units=("relu:0-5", "deep:0"))
    plan = planning.make(config)
    batches = [batch for _, missing in plan.missing() for batch in missing]
    found = estimate.responses(plan, batches, RATE)
    first = 2 * 22 * 22 * 3 * 3 * 3 * 8
    second = 2 * 10 * 10 * 3 * 3 * 8 * 4
    assert found.operations == 7 * (first + second)
    assert found.seconds == pytest.approx(found.operations / 0.5e9)
    assert found.stored == 7 * 2 * 4 * (8 + 4)
    with pytest.raises(WorkError, match="nobody looks"):
        build(config, steps=Steps(measure=_refuse))
    plan = planning.make(config)
    assert not any(missing for _, missing in plan.missing())
    assert estimate.later(plan, [], RATE)["responses"] == found
    assert estimate.later(plan, [], RATE)["index, mosaics, page"] == estimate.writing(plan)
    build(config)
    assert [cost.seconds for cost in estimate.later(plan, [], RATE).values()] == [0, 0, 0, 0]
    without = planning.make(configure("explore.responses=false"))
    assert estimate.responses(without, batches, RATE).operations == 0


def test_views_are_passes_forward_of_what_was_not_seen_so(configure) -> None:
    few = configure(units=("relu:0-5",))
    kept = configure("truth.kept=true", units=("relu:0-5", "deep:0"))
    plan = planning.make(kept)
    batches = [batch for _, missing in plan.missing() for batch in missing]
    found = estimate.views(plan, batches, RATE)
    first, second = 2 * 22 * 22 * 3 * 3 * 3 * 8, 2 * 10 * 10 * 3 * 3 * 8 * 4
    assert found.operations == 8 * (7 * first + second)
    assert found.seconds == pytest.approx(found.operations / 0.5e9)
    assert found.stored == 7 * 8 * 4
    assert estimate.views(planning.make(few), batches, RATE).seconds == 0
    build(few)
    grown = planning.make(kept)
    [missing] = [batches for _, batches in grown.missing() if batches]
    assert estimate.later(grown, missing, RATE)["views"] == found  # those that are there, too
    build(kept)
    assert estimate.later(planning.make(kept), [], RATE)["views"].operations == 0


def test_what_is_written_grows_with_what_there_is_to_show(configure) -> None:
    few = estimate.writing(planning.make(configure(units=("relu:0-2",))))
    more = estimate.writing(planning.make(configure(units=("relu:0-5",))))
    assert more.stored == pytest.approx(2 * few.stored, abs=1)
    assert few.stored > 3 * 24 * 24 * 3
    assert more.seconds == pytest.approx(2 * (few.seconds or 0))


def test_only_this_machine_is_measured(configure) -> None:
    local, remote = configure(), configure("cluster={kind: address, address: 'tcp://far:1'}")
    for measure in (estimate.quick_rate, estimate.real_rate):
        found = measure(planning.make(local))
        assert found is not None
        assert found.looking > 1e5
        assert measure(planning.make(remote)) is None


def test_workers_share_what_is_compiled(configure) -> None:
    plan = planning.make(configure(units=("relu:0-5",)))
    [(_, batches)] = plan.missing()
    alone = estimate.estimate(plan, batches, RATE).seconds
    many = estimate.estimate(plan, batches, replace(RATE, workers=8)).seconds
    assert (alone or 0) - (many or 0) == pytest.approx(3.0 * (1 - len(batches) / 8))

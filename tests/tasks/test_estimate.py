import pytest

from tasks import estimate, planning


def test_operations_follow_from_the_network(configure) -> None:
    plan = planning.make(configure(units=("relu:0-5",)))
    [(_, batches)] = plan.missing()
    cost = estimate.estimate(plan, batches, rate=1e9)
    forward = 2 * 22 * 22 * 3 * 3 * 3 * 8  # a 3 x 3 convolution of a 24 px image to 8 channels
    assert (cost.units, cost.batches) == (6, 2)
    assert cost.operations == 6 * 4 * 2 * forward
    assert cost.seconds == pytest.approx(cost.operations / (0.75 * 1e9))
    assert cost.stored > 6 * 24 * 24


def test_several_together() -> None:
    known = estimate.Estimate(1, 1, 10.0, 2.0, 100)
    unknown = estimate.Estimate(2, 1, 20.0, None, 200)
    assert estimate.total([known, known]) == estimate.Estimate(2, 2, 20.0, 4.0, 200)
    assert estimate.total([known, unknown]).seconds is None


def test_only_this_machine_is_measured(configure) -> None:
    local, remote = configure(), configure("cluster={kind: address, address: 'tcp://far:1'}")
    assert (estimate.machine_rate(planning.make(local)) or 0) > 1e8
    assert estimate.machine_rate(planning.make(remote)) is None

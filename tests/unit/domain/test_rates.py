"""What is believed of rates: from nothing, from history, from this run, and when they contradict."""

from __future__ import annotations

import math

import pytest

from cloudpits.domain.estimation.capacity import capacity_of
from cloudpits.domain.estimation.knowledge import rates_of
from cloudpits.domain.estimation.normal_inverse_gamma import NormalInverseGamma
from cloudpits.domain.estimation.screening import screen
from cloudpits.domain.estimation.tree import Belief, Leaf, Tree
from cloudpits.domain.estimation.workers import worker_rate
from cloudpits.domain.model import InstanceType, RateSample, WorkerReport
from tests.unit.domain.worlds import RATES, TYPES, history, snapshot


def test_history_is_reproduced_where_it_is_plentiful() -> None:
    book = rates_of(snapshot(history=history(samples=50)))
    assert book.of(TYPES["c5.large"]).rate == pytest.approx(1.0, rel=0.02)


def test_a_type_without_samples_follows_its_processor_and_size() -> None:
    known = tuple(s for s in history() if s.instance_type != "m5.xlarge")
    estimate = rates_of(snapshot(history=known)).of(TYPES["m5.xlarge"])
    assert estimate.samples == 0
    assert estimate.rate == pytest.approx(1.8, rel=0.15)
    assert estimate.spread > rates_of(snapshot()).of(TYPES["m5.xlarge"]).spread


def test_without_any_history_rates_are_proportional_to_hardware() -> None:
    book = rates_of(snapshot(history=()))
    assert not book.measured_anything
    assert book.of(TYPES["c5.xlarge"]).rate == pytest.approx(2.0 * book.of(TYPES["c5.large"]).rate)
    assert book.of(TYPES["c5.large"]).rate > book.of(TYPES["m5.large"]).rate


def test_without_any_history_the_limits_tell_the_scale() -> None:
    small, large = rates_of(snapshot(history=(), tasks=1000)), rates_of(snapshot(history=(), tasks=100_000))
    assert large.of(TYPES["c5.large"]).rate == pytest.approx(100.0 * small.of(TYPES["c5.large"]).rate)


def test_one_measurement_sets_the_level_of_all_types() -> None:
    measured = (RateSample("c5.large", 50.0, 0.5, 3),)
    book = rates_of(snapshot(history=(), measured=measured))
    assert book.of(TYPES["c5.xlarge"]).rate == pytest.approx(100.0, rel=0.1)
    assert book.of(TYPES["m5.large"]).rate == pytest.approx(50.0 * 3.1 / 3.4, rel=0.15)


def test_a_common_slow_down_is_carried_over_to_the_types_not_measured_yet() -> None:
    measured = (RateSample("c5.large", 0.9, 0.005, 8), RateSample("m5.large", 0.81, 0.005, 8))
    book = rates_of(snapshot(measured=measured))
    assert book.of(TYPES["m5.xlarge"]).rate == pytest.approx(1.8 * 0.9, rel=0.03)


def test_a_type_that_drifted_has_its_history_forgotten_with_a_reason() -> None:
    book = rates_of(snapshot(measured=(RateSample("c5.large", 0.3, 0.003, 8),)))
    assert "c5.large" in book.drift.forgotten
    assert "its history is forgotten" in book.drift.reasons[0]
    assert book.of(TYPES["c5.large"]).rate == pytest.approx(0.3, rel=0.1)


def test_history_that_contradicts_the_hardware_is_doubted_until_measured() -> None:
    """Four equal processors whose table says factors of 3: rather the table errs."""
    sizes = ("large", "xlarge", "2xlarge", "4xlarge")
    types = {f"c5.{s}": InstanceType(f"c5.{s}", 2 << k, "x86_64", 3.4, 1 << k) for k, s in enumerate(sizes)}
    wrong = tuple(
        RateSample(name, types[name].vcpus * factor, 0.01, 5)
        for name, factor in zip(types, (1.0, 3.0, 1.0, 3.0), strict=True)
    )
    before = rates_of(snapshot(types=types, history=wrong))
    assert before.of(types["c5.xlarge"]).rate / before.of(types["c5.large"]).rate < 4.0
    confirmed = rates_of(snapshot(types=types, history=wrong, measured=(RateSample("c5.xlarge", 12.0, 0.05, 8),)))
    assert confirmed.of(types["c5.xlarge"]).rate == pytest.approx(12.0, rel=0.05)


@pytest.mark.parametrize("rate", [math.nan, math.inf, -math.inf, 0.0, -1.0, 1e300])
def test_an_impossible_rate_is_rejected_with_a_reason(rate: float) -> None:
    screened = screen((RateSample("c5.large", rate, 0.1, 5), RateSample("m5.large", 1.0, 0.1, 5)))
    assert [s.instance_type for s in screened.samples] == ["m5.large"]
    assert screened.rejections[0].subject == "c5.large"
    assert "rate" in screened.rejections[0].reason


def test_a_sample_of_nothing_is_rejected() -> None:
    assert screen((RateSample("c5.large", 1.0, 0.1, 0),)).rejections[0].reason == "it has 0 samples"


def test_an_impossible_spread_alone_does_not_cost_the_sample() -> None:
    assert screen((RateSample("c5.large", 1.0, math.nan, 5),)).samples == (RateSample("c5.large", 1.0, 0.0, 5),)


def test_rejected_history_leaves_a_usable_book() -> None:
    book = rates_of(snapshot(history=(RateSample("c5.large", math.nan, 0.0, 5),)))
    assert not book.measured_anything
    assert 0.0 < book.of(TYPES["c5.large"]).rate < math.inf


def test_conjugate_update_equals_the_textbook_example() -> None:
    """Prior worth 2 observations at 0, then 2 observations with mean 3, spread 1."""
    posterior = NormalInverseGamma(0.0, 2.0, 3.0, 2.0).update(3.0, 1.0, 2)
    assert posterior.mean == pytest.approx(1.5)
    assert (posterior.weight, posterior.shape) == (4.0, 4.0)
    assert posterior.scale == pytest.approx(2.0 + 0.5 * (1.0 + 2.0 * 2.0 * 9.0 / 4.0))


@pytest.mark.parametrize("mean", [5e-324, 1e-300, 1e-12, 1.0, 1e12, 1e300])
@pytest.mark.parametrize("stdev", [0.0, 5e-324, 1e10, 1e308])
def test_no_stored_figure_breaks_the_estimates(mean: float, stdev: float) -> None:
    past = (RateSample("c5.large", mean, stdev, 5), RateSample("m5.large", 0.9, 0.1, 5))
    for state in (snapshot(history=past), snapshot(measured=past)):
        estimate = rates_of(state).of(TYPES["m5.large"])
        assert 0.0 < estimate.rate < math.inf
        assert 0.0 < estimate.spread < math.inf


def test_the_tree_agrees_with_the_joint_gaussian() -> None:
    """Two leaves of one branch, root N(0, 1), τ² 1 each: conditional expectation by hand."""
    tree = Tree([Leaf("a", "f", Belief(1.0, 1e-12))], Belief(0.0, 1.0), lambda _: 1.0, 1.0)
    assert tree.leaf("b", "f").mean == pytest.approx(2.0 / 3.0)  # cov(b, a) / var(a) = 2 / 3
    assert tree.leaf("b", "f").variance == pytest.approx(3.0 - 4.0 / 3.0)
    assert tree.leaf("c", "g").mean == pytest.approx(1.0 / 3.0)
    assert tree.root.mean == pytest.approx(1.0 / 3.0)


def test_a_worker_is_believed_in_part() -> None:
    estimate = rates_of(snapshot()).of(TYPES["c5.large"])
    slow = worker_rate(estimate, WorkerReport(0.5, 0.005, 10, 0.0))
    assert 0.5 < slow < 0.8
    assert worker_rate(estimate, None) == estimate.rate
    assert worker_rate(estimate, WorkerReport(math.nan, 0.0, 0, 0.0)) == estimate.rate


def test_burstable_and_gpu_types_are_not_taken_for_plain_cores() -> None:
    burstable = InstanceType("t3.large", 2, "x86_64", 3.1, 1)
    assert capacity_of(burstable).log_work < capacity_of(TYPES["m5.large"]).log_work
    one = InstanceType("p3.2xlarge", 8, "x86_64", 2.7, 4, 61.0, 1, 3.06)
    four = InstanceType("p3.8xlarge", 32, "x86_64", 2.7, 16, 244.0, 4, 12.24)
    assert capacity_of(four).log_work - capacity_of(one).log_work == pytest.approx(math.log(4.0))
    old = InstanceType("p2.xlarge", 4, "x86_64", 2.7, 2, 61.0, 1, 0.9)
    assert 3.0 < math.exp(capacity_of(one).log_work - capacity_of(old).log_work) < 4.5  # V100 and K80 by data sheet
    unlisted = InstanceType("p99.xlarge", 4, "x86_64", 2.7, 2, 61.0, 1, 4 * 0.9)
    cheaper = unlisted._replace(name="p98.xlarge", on_demand_usd_per_hour=0.9)
    assert capacity_of(unlisted).log_work - capacity_of(cheaper).log_work == pytest.approx(math.log(2.0))


def test_processors_that_differ_more_than_expected_leave_the_others_less_certain() -> None:
    alike = rates_of(snapshot(history=history({"c5.large": 1.0, "m5.large": 0.9})))
    unlike = rates_of(snapshot(history=history({"c5.large": 1.0, "m5.large": 9.0})))
    other = InstanceType("m4.large", 2, "x86_64", 2.4, 1, 8.0, 0, 0.1)
    assert unlike.of(other).spread > 2.0 * alike.of(other).spread
    assert set(RATES) == set(TYPES)


T4S = {
    kind.name: kind
    for kind in (
        InstanceType("g4dn.xlarge", 4, "x86_64", 2.5, 2, 16.0, 1, 0.526),
        InstanceType("g4dn.4xlarge", 16, "x86_64", 2.5, 8, 64.0, 1, 1.204),
        InstanceType("g4dn.12xlarge", 48, "x86_64", 2.5, 24, 192.0, 4, 3.912),
    )
}


@pytest.mark.parametrize(
    ("rates", "twelve"),
    [
        ({"g4dn.xlarge": 4.0, "g4dn.4xlarge": 16.0, "m5.large": 2.0}, 48.0),  # leaves the GPUs idle
        ({"g4dn.xlarge": 9.0, "g4dn.4xlarge": 9.1}, 36.0),  # leaves the CPUs idle
    ],
)
def test_what_a_program_runs_on_is_seen_from_what_it_computes(rates: dict[str, float], twelve: float) -> None:
    """One GPU whatever the size: who computes by vCPUs does not use it; and neither history is taken for wrong."""
    book = rates_of(snapshot(types={**TYPES, **T4S}, history=history(rates)))
    for name, rate in rates.items():
        assert book.of({**TYPES, **T4S}[name]).rate == pytest.approx(rate, rel=0.03)
    assert book.of(T4S["g4dn.12xlarge"]).rate == pytest.approx(twelve, rel=0.15)


def test_as_long_as_nothing_tells_gpus_are_taken_to_be_used() -> None:
    book = rates_of(snapshot(types=T4S, history=history({"g4dn.xlarge": 4.0})))
    assert book.capacity(T4S["g4dn.12xlarge"]) == capacity_of(T4S["g4dn.12xlarge"], on_gpus=True)

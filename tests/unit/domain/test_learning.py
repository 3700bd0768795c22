"""Reports pooled per type, start-up times and interruption rates."""

from __future__ import annotations

import math

import pytest

from cloudpits.domain.estimation.hazard import from_monthly_share, interruptions_per_hour
from cloudpits.domain.estimation.pooling import pool_reports
from cloudpits.domain.estimation.start_up import start_up_seconds
from cloudpits.domain.model import Interruptions, WorkerReport


def report(rate: float, stdev: float = 0.1) -> WorkerReport:
    return WorkerReport(rate, stdev, 10, 0.0)


def test_workers_of_a_type_become_one_sample() -> None:
    (sample,) = pool_reports([("c5.large", report(1.0)), ("c5.large", report(3.0))])
    assert (sample.instance_type, sample.mean, sample.samples) == ("c5.large", 2.0, 2)
    assert sample.stdev == pytest.approx(math.sqrt(2.0))


def test_one_worker_brings_its_own_spread() -> None:
    (sample,) = pool_reports([("c5.large", report(1.0, 0.2))])
    assert sample.stdev == pytest.approx(0.2)


def test_types_come_in_order_whatever_the_order_of_reports() -> None:
    pairs = [("m5.large", report(1.0)), ("c5.large", report(2.0))]
    assert pool_reports(pairs) == pool_reports(pairs[::-1])


@pytest.mark.parametrize("rate", [math.nan, 0.0, -1.0, math.inf])
def test_a_report_that_is_no_rate_is_left_out(rate: float) -> None:
    assert pool_reports([("c5.large", report(rate))]) == ()


def test_a_worker_ten_times_off_its_type_is_left_out() -> None:
    pairs = [("c5.large", report(rate)) for rate in (1.0, 1.1, 0.9, 50.0)]
    assert pool_reports(pairs)[0].mean == pytest.approx(1.0)


def test_no_boots_leave_the_prior() -> None:
    assert start_up_seconds(90.0, ()) == 90.0


def test_boots_move_the_start_up_time_towards_themselves() -> None:
    assert 90.0 < start_up_seconds(90.0, (150.0, 150.0)) < 150.0
    assert start_up_seconds(90.0, (150.0,) * 100) == pytest.approx(150.0, abs=2.0)


def test_a_boot_that_never_ended_does_not_count() -> None:
    assert start_up_seconds(90.0, (math.nan, -5.0, 90.0, 90.0, 90.0, 100_000.0)) == 90.0


def test_the_advisors_bucket_becomes_an_hourly_rate() -> None:
    assert from_monthly_share(0.05) == pytest.approx(-math.log(0.95) / 720.0)


def test_interruptions_seen_raise_the_rate_and_quiet_hours_lower_it() -> None:
    prior = interruptions_per_hour(None, 0.01)
    assert interruptions_per_hour(Interruptions("c5.large", 3, 2.0, 0.01)) > prior
    assert interruptions_per_hour(Interruptions("c5.large", 0, 200.0, 0.01)) < prior


def test_much_exposure_outweighs_the_prior() -> None:
    assert interruptions_per_hour(Interruptions("c5.large", 500, 1000.0, 0.0001)) == pytest.approx(0.5, rel=0.05)

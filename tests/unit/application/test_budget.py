"""The budget holds whatever prices, the policy and the cloud do, as long as prices keep to the requests' maxima."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cloudpits.adapters.memory.fleet import ENDED_ITSELF, INTERRUPTED
from cloudpits.domain.model import Market, Pool
from cloudpits.domain.ports import PricePoint

POOLS = [Pool(name, "us-east-1a", Market.SPOT) for name in ("c5.large", "c5.xlarge", "m5.large")]
CEILINGS = {"c5.large": 0.085, "c5.xlarge": 0.17, "m5.large": 0.096}
EVENTS = st.sampled_from(["quiet", "price peak", "interruption", "stock-out", "job manager dies", "greed"])
INTERVAL_S, DRAIN_S = 300.0, 120.0


def happen(event: str, run: Any) -> None:
    """One thing goes wrong."""
    fleet = run.memory.fleet
    if event == "price peak":
        peaks = [PricePoint(run.clock.now(), pool, CEILINGS[pool.instance_type]) for pool in POOLS]
        run.memory.prices.points.extend(peaks)
    elif event == "interruption" and run.workers:
        fleet.end(run.workers[0], INTERRUPTED)
    elif event == "stock-out":
        fleet.without_capacity ^= {POOLS[0]}
    elif event == "job manager dies" and run.job_managers:
        fleet.end(run.job_managers[0], "Server.InternalError")
    elif event == "greed":
        run.policy.size += 5


def let_drained_workers_go(run: Any) -> None:
    """Agents see to it that a drain takes no longer than it may."""
    run.clock.at += DRAIN_S
    for worker in run.control.drain:
        run.memory.fleet.end(worker, ENDED_ITSELF)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(budget=st.floats(0.05, 1.5), events=st.lists(EVENTS, min_size=30, max_size=30))
def test_the_budget_is_never_exceeded(experiment: Any, budget: float, events: list[str]) -> None:
    with experiment(budget=budget, size=4) as run:
        run.at("10:00")
        for event in events:
            run.cycle()
            let_drained_workers_go(run)
            happen(event, run)
            run.clock.at += INTERVAL_S - DRAIN_S
        run.cycle()
        report = run.report_document
        assert report["spent_usd"] <= budget
        if report["status"] != "running":
            assert run.workers == run.job_managers == []


def test_a_budget_that_pays_no_worker_launches_none_and_says_why(experiment: Any) -> None:
    with experiment(budget=0.01) as run:
        run.cycle(at="10:00")
        report = run.report_document
        assert report["status"] == "stopped"
        assert "budget" in report["message"]
        assert run.memory.fleet.describe() == ()


def test_a_job_manager_that_never_counts_the_tasks_keeps_the_budget(experiment: Any) -> None:
    with experiment(budget=0.20, tasks=None) as run:
        run.at("10:00")
        run.cycle()
        assert run.control.funded_until is not None
        for _ in range(60):
            run.clock.at += INTERVAL_S
            run.cycle()
        report = run.report_document
        assert report["status"] == "stopped"
        assert "budget is used up" in report["message"]
        assert 0.15 < report["spent_usd"] <= 0.20
        assert run.job_managers == []


@pytest.mark.parametrize("silence_s", [1800.0, 7200.0])
def test_instances_that_obey_their_lease_keep_the_budget_when_the_controller_dies(
    experiment: Any, silence_s: float
) -> None:
    with experiment(budget=0.40, size=3) as run:
        for minute in range(0, 20, 5):
            run.cycle(at=f"10:{minute:02}")
        run.clock.at += min(silence_s, run.control.lease_s)
        for worker in (*run.workers, *run.job_managers):
            run.memory.fleet.end(worker, "Client.InstanceInitiatedShutdown")
        run.clock.at += silence_s
        answer = run.handle({"action": "status"})
        assert answer["spent_usd"] <= 0.40

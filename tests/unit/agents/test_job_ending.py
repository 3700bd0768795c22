"""When a job-manager host goes on, restarts or ends."""

from __future__ import annotations

import pytest

from cloudpits.agents.job_ending import MOST_CRASHES, JobDecision, JobStep, decide_job
from cloudpits.agents.orders import Order
from cloudpits.agents.statuses import JobManagerStatus


def decision(
    exit_code: int | None = None,
    state: str = "running",
    crashes: int = 0,
    order: Order = Order.GO_ON,
    *,
    shutting_down: bool = False,
) -> JobDecision:
    status = JobManagerStatus(state=state, message="task 7 failed 4 times" if state == "failed" else "")
    return decide_job(status, exit_code, crashes, order, shutting_down=shutting_down)


def test_while_the_job_manager_runs_it_goes_on() -> None:
    assert decision().step is JobStep.GO_ON


def test_its_orderly_end_completes_the_job() -> None:
    assert decision(exit_code=0, state="completed").step is JobStep.COMPLETED


def test_a_failed_job_says_why() -> None:
    assert decision(exit_code=5, state="failed") == JobDecision(JobStep.FAILED, "task 7 failed 4 times")


def test_a_module_that_cannot_be_loaded_fails_the_job() -> None:
    assert decision(exit_code=2, state="starting").step is JobStep.FAILED


@pytest.mark.parametrize("exit_code", [-9, -11, 1])
def test_a_killed_job_manager_resumes(exit_code: int) -> None:
    assert decision(exit_code=exit_code).step is JobStep.RESTART


def test_not_for_ever() -> None:
    assert decision(exit_code=-9, crashes=MOST_CRASHES).step is JobStep.FAILED


@pytest.mark.parametrize("order", [Order.STOP, Order.LEASE_EXPIRED])
def test_orders_end_it(order: Order) -> None:
    assert decision(order=order) == JobDecision(JobStep.END, order.value)


def test_a_drain_order_is_for_workers() -> None:
    assert decision(order=Order.DRAIN).step is JobStep.GO_ON


def test_a_shutdown_of_the_instance_ends_it() -> None:
    assert decision(shutting_down=True).step is JobStep.END


def test_a_job_that_completed_just_before_the_stop_is_completed() -> None:
    assert decision(exit_code=0, state="completed", order=Order.STOP).step is JobStep.COMPLETED

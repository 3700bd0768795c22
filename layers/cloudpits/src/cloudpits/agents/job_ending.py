"""When the job-manager host goes on, restarts its job manager, or ends: the decision alone, without doing any of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from cloudpits.agents.orders import Order
from cloudpits.agents.statuses import JobManagerStatus

FINAL_EXIT_CODES = (2, 5)  # bad input, and a job that cannot give its result: the same would happen again
MOST_CRASHES = 5


class JobStep(StrEnum):
    """What the job-manager host does next."""

    GO_ON = "go on"
    RESTART = "restart"  # the journal lets it resume
    COMPLETED = "completed"
    FAILED = "failed"
    END = "end"  # leave the job unfinished, to be resumed or not


@dataclass(frozen=True, slots=True)
class JobDecision:
    """The next step and why."""

    step: JobStep
    reason: str = ""


def decide_job(
    status: JobManagerStatus, exit_code: int | None, crashes: int, order: Order, *, shutting_down: bool
) -> JobDecision:
    """What the host does now; ``exit_code`` is the job manager's, None while it runs."""
    if exit_code is not None:
        return _after_exit(status, exit_code, crashes)
    if order in (Order.STOP, Order.LEASE_EXPIRED):
        return JobDecision(JobStep.END, order.value)
    if shutting_down:
        return JobDecision(JobStep.END, "the instance is shutting down")
    return JobDecision(JobStep.GO_ON)


def _after_exit(status: JobManagerStatus, exit_code: int, crashes: int) -> JobDecision:
    if exit_code == 0:
        return JobDecision(JobStep.COMPLETED, status.message)
    ended = f"job manager ended with code {exit_code}"
    if status.state == "failed" or exit_code in FINAL_EXIT_CODES:
        return JobDecision(JobStep.FAILED, status.message or ended)
    if crashes >= MOST_CRASHES:
        return JobDecision(JobStep.FAILED, f"{ended}, as {crashes} times before")
    return JobDecision(JobStep.RESTART, ended)

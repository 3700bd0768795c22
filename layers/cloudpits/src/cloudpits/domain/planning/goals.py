"""From a snapshot to the goal of the optimiser: what is left of job, budget and deadline."""

from __future__ import annotations

import math

from cloudpits.domain.ledger.bounds import ending_s, horizon_s, worker_bound_usd
from cloudpits.domain.model import SECONDS_PER_HOUR, Snapshot, WorkerState
from cloudpits.domain.planning.goal import UNBOUNDED, Goal

CLOSING_SHARE = 1 / 3  # of the longest shutdown: what one takes on average, while the longest is held in reserve


def budget_left(snapshot: Snapshot) -> float:
    """USD not spent yet, less what the leaving workers will probably cost; infinite without a budget.

    The ledger reserves more for them until they are gone; planning with that would mistake it for lost.
    """
    limit = snapshot.limits.budget_usd
    if limit is None:
        return UNBOUNDED
    seconds = ending_s(snapshot.settings)
    leaving = (worker for worker in snapshot.fleet if worker.state is WorkerState.DRAINING)
    return limit - snapshot.spent_usd - sum(worker_bound_usd(worker, seconds, snapshot) for worker in leaving)


def goal_of(snapshot: Snapshot) -> Goal:
    """The rest of the run, counted from the snapshot's instant."""
    limits, settings = snapshot.limits, snapshot.settings
    manager = snapshot.job_manager.usd_per_hour / SECONDS_PER_HOUR
    closing = CLOSING_SHARE * settings.shutdown_s
    return Goal(
        mode=limits.mode,
        tasks=float(snapshot.job.tasks_left),
        budget_usd=budget_left(snapshot),
        deadline_s=math.inf if limits.deadline_s is None else limits.deadline_s - snapshot.elapsed_s,
        manager_usd_per_s=manager,
        closing_s=closing,
        max_workers=limits.max_workers,
        interval_s=settings.interval_s,
        hold_s=horizon_s(settings),
        vcpu_quota=UNBOUNDED if limits.vcpu_quota is None else limits.vcpu_quota,
    )

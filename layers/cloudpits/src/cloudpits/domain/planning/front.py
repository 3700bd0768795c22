"""The time–cost front of a job: which fleets are worth considering, and which one the limits choose."""

from __future__ import annotations

from dataclasses import dataclass

from cloudpits.domain.model import Pool, Snapshot


@dataclass(frozen=True, slots=True)
class FrontPoint:
    """A fleet with its expected makespan (seconds from now) and total cost (USD from now, job manager included)."""

    makespan_s: float
    cost_usd: float
    pool: tuple[tuple[Pool, int], ...]


@dataclass(frozen=True, slots=True)
class PlannedFront:
    """Undominated fleets in order of makespan, the one chosen by the limits (None if infeasible), and why.

    ``cheapest_budget_usd`` and ``fastest_deadline_s`` are the smallest limits that would be feasible.
    """

    points: tuple[FrontPoint, ...]
    chosen: FrontPoint | None
    reasons: tuple[str, ...]
    cheapest_budget_usd: float | None
    fastest_deadline_s: float | None


def plan(snapshot: Snapshot) -> PlannedFront:
    """Time–cost front of what is left of the job. Infeasible limits are told by ``chosen`` being None."""
    offers = [offer for offer in snapshot.offers.values() if offer.available]
    rates = {sample.instance_type: sample.mean for sample in (*snapshot.history, *snapshot.measured)}
    points = []
    for offer in offers:
        rate = rates.get(offer.pool.instance_type, 0.0) * snapshot.limits.max_workers
        if rate <= 0.0:
            continue
        makespan = snapshot.settings.start_up_s + snapshot.job.tasks_left / rate
        hourly = offer.usd_per_hour * snapshot.limits.max_workers + snapshot.job_manager.usd_per_hour
        pool = ((offer.pool, snapshot.limits.max_workers),)
        points.append(FrontPoint(makespan, hourly * makespan / 3600.0, pool))
    if not points:
        return PlannedFront((), None, ("no pool has a known rate",), None, None)
    chosen = min(points, key=lambda point: point.cost_usd)
    return PlannedFront((chosen,), chosen, ("the cheapest",), chosen.cost_usd, chosen.makespan_s)

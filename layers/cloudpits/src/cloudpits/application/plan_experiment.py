"""Plan an experiment before anything is launched: the front of time and cost, and the pool the limits choose."""

from __future__ import annotations

from cloudpits.application.context import Assignment
from cloudpits.application.market import hazards, offers, pool_space
from cloudpits.application.snapshot import Knowledge, Situation, build_snapshot
from cloudpits.domain.errors import InfeasibleError, InvalidInputError
from cloudpits.domain.model import SECONDS_PER_HOUR, Job, RateSample, Snapshot
from cloudpits.domain.planning.front import PlannedFront
from cloudpits.domain.ports import Catalogue, Prices


def planning_snapshot(
    assignment: Assignment,
    catalogue: Catalogue,
    prices: Prices,
    history: tuple[RateSample, ...],
    tasks_total: int,
    now: float,
) -> Snapshot:
    """The run at its start, at ``now`` (UTC): nothing launched, nothing spent, ``history`` in tasks/s.

    Raises InvalidInputError when no offered type has a price.
    """
    space = pool_space(assignment, catalogue)
    exposure = hazards(space, catalogue, ())
    offered = offers(space, prices.history(space.pools, now, now), exposure, (), now)
    if not offered:
        raise InvalidInputError(
            f"experiment {assignment.experiment.name}: workers: none of its {len(space.pools)} pools has a price; "
            "give other instance_types or availability_zones, or another price log"
        )
    knowledge = Knowledge(history=history, interruptions=exposure)
    situation = Situation(now=now, started_at=now, job=Job(tasks_total))
    return build_snapshot(assignment, space, offered, knowledge, situation)


def require_feasible(front: PlannedFront, source: str) -> None:
    """InfeasibleError that names the limit broken and the smallest ones that would do; nothing if it is feasible."""
    if front.chosen is not None:
        return
    budget, deadline = front.cheapest_budget_usd, front.fastest_deadline_s
    remedies = []
    if budget is not None:
        remedies.append(f"the cheapest feasible budget_usd is {budget:.4f}")
    if deadline is not None:
        remedies.append(f"the fastest feasible deadline_hours is {deadline / SECONDS_PER_HOUR:.3f}")
    remedy = "; ".join(remedies) or "no limits would do"
    raise InfeasibleError(f"{source}: limits: infeasible: {'; '.join(front.reasons[:2])}; {remedy}", budget, deadline)

"""Planning before anything runs: the snapshot of a run that would start now, built as the controller builds its own."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cloudpits.application.context import Assignment
from cloudpits.application.market import hazards, offers, pool_space
from cloudpits.application.snapshot import Knowledge, Situation, build_snapshot
from cloudpits.config.experiment import Experiment
from cloudpits.domain.errors import InfeasibleError, InvalidInputError
from cloudpits.domain.model import SECONDS_PER_HOUR, Interruptions, Job, RateSample, Snapshot
from cloudpits.domain.planning.front import PlannedFront
from cloudpits.domain.ports import Catalogue, Prices

_PRECISION = 10**4  # parts of a dollar or an hour that are told


def planning_snapshot(
    assignment: Assignment,
    catalogue: Catalogue,
    prices: Prices,
    history: Sequence[RateSample],
    tasks_total: int,
    now: float,
    interruptions: Sequence[Interruptions] = (),
) -> Snapshot:
    """What a first cycle at ``now`` would decide upon: nothing launched, nothing spent.

    ``prices`` are live ones or a price log's; ``history`` are measured rates of earlier runs. Raises
    InvalidInputError when no instance type matches, when the quota admits none of them, or when no pool has a price.
    """
    space = pool_space(assignment, catalogue)
    assignment.experiment.check_quota(space.types.values())
    exposure = hazards(space, catalogue, interruptions)
    offered = offers(space, prices.history(space.pools, now, now), exposure, (), now)
    if not offered:
        raise InvalidInputError(_nothing_offered(assignment.experiment, len(space.pools)))
    knowledge = Knowledge(history=tuple(history), interruptions=exposure)
    return build_snapshot(assignment, space, offered, knowledge, Situation(now, now, Job(tasks_total)))


def _nothing_offered(experiment: Experiment, pools: int) -> str:
    zones = experiment.workers.availability_zones
    if not pools and zones:
        return (
            f"experiment {experiment.name}: workers.availability_zones: no matching type is offered in "
            f"{', '.join(zones)}; name other zones of {experiment.region}, or leave the field out"
        )
    return (
        f"experiment {experiment.name}: workers: no price is known for any of {pools} pools in "
        f"{experiment.region}; widen instance_types or availability_zones, or give another price log"
    )


def require_feasible(front: PlannedFront, name: str) -> None:
    """Return if the limits can be kept; else InfeasibleError says why not, and the smallest limits that would do."""
    if front.chosen is not None:
        return
    why = "; ".join(front.reasons) or "no fleet keeps the limits"
    raise InfeasibleError(
        f"{name}: limits: {why}; {_remedy(front)}", front.cheapest_budget_usd, front.fastest_deadline_s
    )


def _remedy(front: PlannedFront) -> str:
    """The smallest limits that would do, rounded up, in the words of the experiment file."""
    budget, deadline = front.cheapest_budget_usd, front.fastest_deadline_s
    money = "" if budget is None else f"the cheapest feasible budget_usd is {_rounded_up(budget)}"
    time = (
        "" if deadline is None else f"the fastest feasible deadline_hours is {_rounded_up(deadline / SECONDS_PER_HOUR)}"
    )
    if not (money or time):
        return "no budget or deadline would make it feasible"
    if not (front.budget_suffices or front.deadline_suffices):
        return " and, with it, ".join(filter(None, (time, money)))
    alone = [money if front.budget_suffices else "", time if front.deadline_suffices else ""]
    return ", or ".join(filter(None, alone))


def _rounded_up(amount: float) -> str:
    """Four decimals, never below ``amount``: a limit that was rounded down would be infeasible."""
    return f"{math.ceil(amount * _PRECISION) / _PRECISION:.4f}".rstrip("0").rstrip(".")

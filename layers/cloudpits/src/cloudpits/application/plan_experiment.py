"""Planning before anything runs: the snapshot of a run that would start now, built as the controller builds its own."""

from __future__ import annotations

from collections.abc import Sequence

from cloudpits.application.context import Assignment
from cloudpits.application.market import hazards, offers, pool_space
from cloudpits.application.snapshot import Knowledge, Situation, build_snapshot
from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.model import Interruptions, Job, RateSample, Snapshot
from cloudpits.domain.ports import Catalogue, Prices


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
    InvalidInputError when no instance type matches, or when none of the pools has a price.
    """
    space = pool_space(assignment, catalogue)
    exposure = hazards(space, catalogue, interruptions)
    offered = offers(space, prices.history(space.pools, now, now), exposure, (), now)
    if not offered:
        experiment = assignment.experiment
        raise InvalidInputError(
            f"experiment {experiment.name}: workers: no price is known for any of {len(space.pools)} pools in "
            f"{experiment.region}; widen instance_types or availability_zones, or give another price log"
        )
    knowledge = Knowledge(history=tuple(history), interruptions=exposure)
    return build_snapshot(assignment, space, offered, knowledge, Situation(now, now, Job(tasks_total)))

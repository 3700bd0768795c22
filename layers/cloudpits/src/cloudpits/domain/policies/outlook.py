"""What mpc decides upon: market, goal, running fleet, and whether the rest can still be finished on demand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from cloudpits.domain.estimation.knowledge import rates_of
from cloudpits.domain.guard.handover import staying
from cloudpits.domain.ledger.certificate import Certificate, certificate
from cloudpits.domain.model import Snapshot, WorkerState
from cloudpits.domain.planning.choice import choose
from cloudpits.domain.planning.crew import Crew, crews_of, running_fleet
from cloudpits.domain.planning.goal import Goal
from cloudpits.domain.planning.goals import goal_of
from cloudpits.domain.planning.market import Market, survey
from cloudpits.domain.planning.option import Option
from cloudpits.domain.planning.search import Fleet
from cloudpits.domain.policies.memory import Memory
from cloudpits.domain.rebalancing import replacement
from cloudpits.domain.rebalancing.cooldown import cooling
from cloudpits.domain.rebalancing.resizing import Resizing, from_nothing, resize

ROOM_TO_SPARE = 2.0  # times what is at stake until the next decision, for the certificate to count
SMALLEST_USD = 1e-6  # taken to be at stake at least


@dataclass(frozen=True, slots=True)
class Variant:
    """What can be switched off to see what it is good for."""

    hysteresis: bool = True
    explore: bool = True
    diversification: bool = True
    job_manager_term: bool = True

    @property
    def margin(self) -> float:
        """Share of what a change moves that it must gain."""
        return replacement.MARGIN if self.hysteresis else 0.0


EVERYTHING = Variant()


class Outlook(NamedTuple):
    """Everything one decision is made from."""

    snapshot: Snapshot
    market: Market
    goal: Goal
    crews: Sequence[Crew]
    running: Fleet
    fresh: Sequence[Option]
    memory: Memory
    variant: Variant

    @property
    def untouched(self) -> bool:
        """Whether nothing was launched yet."""
        return not self.snapshot.fleet and self.snapshot.job_manager.launched_at is None

    @property
    def making_room(self) -> bool:
        """Whether workers that were sent away still hold vCPUs which those who come for them need."""
        if self.snapshot.limits.vcpu_quota is None:
            return False
        return any(worker.state is WorkerState.DRAINING for worker in self.snapshot.fleet)

    def resized(self) -> Resizing | None:
        """The best fleet from here; None when nothing runs and nothing can be bought."""
        if self.crews:
            margin = math.inf if self._replaced_just_now() else self.variant.margin
            return resize(self.crews, self.running, self.fresh, self.goal, margin, settled=not self.making_room)
        places = min(self.goal.max_workers, self.snapshot.job.tasks_left)  # of more workers, some would have no task
        best = choose(self.fresh, self.goal._replace(max_workers=places))
        return None if best is None else from_nothing(self.fresh, best, self.goal)

    def _replaced_just_now(self) -> bool:
        """Asked again at the same instant: a replacement has been decided upon, and money alone wants no more."""
        now = self.snapshot.taken_at
        return any(worker.replaces is not None and worker.launched_at >= now for worker in self.snapshot.fleet)


def look(snapshot: Snapshot, variant: Variant) -> tuple[Outlook, Certificate | None]:
    """What there is to decide upon; on the on-demand market alone when the certificate has no slack left."""
    memory = Memory.of(snapshot)
    avoid = cooling((*snapshot.capacity_errors, *memory.refusals()), snapshot.taken_at)
    market, goal = survey(snapshot, rates_of(snapshot), avoid), goal_of(snapshot)
    if not variant.job_manager_term:
        goal = goal._replace(manager_usd_per_s=0.0)
    crews = crews_of(market, staying(snapshot))
    running = running_fleet(crews, goal)
    certified = certificate(goal, market.best_on_demand())
    memory = _certify(memory, certified, goal, running)
    fresh = market.on_demand() if memory.on_demand else market.options()
    return Outlook(snapshot, market, goal, crews, running, fresh, memory, variant), certified


def _certify(memory: Memory, certified: Certificate | None, goal: Goal, running: Fleet) -> Memory:
    """Whether the certificate once had slack to spare, and whether that slack is used up."""
    if certified is None:
        return memory
    at_stake_s = goal.interval_s + certified.option.start_up_s
    spend = goal.manager_usd_per_s + running.totals.usd_per_s
    margin = min(certified.slack_usd / max(SMALLEST_USD, spend * at_stake_s), certified.slack_s / max(1.0, at_stake_s))
    if memory.on_demand:
        enough = ROOM_TO_SPARE + 2.0 * certified.option.start_up_s / at_stake_s
        return replace(memory, on_demand=0.0 <= margin < enough)
    # A fleet that surely finishes need not be given up; and what on-demand workers cannot save, spot ones may.
    surely_done = running.score.violation <= 0.0
    lost = memory.certified and 0.0 <= margin < 1.0 and not surely_done
    certified_now = margin >= ROOM_TO_SPARE or (memory.certified and margin >= 0.0)
    return replace(memory, certified=certified_now, on_demand=lost)

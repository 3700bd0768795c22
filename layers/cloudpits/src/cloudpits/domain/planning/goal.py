"""What a fleet is judged by: expected time and cost of the rest of the job, and how far it misses the limits.

With fleet sums C = Σ usd/s, R = Σ tasks/s and A = Σ rate × start-up, the rest of N tasks takes
T = (N + A)/R and costs (c_J + C)(T + u): everything is paid from now until it has shut down (u seconds).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from cloudpits.domain.model import Mode

UNBOUNDED = math.inf


class Totals(NamedTuple):
    """Sums over a fleet. ``cautious`` is the throughput at lower confidence bounds, ``reserve`` USD held back."""

    workers: int = 0
    vcpus: int = 0
    usd_per_s: float = 0.0
    rate: float = 0.0
    cautious: float = 0.0
    boot_tasks: float = 0.0
    reserve_usd: float = 0.0


EMPTY = Totals()


class Score(NamedTuple):
    """Smaller is better: first the share by which limits are missed, then what the mode minimises."""

    violation: float
    objective: float


NEVER = Score(UNBOUNDED, UNBOUNDED)


@dataclass(frozen=True, slots=True)
class Goal:
    """The rest of the job and its limits, all counted from now (seconds, USD, USD per second)."""

    mode: Mode
    tasks: float
    budget_usd: float
    deadline_s: float
    manager_usd_per_s: float
    manager_reserve_usd: float
    closing_s: float
    max_workers: int
    vcpu_quota: float = UNBOUNDED

    def makespan_s(self, fleet: Totals) -> float:
        """Expected seconds until the last task is committed."""
        return (self.tasks + fleet.boot_tasks) / fleet.rate if fleet.rate > 0.0 else UNBOUNDED

    def cost_usd(self, fleet: Totals) -> float:
        """Expected USD from now until everything has shut down."""
        return (self.manager_usd_per_s + fleet.usd_per_s) * (self.makespan_s(fleet) + self.closing_s)

    def cautious_makespan_s(self, fleet: Totals) -> float:
        """Makespan when every rate is at its lower confidence bound."""
        return (self.tasks + fleet.boot_tasks) / fleet.cautious if fleet.cautious > 0.0 else UNBOUNDED

    def needed_usd(self, fleet: Totals) -> float:
        """Budget that carries the fleet to the end at cautious rates, with what the ledger holds back."""
        running = (self.manager_usd_per_s + fleet.usd_per_s) * (self.cautious_makespan_s(fleet) + self.closing_s)
        return running + fleet.reserve_usd + self.manager_reserve_usd

    def score(self, fleet: Totals) -> Score:
        """Rank of a fleet under the mode and the limits."""
        if fleet.workers <= 0 or fleet.rate <= 0.0 or fleet.cautious <= 0.0:
            return NEVER
        makespan = (self.tasks + fleet.boot_tasks) / fleet.rate
        spend_rate = self.manager_usd_per_s + fleet.usd_per_s
        cautious = makespan * fleet.rate / fleet.cautious
        needed = spend_rate * (cautious + self.closing_s) + fleet.reserve_usd + self.manager_reserve_usd
        violation = 0.0
        if needed > self.budget_usd:
            violation = needed / self.budget_usd - 1.0 if self.budget_usd > 0.0 else UNBOUNDED
        if cautious > self.deadline_s:
            violation += cautious / self.deadline_s - 1.0 if self.deadline_s > 0.0 else UNBOUNDED
        if self.mode is Mode.FASTEST:
            return Score(violation, makespan)
        return Score(violation, spend_rate * (makespan + self.closing_s))

    def fits(self, fleet: Totals) -> bool:
        """Whether the fleet keeps the worker limit and the vCPU quota."""
        return fleet.workers <= self.max_workers and fleet.vcpus <= self.vcpu_quota

    def shadow_price(self, fleet: Totals) -> float:
        """∂cost/∂tasks of the fleet, USD per task: what a task done elsewhere would save."""
        return (self.manager_usd_per_s + fleet.usd_per_s) / fleet.rate if fleet.rate > 0.0 else UNBOUNDED

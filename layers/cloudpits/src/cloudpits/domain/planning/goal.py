"""What a fleet is judged by: expected time and cost of the rest of the job, and how far it misses the limits.

With fleet sums C = Σ usd/s, R = Σ tasks/s and A = Σ rate × start-up, the rest of N tasks takes
T = (N + A)/R and costs (c_J + C)(T + u): everything is paid from now until it has shut down (u seconds).

The ledger holds money back: at every decision, every worker must be payable at its maximum price until it
could have ended (``hold_s``). When less than that is left, it shrinks the fleet; ``run_down`` plays this.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from cloudpits.domain.model import Mode

UNBOUNDED = math.inf
MOST_INTERVALS = 1000  # that a shrinking fleet is followed: where ceilings are absurd, it would never end
THRIFT = 0.001  # share of the time that all of the budget is worth: of fleets as fast as each other, the cheapest
SMALLEST_USD = 1e-6  # taken to be left at least
SMALLEST_SHARE = 0.02  # of a fleet; below it, the money is taken to be used up


class Totals(NamedTuple):
    """Sums over a fleet. ``cautious`` is the throughput at lower confidence bounds, ``ceiling`` USD/s at most."""

    workers: int = 0
    vcpus: int = 0
    usd_per_s: float = 0.0
    rate: float = 0.0
    cautious: float = 0.0
    boot_tasks: float = 0.0
    ceiling: float = 0.0


EMPTY = Totals()
Sums = tuple[int, int, float, float, float, float, float]  # the fields of Totals


class Score(NamedTuple):
    """Smaller is better: first the share by which limits are missed, then what the mode minimises."""

    violation: float
    objective: float


NEVER = Score(UNBOUNDED, UNBOUNDED)


class Course(NamedTuple):
    """How the rest of the run goes: seconds, USD, and the share of the tasks that no money is left for."""

    makespan_s: float
    cost_usd: float
    undone: float = 0.0


class Goal(NamedTuple):
    """The rest of the job and its limits, all counted from now (seconds, USD, USD per second).

    ``interval_s`` passes between decisions; ``hold_s`` is what the ledger must be able to pay at any of them.
    """

    mode: Mode
    tasks: float
    budget_usd: float
    deadline_s: float
    manager_usd_per_s: float
    closing_s: float
    max_workers: int
    interval_s: float
    hold_s: float
    vcpu_quota: float = UNBOUNDED

    def makespan_s(self, fleet: Totals) -> float:
        """Expected seconds until the last task is committed, were there money enough."""
        return (self.tasks + fleet.boot_tasks) / fleet.rate if fleet.rate > 0.0 else UNBOUNDED

    def cost_usd(self, fleet: Totals) -> float:
        """Expected USD from now until everything has shut down, were there money enough."""
        return (self.manager_usd_per_s + fleet.usd_per_s) * (self.makespan_s(fleet) + self.closing_s)

    def cautious_makespan_s(self, fleet: Totals) -> float:
        """Makespan when every rate is at its lower confidence bound."""
        return (self.tasks + fleet.boot_tasks) / fleet.cautious if fleet.cautious > 0.0 else UNBOUNDED

    def course(self, fleet: Totals, rate: float) -> Course:
        """The rest of the run at throughput ``rate``, the ledger's interventions included."""
        makespan = (self.tasks + fleet.boot_tasks) / rate
        spend_rate = self.manager_usd_per_s + fleet.usd_per_s
        hold = (self.manager_usd_per_s + fleet.ceiling) * self.hold_s
        # The whole fleet is kept at every decision until `full`; the job may end in the interval after the last.
        full = (self.budget_usd - hold) / spend_rate
        if makespan <= full or (full >= 0.0 and makespan <= (full // self.interval_s + 1.0) * self.interval_s):
            return Course(makespan, spend_rate * (makespan + self.closing_s))
        return self.run_down(fleet, rate, max(0.0, full))

    def run_down(self, fleet: Totals, rate: float, full_s: float) -> Course:
        """As ``course``, when the budget is so tight that the ledger shrinks the fleet before the end."""
        now = 0.0 if full_s <= 0.0 else (full_s // self.interval_s + 1.0) * self.interval_s
        left = self.tasks + fleet.boot_tasks - rate * now
        spent = (self.manager_usd_per_s + fleet.usd_per_s) * now
        last = now + MOST_INTERVALS * self.interval_s
        while left > 0.0:
            free = self.budget_usd - spent - self.manager_usd_per_s * self.hold_s
            share = min(1.0, free / (fleet.ceiling * self.hold_s)) if fleet.ceiling > 0.0 else 1.0
            workers = math.floor(share * fleet.workers + 1e-9)
            if workers <= 0 or share < SMALLEST_SHARE or now >= last:
                return Course(now, spent, left / self.tasks if self.tasks > 0.0 else 1.0)
            share = workers / fleet.workers
            step = min(self.interval_s, left / (rate * share))
            left -= rate * share * step
            spent += (self.manager_usd_per_s + share * fleet.usd_per_s) * step
            now += step
            if step < self.interval_s:
                break
        return Course(now, spent + self.manager_usd_per_s * self.closing_s)

    def score(self, fleet: Totals) -> Score:
        """Rank of a fleet under the mode and the limits."""
        return Score(*self.judge(fleet[:]))

    def judge(self, sums: Sums) -> tuple[float, float]:
        """``score`` of the fields of ``Totals``, all in plain tuples: called for every fleet that is tried."""
        workers, _, usd_per_s, rate, cautious_rate, boot_tasks, ceiling = sums
        if workers <= 0 or rate <= 0.0 or cautious_rate <= 0.0:
            return NEVER
        makespan = (self.tasks + boot_tasks) / rate
        longest = makespan * rate / cautious_rate if cautious_rate < rate else makespan
        spend_rate = self.manager_usd_per_s + usd_per_s
        most = spend_rate * longest + (self.manager_usd_per_s + ceiling) * self.hold_s
        if most <= self.budget_usd and longest <= self.deadline_s:  # by far the most frequent case
            cost = spend_rate * (makespan + self.closing_s)
            return (0.0, self._thrifty_s(makespan, cost) if self.mode is Mode.FASTEST else cost)
        return self._judge_closely(Totals(*sums))

    def _judge_closely(self, fleet: Totals) -> tuple[float, float]:
        """As ``judge``, when limits may bind."""
        cautious = self.course(fleet, fleet.cautious)
        violation = cautious.undone
        if cautious.makespan_s > self.deadline_s:
            violation += cautious.makespan_s / self.deadline_s - 1.0 if self.deadline_s > 0.0 else UNBOUNDED
        expected = cautious if fleet.cautious == fleet.rate else self.course(fleet, fleet.rate)
        seconds, cost, undone = expected
        return (violation + undone, self._thrifty_s(seconds, cost) if self.mode is Mode.FASTEST else cost)

    def _thrifty_s(self, seconds: float, cost_usd: float) -> float:
        """Seconds, a little more for who spends more: interruptions that cost next to no time are not worth a price."""
        return seconds * (1.0 + THRIFT * min(1.0, cost_usd / max(self.budget_usd, SMALLEST_USD)))

    def fits(self, fleet: Totals) -> bool:
        """Whether the fleet keeps the worker limit and the vCPU quota."""
        return fleet.workers <= self.max_workers and fleet.vcpus <= self.vcpu_quota

    def full(self, fleet: Totals) -> bool:
        """Whether every place is taken."""
        return fleet.workers >= self.max_workers or fleet.vcpus >= self.vcpu_quota

    def shadow_price(self, fleet: Totals) -> float:
        """∂cost/∂tasks of the fleet, USD per task: what a task done elsewhere would save."""
        return (self.manager_usd_per_s + fleet.usd_per_s) / fleet.rate if fleet.rate > 0.0 else UNBOUNDED

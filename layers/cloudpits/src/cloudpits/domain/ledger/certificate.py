"""The completion certificate: whether the rest could still be finished on demand, within budget and deadline.

Spot instances may all go at any moment; on-demand ones stay. As long as the budget left exceeds C_od, the cost of
the rest on the best on-demand type at its lower-bound rate, and the time left exceeds T_od plus two start-ups,
completion is certain. At zero slack the run goes on demand; it returns to spot only with slack to spare.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from cloudpits.domain.planning.goal import EMPTY, Goal, Totals
from cloudpits.domain.planning.option import Option

RESERVE = 0.05  # ε: on top of C_od
BOOTS = 2.0  # start-ups of time that must be left besides T_od
LEAST_SPREAD = 0.01  # of ln(cost): no forecast is surer


@dataclass(frozen=True, slots=True)
class Certificate:
    """What finishing on demand takes, and what is left beyond it (USD, seconds; infinite without a limit)."""

    option: Option
    cost_usd: float
    makespan_s: float
    slack_usd: float
    slack_s: float

    @property
    def holds(self) -> bool:
        return self.slack_usd >= 0.0 and self.slack_s >= 0.0


def certificate(goal: Goal, option: Option | None) -> Certificate | None:
    """The certificate with ``option``, the best on-demand worker; None when there is none."""
    if option is None or option.cautious <= 0.0:
        return None
    cheapest = _fleet(option, _cheapest_size(goal, option))
    fastest = _fleet(option, _most(goal, option))
    spend = goal.manager_usd_per_s + cheapest.usd_per_s
    cost = (1.0 + RESERVE) * spend * (goal.cautious_makespan_s(cheapest) + goal.closing_s)
    makespan = goal.cautious_makespan_s(fastest)
    return Certificate(
        option, cost, makespan, goal.budget_usd - cost, goal.deadline_s - makespan - BOOTS * option.start_up_s
    )


def _fleet(option: Option, count: int) -> Totals:
    return option.added_to(EMPTY, count)


def _most(goal: Goal, option: Option) -> int:
    quota = goal.vcpu_quota / max(1, option.vcpus)
    return max(1, min(goal.max_workers, option.bound, int(min(quota, goal.max_workers))))


def _cheapest_size(goal: Goal, option: Option) -> int:
    """n* = √(c_J N/(r c s)), raised to what the deadline needs, within what is allowed."""
    boot = max(1.0, option.start_up_s)
    best = math.sqrt(goal.manager_usd_per_s * goal.tasks / (option.cautious * option.usd_per_s * boot))
    if math.isfinite(goal.deadline_s):
        useful = goal.deadline_s - BOOTS * option.start_up_s
        best = max(best, goal.tasks / (option.cautious * useful)) if useful > 0.0 else math.inf
    return int(max(1, min(_most(goal, option), math.ceil(best) if math.isfinite(best) else _most(goal, option))))


def completion_probability(goal: Goal, fleet: Totals, spread: float) -> float:
    """P(the fleet finishes within the limits) when ln(rate) errs by ``spread`` and prices stay."""
    if fleet.rate <= 0.0:
        return 0.0
    doubt = NormalDist(0.0, max(LEAST_SPREAD, spread))
    room_usd = goal.budget_usd / goal.cost_usd(fleet) if math.isfinite(goal.budget_usd) else math.inf
    room_s = goal.deadline_s / goal.makespan_s(fleet)
    room = min(room_usd, room_s)
    if room <= 0.0:
        return 0.0
    return 1.0 if math.isinf(room) else doubt.cdf(math.log(room))

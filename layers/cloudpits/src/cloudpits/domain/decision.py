"""One decision: what the policy proposes, made safe by the limits and the hard ledger that all policies share."""

from __future__ import annotations

from dataclasses import replace

from cloudpits.domain.commands import Command, Drain, Forecast, Launch, Plan, Replace, Stop
from cloudpits.domain.guard.admission import admitted
from cloudpits.domain.guard.budget import BudgetGuard
from cloudpits.domain.guard.guarantee import guarantee
from cloudpits.domain.guard.handover import hand_overs
from cloudpits.domain.model import Snapshot
from cloudpits.domain.policies.base import Policy

CAPACITY_ROUNDS = 3  # how often the policy is asked again within a cycle after pools had no capacity
_NO_FORECAST = Forecast(None, None)


def decide(snapshot: Snapshot, policy: Policy, now: float, *, ledger: bool = True) -> Plan:
    """What to do at ``now``. Pure: equal arguments lead to equal plans.

    Whatever the policy proposes, the budget is kept as long as no price exceeds the maximum of its request,
    the limits on workers and vCPUs are kept, and replaced workers leave once their replacement works.

    ``ledger`` is False in one place only, a benchmark that shows what happens without: the budget is then a wish.
    """
    snapshot = snapshot if snapshot.taken_at == now else replace(snapshot, taken_at=now)
    if snapshot.job.tasks_left == 0:
        return Plan((Stop("every task is committed", completed=True),), snapshot.memory)
    proposal = policy.propose(snapshot)
    stop = next((command for command in proposal.commands if isinstance(command, Stop)), None)
    if stop is not None:
        return replace(proposal, commands=(stop,))
    wished = [*hand_overs(snapshot), *proposal.commands]
    guard = BudgetGuard(snapshot if ledger else _without_budget(snapshot))
    commands = _launches_first(guard.enforce(admitted(snapshot, wished)))
    forecast = replace(proposal.forecast or _NO_FORECAST, guarantee=guarantee(snapshot, guard.purse))
    return Plan(tuple(commands), proposal.memory, forecast)


def _without_budget(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, limits=replace(snapshot.limits, budget_usd=None))


def _launches_first(commands: list[Command]) -> list[Command]:
    """Launches before drains: a worker never leaves for one that could not be started."""
    return sorted(commands, key=lambda command: isinstance(command, Drain) - isinstance(command, Launch | Replace))

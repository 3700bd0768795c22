"""One decision: what the policy proposes, made safe by the hard ledger that all policies share."""

from __future__ import annotations

from cloudpits.domain.commands import Plan, Stop
from cloudpits.domain.model import Snapshot
from cloudpits.domain.policies.base import Policy


def decide(snapshot: Snapshot, policy: Policy, now: float) -> Plan:
    """What to do at ``now``. Pure: equal arguments lead to equal plans."""
    if snapshot.job.tasks_left == 0:
        return Plan((Stop("every task is committed", completed=True),), snapshot.memory)
    return policy.propose(snapshot)

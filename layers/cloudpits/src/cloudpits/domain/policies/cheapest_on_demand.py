"""cheapest-on-demand: no spot market, no interruptions: the on-demand fleet with the least cost, kept to the end."""

from __future__ import annotations

from dataclasses import dataclass

from cloudpits.domain.commands import Plan
from cloudpits.domain.guard.handover import staying
from cloudpits.domain.model import Market, Pool, Snapshot
from cloudpits.domain.policies.optimised import best_fixed, refill
from cloudpits.domain.wording import duration, usd


@dataclass(frozen=True, slots=True)
class CheapestOnDemand:
    """The optimiser's fleet restricted to on-demand pools."""

    name: str = "cheapest-on-demand"

    def propose(self, snapshot: Snapshot) -> Plan:
        if staying(snapshot):
            return Plan((), snapshot.memory)
        choice = best_fixed(snapshot, _on_demand)
        if choice is None:
            return Plan((), snapshot.memory)
        why = (
            f"the cheapest on-demand fleet takes {duration(choice.makespan_s)} and costs {usd(choice.cost_usd)}, "
            "and nobody takes it away"
        )
        return Plan(tuple(refill(snapshot, choice.pools, why)), snapshot.memory)


def _on_demand(pool: Pool) -> bool:
    return pool.market is Market.ON_DEMAND

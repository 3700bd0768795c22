"""price-capacity: low prices among the pools that look deep (EC2 Fleet's ``price-capacity-optimized``).

AWS does not publish how deep a pool is. The proxy used here: few interruptions (the advisor's bucket and what
was seen), then a price far below on demand, since the spot price rises as a pool empties. The deeper half of
the pools is kept and the fleet is spread over its three cheapest. Rates are not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cloudpits.domain.commands import Plan
from cloudpits.domain.estimation.hazard import by_type
from cloudpits.domain.model import Market, Snapshot
from cloudpits.domain.policies.ranking import Candidate, candidates, missing, spread

POOLS = 3


@dataclass(frozen=True, slots=True)
class PriceCapacity:
    """Fill the fleet up to ``max_workers`` from the cheapest of the deeper half of the spot pools."""

    name: str = "price-capacity"

    def propose(self, snapshot: Snapshot) -> Plan:
        count = missing(snapshot)
        if count == 0:
            return Plan((), snapshot.memory)
        offered = candidates(snapshot, Market.SPOT) or candidates(snapshot)
        hazards = by_type(snapshot.interruptions)
        deep = sorted(offered, key=lambda c: shallowness(c, hazards))[: max(1, len(offered) // 2)]
        cheapest = sorted(deep, key=lambda c: (c.usd_per_hour, c.pool))[:POOLS]
        return Plan(tuple(spread(cheapest, count, _why)), snapshot.memory)


def shallowness(candidate: Candidate, hazards: Mapping[str, float]) -> tuple[float, float, str]:
    """The proxy: interruptions per hour, then spot price relative to its ceiling."""
    offer = candidate.offer
    hazard = hazards.get(offer.pool.instance_type, offer.interruptions_per_hour)
    return (hazard, offer.usd_per_hour / max(offer.ceiling_usd_per_hour, offer.usd_per_hour), str(offer.pool))


def _why(candidate: Candidate) -> str:
    return f"{candidate.pool} is among the cheapest of the deep pools: {candidate.offer.usd_per_hour:.4f} USD per hour"

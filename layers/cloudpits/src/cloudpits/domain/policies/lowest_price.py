"""lowest-price: always the pool whose instances cost least per hour, whatever they compute.

The allocation strategy ``lowest-price`` of EC2 Fleet: it keeps ``max_workers`` running and never looks at rates.
"""

from __future__ import annotations

from dataclasses import dataclass

from cloudpits.domain.commands import Plan
from cloudpits.domain.model import Market, Snapshot
from cloudpits.domain.policies.ranking import Candidate, candidates, fill, missing


@dataclass(frozen=True, slots=True)
class LowestPrice:
    """Fill the fleet up to ``max_workers`` from the spot pool with the lowest price."""

    name: str = "lowest-price"

    def propose(self, snapshot: Snapshot) -> Plan:
        count = missing(snapshot)
        if count == 0:
            return Plan((), snapshot.memory)
        offered = candidates(snapshot, Market.SPOT) or candidates(snapshot)
        ranked = sorted(offered, key=lambda c: (c.usd_per_hour, c.pool))
        return Plan(tuple(fill(ranked, count, count, _why)), snapshot.memory)


def _why(candidate: Candidate) -> str:
    return f"{candidate.pool} has the lowest price: {candidate.offer.usd_per_hour:.4f} USD per hour"

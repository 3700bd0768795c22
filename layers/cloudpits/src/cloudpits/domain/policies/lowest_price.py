"""lowest-price: always the pool whose instances cost least per hour, whatever they compute (EC2 Fleet's strategy)."""

from __future__ import annotations

from dataclasses import dataclass

from cloudpits.domain.commands import Launch, Plan
from cloudpits.domain.model import Market, Snapshot, WorkerState


@dataclass(frozen=True, slots=True)
class LowestPrice:
    """Fill the fleet up to ``max_workers`` from the pool with the lowest price."""

    name: str = "lowest-price"

    def propose(self, snapshot: Snapshot) -> Plan:
        missing = snapshot.limits.max_workers - sum(w.state is not WorkerState.DRAINING for w in snapshot.fleet)
        offers = [offer for offer in snapshot.offers.values() if offer.available and offer.pool.market is Market.SPOT]
        if missing <= 0 or not offers:
            return Plan((), snapshot.memory)
        best = min(offers, key=lambda offer: (offer.usd_per_hour, offer.pool))
        reason = f"{best.pool} has the lowest price: {best.usd_per_hour:.4f} USD per hour"
        return Plan((Launch(best.pool, missing, reason),), snapshot.memory)

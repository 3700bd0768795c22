"""What the simple policies share: usable offers with their estimated rates, and filling a fleet from a ranking."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from cloudpits.domain.commands import Launch
from cloudpits.domain.estimation.knowledge import rates_of
from cloudpits.domain.estimation.table import RateEstimate
from cloudpits.domain.guard.handover import staying
from cloudpits.domain.model import SECONDS_PER_HOUR, Market, Offer, Pool, Snapshot
from cloudpits.domain.planning.offers import usable
from cloudpits.domain.rebalancing.cooldown import cooling


@dataclass(frozen=True, slots=True)
class Candidate:
    """An offer that can be launched in now, with what is known of its rate."""

    offer: Offer
    estimate: RateEstimate
    usd_per_hour: float  # storage included

    @property
    def pool(self) -> Pool:
        return self.offer.pool

    @property
    def tasks_per_usd(self) -> float:
        return self.estimate.rate * SECONDS_PER_HOUR / self.usd_per_hour

    @property
    def cautious_tasks_per_usd(self) -> float:
        """One standard deviation below, as the original ranked."""
        return self.estimate.at_least(1.0) * SECONDS_PER_HOUR / self.usd_per_hour


def candidates(snapshot: Snapshot, market: Market | None = None) -> list[Candidate]:
    """Usable offers, those in cool-down left out; of one market if given."""
    book = rates_of(snapshot)
    avoid = cooling(snapshot.capacity_errors, snapshot.taken_at)
    storage = snapshot.settings.volume_usd_per_hour
    return [
        Candidate(offer, book.of(snapshot.types[pool.instance_type]), offer.usd_per_hour + storage)
        for pool, offer in snapshot.offers.items()
        if (market is None or pool.market is market)
        and usable(offer)
        and pool.instance_type in snapshot.types
        and not (avoid and pool in avoid)
    ]


def missing(snapshot: Snapshot) -> int:
    """Workers that the fleet lacks of ``max_workers``."""
    return max(0, snapshot.limits.max_workers - len(staying(snapshot)))


def fill(ranked: Iterable[Candidate], count: int, per_pool: int, why: Callable[[Candidate], str]) -> Iterator[Launch]:
    """Launches of ``count`` workers, at most ``per_pool`` each, best pool first."""
    for candidate in ranked:
        if count <= 0:
            return
        taken = min(count, per_pool, candidate.offer.capacity if candidate.offer.capacity is not None else count)
        if taken > 0:
            yield Launch(candidate.pool, taken, why(candidate))
            count -= taken


def spread(ranked: Sequence[Candidate], count: int, why: Callable[[Candidate], str]) -> Iterator[Launch]:
    """Launches of ``count`` workers in equal parts over all of ``ranked``, the first ones getting the remainder."""
    if not ranked or count <= 0:
        return
    each, more = divmod(count, len(ranked))
    for position, candidate in enumerate(ranked):
        share = each + (1 if position < more else 0)
        if share > 0:
            yield Launch(candidate.pool, share, why(candidate))

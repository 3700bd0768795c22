"""A fleet chosen once by the optimiser, and kept: what several baselines start from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from cloudpits.domain.commands import Launch
from cloudpits.domain.guard.handover import staying
from cloudpits.domain.model import Pool, Snapshot
from cloudpits.domain.planning.front import select

Filter = Callable[[Pool], bool]


@dataclass(frozen=True, slots=True)
class Choice:
    """A fixed fleet: workers per pool, with the expected makespan (s) and cost (USD)."""

    pools: tuple[tuple[Pool, int], ...]
    makespan_s: float
    cost_usd: float


def restricted(snapshot: Snapshot, allowed: Filter) -> Snapshot:
    """The snapshot with only the offers of pools that are ``allowed``."""
    return replace(snapshot, offers={pool: offer for pool, offer in snapshot.offers.items() if allowed(pool)})


def best_fixed(snapshot: Snapshot, allowed: Filter) -> Choice | None:
    """The optimiser's fleet from the allowed pools; the one that misses the limits least if none keeps them."""
    selection = select(restricted(snapshot, allowed))
    if selection.fleet is None:
        return None
    counts = zip(selection.options, selection.fleet.counts, strict=True)
    totals = selection.fleet.totals
    pools = tuple((option.pool, count) for option, count in counts if count)
    return Choice(pools, selection.goal.makespan_s(totals), selection.goal.cost_usd(totals))


def refill(snapshot: Snapshot, mix: tuple[tuple[Pool, int], ...], why: str) -> Iterator[Launch]:
    """Launches of what the fleet lacks of ``mix``."""
    running: dict[Pool, int] = {}
    for worker in staying(snapshot):
        running[worker.pool] = running.get(worker.pool, 0) + 1
    for pool, count in mix:
        lacking = count - running.get(pool, 0)
        if lacking > 0:
            yield Launch(pool, lacking, why)

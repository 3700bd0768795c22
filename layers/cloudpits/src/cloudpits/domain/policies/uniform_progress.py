"""uniform-progress: on spot while the job is ahead of the line t·N/D, on demand when it falls behind.

Wu et al., "Can't Be Late: Optimizing Spot Instance Savings under Deadlines" (NSDI 2024), for a fleet: the
hysteresis is two start-ups, and when only just enough time is left for finishing on demand, it goes there for
good (safety net). Without a deadline it stays on spot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cloudpits.domain.commands import Command, Drain, Plan
from cloudpits.domain.guard.handover import staying
from cloudpits.domain.model import Market, Snapshot, Worker
from cloudpits.domain.policies.optimised import best_fixed, refill
from cloudpits.domain.policies.ranking import candidates

MARKET, SAFE = "market", "safe"  # keys of the memory
HYSTERESIS_BOOTS = 2.0


@dataclass(frozen=True, slots=True)
class UniformProgress:
    """One market at a time, chosen by how the progress compares with the line."""

    name: str = "uniform-progress"

    def propose(self, snapshot: Snapshot) -> Plan:
        safe = bool(snapshot.memory.get(SAFE)) or last_moment(snapshot)
        market = Market.ON_DEMAND if safe else wanted_market(snapshot)
        commands = tuple(_move(snapshot, market, _why(snapshot, market, safe)))
        return Plan(commands, {MARKET: str(market), SAFE: safe})


def lead_s(snapshot: Snapshot) -> float:
    """Seconds by which the progress is ahead of the line (behind, if negative); infinite without a deadline."""
    deadline = snapshot.limits.deadline_s
    if deadline is None or snapshot.job.tasks_total <= 0:
        return float("inf")
    return snapshot.job.tasks_committed / snapshot.job.tasks_total * deadline - snapshot.elapsed_s


def wanted_market(snapshot: Snapshot) -> Market:
    """Spot when ahead, on demand when more than two start-ups behind, else as before."""
    band = HYSTERESIS_BOOTS * snapshot.settings.start_up_s
    before = Market(snapshot.memory.get(MARKET, Market.SPOT))
    lead = lead_s(snapshot)
    if before is Market.ON_DEMAND:
        return Market.SPOT if lead > band else Market.ON_DEMAND
    grace = snapshot.elapsed_s <= band  # nothing can be done before the first workers have booted
    return Market.ON_DEMAND if lead < -band and not grace else Market.SPOT


def last_moment(snapshot: Snapshot) -> bool:
    """Whether only just enough time is left to finish on demand, two start-ups included."""
    deadline = snapshot.limits.deadline_s
    if deadline is None:
        return False
    rates = [c.estimate.at_least(1.0) for c in candidates(snapshot, Market.ON_DEMAND)]
    if not rates:
        return False
    fastest = snapshot.job.tasks_left / (max(rates) * snapshot.limits.max_workers)
    return deadline - snapshot.elapsed_s <= fastest + HYSTERESIS_BOOTS * snapshot.settings.start_up_s


def _move(snapshot: Snapshot, market: Market, why: str) -> Iterator[Command]:
    here = [worker for worker in staying(snapshot) if worker.pool.market is market]
    there = [worker for worker in staying(snapshot) if worker.pool.market is not market]
    if here:
        yield from _drains(there, why)
        return
    choice = best_fixed(snapshot, lambda pool: pool.market is market)
    if choice is not None:
        yield from refill(snapshot, choice.pools, why)
        yield from _drains(there, why)


def _drains(workers: list[Worker], why: str) -> Iterator[Command]:
    return (Drain(worker.instance_id, why) for worker in workers)


def _why(snapshot: Snapshot, market: Market, safe: bool) -> str:
    if safe:
        return "only just enough time is left to finish on demand"
    lead = lead_s(snapshot)
    if lead == float("inf"):
        return "no deadline is given, so spot will do"
    side = "ahead of" if lead >= 0.0 else "behind"
    return f"the job is {abs(lead) / 60.0:.0f} min {side} the line to the deadline: {market}"

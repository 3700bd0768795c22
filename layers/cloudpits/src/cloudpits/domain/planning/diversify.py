"""A pool is one failure domain: spread a fleet over zones while that costs next to nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from cloudpits.domain.model import Market as Purchase
from cloudpits.domain.model import Mode, Pool
from cloudpits.domain.planning.goal import EMPTY, Goal, Totals
from cloudpits.domain.planning.market import Market
from cloudpits.domain.planning.option import Option
from cloudpits.domain.planning.search import Fleet

LARGEST_SHARE = 1 / 3  # of the throughput in one pool
LARGEST_WHEN_FASTEST = 1 / 5  # the same where the loss of a pool is the loss of the lead
PRICE_WITH_LIMIT = 0.01  # of the cost, where a lost pool endangers a deadline
PRICE_WHEN_FASTEST = 0.03  # where time counts, not money
SCARCE_SHARE = 0.7  # of the budget: a fleet that needs more is slowed down by every dollar spent on zones
PRICE_OTHERWISE = 0.003  # where it costs only a few start-ups
LOOSE_SHARE = 0.5  # of the deadline: a fleet that needs less has time to recover from a loss


@dataclass(frozen=True, slots=True)
class Spread:
    """Workers per pool, with the sums over them."""

    pools: tuple[tuple[Pool, int], ...]
    totals: Totals
    options: tuple[Option, ...]


def spread_out(
    market: Market, goal: Goal, options: Sequence[Option], fleet: Fleet, *, diversify: bool = True
) -> Spread:
    """The fleet with no spot pool above a third of the throughput (a fifth for speed), as far as that is affordable."""
    allowed = allowed_share(goal, fleet) * fleet.totals.usd_per_s if diversify else -1.0
    most = LARGEST_WHEN_FASTEST if goal.mode is Mode.FASTEST else LARGEST_SHARE
    counts: dict[Option, int] = {}
    for option, count in zip(options, fleet.counts, strict=True):
        if not count:
            continue
        parts, allowed = _split(market, option, count, most * fleet.totals.rate, allowed)
        for part, workers in parts:
            counts[part] = counts.get(part, 0) + workers
    totals = EMPTY
    for part, workers in counts.items():
        totals = part.added_to(totals, workers)
    pools = tuple((part.pool, workers) for part, workers in counts.items())
    return Spread(pools, totals, tuple(counts))


def _split(
    market: Market, option: Option, count: int, most_rate: float, allowed: float
) -> tuple[list[tuple[Option, int]], float]:
    most = max(1, int(most_rate / option.rate + 1e-9))
    if option.running or count <= most or option.pool.market is not Purchase.SPOT:
        return [(option, count)], allowed
    siblings = market.siblings(option.pool)
    most = max(most, math.ceil(count / max(1, len(siblings))))  # with few zones, rather even parts than a rest
    parts: list[tuple[Option, int]] = []
    for offer in siblings[1:]:
        left = count - sum(workers for _, workers in parts)
        if left <= most:
            break
        other = market.option(offer)
        extra = max(0.0, other.usd_per_s - option.usd_per_s)
        affordable = 0 if allowed < 0.0 else left if extra <= 0.0 else int(allowed / extra)
        moved = min(most, left - most, affordable, other.bound)
        if moved <= 0:
            break
        parts.append((other, moved))
        allowed -= moved * extra
    kept = count - sum(workers for _, workers in parts)
    return [(option, kept), *parts], allowed


def allowed_share(goal: Goal, fleet: Fleet) -> float:
    """Share of the fleet's price that spreading may add."""
    if goal.mode is Mode.FASTEST:
        scarce = goal.cost_usd(fleet.totals) > SCARCE_SHARE * goal.budget_usd
        return PRICE_OTHERWISE if scarce else PRICE_WHEN_FASTEST
    tight = goal.makespan_s(fleet.totals) > LOOSE_SHARE * goal.deadline_s
    return PRICE_WITH_LIMIT if tight else PRICE_OTHERWISE
